#!/bin/sh
# Processors below this one, emulated: an instruction that they lack ends the program. Random programs and a unit test on one
# with SSE4.2 (PJRT_CPU=sse) and one with AVX2; one older than generated code asks for leaves all to the evaluator. The
# emulator knows no AVX-512. Usage: x86.sh BUILD_DIR. Exit status 77: it cannot be done here.
set -eu
cd "$1"
[ "$(uname -m)" = x86_64 ] || { echo "skipped: no x86-64"; exit 77; }
qemu=$(command -v qemu-x86_64 || command -v qemu-x86_64-static) ||
  { echo "skipped: no qemu-x86_64 (Debian: apt-get install qemu-user)"; exit 77; }
"$qemu" -cpu help | grep -q Nehalem || { echo "skipped: this qemu knows no Nehalem"; exit 77; }
for cpu in Nehalem Haswell; do
  echo "$cpu:"
  "$qemu" -cpu $cpu ./pj-differential --compiler native --seed 5 --count 20 --threads 1 --limit 300
  "$qemu" -cpu $cpu tests/run_test
done
echo "qemu64:"
"$qemu" -cpu qemu64 ./pj-differential --compiler native --seed 5 --count 20 --threads 1 --limit 300
