#!/bin/sh
# Adds up JUnit reports (ctest, pytest) and prints "N passed, N failed, N skipped". Fails when a test failed, when a
# report is missing or when nothing ran. Usage: tools/tally.sh REPORT.xml...
#
# Plain awk on purpose: the sanitizer job must run where there is no Python.
awk '
  function value(name,    m) {
    if (match($0, "[ \t\n]" name "=\"[0-9]+\"")) {
      m = substr($0, RSTART, RLENGTH)
      gsub(/[^0-9]/, "", m)
      return m + 0
    }
    return 0
  }
  BEGIN {
    RS = ">"
    for (i = 1; i < ARGC; i++) {
      if ((getline line < ARGV[i]) < 0) {
        print "tally: no report " ARGV[i] > "/dev/stderr"
        missing = 1
        ARGV[i] = ""
      }
      close(ARGV[i])
    }
  }
  /<testsuite[ \t\n]/ {
    tests += value("tests")
    failed += value("failures") + value("errors")
    skipped += value("skipped") + value("disabled")
  }
  END {
    printf "%d passed, %d failed, %d skipped\n", tests - failed - skipped, failed, skipped
    exit (failed > 0 || missing || tests == 0)
  }
' "$@" </dev/null
