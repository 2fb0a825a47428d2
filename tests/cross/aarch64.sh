#!/bin/sh
# Kernels for aarch64: builds the tests of generated code for that processor and runs them under qemu; the code itself
# comes from this machine's code generator. Usage: aarch64.sh SOURCE_DIR OBJECT_PROGRAM WORK_DIR. Exit status 77: it
# cannot be done here.
set -eu
source=$1
PJ_CROSS_OBJECT=$2
work=$3
export PJ_CROSS_OBJECT
skip() {
  echo "skipped: $*"
  exit 77
}
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null || skip "no $cc (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)"
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || skip "no qemu-aarch64 (Debian: apt-get install qemu-user)"
"$PJ_CROSS_OBJECT" aarch64 || skip "this build's LLVM generates no code for aarch64"

mkdir -p "$work"
cd "$source"
for name in jit_ops jit_memory jit_control; do
  $cc -std=gnu17 -O1 -g -static -D_GNU_SOURCE -ffp-contract=off -fno-strict-aliasing -Itests/cross -Itests/unit -Isrc \
    -o "$work/$name" tests/unit/${name}_test.c tests/unit/jit_support.c tests/cross/jit.c tests/cross/wire.c \
    src/emit/jit_link.c src/emit/jit_memory.c src/emit/extern.c src/kernel/kir*.c src/kernel/target.c src/base/*.c src/ir/float_bits.c -lm -lpthread
  echo "$name:"
  $qemu "$work/$name"
done
