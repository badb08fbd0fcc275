#!/usr/bin/env bash
# Packs what a machine with a GPU and Python's torch, but without our libraries, needs for
# gpu_checks.sh: program, tests, benchmark, a small corpus, scripts; FOLDER.tar.xz is under 64 MiB.
#   tests/bench/pack_gpu.sh BUILD CORPUS FOLDER
# BUILD is of the cuda preset; what is packed is built first, so that nothing old is. CORPUS comes from `bertha prepare`. Unpacked anywhere: FOLDER/gpu_checks.sh PART OUT
set -euo pipefail
[ $# = 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 64; }
source=$(cd "$(dirname "$0")/../.." && pwd) build=$(realpath "$1") corpus=$(realpath "$2")
units=(unit_trainer_{kernels,model,optim} unit_bertha_parallel)
cmake --build "$build" --target bertha bench_step write_batches "${units[@]}"
[ ! -e "$3" ] || [ -e "$3/gpu_checks.sh" ] || { echo "pack_gpu: $3 is there, and was not packed by this script" >&2; exit 64; }
rm -rf "$3" "$3.tar.xz"
cmake --install "$build" --prefix "$3" >/dev/null
folder=$(realpath "$3")
for program in tests/bench/{bench_step,write_batches} "${units[@]/#/tests/}"; do
  cp "$build/$program" "$folder/libexec/bertha/"
  strip --strip-unneeded "$folder/libexec/bertha/$(basename "$program")"
  ln -sf bertha "$folder/bin/$(basename "$program")"  # the launcher starts what it is called by
done
cp -r "$corpus" "$folder/corpus"
cp "$source/tests/bench/gpu_checks.sh" "$source/tests/bench/peer_step.py" "$folder/"
mkdir -p "$folder/pretraining"
cp "$source"/tests/bench/pretraining/{run,peer,batches,curves}.py "$folder/pretraining/"
tar -C "$folder" -cf - . | xz -T0 -2 >"$folder.tar.xz"
kib=$(du -sk "$folder.tar.xz" | cut -f1)
echo "$folder.tar.xz: $((kib / 1024)) MiB"
[ "$kib" -lt $((64 * 1024)) ] || { echo "pack_gpu: over 64 MiB" >&2; exit 65; }
