// Attention as one routine: which programs it is found in, and its results against the evaluator's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "eval/comp.h"
#include "evaluate.h"
#include "pass_support.h"
#include "sched/sched.h"

// What is asked for, and how it is written.
typedef struct Case {
  int batch, rows, keys, heads, depth, width;
  bool heads_first;  // [batch, heads, rows, depth]; else [batch, rows, heads, depth]
  const char *dtype; // of q, k, v and the result: f32 (NULL), bf16 or f16
  int causal;        // 0: not; 1: row >= key; 2: row + rows - keys >= key; 3: key > row is hidden
  const char *fill;  // of hidden scores
  bool pad, bias;    // inputs: tensor<batch x keys x i1>, tensor<rows x keys x f32>
  bool scale_first;  // q is scaled, not the scores
  bool weights;      // the weights are returned, too
} Case;

static const char *dtype_of(const Case *c) {
  return c->dtype ? c->dtype : "f32";
}

static void add_select(const Case *c, const char *pred, const char *from, const char *to) {
  text_add("  %%fill%s = stablehlo.constant dense<%s> : tensor<%dx%dx%dx%dxf32>\n", to, c->fill,
           c->batch, c->heads, c->rows, c->keys);
  const bool hides = c->causal == 3 && pred[0] == 'm';
  text_add("  %%%s = stablehlo.select %%%s, %%%s%s, %%%s%s : tensor<%dx%dx%dx%dxi1>, "
           "tensor<%dx%dx%dx%dxf32>\n",
           to, pred, hides ? "fill" : from, hides ? to : "", hides ? from : "fill", hides ? "" : to,
           c->batch, c->heads, c->rows, c->keys, c->batch, c->heads, c->rows, c->keys);
}

static void add_causal(const Case *c) {
  text_add("  %%r0 = stablehlo.iota dim = 0 : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%rc = stablehlo.constant dense<%d> : tensor<%dx%dxi32>\n",
           c->causal == 2 ? c->keys - c->rows : 0, c->rows, c->keys);
  text_add("  %%r = stablehlo.add %%r0, %%rc : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%c = stablehlo.iota dim = 1 : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%seen = stablehlo.compare %s, %%%s, %%%s, SIGNED : (tensor<%dx%dxi32>, "
           "tensor<%dx%dxi32>) -> tensor<%dx%dxi1>\n",
           c->causal == 3 ? "GT" : "GE", c->causal == 3 ? "c" : "r", c->causal == 3 ? "r" : "c",
           c->rows, c->keys, c->rows, c->keys, c->rows, c->keys);
  text_add("  %%mask = stablehlo.broadcast_in_dim %%seen, dims = [2, 3] : (tensor<%dx%dxi1>) -> "
           "tensor<%dx%dx%dx%dxi1>\n",
           c->rows, c->keys, c->batch, c->heads, c->rows, c->keys);
  add_select(c, "mask", "s3", "s4");
}

