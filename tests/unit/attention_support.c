// See attention_support.h.
#include "attention_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "eval/comp.h"

static const char *dtype_of(const AttentionCase *c) {
  return c->dtype ? c->dtype : "f32";
}

static void add_select(const AttentionCase *c, const char *pred, const char *from, const char *to) {
  text_add("  %%fill%s = stablehlo.constant dense<%s> : tensor<%dx%dx%dx%dxf32>\n", to, c->fill,
           c->batch, c->heads, c->rows, c->keys);
  const bool hides = c->causal == 3 && pred[0] == 'm';
  text_add("  %%%s = stablehlo.select %%%s, %%%s%s, %%%s%s : tensor<%dx%dx%dx%dxi1>, "
           "tensor<%dx%dx%dx%dxf32>\n",
           to, pred, hides ? "fill" : from, hides ? to : "", hides ? from : "fill", hides ? "" : to,
           c->batch, c->heads, c->rows, c->keys, c->batch, c->heads, c->rows, c->keys);
}

static void add_seen(const AttentionCase *c) {
  text_add("  %%seen = stablehlo.constant dense<[");
  for (int r = 0; r < c->rows; ++r)
    for (int j = 0; j < c->keys; ++j)
      text_add("%s%s%s",
               j   ? ", "
               : r ? ", ["
                   : "[",
               (c->causal == 4 ? j <= r : (7 * j + 5 * r) % 3 > 0) ? "true" : "false",
               j == c->keys - 1 ? "]" : "");
  text_add("]> : tensor<%dx%dxi1>\n", c->rows, c->keys);
}

static void compare_places(const AttentionCase *c) {
  text_add("  %%r0 = stablehlo.iota dim = 0 : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%rc = stablehlo.constant dense<%d> : tensor<%dx%dxi32>\n",
           c->causal == 2 ? c->keys - c->rows : 0, c->rows, c->keys);
  text_add("  %%r = stablehlo.add %%r0, %%rc : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%c = stablehlo.iota dim = 1 : tensor<%dx%dxi32>\n", c->rows, c->keys);
  text_add("  %%seen = stablehlo.compare %s, %%%s, %%%s, SIGNED : (tensor<%dx%dxi32>, "
           "tensor<%dx%dxi32>) -> tensor<%dx%dxi1>\n",
           c->causal == 3 ? "GT" : "GE", c->causal == 3 ? "c" : "r", c->causal == 3 ? "r" : "c",
           c->rows, c->keys, c->rows, c->keys, c->rows, c->keys);
}

static void add_causal(const AttentionCase *c) {
  if (c->causal >= 4)
    add_seen(c);
  else
    compare_places(c);
  text_add("  %%mask = stablehlo.broadcast_in_dim %%seen, dims = [2, 3] : (tensor<%dx%dxi1>) -> "
           "tensor<%dx%dx%dx%dxi1>\n",
           c->rows, c->keys, c->batch, c->heads, c->rows, c->keys);
  add_select(c, "mask", "s3", "s4");
}

// Names of types: of scores, of numbers of queries, of arrays, and of the weights as multiplied.
typedef struct Types {
  const char *S, *L, *Q, *K, *V, *O, *P;
} Types;

// %to = what %x is summed to along the keys, again for each of them.
static void add_sum(const Types *t, const char *x, const char *to) {
  text_add("  %%%s_sum = stablehlo.reduce(%%%s init: %%zero) applies stablehlo.add across "
           "dimensions = [3] : (%s, tensor<f32>) -> %s\n"
           "  %%%s = stablehlo.broadcast_in_dim %%%s_sum, dims = [0, 1, 2] : (%s) -> %s\n",
           to, x, t->S, t->L, to, to, t->L, t->S);
}

static void add_binary(const Types *t, const char *to, const char *op, const char *x,
                       const char *y) {
  text_add("  %%%s = stablehlo.%s %%%s, %%%s : %s\n", to, op, x, y, t->S);
}

