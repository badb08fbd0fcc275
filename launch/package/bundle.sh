#!/usr/bin/env bash
# bundle.sh PREFIX TORCH: adds to an installed Bertha what a bare machine lacks: the shared libraries
# of the program, Open MPI with its plugins and help texts, and the licences of all of it.
# No command here ends before it has read all of its input: pipefail would make that a failure.
set -euo pipefail
prefix=$1 torch=$2
programs=$prefix/libexec/bertha libraries=$prefix/lib/bertha
mkdir -p "$programs" "$libraries/openmpi" "$libraries/pmix" "$prefix/share/openmpi" "$prefix/share/bertha/licences"

mpi_path() { ompi_info --path "$1" --parsable | sed -n "s/^path:$1://p" | sed -n 1p; }
plugins=$(mpi_path pkglibdir) texts=$(mpi_path pkgdatadir) mpi_bin=$(mpi_path bindir)

# What every Linux has, and what comes with LibTorch (its OpenMP, NCCL, CUDA), stays out.
system='^(ld-linux.*|linux-vdso|libc|libm|libpthread|librt|libdl|libutil|libresolv|libgcc_s|libstdc\+\+|libgomp|libnccl|libcuda|libcudart|libcublas|libcublasLt|libnvrtc|libtorch[a-z_]*|libc10[a-z_]*)\.so'
fabrics='lib(ucp|ucs|uct|ucm|fabric|ibverbs|rdmacm|psm|psm2|infinipath|portals|lustreapi|cuda)\.so'
needed() { ldd "$1" | awk '$3 ~ /^\// {print $3}'; }
add_libraries() {
  local library name
  for library in $(needed "$1"); do
    name=$(basename "$library")
    [[ $name =~ $system || $library == "$torch"/* || $library == "$(dirname "$torch")"/nvidia/* ]] && continue
    [ -e "$libraries/$name" ] || { cp -L "$library" "$libraries/$name"; echo "$library" >>"$sources"; }
  done
}

sources=$(mktemp)
trap 'rm -f "$sources"' EXIT
cp -L "$mpi_bin/mpirun" "$mpi_bin/orted" "$programs/"
for program in "$programs"/*; do add_libraries "$program"; done
# Plugins for networks whose drivers a bare machine lacks are left out: TCP and shared memory stay.
for plugin in "$plugins"/mca_*.so; do
  needed "$plugin" | grep -E "/$fabrics" >/dev/null && continue
  cp -L "$plugin" "$libraries/openmpi/"
  add_libraries "$plugin"
done
pmix=$(ldconfig -p 2>/dev/null | awk '/libpmix\.so\.2 / && !found {print $NF; found = 1}')
for folder in "$(dirname "$(readlink -f "${pmix:-/nowhere}")")/pmix" /usr/lib/*/pmix2/lib/pmix; do
  for plugin in "$folder"/*.so; do
    [ -e "$plugin" ] && { cp -L "$plugin" "$libraries/pmix/"; add_libraries "$plugin"; }
  done
done
cp -r "$texts"/. "$prefix/share/openmpi/"
for folder in /usr/lib/*/pmix2/share/pmix /usr/share/pmix; do
  [ -d "$folder" ] && cp -r "$folder" "$prefix/share/"
done
find "$prefix/lib/bertha" -name '*.so*' -exec chmod 755 {} +
find "$prefix/lib/bertha" "$programs" -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
for name in mpirun orted; do ln -sf bertha "$prefix/bin/$name"; done

# Licences: the copyright file of every Debian package that a file came from.
sort -u "$sources" | while read -r library; do
  package=$(dpkg -S "$(realpath "$library")" 2>/dev/null || dpkg -S "*/$(basename "$(realpath "$library")")" 2>/dev/null) || true
  package=${package%%:*}
  echo "$(basename "$library") ${package:-unknown}" >>"$prefix/share/bertha/licences/files.txt"
  [ -e "/usr/share/doc/$package/copyright" ] && cp -L "/usr/share/doc/$package/copyright" "$prefix/share/bertha/licences/$package.txt"
done || true
for package in openmpi-bin openmpi-common libopenmpi3 libpmix2; do
  [ -e "/usr/share/doc/$package/copyright" ] && cp -L "/usr/share/doc/$package/copyright" "$prefix/share/bertha/licences/$package.txt"
done
sort -u -o "$prefix/share/bertha/licences/files.txt" "$prefix/share/bertha/licences/files.txt"