static const char *program(const Case *c) {
  const int64_t b = c->batch, n = c->heads;
  const int64_t q[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->depth},
                k[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->depth},
                v[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->width},
                o[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->width};
  const int64_t s[] = {b, n, c->rows, c->keys}, l[] = {b, n, c->rows},
                made[] = {b, n, c->rows, c->width};
  char S[64], L[64], O[64], Q[64], K[64], V[64], P[64], M[64];
  const char *t = dtype_of(c);
#define NAME(TO, DIMS, TYPE)                                                                  \
  snprintf(TO, sizeof TO, "tensor<%dx%dx%dx%dx%s>", (int)DIMS[0], (int)DIMS[1], (int)DIMS[2], \
           (int)DIMS[3], TYPE)
  NAME(S, s, "f32");
  NAME(P, s, t);
  NAME(Q, q, t);
  NAME(K, k, t);
  NAME(V, v, t);
  NAME(O, o, t);
  NAME(M, made, t);
  snprintf(L, sizeof L, "tensor<%dx%dx%dxf32>", (int)l[0], (int)l[1], (int)l[2]);
  text_start();
  text_add("func.func @main(%%q: %s, %%k: %s, %%v: %s, %%pad: tensor<%dx%dxi1>, %%bias: "
           "tensor<%dx%dxf32>) -> (%s%s%s) {\n",
           Q, K, V, c->batch, c->keys, c->rows, c->keys, O, c->weights ? ", " : "",
           c->weights ? S : "");
  const char *batch = c->heads_first ? "[0, 1]" : "[0, 2]";
  if (c->scale_first)
    text_add("  %%qc = stablehlo.constant dense<0.375> : %s\n"
             "  %%qs = stablehlo.multiply %%q, %%qc : %s\n",
             Q, Q);
  text_add("  %%s0 = stablehlo.dot_general %%%s, %%k, batching_dims = %s x %s, contracting_dims = "
           "[3] x [3] : (%s, %s) -> %s\n",
           c->scale_first ? "qs" : "q", batch, batch, Q, K, S);
  text_add("  %%c1 = stablehlo.constant dense<%s> : %s\n", c->scale_first ? "1.0" : "0.375", S);
  text_add("  %%s1 = stablehlo.multiply %%s0, %%c1 : %s\n", S);
  if (c->bias)
    text_add("  %%wide = stablehlo.broadcast_in_dim %%bias, dims = [2, 3] : (tensor<%dx%dxf32>) -> "
             "%s\n  %%s2 = stablehlo.add %%wide, %%s1 : %s\n",
             c->rows, c->keys, S, S);
  if (c->pad) {
    text_add("  %%pads = stablehlo.broadcast_in_dim %%pad, dims = [0, 3] : (tensor<%dx%dxi1>) -> "
             "tensor<%dx%dx%dx%dxi1>\n",
             c->batch, c->keys, c->batch, c->heads, c->rows, c->keys);
    add_select(c, "pads", c->bias ? "s2" : "s1", "s3");
  } else {
    text_add("  %%s3 = stablehlo.reshape %%%s : (%s) -> %s\n", c->bias ? "s2" : "s1", S, S);
  }
  if (c->causal)
    add_causal(c);
  const char *x = c->causal ? "s4" : "s3";
  text_add("  %%low = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
           "  %%zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
           "  %%m = stablehlo.reduce(%%%s init: %%low) applies stablehlo.maximum across dimensions "
           "= [3] : (%s, tensor<f32>) -> %s\n"
           "  %%mw = stablehlo.broadcast_in_dim %%m, dims = [0, 1, 2] : (%s) -> %s\n"
           "  %%d = stablehlo.subtract %%%s, %%mw : %s\n"
           "  %%e = stablehlo.exponential %%d : %s\n"
           "  %%l = stablehlo.reduce(%%e init: %%zero) applies stablehlo.add across dimensions = "
           "[3] : (%s, tensor<f32>) -> %s\n"
           "  %%lw = stablehlo.broadcast_in_dim %%l, dims = [0, 1, 2] : (%s) -> %s\n"
           "  %%p = stablehlo.divide %%e, %%lw : %s\n",
           x, S, L, L, S, x, S, S, S, L, L, S, S);
  text_add("  %%pc = stablehlo.convert %%p : (%s) -> %s\n", S, P);
  text_add("  %%o = stablehlo.dot_general %%pc, %%v, batching_dims = [0, 1] x %s, "
           "contracting_dims = [3] x [%d] : (%s, %s) -> %s\n",
           batch, c->heads_first ? 2 : 1, P, V, M);
  if (!c->heads_first)
    text_add("  %%out = stablehlo.transpose %%o, dims = [0, 2, 1, 3] : (%s) -> %s\n", M, O);
  text_add("  return %%%s%s : %s%s%s\n}\n", c->heads_first ? "o" : "out", c->weights ? ", %p" : "",
           O, c->weights ? ", " : "", c->weights ? S : "");
  return text_get();
}

// ---- running
typedef struct Made {
  Parsed parsed;
  PjArena *work, *kernels;
  PjSchedule *schedule;
} Made;

static PjStatus in_kernels(void *context) {
  Made *m = context;
  PjScheduleOptions options = {
      .target = pj_kir_target_host(), .work = m->work, .kernels = m->kernels};
  return pj_schedule_create(m->parsed.arena, m->parsed.module, &options, &m->schedule);
}
static PjStatus in_work(void *context) {
  return pj_arena_guard(((Made *)context)->kernels, in_kernels, context);
}

