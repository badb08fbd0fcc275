#!/usr/bin/env bash
# The archive of `cpack`: unpacked elsewhere, with no library of this machine but the C and C++ ones and
# LibTorch, it says its version, prepares a corpus, pretrains on two ranks and predicts.
. "$(dirname "$0")/../support/system.sh"
command -v ompi_info >/dev/null || skip "the archive is made for Open MPI; ompi_info is not here"
cd "$scratch" || exit 1
(cd "$BERTHA_BUILD" && cpack -G TGZ -B "$scratch/made" >"$scratch/cpack.log" 2>&1) || { tail -5 cpack.log; exit 1; }
archive=$(ls made/*.tar.gz); size=$(stat -c %s "$archive")
echo "archive: $((size / 1024)) KiB"
[ "$size" -lt $((64 << 20)) ] || fail "the archive has $size bytes, more than 64 MiB"
mkdir "other place"; tar xzf "$archive" -C "other place"
package=$(echo "$scratch/other place"/*)
for file in share/bertha/configs/bert_tiny.ini share/bertha/slurm/pretrain.sbatch \
  share/bash-completion/completions/bertha share/bertha/licences/libopenmpi3.txt; do
  [ -s "$package/$file" ] || [[ $file == *licences* && ! -e /usr/share/doc/libopenmpi3 ]] || fail "$file is missing"
done

torch=$("$python" -c 'import torch; print(torch.__path__[0])')
bare=(env -i HOME="$scratch" PATH="$package/bin:/usr/bin:/bin" BERTHA_TORCH_DIR="$torch" OMP_NUM_THREADS=1
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
# Every library comes out of the archive, LibTorch's folders or the C and C++ runtime.
foreign=$("${bare[@]}" LD_TRACE_LOADED_OBJECTS=1 LD_LIBRARY_PATH="$package/lib/bertha:$torch/lib:$(echo "$torch"/../nvidia/*/lib | tr ' ' :)" \
  "$package/libexec/bertha/bertha" | grep '=>' | grep -v "$package" | grep -v "$(dirname "$torch")" |
  grep -vE '^\s*lib(c|m|dl|rt|pthread|util|resolv|stdc\+\+|gcc_s)\.so|ld-linux|vdso')
[ -z "$foreign" ] || fail "libraries from outside: $foreign"
expect 64 'no LibTorch' env -i PATH=/usr/bin:/bin BERTHA_TORCH_DIR=/nowhere "$package/bin/bertha" --version
expect 0 'LibTorch 2' "${bare[@]}" bertha --version

awk 'BEGIN { for (d = 0; d < 60; ++d) { for (s = 0; s < 8; ++s) print "the word " d " and the word " (d * s) % 17 " stand here."; print "" } }' >text.txt
expect 0 '' "${bare[@]}" bertha vocab --input.paths text.txt --vocab.size 200 --vocab.output vocab.txt
expect 0 '' "${bare[@]}" mpirun --oversubscribe -n 2 bertha prepare --input.paths text.txt \
  --input.format sentences --tokenizer.vocab vocab.txt --prepare.output corpus
expect 0 'done' "${bare[@]}" mpirun --oversubscribe -n 2 bertha pretrain \
  --config "$package/share/bertha/configs/bert_tiny.ini" "${tiny[@]}" \
  --data.corpus corpus --train.output run --train.steps 2
{ printf 'text\tlabel\n'; for i in $(seq 20); do printf 'the word %s\ta\nhere stands\tb\n' "$i"; done; } >train.tsv
expect 0 '' "${bare[@]}" bertha finetune --train.init run --task.train train.tsv --task.epochs 1 --train.output tuned
printf 'the word\n' >new.txt
expect 0 '"label"' "${bare[@]}" bertha predict --train.init tuned/model --task.input new.txt
finish