// %to = a product of |scores|, summed along dimension |sum|, and the array |y|, laid out like |to|.
static void add_product(const AttentionCase *c, const Types *t, const char *to, const char *scores,
                        int sum, const char *y, const char *y_type, const char *to_type, int rows,
                        int width) {
  char made[64];
  snprintf(made, sizeof made, "tensor<%dx%dx%dx%dx%s>", c->batch, c->heads, rows, width,
           dtype_of(c));
  text_add("  %%%s%s = stablehlo.dot_general %%%s, %%%s, batching_dims = [0, 1] x %s, "
           "contracting_dims = [%d] x [%d] : (%s, %s) -> %s\n",
           to, c->heads_first ? "" : "_made", scores, y, c->heads_first ? "[0, 1]" : "[0, 2]", sum,
           c->heads_first ? 2 : 1, t->P, y_type, made);
  if (!c->heads_first)
    text_add("  %%%s = stablehlo.transpose %%%s_made, dims = [0, 2, 1, 3] : (%s) -> %s\n", to, to,
             made, to_type);
}

static void add_gradient(const AttentionCase *c, const Types *t, const char *batch) {
  add_product(c, t, "dv", "pc", 2, "dout", t->O, t->V, c->keys, c->width);
  text_add("  %%dpc = stablehlo.dot_general %%dout, %%v, batching_dims = %s x %s, "
           "contracting_dims = [3] x [3] : (%s, %s) -> %s\n"
           "  %%dp = stablehlo.convert %%dpc : (%s) -> %s\n",
           batch, batch, t->O, t->V, t->P, t->P, t->S);
  if (c->gradient == 1) {
    text_add("  %%one = stablehlo.constant dense<1.0> : %s\n"
             "  %%ll = stablehlo.multiply %%l, %%l : %s\n"
             "  %%inverse = stablehlo.divide %%one, %%ll : %s\n"
             "  %%inverses = stablehlo.broadcast_in_dim %%inverse, dims = [0, 1, 2] : (%s) -> %s\n",
             t->L, t->L, t->L, t->L, t->S);
    add_binary(t, "w1", "multiply", "dp", "inverses");
    add_binary(t, "w2", "multiply", "w1", "e");
    add_sum(t, "w2", "t");
    text_add("  %%nt = stablehlo.negate %%t : %s\n", t->S);
    add_binary(t, "w3", "divide", "dp", "lw");
    add_binary(t, "w4", "add", "w3", "nt");
    add_binary(t, "ds0", "multiply", "w4", "e");
  } else {
    add_binary(t, "w1", "multiply", "dp", "p");
    if (c->gradient == 3) {
      text_add("  %%w2 = stablehlo.negate %%w1 : %s\n", t->S);
      add_sum(t, "w2", "t");
      add_binary(t, "w3", "multiply", "t", "p");
      add_binary(t, "ds0", "add", "w1", "w3");
    } else {
      add_sum(t, "w1", "t");
      add_binary(t, "w2", "subtract", "dp", "t");
      add_binary(t, "ds0", "multiply", "p", "w2");
    }
  }
  const char *ds = "ds0";
  text_add("  %%none = stablehlo.constant dense<0.0> : %s\n", t->S);
  char shape[160];
  snprintf(shape, sizeof shape, "tensor<%dx%dx%dx%dxi1>, %s", c->batch, c->heads, c->rows, c->keys,
           t->S);
  const bool masked = c->gradient != 4;
  if (c->causal && masked) {
    text_add("  %%ds1 = stablehlo.select %%mask, %%%s, %%%s : %s\n", c->causal == 3 ? "none" : ds,
             c->causal == 3 ? ds : "none", shape);
    ds = "ds1";
  }
  if (c->pad && masked) {
    text_add("  %%ds2 = stablehlo.select %%pads, %%%s, %%none : %s\n", ds, shape);
    ds = "ds2";
  }
  add_binary(t, "ds3", "multiply", ds, "c1");
  text_add("  %%ds = stablehlo.convert %%ds3 : (%s) -> %s\n", t->S, t->P);
  add_product(c, t, "dk", "ds", 2, c->scale_first ? "qs" : "q", t->Q, t->K, c->keys, c->depth);
  add_product(c, t, "dq", "ds", 3, "k", t->K, t->Q, c->rows, c->depth);
}

