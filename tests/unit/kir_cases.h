// The kernels that every emitter is tested with.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Runs them all in the given ways (kir_run.h); what main returns.
int kir_cases_main(unsigned ways);
// Only random expressions, |count| of them.
int kir_random_main(unsigned ways, unsigned seed, unsigned count);
