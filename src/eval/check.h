// Comparing results with expectations as the StableHLO suites do.
#pragma once
#include "eval/eval.h"

// Registers the custom call targets check.expect_eq, check.expect_close, check.expect_almost_eq and
// check.eq. A check that fails ends the run with FAILED_PRECONDITION naming the first element that
// differs.
PjStatus pj_check_register(void);

typedef enum PjCheckRule { PJ_CHECK_EQ, PJ_CHECK_ALMOST, PJ_CHECK_ULP } PjCheckRule;

typedef struct PjCheck {
  PjCheckRule rule;
  double tolerance;   // ALMOST
  uint64_t low, high; // ULP; UINT64_MAX: infinitely far
} PjCheck;

// EQ: equal values, floats by IEEE == (NaN differs from itself). ALMOST: floats within |tolerance|
// (equal infinities and NaNs match). ULP: floats whose distance in units of the last place of their
// own format is between |low| and |high|. Other element types must be equal. Shapes must agree.
// Returns OK or FAILED_PRECONDITION.
PjStatus pj_check_compare(const PjCheck *check, const PjTensor *actual, const PjTensor *expected);
