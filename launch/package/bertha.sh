#!/usr/bin/env bash
# Starts a program of an unpacked Bertha (bertha, mpirun, orted: by the name it is called by) with the
# libraries that lie beside it and LibTorch from BERTHA_TORCH_DIR or from Python's torch.
here=$(readlink -f "${BASH_SOURCE[0]}")
prefix=$(cd "$(dirname "$here")/.." && pwd -P)
program=$(basename "$0")
[ -x "$prefix/libexec/bertha/$program" ] || program=bertha

find_torch() {
  local python
  for python in "${BERTHA_PYTHON:-python3}" python; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -c 'import importlib.util as u
print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null && return
  done
}

# Set by the outer call for the ranks that mpirun starts: Python is asked once, not once a rank.
if [ "${BERTHA_PACKAGE:-}" != "$prefix" ]; then
  torch=${BERTHA_TORCH_DIR:-$(find_torch)}
  if [ ! -e "$torch/lib/libtorch_cpu.so" ]; then
    echo "bertha: error: no LibTorch in '${torch}' (BERTHA_TORCH_DIR, or Python's torch): pip install torch, or set BERTHA_TORCH_DIR to the folder that holds lib/libtorch_cpu.so" >&2
    exit 64
  fi
  libraries=$prefix/lib/bertha:$torch/lib
  for folder in "$torch"/../nvidia/*/lib; do
    [ -d "$folder" ] && libraries=$libraries:$folder
  done
  # An archive made with NCCL wants the one that pip installs with torch.
  missing=$(LD_LIBRARY_PATH=$libraries ldd "$prefix/libexec/bertha/bertha" 2>/dev/null | awk '/not found/ {print $1}' | sort -u | tr '\n' ' ')
  if [ -n "$missing" ]; then
    echo "bertha: error: not found here: ${missing}(beside LibTorch in '${torch}'); pip install torch with its dependencies, such as nvidia-nccl-cu13, brings them" >&2
    exit 64
  fi
  export BERTHA_PACKAGE=$prefix BERTHA_TORCH_DIR=$torch HWLOC_HIDE_ERRORS=${HWLOC_HIDE_ERRORS:-2}
  export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export OPAL_PREFIX=$prefix OPAL_BINDIR=$prefix/bin OPAL_LIBDIR=$prefix/lib/bertha
  export OPAL_PKGLIBDIR=$prefix/lib/bertha/openmpi OPAL_PKGDATADIR=$prefix/share/openmpi
  export OPAL_DATADIR=$prefix/share OPAL_SYSCONFDIR=$prefix/etc/openmpi
  export PMIX_INSTALL_PREFIX=$prefix PMIX_PKGLIBDIR=$prefix/lib/bertha/pmix PMIX_PKGDATADIR=$prefix/share/pmix
fi
case $program in
  mpirun) exec "$prefix/libexec/bertha/mpirun" -x LD_LIBRARY_PATH -x BERTHA_PACKAGE -x BERTHA_TORCH_DIR "$@" ;;
  *) exec "$prefix/libexec/bertha/$program" "$@" ;;
esac