static Made make(const char *text) {
  Made m = {.parsed = pass_run(text, NULL)};
  assert_null(pj_arena_create(0, &m.work));
  assert_null(pj_arena_create(0, &m.kernels));
  assert_null(pj_arena_guard(m.parsed.arena, in_work, &m));
  return m;
}

static void unmake(Made *m) {
  pj_schedule_destroy(m->schedule);
  pj_arena_destroy(m->work);
  pj_arena_destroy(m->kernels);
  parsed_free(&m->parsed);
}

static uint32_t count_attention(const Made *m) {
  uint32_t count = 0;
  for (size_t i = 0; i < m->schedule->steps.len; ++i) {
    const PjStep *step = &m->schedule->steps.data[i];
    count += step->kind == PJ_STEP_ROUTINE && !strncmp(step->routine->name, "attention", 9);
  }
  return count;
}

static uint32_t found_in(const Case *c) {
  Made m = make(program(c));
  const uint32_t count = count_attention(&m);
  unmake(&m);
  return count;
}

static void run(const Made *m, int threads, PjTensor *const *in, void *out) {
  PjThreads *pool = NULL;
  if (threads > 1)
    assert_null(pj_threads_create(threads, &pool));
  void *inputs[8];
  for (uint32_t i = 0; i < m->schedule->num_inputs; ++i)
    inputs[i] = in[i]->data;
  void **buffers = calloc(m->schedule->slots.len + 1, sizeof *buffers);
  const size_t bytes = pj_schedule_memory(m->schedule, pool);
  void *memory = aligned_alloc(64, bytes + 64);
  assert_true(buffers && memory);
  memset(memory, 0xff, bytes);
  const PjRunOptions options = {0};
  assert_null(pj_schedule_run(m->schedule, pool, &options, inputs, &out, buffers, memory));
  free(memory);
  free(buffers);
  pj_threads_destroy(pool);
}

// Contents of the inputs besides random numbers.
typedef struct Special {
  float q, k; // factors
  int64_t at; // element of v that is |v|, if not 0
  float v;
  int padded; // of 8 keys, so many are hidden; 8: all
} Special;

static PjTensor *numbers(PjDtype dtype, const int64_t *dims, float factor) {
  const int64_t n = product(4, dims);
  float *values = malloc((size_t)n * sizeof *values);
  assert_non_null(values);
  for (int64_t i = 0; i < n; ++i)
    values[i] = factor * (float)random_int(-64, 64) / 64;
  PjTensor *t;
  if (dtype == PJ_DT_F32) {
    t = make_tensor(dtype, 4, dims, values);
  } else {
    uint16_t *narrow = malloc((size_t)n * sizeof *narrow);
    assert_non_null(narrow);
    pj_comp_store(PJ_COMP_F32, dtype, n, values, narrow);
    t = make_tensor(dtype, 4, dims, narrow);
    free(narrow);
  }
  free(values);
  return t;
}

