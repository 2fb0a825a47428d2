// One-dimensional discrete Fourier transforms of any length in double precision, O(n log n).
#pragma once
#include "eval/eval.h"

// Tables for one length; immutable, so one plan may serve many lines. Made in scratch of a run.
typedef struct PjFftPlan PjFftPlan;

// A plan for complex transforms of length |n| >= 1. Free with pj_fft_free, at the latest when the
// run ends.
PjFftPlan *pj_fft_plan(PjEval *ev, int64_t n);
// A plan for real transforms of length |n| >= 1 (forward: n reals to n / 2 + 1 complex numbers;
// inverse: back).
PjFftPlan *pj_fft_plan_real(PjEval *ev, int64_t n);
void pj_fft_free(PjEval *ev, PjFftPlan *plan);

// Doubles of work space that running |plan| needs.
int64_t pj_fft_work(const PjFftPlan *plan);

// X[k] = sum over j of x[j] * exp(-2 pi i j k / n), in place on n pairs (real, imaginary);
// |inverse|: exp(+..) / n.
void pj_fft_run(const PjFftPlan *plan, bool inverse, double *data, double *work);
// Real plans. Forward: |in| n reals, |out| n / 2 + 1 pairs. Inverse: |in| n / 2 + 1 pairs
// (imaginary parts of the first and, for even n, the last do not count), |out| n reals. |in| and
// |out| do not overlap; |in| may be overwritten.
void pj_fft_run_real(const PjFftPlan *plan, double *in, double *out, double *work);
void pj_fft_run_real_inverse(const PjFftPlan *plan, double *in, double *out, double *work);
