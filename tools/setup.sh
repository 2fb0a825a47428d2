#!/bin/sh
# Installs what a task needs and is not there yet. Usage: tools/setup.sh [--list] TASK...
#
# TASK is build, check, python, format, tidy or fuzz. Debian packages are installed with apt-get as root or through
# `sudo -n`; what cannot be installed is named, with the command that would do it. `python` makes $VENV (.venv) from
# tools/requirements.txt. Whether something is there is asked by looking for the thing, not for its package, so a
# compiler or a CMake from elsewhere is as good. --list only says what is missing. LLVM 19, zlib and Python's headers are
# wanted, not needed: without the first programs run on the evaluator, without the second compressed .npz archives are not
# read, without the third there is no backend for torch.compile. The reference LAPACK and BLAS are for small builds alone.
set -eu
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
PYTHON=${PYTHON:-python3}
LIST_ONLY=
MISSING=
WANTED=

say() { echo "setup: $*"; }

# need PACKAGE COMMAND...: remembers PACKAGE as missing unless COMMAND succeeds.
need() {
  package=$1
  shift
  if ! "$@" >/dev/null 2>&1; then MISSING="$MISSING $package"; fi
}

# want PACKAGE COMMAND...: the same for what the build can do without.
want() {
  package=$1
  shift
  if ! "$@" >/dev/null 2>&1; then WANTED="$WANTED $package"; fi
}

has_header() { printf '#include <%s>\n' "$1" | ${CC:-cc} -E -x c -; }
has_openblas() { ls /usr/lib/*/openblas-serial/libopenblas.a /usr/include/*/openblas-serial/cblas.h; }
has_lapack() { ls /usr/lib/*/liblapack_pic.a; }
has_blas() { ls /usr/lib/*/blas/libblas.a; }
has_llvm() { ls /usr/lib/llvm-19/include/llvm-c/Core.h /usr/lib/llvm-19/lib/libLLVMCodeGen.a; }
has_static_cxx() { "${CC:-cc}" -print-file-name=libstdc++.a | grep /; }
has_cmake() { cmake --version | awk 'NR==1 { split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25)) }'; }
has_python_header() { "$PYTHON" -c 'import os, sysconfig; os.stat(sysconfig.get_paths()["include"] + "/Python.h")'; }
has_venv() { "$PYTHON" -c 'import ensurepip, venv'; }

need_build() {
  need gcc command -v "${CC:-cc}"
  need libc6-dev has_header stdio.h
  need cmake has_cmake
  need ninja-build command -v ninja
  need libopenblas-serial-dev has_openblas
  want liblapack-dev has_lapack
  want libblas-dev has_blas
  want llvm-19-dev has_llvm
  want g++ has_static_cxx
  want zlib1g-dev has_header zlib.h
  want python3-dev has_python_header
}
need_check() {
  need libcmocka-dev sh -c 'printf "#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <cmocka.h>\n" | cc -E -x c -'
  need binutils command -v nm
}
need_python() {
  need python3 command -v "$PYTHON"
  need python3-venv has_venv
}
need_format() { need clang-format command -v clang-format; }
need_tidy() { need clang-tidy command -v run-clang-tidy; }
need_fuzz() {
  need clang command -v clang
  # Debian keeps libFuzzer's archive in a package named after the version of clang; 14 is Debian 12's.
  need libclang-rt-14-dev sh -c 'ls "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*.a'
}

# Says what is lost without the packages in $WANTED.
say_without() {
  case $WANTED in *llvm* | *g++*) say "going on without$WANTED: programs will run on the evaluator" ;; esac
  case $WANTED in *lapack* | *libblas*) say "going on without$WANTED: a small build (PJRT_SIZE) will hold OpenBLAS" ;; esac
  case $WANTED in *python*) say "going on without$WANTED: no backend for torch.compile" ;; esac
  case $WANTED in *zlib*) say "going on without$WANTED: compressed .npz archives will not be read" ;; esac
}

try_install() {
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $1 >"$log" 2>&1
}

install_missing() {
  [ -n "$MISSING$WANTED" ] || return 0
  if [ -n "$LIST_ONLY" ]; then
    say "missing:$MISSING$WANTED"
    say "as root: apt-get install$MISSING$WANTED   (or: make setup)"
    return 0
  fi
  as_root=
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
      as_root="sudo -n"
    else
      say "missing, and this user is not root:$MISSING$WANTED"
      say "please run: sudo apt-get install$MISSING$WANTED"
      [ -z "$MISSING" ] || exit 1
      say_without
      return 0
    fi
  fi
  if ! command -v apt-get >/dev/null 2>&1; then
    say "missing, and there is no apt-get to install them with:$MISSING$WANTED"
    [ -z "$MISSING" ] || exit 1
    say_without
    return 0
  fi
  say "installing Debian packages:$MISSING$WANTED"
  log=$(mktemp)
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >"$log" 2>&1 && [ -n "$MISSING" ]; then
    tail -20 "$log"
    say "apt-get could not read its package lists"
    exit 1
  fi
  if [ -n "$MISSING" ] && ! try_install "$MISSING"; then
    tail -20 "$log"
    say "apt-get could not install:$MISSING"
    exit 1
  fi
  # One by one: where there is no LLVM 19 there may be a zlib.
  packages=$WANTED
  WANTED=
  for package in $packages; do
    try_install "$package" || { WANTED="$WANTED $package"; tail -3 "$log"; }
  done
  if [ -n "$WANTED" ]; then
    say "apt-get could not install$WANTED (LLVM 19 is in Debian 12 and newer, Ubuntu 24.04 and newer, and at apt.llvm.org)"
    say_without
  fi
  rm -f "$log"
}

make_venv() {
  stamp="$VENV/.requirements"
  if [ -x "$VENV/bin/python" ] && cmp -s tools/requirements.txt "$stamp"; then return 0; fi
  if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$("$PYTHON" --version) is too old: JAX 0.10.2 needs Python 3.11 or newer (set PYTHON=...)"
    exit 1
  fi
  if [ ! -x "$VENV/bin/python" ]; then
    say "making $VENV with $("$PYTHON" --version)"
    "$PYTHON" -m venv "$VENV"
  fi
  say "installing Python packages in $VENV: $(grep -v '^#' tools/requirements.txt | tr '\n' ' ')"
  "$VENV/bin/python" -m pip install -q --disable-pip-version-check -r tools/requirements.txt || {
    say "pip could not install tools/requirements.txt (no network?)"
    exit 1
  }
  cp tools/requirements.txt "$stamp"
}

venv_wanted=
for task in "$@"; do
  case $task in
    --list) LIST_ONLY=1 ;;
    build | check | format | tidy | fuzz) "need_$task" ;;
    python) need_python; venv_wanted=1 ;;
    *) say "unknown task $task"; exit 2 ;;
  esac
done
install_missing
if [ -n "$venv_wanted" ] && [ -z "$LIST_ONLY" ]; then make_venv; fi