// The routine on 1, 2 and 5 threads against the evaluator: the same bits whatever the threads, and
// errors of some roundings of the largest result.
static void check(const Case *c, Special special) {
  const char *text = program(c);
  const PjDtype dtype = !c->dtype ? PJ_DT_F32 : c->dtype[0] == 'b' ? PJ_DT_BF16 : PJ_DT_F16;
  const int b = c->batch, n = c->heads;
  const int64_t q[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->depth},
                k[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->depth},
                v[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->width},
                pads[] = {b, c->keys}, biases[] = {1, 1, c->rows, c->keys};
  PjTensor *in[] = {numbers(dtype, q, special.q), numbers(dtype, k, special.k),
                    numbers(dtype, v, 1), make_tensor(PJ_DT_PRED, 2, pads, NULL),
                    numbers(PJ_DT_F32, biases, 1)};
  in[4]->rank = 2;
  in[4]->dims[0] = c->rows;
  in[4]->dims[1] = c->keys;
  if (special.v != 0)
    ((float *)in[2]->data)[special.at] = special.v;
  for (int64_t i = 0; i < b * c->keys; ++i)
    ((uint8_t *)in[3]->data)[i] = random_int(0, 7) >= special.padded;
  PjTensor *want;
  evaluate_ok(text, 5, in, 1, &want);
  Made m = make(text);
  // A sum of one product is none.
  assert_int_equal(count_attention(&m), c->depth > 1);
  const int64_t count = product(want->rank, want->dims);
  const size_t bytes = (size_t)count * pj_dtype_bytes(dtype);
  char *have = malloc(bytes), *again = malloc(bytes);
  float *x = malloc((size_t)count * sizeof *x), *y = malloc((size_t)count * sizeof *y), most = 0;
  assert_true(have && again && x && y);
  run(&m, 1, in, have);
  for (int threads = 2; threads <= 5; threads += 3) {
    run(&m, threads, in, again);
    assert_memory_equal(have, again, bytes);
  }
  pj_comp_load(PJ_COMP_F32, dtype, count, have, x);
  pj_comp_load(PJ_COMP_F32, dtype, count, want->data, y);
  for (int64_t i = 0; i < count; ++i)
    most = isfinite(y[i]) ? fmaxf(most, fabsf(y[i])) : most;
  const float unit = dtype == PJ_DT_F32 ? 0x1p-23f : dtype == PJ_DT_BF16 ? 0x1p-7f : 0x1p-10f;
  for (int64_t i = 0; i < count; ++i) {
    if (isfinite(y[i]) ? fabsf(x[i] - y[i]) <= 24 * unit * most
        : isnan(y[i])  ? isnan(x[i])
                       : x[i] == y[i])
      continue;
    fail_msg("element %lld: %g instead of %g", (long long)i, (double)x[i], (double)y[i]);
  }
  free(have);
  free(again);
  free(x);
  free(y);
  unmake(&m);
  pj_tensor_release(want);
  for (int i = 0; i < 5; ++i)
    pj_tensor_release(in[i]);
}

static const Special plain = {.q = 1, .k = 1, .padded = 3};

// ---- tests
static void recognised(void **state) {
  (void)state;
  const Case c = {2, 9, 9, 3, 8, 8, .causal = 1, .fill = "-1.0e9", .pad = true, .bias = true};
  Case other = c;
  assert_int_equal(found_in(&c), 1);
  other.heads_first = true;
  assert_int_equal(found_in(&other), 1);
  // The weights are wanted themselves.
  other = c;
  other.weights = true;
  assert_int_equal(found_in(&other), 0);
  // Heads too wide for the blocks.
  other = c;
  other.depth = 600;
  assert_int_equal(found_in(&other), 0);
}

static void not_along_keys(void **state) {
  (void)state;
  // Softmax over the queries is no attention.
  static const char text[] =
      "func.func @main(%q: tensor<5x4xf32>, %k: tensor<5x4xf32>, %v: tensor<5x4xf32>) -> "
      "tensor<5x4xf32> {\n"
      "  %s = stablehlo.dot_general %q, %k, contracting_dims = [1] x [1] : (tensor<5x4xf32>, "
      "tensor<5x4xf32>) -> tensor<5x5xf32>\n"
      "  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
      "  %zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "  %m = stablehlo.reduce(%s init: %low) applies stablehlo.maximum across dimensions = [0] : "
      "(tensor<5x5xf32>, tensor<f32>) -> tensor<5xf32>\n"
      "  %mw = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<5xf32>) -> tensor<5x5xf32>\n"
      "  %d = stablehlo.subtract %s, %mw : tensor<5x5xf32>\n"
      "  %e = stablehlo.exponential %d : tensor<5x5xf32>\n"
      "  %l = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [0] : "
      "(tensor<5x5xf32>, tensor<f32>) -> tensor<5xf32>\n"
      "  %lw = stablehlo.broadcast_in_dim %l, dims = [1] : (tensor<5xf32>) -> tensor<5x5xf32>\n"
      "  %p = stablehlo.divide %e, %lw : tensor<5x5xf32>\n"
      "  %o = stablehlo.dot_general %p, %v, contracting_dims = [1] x [0] : (tensor<5x5xf32>, "
      "tensor<5x4xf32>) -> tensor<5x4xf32>\n"
      "  return %o : tensor<5x4xf32>\n}\n";
  Made m = make(text);
  assert_int_equal(count_attention(&m), 0);
  unmake(&m);
}