// The input that an array of |dims| is cut from. Three arrays lie side by side where rows are
// whole: then |packed|.
static void larger(const AttentionCase *c, const int64_t *dims, bool packed, int64_t *out) {
  memcpy(out, dims, 4 * sizeof *out);
  if (!c->sliced)
    return;
  if (packed && !c->heads_first) {
    out[2] = 1;
    out[3] = 3 * dims[2] * dims[3];
    return;
  }
  out[0] += 1;
  out[3] += 5;
}

static void add_slice(const AttentionCase *c, const char *name, const int64_t *dims, bool packed,
                      const char *to_type) {
  int64_t from[4];
  const char *t = dtype_of(c);
  larger(c, dims, packed, from);
  const int64_t length = dims[2] * dims[3];
  if (packed && !c->heads_first) {
    text_add("  %%%s_cut = stablehlo.slice %%%s_all [0:%d, 0:%d, 0:1, %d:%d] : "
             "(tensor<%dx%dx1x%dx%s>) -> tensor<%dx%dx1x%dx%s>\n"
             "  %%%s = stablehlo.reshape %%%s_cut : (tensor<%dx%dx1x%dx%s>) -> %s\n",
             name, name, (int)dims[0], (int)dims[1], (int)length, (int)(2 * length), (int)from[0],
             (int)from[1], (int)from[3], t, (int)dims[0], (int)dims[1], (int)length, t, name, name,
             (int)dims[0], (int)dims[1], (int)length, t, to_type);
    return;
  }
  text_add("  %%%s = stablehlo.slice %%%s_all [1:%d, 0:%d, 0:%d, 2:%d] : "
           "(tensor<%dx%dx%dx%dx%s>) -> %s\n",
           name, name, (int)from[0], (int)dims[1], (int)dims[2], (int)(dims[3] + 2), (int)from[0],
           (int)from[1], (int)from[2], (int)from[3], t, to_type);
}

