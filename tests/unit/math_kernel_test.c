// Functions of kernel/math.h against their stated bounds: vectors on every instruction set of this
// machine, the same bits from scalars, and the same bits from the interpreter and from C.
// tests/tools/ulp.c looks at more points, and tests/python/test_math_ulp.py at values of another
// origin.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/math.h"

#include "jit_support.h"
#include "kir_run.h"
#include "math_reference.h"

enum { POINTS = 4096, LANES = 8 };

typedef struct Job {
  int function;
  bool wide;
  int lanes; // 0: one number alone
} Job;

static void build(PjKir *k, void *context) {
  const Job *job = context;
  math_build(k, job->function, job->wide, job->lanes);
}

static size_t width(bool wide) {
  return wide ? 8 : 4;
}
static void put(bool wide, void *array, size_t i, double value) {
  float narrow = (float)value;
  memcpy((char *)array + i * width(wide), wide ? (void *)&value : &narrow, width(wide));
}
static double get(bool wide, const void *array, size_t i) {
  return wide ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static double x[POINTS], y[POINTS], vector[POINTS], scalar[POINTS];

static void fill(int function, bool wide) {
  for (size_t i = 0; i < POINTS; ++i) {
    double a, b;
    math_arguments(function, wide, i, &a, &b);
    put(wide, x, i, a);
    put(wide, y, i, b);
  }
}

static void run(PjIsa isa, int function, bool wide, int lanes, void *out) {
  Job job = {function, wide, lanes};
  PjJitCode *code = test_compile(isa, math_functions[function].name, build, &job);
  void *buffers[] = {x, y, out};
  pj_jit_entry(code)(buffers, NULL, 0, POINTS, NULL);
  pj_jit_release(code);
}

static void check_values(PjIsa isa, int function, bool wide, const double *values) {
  const MathFunction *f = &math_functions[function];
  for (size_t i = 0; i < POINTS; ++i) {
    double a = get(wide, x, i), b = get(wide, y, i), got = get(wide, values, i);
    long double want;
    double error = math_error(function, wide, a, b, got, &want);
    if (error > f->ulp[wide])
      fail_msg("%s of f%d, %s: (%a, %a) gives %a, not %La: %.2f units", f->name, wide ? 64 : 32,
               pj_isa_name(isa), a, b, got, want, error);
  }
}

static void check(PjIsa isa, int function, bool wide) {
  fill(function, wide);
  run(isa, function, wide, 0, scalar);
  check_values(isa, function, wide, scalar);
  run(isa, function, wide, LANES, vector);
  check_values(isa, function, wide, vector);
}

static bool same_bits(bool wide, const void *a, const void *b, size_t i) {
  size_t at = i * width(wide);
  return !memcmp((const char *)a + at, (const char *)b + at, width(wide)) ||
         (isnan(get(wide, a, i)) && isnan(get(wide, b, i)));
}

static void check_scalar(int function, bool wide) {
  run(pj_kir_target_host()->isa, function, wide, 1, scalar);
  for (size_t i = 0; i < POINTS; ++i)
    if (!same_bits(wide, vector, scalar, i))
      fail_msg("%s of f%d depends on lanes: (%a, %a) gives %a and %a",
               math_functions[function].name, wide ? 64 : 32, get(wide, x, i), get(wide, y, i),
               get(wide, vector, i), get(wide, scalar, i));
}

static void all_of(bool wide) {
#ifdef MATH_SLOW
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t count = test_isas(isas);
#else
  PjIsa isas[] = {pj_kir_target_host()->isa};
  uint32_t count = 1;
#endif
  for (int f = 0; f < MATH_COUNT; ++f) {
#ifndef MATH_SLOW
    if (!math_is_common(f))
      continue;
#endif
    for (uint32_t i = 0; i < count; ++i) // the host's last, for the comparison
      check(isas[i], f, wide);
#ifndef MATH_SLOW
    if (f % 4) // some of them
      continue;
#endif
    check_scalar(f, wide);
  }
}

static void test_float(void **state) {
  all_of(false);
}
static void test_double(void **state) {
  all_of(true);
}

// Powers by numbers that are known: y holds one everywhere.
typedef struct Known {
  Job job;
  double exponent;
} Known;

static void build_known(PjKir *k, void *context) {
  const Known *known = context;
  const Job *job = &known->job;
  const PjKirType type =
      pj_kir_type(job->wide ? PJ_KIR_F64 : PJ_KIR_F32, job->lanes ? job->lanes : 1);
  k->alone = job->lanes == 0;
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, type.lanes), 0, NULL, NULL);
  PjKirVal of = pj_kir_load(k, type, pj_kir_buffer(k, 0), i, 0, true);
  PjKirVal exponent = pj_kir_float(k, pj_kir_type((PjKirElem)type.elem, 1), known->exponent);
  pj_kir_store(k, pj_math_pow(k, of, exponent), pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void test_known_powers(void **state) {
  static const double ends[] = {0.0, -0.0, INFINITY, -INFINITY, NAN,      1,
                                -1,  -2,   0x1p-149, 0x1p127,   -0x1p-140};
  PjIsa isas[PJ_ISA_COUNT];
  const uint32_t count = test_isas(isas);
  for (int wide = 0; wide < 2; ++wide) {
    fill(MATH_pow, wide);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i)
      put(wide, x, i, ends[i]);
    for (double exponent = -4.5; exponent <= 4.5; exponent += 0.5) {
      for (size_t i = 0; i < POINTS; ++i)
        put(wide, y, i, exponent);
      for (uint32_t i = 0; i < count; ++i)
        for (int lanes = 0; lanes <= LANES; lanes += LANES) {
          Known known = {{MATH_pow, wide, lanes}, exponent};
          PjJitCode *code = test_compile(isas[i], "pow", build_known, &known);
          void *buffers[] = {x, y, vector};
          pj_jit_entry(code)(buffers, NULL, 0, POINTS, NULL);
          pj_jit_release(code);
          check_values(isas[i], MATH_pow, wide, vector);
        }
    }
  }
}

