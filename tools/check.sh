#!/bin/sh
# Runs the tests of a build folder. Usage: tools/check.sh BUILD quick|full|units|san
#
# quick: unit tests of label quick, Python tests not marked slow. full: all of them. units: the first of these alone.
# san: all unit tests, with the sanitizers told to fail loudly. Results go to BUILD/ctest.xml and BUILD/pytest.xml; the last line counts them.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
mode=$2
PY=${PY:-.venv/bin/python}
jobs=$(nproc 2>/dev/null || echo 2)
failed=0
reports=

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1

if [ -f "$build/CTestTestfile.cmake" ]; then
  labels=
  case $mode in quick | units) labels="-L quick" ;; esac
  rm -f "$build/ctest.xml"
  # shellcheck disable=SC2086
  ctest --test-dir "$build" $labels -j "$jobs" --output-on-failure --output-junit ctest.xml || failed=1
  reports="$build/ctest.xml"
else
  echo "check: no unit tests in $build (cmocka was not found when it was configured)"
  failed=1
fi

if [ "$mode" != san ] && [ "$mode" != units ] && [ -d tests/python ]; then
  marks=
  [ "$mode" = quick ] && marks='not slow'
  rm -f "$build/pytest.xml"
  PJRT_BUILD=$build "$PY" -m pytest -q tests/python -m "$marks" --junitxml="$build/pytest.xml" -o cache_dir="$build/.pytest_cache" || failed=1
  reports="$reports $build/pytest.xml"
fi

suite=${STABLEHLO_SUITE:-../shared/suites/stablehlo}
if [ "$mode" = full ]; then
  if [ -d "$suite" ]; then
    "$build/pjrt-suite" "$suite" || failed=1
    "$build/pjrt-suite" --compiler default "$suite" || failed=1
    [ ! -d "$suite/../jax" ] || "$build/pjrt-suite" --compiler default "$suite/../jax" || failed=1
  else
    echo "check: no StableHLO suite at $suite (set STABLEHLO_SUITE): skipped"
  fi
fi

# shellcheck disable=SC2086
tools/tally.sh $reports || failed=1
exit $failed
