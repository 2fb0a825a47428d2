// pj-ulp [options] [function ...]: the largest error of functions of kernel/math.h as machine code
// of this machine.
//
//   --points N   points a function (1,000,000)
//   --step N     instead, every N-th float of all (1: all 2^32; functions of one argument)
//   --f32, --f64 only these
//   --alone      as functions of one number alone
//   --list N     prints N points instead, one a line: function, type, arguments and result as
//   hexadecimal floats
//
// The true values are long double's; tests/python/test_math_ulp.py compares the list with another
// library's.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit/jit.h"
#include "math_reference.h"

enum { CHUNK = 1 << 14, LANES = 8 };
static bool alone;

typedef struct Job {
  PjArena *arena;
  int function;
  bool wide;
  PjJitCode *code;
} Job;

static PjStatus compile(void *context) {
  Job *job = context;
  PjKir *k = pj_kir_create(job->arena, pj_kir_target_host(), math_functions[job->function].name);
  math_build(k, job->function, job->wide, alone ? 0 : LANES);
  pj_kir_finish(k);
  PJ_TRY(pj_kir_verify(k));
  const PjKir *one = k;
  return pj_jit_compile(NULL, 1, &one, &job->code);
}

static double x[CHUNK], y[CHUNK], got[CHUNK];

static void put(bool wide, double *array, size_t i, double value) {
  float narrow = (float)value;
  if (wide)
    array[i] = value;
  else
    memcpy((char *)array + 4 * i, &narrow, 4);
}
static double get(bool wide, const double *array, size_t i) {
  float narrow;
  memcpy(&narrow, (const char *)array + 4 * i, 4);
  return wide ? array[i] : (double)narrow;
}

typedef struct Options {
  uint64_t points, step, list;
  bool type[2];
} Options;

// Arguments from number |first| on; how many.
static size_t arguments(const Options *o, const Job *job, uint64_t first) {
  size_t n = 0;
  if (o->step) {
    for (uint64_t bits = first * o->step; n < CHUNK && bits >> 32 == 0; ++n, bits += o->step) {
      uint32_t low = (uint32_t)bits;
      memcpy((char *)x + 4 * n, &low, 4);
    }
    return n;
  }
  for (; n < CHUNK && first + n < (o->list ? o->list : o->points); ++n) {
    double a, b;
    math_arguments(job->function, job->wide, first + n, &a, &b);
    put(job->wide, x, n, a);
    put(job->wide, y, n, b);
  }
  return n;
}

// True if the function keeps its bound.
static bool measure(const Options *o, const Job *job) {
  const MathFunction *f = &math_functions[job->function];
  bool wide = job->wide;
  double worst = -1, worst_x = 0, worst_y = 0, worst_got = 0;
  long double worst_want = 0;
  size_t n;
  for (uint64_t first = 0; (n = arguments(o, job, first)) > 0; first += n) {
    size_t whole = (n + LANES - 1) / LANES * LANES;
    for (size_t i = n; i < whole; ++i) {
      put(wide, x, i, 1);
      put(wide, y, i, 1);
    }
    void *buffers[] = {x, y, got};
    pj_jit_entry(job->code)(buffers, NULL, 0, (int64_t)whole, NULL);
    for (size_t i = 0; i < n; ++i) {
      double a = get(wide, x, i), b = get(wide, y, i), result = get(wide, got, i);
      if (o->list) {
        printf("%s f%d %a %a %a\n", f->name, wide ? 64 : 32, a, b, result);
        continue;
      }
      long double want;
      double error = math_error(job->function, wide, a, b, result, &want);
      if (error > worst) {
        worst = error;
        worst_x = a;
        worst_y = b;
        worst_got = result;
        worst_want = want;
      }
    }
  }
  if (o->list)
    return true;
  printf("%-10s f%d %8.3f of %-5g at %-22a ", f->name, wide ? 64 : 32, worst, f->ulp[wide],
         worst_x);
  if (f->args == 2)
    printf("%-22a ", worst_y);
  printf("%a, not %La%s\n", worst_got, worst_want, worst > f->ulp[wide] ? "  TOO FAR" : "");
  fflush(stdout);
  return worst <= f->ulp[wide];
}

static bool is_chosen(int function, int count, char **names) {
  bool chosen = count == 0;
  for (int i = 0; i < count; ++i)
    chosen |= !strcmp(names[i], math_functions[function].name);
  return chosen;
}

int main(int argc, char **argv) {
  Options o = {.points = 1000000, .type = {true, true}};
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    bool number = at + 1 < argc;
    if (!strcmp(argv[at], "--f32"))
      o.type[1] = false;
    else if (!strcmp(argv[at], "--f64"))
      o.type[0] = false;
    else if (!strcmp(argv[at], "--alone"))
      alone = true;
    else if (number && !strcmp(argv[at], "--points"))
      o.points = strtoull(argv[++at], NULL, 10);
    else if (number && !strcmp(argv[at], "--step"))
      o.step = strtoull(argv[++at], NULL, 10);
    else if (number && !strcmp(argv[at], "--list"))
      o.list = strtoull(argv[++at], NULL, 10);
    else {
      fprintf(stderr, "usage: pj-ulp [--points N | --step N | --list N] [--f32] [--f64] [--alone] "
                      "[function ...]\n");
      return 2;
    }
  }
  if (!pj_jit_available()) {
    fprintf(stderr, "pj-ulp: this build generates no code\n");
    return 2;
  }
  bool good = true;
  for (int f = 0; f < MATH_COUNT; ++f)
    for (int wide = 0; wide < 2; ++wide) {
      if (!is_chosen(f, argc - at, argv + at) || !o.type[wide] ||
          (o.step && (wide || math_functions[f].args > 1)))
        continue;
      Job job = {.function = f, .wide = wide};
      PjStatus status = pj_arena_create(0, &job.arena);
      if (!status)
        status = pj_arena_guard(job.arena, compile, &job);
      if (status) {
        fprintf(stderr, "pj-ulp: %s: %s\n", math_functions[f].name, pj_status_message(status));
        return 2;
      }
      good &= measure(&o, &job);
      pj_jit_release(job.code);
      pj_arena_destroy(job.arena);
    }
  return good ? 0 : 1;
}