static void sizes(void **state) {
  (void)state;
  static const int shapes[][4] = {{1, 2, 1, 1},     {1, 7, 5, 3},     {1, 400, 64, 64},
                                  {2, 390, 12, 9},  {3, 3, 8, 16},    {5, 17, 3, 1},
                                  {16, 16, 64, 64}, {17, 33, 20, 24}, {40, 40, 16, 8},
                                  {100, 64, 7, 13}, {301, 301, 9, 5}, {33, 800, 4, 6}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int form = 0; form < 8; ++form) {
      const int *s = shapes[i];
      Case c = {2, s[0], s[1], 3, s[2], s[3], .heads_first = form & 1, .fill = "-1.0e9"};
      c.causal = form % 4;
      c.pad = form == 1 || form == 6;
      c.bias = form == 2 || form == 6;
      c.scale_first = form == 5;
      if (c.causal == 2 && c.rows > c.keys)
        c.causal = 1;
      check(&c, plain);
    }
}

static void narrow_types(void **state) {
  (void)state;
  for (int form = 0; form < 4; ++form) {
    const Case c = {2,
                    form < 2 ? 21 : 1,
                    37,
                    2,
                    24,
                    19,
                    .dtype = form % 2 ? "bf16" : "f16",
                    .causal = form < 2,
                    .fill = "-1.0e9",
                    .pad = true,
                    .heads_first = form == 3};
    check(&c, plain);
  }
}

// Hidden keys count where their weights are not 0, or what they multiply is not finite.
static void hidden_keys_that_count(void **state) {
  (void)state;
  for (int rows = 1; rows < 80; rows += 39)
    for (int form = 0; form < 2; ++form) {
      const Case c = {1, rows, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "-1.0e9"},
                 nothing = {1, rows, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "0.0"};
      Special s = plain;
      check(&nothing, s);
      s.q = 0x1p20f; // scores below the mask's value, exact so that no tie is broken by rounding
      s.k = 0x1p20f;
      check(&c, s);
      s = plain;
      s.at = 79 * 8 * (form ? 1 : 2); // of the last key
      s.v = NAN;
      check(&c, s);
      s.v = INFINITY;
      check(&c, s);
    }
}

static void rows_that_are_hidden(void **state) {
  (void)state;
  for (int rows = 1; rows < 40; rows += 19)
    for (int form = 0; form < 4; ++form) {
      Case c = {3,
                rows,
                21,
                2,
                8,
                8,
                .causal = form % 2,
                .fill = form < 2 ? "-1.0e9" : "0xFF800000",
                .pad = true};
      Special s = plain;
      s.padded = 8; // all: an average, or NaN
      check(&c, s);
      s.padded = 6;
      check(&c, s);
    }
}

static void special_scores(void **state) {
  (void)state;
  for (int rows = 1; rows < 40; rows += 19) {
    const Case c = {1, rows, 24, 2, 4, 4, .causal = 1, .fill = "0xFF800000"};
    Special s = plain;
    s.q = INFINITY;
    check(&c, s);
    s.q = 1e30f;
    s.k = 1e30f; // sums overflow
    check(&c, s);
    s.q = NAN;
    check(&c, s);
  }
}

static void no_elements(void **state) {
  (void)state;
  const Case c = {2, 0, 5, 3, 4, 4, .causal = 1, .fill = "-1.0e9"},
             d = {2, 5, 0, 3, 4, 4, .causal = 1, .fill = "-1.0e9"};
  assert_int_equal(found_in(&c), 0);
  assert_int_equal(found_in(&d), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recognised),
      cmocka_unit_test(not_along_keys),
      cmocka_unit_test(sizes),
      cmocka_unit_test(narrow_types),
      cmocka_unit_test(hidden_keys_that_count),
      cmocka_unit_test(rows_that_are_hidden),
      cmocka_unit_test(special_scores),
      cmocka_unit_test(no_elements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
