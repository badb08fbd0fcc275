#!/usr/bin/env bash
# Installs what building and running Bertha needs on Debian 12 or Ubuntu 24.04: distribution
# packages (as root or with sudo) and LibTorch out of the PyPI wheel. Asks nothing, says what it
# installs, is quick when there is nothing to do.
#   launch/setup.sh           what building and running on CPUs needs
#   launch/setup.sh --tests   also the Python peers the parity tests compare with
#   launch/setup.sh --gpu     LibTorch with its CUDA libraries and NCCL
# Where the Python environment goes: ${BERTHA_DEPS:-$HOME/.cache/bertha}/python.
set -euo pipefail

tests=0 gpu=0
for argument in "$@"; do
  case $argument in
    --tests) tests=1 ;;
    --gpu) gpu=1 ;;
    *) echo "setup.sh: unknown option $argument; known: --tests --gpu" >&2; exit 64 ;;
  esac
done

deps=${BERTHA_DEPS:-$HOME/.cache/bertha}
python=$deps/python/bin/python
torch=2.11.0
say() { echo "setup: $*" >&2; }
fail() { say "error: $*"; exit 74; }

packages=(g++ make cmake ninja-build ccache mold git ca-certificates
  libopenmpi-dev openmpi-bin openssh-client libhdf5-dev libboost-program-options-dev libgtest-dev
  libgmock-dev libicu-dev nlohmann-json3-dev libexpat1-dev zlib1g-dev libdeflate-dev libbz2-dev libzstd-dev
  libfmt-dev libssl-dev python3 python3-venv)
# For the system tests: h5dump, pgrep, zsh for its completion, and a real Slurm in namespaces of its own.
[ "$tests" = 0 ] || packages+=(bzip2 hdf5-tools procps iproute2 slurm-wlm munge zsh)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: taking for granted that compilers and libraries are there (${packages[*]})"
    return
  fi
  local missing root=()
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing, and there is neither root nor sudo: ${missing[*]}"
    root=(sudo)
  fi
  say "installing packages: ${missing[*]}"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1 || { tail -5 "$log" >&2; fail "apt-get update failed"; }
  # RUNLEVEL=1: packages that bring services (munge, Slurm) do not start them.
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends \
    "${missing[@]}" >"$log" 2>&1 || { tail -5 "$log" >&2; fail "apt-get install failed"; }
}

# Installs into the environment once: the stamp names what is there.
pip_install() {
  local stamp=$deps/python/installed-$1; shift
  [ "$(cat "$stamp" 2>/dev/null)" != "$*" ] || return 0
  say "installing Python packages: $*"
  "$python" -m pip install --quiet --disable-pip-version-check "$@" >"$log" 2>&1 ||
    { tail -5 "$log" >&2; fail "pip install failed"; }
  echo "$*" >"$stamp"
}

mkdir -p "$deps"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_packages
if [ ! -x "$python" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
  say "making a Python environment in $deps/python"
  base=python3; [ ! -x /usr/bin/python3 ] || base=/usr/bin/python3
  "$base" -m venv "$deps/python" || fail "python3 -m venv failed"
fi
if [ "$tests" = 1 ] || [ "$gpu" = 1 ]; then
  pip_install torch-complete "torch==$torch"
  # Headers that the CUDA runtime's own include: with them NCCL is built in and tested without a toolkit.
  pip_install cuda-headers --no-deps nvidia-cuda-crt==13.0.88 nvidia-cuda-cccl==13.0.85
elif [ ! -e "$deps/python/installed-torch-complete" ]; then
  # The CPU part of LibTorch needs just these two of the wheel's many dependencies.
  pip_install torch-cpu --no-deps "torch==$torch" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
fi
if [ "$tests" = 1 ]; then
  pip_install peers transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 h5py==3.16.0 \
    tensorboard==2.21.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
  pip_install seqeval --no-deps seqeval==1.2.2  # pure Python; all it needs is there
  # Of gensim only what reads Wikipedia: with numpy and scipy, whose versions stay, that is all it needs.
  pip_install gensim --no-deps gensim==4.4.0 smart_open==9.0.2 wrapt==2.5.2
fi
