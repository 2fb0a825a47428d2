// Comparing results with expectations as the StableHLO suites do.
#pragma once
#include "eval/eval.h"

// Registers the custom call targets check.expect_eq, check.expect_close, check.expect_almost_eq and
// check.eq. A check that fails ends the run with FAILED_PRECONDITION naming the first element that
// differs.
PjStatus pj_check_register(void);

typedef enum PjCheckRule { PJ_CHECK_EQ, PJ_CHECK_ALMOST, PJ_CHECK_ULP } PjCheckRule;

// EQ: equal values, floats by IEEE == (NaN differs from itself). ALMOST: floats within |bound|
// (equal infinities and NaNs match). ULP: floats whose distance in units of the last place of their
// own format is between |low| and |bound|; others equal. Shapes must agree. Returns OK or
// FAILED_PRECONDITION.
PjStatus pj_check_compare(PjCheckRule rule, double low, double bound, const PjTensor *actual,
                          const PjTensor *expected);
