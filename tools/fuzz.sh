#!/bin/sh
# Runs each fuzzer of a build folder for a while, from the seeds in fuzz/corpus/NAME when there are any.
# Usage: tools/fuzz.sh BUILD SECONDS [NAME...]. A finding is left in BUILD/NAME-* and fails the run.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2
shift 2
failed=0
[ $# -gt 0 ] || set -- $(cd "$build" && ls | sed -n 's/^fuzz-\([a-z_]*\)$/\1/p')
for name in "$@"; do
  mkdir -p "$build/corpus/$name"
  seeds=
  [ -d "fuzz/corpus/$name" ] && seeds="fuzz/corpus/$name"
  [ -f "fuzz/$name.dict" ] && seeds="$seeds -dict=fuzz/$name.dict"
  echo "fuzz: $name for $seconds s"
  # shellcheck disable=SC2086
  "$build/fuzz-$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$build/$name-" "$build/corpus/$name" $seeds >"$build/fuzz-$name.log" 2>&1 || {
    tail -40 "$build/fuzz-$name.log"
    failed=1
  }
  grep -E 'number_of_executed_units|slowest_unit|peak_rss' "$build/fuzz-$name.log" || true
done
exit $failed