// ------------------------------------------------------------------ interpreter, C and machine
// code
static void build_case(PjKir *k, const void *context) {
  const Job *job = context;
  math_build(k, job->function, job->wide, job->lanes);
}

static void test_ways(void **state) {
#ifdef MATH_SLOW
  enum { COUNT = 512, FIRST = 0, STEP = 1, WAYS = KIR_C_NATIVE | KIR_C_AARCH64 | KIR_JIT };
#else
  enum { COUNT = 256, FIRST = MATH_sin, STEP = 9, WAYS = KIR_C_NATIVE };
#endif
  static Job jobs[2 * MATH_COUNT];
  static KirCase cases[2 * MATH_COUNT];
  size_t count = 0;
  for (int f = FIRST; f < MATH_COUNT; f += STEP)
    for (int wide = 0; wide < 2; ++wide) {
      if (!math_is_common(f))
        continue;
      fill(f, wide);
      if (f == MATH_sin || f == MATH_cos ||
          f == MATH_tan) // beyond, they are the C library's of each machine
        for (size_t i = 0; i < POINTS; ++i)
          put(wide, x, i, fmod(get(wide, x, i), 0x1p19));
      jobs[count] = (Job){f, wide, 4};
      KirCase one = {.name = math_functions[f].name,
                     .build = build_case,
                     .context = &jobs[count],
                     .num_buffers = 3};
      for (int b = 0; b < 3; ++b) {
        void *data = calloc(COUNT, width(wide));
        assert_non_null(data);
        if (b < 2)
          memcpy(data, b ? y : x, COUNT * width(wide));
        one.buffers[b] = (KirBuffer){wide ? PJ_KIR_F64 : PJ_KIR_F32, COUNT, data};
      }
      one.end = COUNT;
      cases[count++] = one;
    }
  kir_run_cases(WAYS, cases, count);
  for (size_t i = 0; i < count; ++i)
    for (int b = 0; b < 3; ++b)
      free(cases[i].buffers[b].data);
}

int main(void) {
  if (!pj_jit_available())
    return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_float),
      cmocka_unit_test(test_double),
      cmocka_unit_test(test_known_powers),
      cmocka_unit_test(test_ways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