const char *attention_program(const AttentionCase *c) {
  const int64_t b = c->batch, n = c->heads;
  const int64_t q[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->depth},
                k[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->depth},
                v[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->width},
                o[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->width};
  const int64_t s[] = {b, n, c->rows, c->keys}, l[] = {b, n, c->rows},
                made[] = {b, n, c->rows, c->width};
  int64_t q_all[4], k_all[4], v_all[4];
  larger(c, q, false, q_all);
  larger(c, k, true, k_all);
  larger(c, v, false, v_all);
  char S[64], L[64], O[64], Q[64], K[64], V[64], P[64], M[64], all_Q[64], all_K[64], all_V[64];
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
  NAME(all_Q, q_all, t);
  NAME(all_K, k_all, t);
  NAME(all_V, v_all, t);
  snprintf(L, sizeof L, "tensor<%dx%dx%dxf32>", (int)l[0], (int)l[1], (int)l[2]);
  text_start();
  char results[400];
  snprintf(results, sizeof results, "%s%s%s", O, c->weights ? ", " : "", c->weights ? S : "");
  if (c->gradient)
    snprintf(results, sizeof results, "%s, %s, %s, %s%s%s", O, Q, K, V, c->changes ? ", " : "",
             c->changes ? S : "");
  const char *all = c->sliced ? "_all" : "";
  text_add("func.func @main(%%q%s: %s, %%k%s: %s, %%v%s: %s, %%pad: tensor<%dx%dxi1>, %%bias: "
           "tensor<%dx%dxf32>, %%dout: %s) -> (%s) {\n",
           all, all_Q, all, all_K, all, all_V, c->batch, c->keys, c->rows, c->keys, O, results);
  if (c->sliced) {
    add_slice(c, "q", q, false, Q);
    add_slice(c, "k", k, true, K);
    add_slice(c, "v", v, false, V);
  }
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
  else if (c->no_bias)
    text_add("  %%none = stablehlo.constant dense<0.0> : %s\n  %%s2 = stablehlo.add %%s1, %%none : "
             "%s\n",
             S, S);
  const char *biased = c->bias || c->no_bias ? "s2" : "s1";
  if (c->pad) {
    text_add("  %%pads = stablehlo.broadcast_in_dim %%pad, dims = [0, 3] : (tensor<%dx%dxi1>) -> "
             "tensor<%dx%dx%dx%dxi1>\n",
             c->batch, c->keys, c->batch, c->heads, c->rows, c->keys);
    add_select(c, "pads", biased, "s3");
  } else {
    text_add("  %%s3 = stablehlo.reshape %%%s : (%s) -> %s\n", biased, S, S);
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
  const char *out = c->heads_first ? "o" : "out";
  if (c->gradient) {
    add_gradient(c, &(Types){S, L, Q, K, V, O, P}, batch);
    text_add("  return %%%s, %%dq, %%dk, %%dv%s : %s\n}\n", out, c->changes ? ", %ds" : "",
             results);
  } else {
    text_add("  return %%%s%s : %s\n}\n", out, c->weights ? ", %p" : "", results);
  }
  return text_get();
}

// ---- running
static PjStatus in_kernels(void *context) {
  Made *m = context;
  PjScheduleOptions options = {
      .target = pj_kir_target_host(), .work = m->work, .kernels = m->kernels};
  return pj_schedule_create(m->parsed.arena, m->parsed.module, &options, &m->schedule);
}
static PjStatus in_work(void *context) {
  return pj_arena_guard(((Made *)context)->kernels, in_kernels, context);
}

Made attention_make(const char *text) {
  Made m = {.parsed = pass_run(text, NULL)};
  assert_null(pj_arena_create(0, &m.work));
  assert_null(pj_arena_create(0, &m.kernels));
  assert_null(pj_arena_guard(m.parsed.arena, in_work, &m));
  return m;
}

void attention_unmake(Made *m) {
  pj_schedule_destroy(m->schedule);
  pj_arena_destroy(m->work);
  pj_arena_destroy(m->kernels);
  parsed_free(&m->parsed);
}

uint32_t attention_count(const Made *m) {
  uint32_t count = 0;
  for (size_t i = 0; i < m->schedule->steps.len; ++i) {
    const PjStep *step = &m->schedule->steps.data[i];
    count += step->kind == PJ_STEP_ROUTINE && !strncmp(step->routine->name, "attention", 9);
  }
  return count;
}

uint32_t attention_found_in(const AttentionCase *c) {
  Made m = attention_make(attention_program(c));
  const uint32_t count = attention_count(&m);
  attention_unmake(&m);
  return count;
}

static void run(const Made *m, int threads, PjTensor *const *in, void **out) {
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
  assert_null(pj_schedule_run(m->schedule, pool, &options, inputs, out, buffers, memory));
  free(memory);
  free(buffers);
  pj_threads_destroy(pool);
}

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

static void expect_close(PjDtype dtype, int64_t count, const void *have, const void *want,
                         float roundings, int result) {
  float *x = malloc((size_t)count * sizeof *x), *y = malloc((size_t)count * sizeof *y), most = 0;
  assert_true(x && y);
  pj_comp_load(PJ_COMP_F32, dtype, count, have, x);
  pj_comp_load(PJ_COMP_F32, dtype, count, want, y);
  for (int64_t i = 0; i < count; ++i)
    most = isfinite(y[i]) ? fmaxf(most, fabsf(y[i])) : most;
  const float unit = dtype == PJ_DT_F32 ? 0x1p-23f : dtype == PJ_DT_BF16 ? 0x1p-7f : 0x1p-10f;
  for (int64_t i = 0; i < count; ++i) {
    if (isfinite(y[i]) ? fabsf(x[i] - y[i]) <= roundings * unit * most
        : isnan(y[i])  ? isnan(x[i])
                       : x[i] == y[i])
      continue;
    fail_msg("result %d, element %lld: %g instead of %g", result, (long long)i, (double)x[i],
             (double)y[i]);
  }
  free(x);
  free(y);
}

void attention_check(const AttentionCase *c, AttentionSpecial special) {
  const char *text = attention_program(c);
  const PjDtype dtype = !c->dtype ? PJ_DT_F32 : c->dtype[0] == 'b' ? PJ_DT_BF16 : PJ_DT_F16;
  const int b = c->batch, n = c->heads;
  const int64_t q[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->depth},
                k[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->depth},
                v[] = {b, c->heads_first ? n : c->keys, c->heads_first ? c->keys : n, c->width},
                o[] = {b, c->heads_first ? n : c->rows, c->heads_first ? c->rows : n, c->width},
                pads[] = {b, c->keys}, biases[] = {1, 1, c->rows, c->keys};
  int64_t q_all[4], k_all[4], v_all[4];
  larger(c, q, false, q_all);
  larger(c, k, true, k_all);
  larger(c, v, false, v_all);
  PjTensor *in[] = {numbers(dtype, q_all, special.q), numbers(dtype, k_all, special.k),
                    numbers(dtype, v_all, 1),         make_tensor(PJ_DT_PRED, 2, pads, NULL),
                    numbers(PJ_DT_F32, biases, 1),    numbers(dtype, o, 1)};
  enum { INPUTS = 6, RESULTS = 4 };
  const uint32_t results = c->gradient ? RESULTS : 1;
  in[4]->rank = 2;
  in[4]->dims[0] = c->rows;
  in[4]->dims[1] = c->keys;
  if (special.v != 0)
    ((float *)in[special.of_dout ? 5 : 2]->data)[special.at] = special.v;
  for (int64_t i = 0; i < b * c->keys; ++i)
    ((uint8_t *)in[3]->data)[i] = random_int(0, 7) >= special.padded;
  PjTensor *want[RESULTS];
  evaluate_ok(text, INPUTS, in, results, want);
  Made m = attention_make(text);
  // A sum of one product is none; one query or key has no gradient worth it.
  const bool several = c->rows > 1 && c->keys > 1 && c->width > 1;
  // Softmax over so few keys is written out (simplify_reduce.c).
  const bool written_out = c->keys > 1 && c->keys <= 7 && b * n * c->rows >= 16;
  // One query of few keys is left to kernels (match_attention.c).
  const bool tiny = c->rows == 1 && c->keys * c->depth <= 4096;
  assert_int_equal(attention_count(&m), c->depth == 1 || written_out || tiny ? 0
                                        : !c->gradient                       ? 1
                                        : several                            ? 2
                                                                             : 0);
  void *have[RESULTS], *again[RESULTS];
  size_t bytes[RESULTS];
  for (uint32_t i = 0; i < results; ++i) {
    bytes[i] = (size_t)product(want[i]->rank, want[i]->dims) * pj_dtype_bytes(dtype);
    have[i] = malloc(bytes[i]);
    again[i] = malloc(bytes[i]);
    assert_true(have[i] && again[i]);
  }
  run(&m, 1, in, have);
  for (int threads = 2; threads <= 5; threads += 3) {
    run(&m, threads, in, again);
    for (uint32_t i = 0; i < results; ++i)
      assert_memory_equal(have[i], again[i], bytes[i]);
  }
  for (uint32_t i = 0; i < results; ++i) {
    expect_close(dtype, product(want[i]->rank, want[i]->dims), have[i], want[i]->data, 24, (int)i);
    free(have[i]);
    free(again[i]);
    pj_tensor_release(want[i]);
  }
  attention_unmake(&m);
  for (int i = 0; i < INPUTS; ++i)
    pj_tensor_release(in[i]);
}
