// Data movement by routine and by evaluator.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "routine_support.h"

static const PjDtype dtypes[] = {PJ_DT_F32,  PJ_DT_S8,   PJ_DT_BF16, PJ_DT_F64,
                                 PJ_DT_C128, PJ_DT_PRED, PJ_DT_S64};

// A random shape; sometimes large enough for several threads.
static int32_t random_shape(int64_t *dims, int32_t least) {
  const int32_t rank = (int32_t)random_int(least, 5);
  const bool large = random_int(0, 7) == 0 && rank > 0;
  for (int32_t d = 0; d < rank; ++d)
    dims[d] = random_int(0, 30) ? random_int(1, large ? 20 : 6) : 0;
  return rank;
}

typedef struct Program {
  uint32_t num_inputs;
  PjTensor *inputs[16];
} Program;

static void begin(Program *p) {
  p->num_inputs = 0;
  text_start();
  text_add("func.func @main(");
}

static void add_input(Program *p, PjTensor *tensor) {
  text_add("%s%%p%u: ", p->num_inputs ? ", " : "", p->num_inputs);
  text_type(tensor->dtype, tensor->rank, tensor->dims);
  p->inputs[p->num_inputs++] = tensor;
}

// The operation |name| with attributes |attrs| on all inputs.
static void finish(Program *p, PjOpKind kind, const char *name, const char *attrs, PjDtype dtype,
                   int32_t rank, const int64_t *dims) {
  char copy[1000];
  snprintf(copy, sizeof copy, "%s", attrs);
  text_add(") -> ");
  text_type(dtype, rank, dims);
  text_add(" {\n  %%r = \"stablehlo.%s\"(", name);
  for (uint32_t i = 0; i < p->num_inputs; ++i)
    text_add("%s%%p%u", i ? ", " : "", i);
  text_add(") <{%s}> : (", copy);
  for (uint32_t i = 0; i < p->num_inputs; ++i) {
    text_add(i ? ", " : "");
    text_type(p->inputs[i]->dtype, p->inputs[i]->rank, p->inputs[i]->dims);
  }
  text_add(") -> ");
  text_type(dtype, rank, dims);
  text_add("\n  return %%r : ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
  check_routine(text_get(), kind, p->num_inputs, p->inputs, MATCH_BITS, 0);
  for (uint32_t i = 0; i < p->num_inputs; ++i)
    pj_tensor_release(p->inputs[i]);
}

static char attr_text[1000];
static const char *list_attr(const char *name, int64_t count, const int64_t *values,
                             const char *before) {
  char all[1000];
  int at = snprintf(all, sizeof all, "%s%s%s = array<i64", before, *before ? ", " : "", name);
  for (int64_t i = 0; i < count; ++i)
    at += snprintf(all + at, sizeof all - (size_t)at, "%s %d", i ? "," : ":", (int)values[i]);
  snprintf(all + at, sizeof all - (size_t)at, ">");
  memcpy(attr_text, all, sizeof all);
  return attr_text;
}

static void transpose(PjDtype dtype, int32_t rank, const int64_t *dims,
                      const int64_t *permutation) {
  Program p;
  int64_t out[8];
  begin(&p);
  add_input(&p, random_tensor(dtype, rank, dims, true));
  for (int32_t d = 0; d < rank; ++d)
    out[d] = dims[permutation[d]];
  finish(&p, PJ_OP_TRANSPOSE, "transpose", list_attr("permutation", rank, permutation, ""), dtype,
         rank, out);
}

static void transposes(void **state) {
  (void)state;
  for (int round = 0; round < 150; ++round) {
    int64_t dims[8], permutation[8];
    const int32_t rank = random_shape(dims, 0);
    for (int32_t d = 0; d < rank; ++d)
      permutation[d] = d;
    for (int32_t d = rank - 1; d > 0; --d) {
      const int32_t e = (int32_t)random_int(0, d);
      const int64_t t = permutation[d];
      permutation[d] = permutation[e];
      permutation[e] = t;
    }
    transpose(dtypes[round % 7], rank, dims, permutation);
  }
  static const int64_t shapes[][3] = {
      {200, 130, 1}, {64, 64, 1}, {3, 100, 70}, {33, 17, 9}, {1000, 40, 1}};
  static const int64_t orders[][3] = {{1, 0, 2}, {0, 2, 1}, {2, 1, 0}};
  for (size_t d = 0; d < 7; ++d)
    for (size_t s = 0; s < 5; ++s)
      for (size_t o = 0; o < 3; ++o)
        transpose(dtypes[d], 3, shapes[s], orders[o]);
  // A few rows against many elements, as two rows at a time of several.
  for (size_t d = 0; d < 7; ++d)
    for (int64_t k = 2; k < 9; ++k) {
      const int64_t few[][3] = {{1, k, 128}, {1, 645, k}, {3, k, 333}, {2, 1000, k}};
      for (size_t s = 0; s < 4; ++s)
        transpose(dtypes[d], 3, few[s], orders[1]);
      transpose(dtypes[d], 3, (const int64_t[]){k, 2, 300}, orders[2]);
    }
  // Blocks that lie together on both sides, of one to five vectors, one after the other and apart.
  static const int64_t blocks[][4] = {{999, 3, 3, 1}, {777, 2, 3, 2},  {333, 4, 6, 1},
                                      {401, 5, 7, 1}, {205, 2, 3, 11}, {99, 8, 8, 1},
                                      {65, 16, 7, 2}, {35, 3, 5, 16}};
  static const int64_t within[][4] = {{0, 2, 1, 3}, {0, 3, 1, 2}, {0, 3, 2, 1}, {0, 2, 3, 1}};
  for (size_t d = 0; d < 7; ++d)
    for (size_t s = 0; s < 8; ++s)
      for (size_t o = 0; o < 4; ++o)
        transpose(dtypes[d], 4, blocks[s], within[o]);
  for (size_t d = 0; d < 7; ++d)
    transpose(dtypes[d], 5, (const int64_t[]){3, 64, 2, 4, 3}, (const int64_t[]){0, 1, 4, 2, 3});
  // Runs between which others lie, many and few of them.
  static const int64_t heads[][4] = {{2, 300, 12, 60}, {1, 512, 20, 16}, {3, 97, 40, 33}};
  static const int64_t swaps[][4] = {{0, 2, 1, 3}, {2, 1, 0, 3}, {2, 0, 1, 3}, {1, 2, 0, 3}};
  for (size_t s = 0; s < 3; ++s)
    for (size_t o = 0; o < 4; ++o)
      transpose(dtypes[(s + o) % 7], 4, heads[s], swaps[o]);
}

static void boxes(void **state) {
  (void)state;
  for (int round = 0; round < 250; ++round) {
    const PjDtype dtype = dtypes[round % 7];
    int64_t dims[8], start[8], limit[8], step[8], out[8], list[8], low[8], high[8], interior[8];
    const int32_t rank = random_shape(dims, 0);
    Program p;
    // slice
    for (int32_t d = 0; d < rank; ++d) {
      start[d] = random_int(0, dims[d]);
      limit[d] = random_int(start[d], dims[d]);
      step[d] = random_int(0, 1) ? 1 : random_int(1, 4);
      out[d] = (limit[d] - start[d] + step[d] - 1) / step[d];
    }
    begin(&p);
    add_input(&p, random_tensor(dtype, rank, dims, true));
    list_attr("start_indices", rank, start, "");
    list_attr("limit_indices", rank, limit, attr_text);
    finish(&p, PJ_OP_SLICE, "slice", list_attr("strides", rank, step, attr_text), dtype, rank, out);
    // reverse
    int64_t count = 0;
    for (int32_t d = 0; d < rank; ++d)
      if (random_int(0, 1))
        list[count++] = d;
    begin(&p);
    add_input(&p, random_tensor(dtype, rank, dims, true));
    finish(&p, PJ_OP_REVERSE, "reverse", list_attr("dimensions", count, list, ""), dtype, rank,
           dims);
    // pad
    const bool plain = random_int(0, 1);
    for (int32_t d = 0; d < rank; ++d) {
      interior[d] = plain ? 0 : random_int(0, 2);
      const int64_t size = dims[d] ? (dims[d] - 1) * (interior[d] + 1) + 1 : 0;
      low[d] = random_int(-2, 4);
      high[d] = random_int(-2, 4);
      if (size + low[d] + high[d] < 0)
        low[d] = high[d] = 0;
      out[d] = size + low[d] + high[d];
    }
    begin(&p);
    add_input(&p, random_tensor(dtype, rank, dims, true));
    add_input(&p, random_tensor(dtype, 0, NULL, true));
    list_attr("edge_padding_low", rank, low, "");
    list_attr("edge_padding_high", rank, high, attr_text);
    finish(&p, PJ_OP_PAD, "pad", list_attr("interior_padding", rank, interior, attr_text), dtype,
           rank, out);
    // dynamic_slice and dynamic_update_slice
    for (int update = 0; update < 2; ++update) {
      for (int32_t d = 0; d < rank; ++d)
        out[d] = random_int(0, 5) ? random_int(0, dims[d]) : dims[d];
      begin(&p);
      add_input(&p, random_tensor(dtype, rank, dims, true));
      if (update)
        add_input(&p, random_tensor(dtype, rank, out, true));
      for (int32_t d = 0; d < rank; ++d)
        add_input(&p, random_tensor(round % 3 == 0   ? PJ_DT_S64
                                    : round % 3 == 1 ? PJ_DT_S32
                                                     : PJ_DT_U64,
                                    0, NULL, false));
      if (update)
        finish(&p, PJ_OP_DYNAMIC_UPDATE_SLICE, "dynamic_update_slice", "", dtype, rank, dims);
      else
        finish(&p, PJ_OP_DYNAMIC_SLICE, "dynamic_slice", list_attr("slice_sizes", rank, out, ""),
               dtype, rank, out);
    }
  }
}

static void joins(void **state) {
  (void)state;
  for (int round = 0; round < 150; ++round) {
    const PjDtype dtype = dtypes[round % 7];
    int64_t dims[8], out[8], places[8];
    const int32_t rank = random_shape(dims, 1), axis = (int32_t)random_int(0, rank - 1);
    Program p;
    begin(&p);
    memcpy(out, dims, sizeof out);
    out[axis] = 0;
    for (int64_t i = random_int(1, 5); i > 0; --i) {
      dims[axis] = random_int(0, 5);
      out[axis] += dims[axis];
      add_input(&p, random_tensor(dtype, rank, dims, true));
    }
    char attr[60];
    snprintf(attr, sizeof attr, "dimension = %d : i64", axis);
    finish(&p, PJ_OP_CONCATENATE, "concatenate", attr, dtype, rank, out);
    // broadcast_in_dim: some dimensions of the result, rising
    const int32_t out_rank = random_shape(out, 0);
    int32_t in_rank = 0;
    for (int32_t d = 0; d < out_rank; ++d)
      if (random_int(0, 1)) {
        places[in_rank] = d;
        dims[in_rank++] = random_int(0, 2) ? out[d] : 1;
      }
    begin(&p);
    add_input(&p, random_tensor(dtype, in_rank, dims, true));
    finish(&p, PJ_OP_BROADCAST_IN_DIM, "broadcast_in_dim",
           list_attr("broadcast_dimensions", in_rank, places, ""), dtype, out_rank, out);
  }
}

static void fewer_instructions(void **state) {
  pj_cpu_limit(PJ_CPU_AVX2 | PJ_CPU_F16C);
  transposes(state);
  pj_cpu_limit(0);
  transposes(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(transposes), cmocka_unit_test(boxes),
                                     cmocka_unit_test(joins), cmocka_unit_test(fewer_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
