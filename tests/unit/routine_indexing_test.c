// gather and scatter by routine and by evaluator, over dimension numbers, bodies, types and
// positions.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "eval/float.h"
#include "routine_support.h"

enum { MAX = 8 };

// Random dimension numbers: operand dimensions are batching (run along with the indices), mapped
// (moved by a component) or neither; those moved or batching may be dropped from the window.
typedef struct Numbers {
  int32_t rank, index_rank, window_rank, out_rank, num_batching, num_mapped, num_dropped;
  int64_t dims[MAX], sizes[MAX]; // of the operand; of the window
  int64_t index_dims[MAX], vector_dim;
  int64_t batching[MAX], along[MAX], mapped[MAX], dropped[MAX];
  int64_t out_dims[MAX], window_dims[MAX]; // of the result or updates; where the window's are
} Numbers;

static void make_numbers(Numbers *n, bool large) {
  *n = (Numbers){.rank = (int32_t)random_int(1, 4)};
  int64_t space[MAX];
  int32_t space_rank = (int32_t)random_int(0, 2);
  for (int32_t i = 0; i < space_rank; ++i)
    space[i] = random_int(0, 15) ? random_int(1, large ? 30 : 5) : 0;
  bool is_dropped[MAX] = {0};
  for (int32_t d = 0; d < n->rank; ++d) {
    n->dims[d] = random_int(0, 30) ? random_int(1, large ? 40 : 7) : 0;
    n->sizes[d] = random_int(0, 3) ? random_int(0, n->dims[d]) : n->dims[d];
    const int64_t kind = random_int(0, 5);
    if (kind == 0 && space_rank < 3) {
      n->batching[n->num_batching] = d;
      n->along[n->num_batching++] = space_rank;
      space[space_rank++] = n->dims[d];
      is_dropped[d] = true;
      n->sizes[d] = n->dims[d] ? 1 : 0;
    } else if (kind < 4) {
      n->mapped[n->num_mapped++] = d;
      if (random_int(0, 1) && n->dims[d]) {
        n->sizes[d] = 1;
        n->dropped[n->num_dropped++] = d;
        is_dropped[d] = true;
      }
    }
  }
  for (int32_t i = n->num_mapped - 1; i > 0; --i) { // components in any order
    const int32_t j = (int32_t)random_int(0, i);
    const int64_t t = n->mapped[i];
    n->mapped[i] = n->mapped[j];
    n->mapped[j] = t;
  }
  // The vectors' dimension: anywhere, or absent when there is one component.
  n->vector_dim =
      n->num_mapped == 1 && random_int(0, 2) == 0 ? space_rank : random_int(0, space_rank);
  const bool absent = n->num_mapped == 1 && n->vector_dim == space_rank && random_int(0, 1);
  for (int32_t i = 0, at = 0; i < space_rank + !absent; ++i)
    n->index_dims[n->index_rank++] = i == n->vector_dim && !absent ? n->num_mapped : space[at++];
  for (int32_t i = 0; i < n->num_batching; ++i)
    n->along[i] += !absent && n->along[i] >= n->vector_dim;
  // The result: window dimensions at random places.
  for (int32_t d = 0; d < n->rank; ++d)
    n->window_rank += !is_dropped[d];
  n->out_rank = n->window_rank + space_rank;
  int32_t windows = 0, spaces = 0, operand = 0;
  for (int32_t i = 0; i < n->out_rank; ++i) {
    const int32_t left = n->out_rank - i, want = n->window_rank - windows;
    if (random_int(1, left) <= want) {
      while (is_dropped[operand])
        ++operand;
      n->window_dims[windows++] = i;
      n->out_dims[i] = n->sizes[operand++];
    } else {
      n->out_dims[i] = space[spaces++];
    }
  }
}

static void add_list(const char *name, int32_t count, const int64_t *values, bool comma) {
  text_add("%s = [", name);
  text_list(count, values);
  text_add(comma ? "], " : "]");
}

static PjTensor *random_indices(const Numbers *n, PjDtype dtype) {
  PjTensor *tensor = random_tensor(dtype, n->index_rank, n->index_dims, false);
  const size_t elem = pj_dtype_bytes(dtype);
  for (int64_t i = 0; i < tensor->count; ++i) {
    int64_t value = random_int(0, 9) ? random_int(0, 6) : random_int(-3, 60);
    if (dtype == PJ_DT_U8 && value < 0)
      value = 200;
    if (elem == 8 && !random_int(0, 40)) // far outside: no offset can be computed of it
      value = random_int(0, 1) ? INT64_MAX : INT64_MIN;
    memcpy((char *)tensor->data + (size_t)i * elem, &value, elem);
  }
  return tensor;
}

static const PjDtype index_types[] = {PJ_DT_S32, PJ_DT_S64, PJ_DT_U8, PJ_DT_U32};
static const PjDtype types[] = {PJ_DT_F32, PJ_DT_S32, PJ_DT_BF16, PJ_DT_F64,
                                PJ_DT_S8,  PJ_DT_C64, PJ_DT_PRED, PJ_DT_F16};

static void gathers(void **state) {
  (void)state;
  for (int round = 0; round < 600; ++round) {
    const PjDtype dtype = types[round % 8], index_type = index_types[round % 4];
    Numbers n;
    make_numbers(&n, round % 10 == 0);
    text_start();
    text_add("func.func @main(%%x: ");
    text_type(dtype, n.rank, n.dims);
    text_add(", %%i: ");
    text_type(index_type, n.index_rank, n.index_dims);
    text_add(") -> ");
    text_type(dtype, n.out_rank, n.out_dims);
    text_add(" {\n  %%r = \"stablehlo.gather\"(%%x, %%i) <{dimension_numbers = #stablehlo.gather<");
    add_list("offset_dims", n.window_rank, n.window_dims, true);
    int64_t sorted[MAX];
    int32_t count = 0;
    for (int32_t d = 0; d < n.rank; ++d)
      for (int32_t k = 0; k < n.num_dropped; ++k)
        if (n.dropped[k] == d)
          sorted[count++] = d;
    add_list("collapsed_slice_dims", count, sorted, true);
    add_list("operand_batching_dims", n.num_batching, n.batching, true);
    add_list("start_indices_batching_dims", n.num_batching, n.along, true);
    add_list("start_index_map", n.num_mapped, n.mapped, true);
    text_add("index_vector_dim = %d>, indices_are_sorted = false, slice_sizes = array<i64: ",
             (int)n.vector_dim);
    text_list(n.rank, n.sizes);
    text_add(">}> : (");
    text_type(dtype, n.rank, n.dims);
    text_add(", ");
    text_type(index_type, n.index_rank, n.index_dims);
    text_add(") -> ");
    text_type(dtype, n.out_rank, n.out_dims);
    text_add("\n  return %%r : ");
    text_type(dtype, n.out_rank, n.out_dims);
    text_add("\n}\n");
    PjTensor *inputs[] = {random_tensor(dtype, n.rank, n.dims, true),
                          random_indices(&n, index_type)};
    check_routine(text_get(), PJ_OP_GATHER, 2, inputs, MATCH_BITS, 0);
    for (int i = 0; i < 2; ++i)
      pj_tensor_release(inputs[i]);
  }
}

// Bodies of %a0, %b0 (operand and update) and, of two operands, %a1, %b1; results %r0, %r1. "T" is
// the scalar type.
typedef struct ScatterBody {
  int count;
  const char *text, *results;
  bool numbers; // not for PRED and complex numbers
} ScatterBody;
static const ScatterBody bodies[] = {
    {1, "", "%b0", false},
    {1, "%r0 = stablehlo.add %a0, %b0 : T\n", "%r0", false},
    {1, "%r0 = stablehlo.maximum %b0, %a0 : T\n", "%r0", false},
    {1, "%r0 = stablehlo.minimum %a0, %b0 : T\n", "%r0", false},
    {1, "%r0 = stablehlo.multiply %a0, %b0 : T\n", "%r0", false},
    {1, "%r0 = stablehlo.subtract %a0, %b0 : T\n", "%r0", true},
    {1,
     "%c = stablehlo.constant dense<3> : T\n%d = stablehlo.add %b0, %c : T\n%r0 = "
     "stablehlo.subtract %d, %a0 : T\n",
     "%r0", true},
    {1, "", "%a0", false},
    {2, "", "%b0, %b1", false},
    {2, "", "%a1, %a0", false}, // each takes the other's
    {2, "%r0 = stablehlo.add %a0, %b1 : T\n%r1 = stablehlo.maximum %a1, %b0 : T\n", "%r0, %r1",
     false},
};

static void add_scalar_text(const char *text, PjDtype dtype) {
  const bool is_float = pj_dtype_is_float(dtype);
  for (const char *at = text; *at; ++at) {
    if (*at == 'T')
      text_add("tensor<%s>", pj_dtype_text(dtype));
    else if (*at == '3' && is_float)
      text_add("3.0");
    else
      text_add("%c", *at);
  }
}

static void types_list(int count, PjDtype dtype, int32_t rank, const int64_t *dims) {
  for (int i = 0; i < count; ++i) {
    text_add(i ? ", " : "");
    text_type(dtype, rank, dims);
  }
}

static void check_scatter_sum(const ScatterBody *body, const Numbers *n, PjDtype dtype,
                              PjDtype index_type, RoutineMatch match, double factor) {
  const char *type = pj_dtype_text(dtype);
  const int count = body->count;
  text_start();
  text_add("func.func @main(");
  for (int i = 0; i < count; ++i) {
    text_add("%%x%d: ", i);
    text_type(dtype, n->rank, n->dims);
    text_add(", %%u%d: ", i);
    text_type(dtype, n->out_rank, n->out_dims);
    text_add(", ");
  }
  text_add("%%i: ");
  text_type(index_type, n->index_rank, n->index_dims);
  text_add(") -> (");
  types_list(count, dtype, n->rank, n->dims);
  text_add(") {\n  %s = \"stablehlo.scatter\"(%s, %%i, %s) <{scatter_dimension_numbers = "
           "#stablehlo.scatter<",
           count == 2 ? "%r:2" : "%r", count == 2 ? "%x0, %x1" : "%x0",
           count == 2 ? "%u0, %u1" : "%u0");
  add_list("update_window_dims", n->window_rank, n->window_dims, true);
  int64_t sorted[MAX];
  int32_t dropped = 0;
  for (int32_t d = 0; d < n->rank; ++d)
    for (int32_t k = 0; k < n->num_dropped; ++k)
      if (n->dropped[k] == d)
        sorted[dropped++] = d;
  add_list("inserted_window_dims", dropped, sorted, true);
  add_list("input_batching_dims", n->num_batching, n->batching, true);
  add_list("scatter_indices_batching_dims", n->num_batching, n->along, true);
  add_list("scatter_dims_to_operand_dims", n->num_mapped, n->mapped, true);
  text_add("index_vector_dim = %d>}> ({\n^bb0(%%a0: tensor<%s>, ", (int)n->vector_dim, type);
  text_add(count == 2 ? "%%a1: tensor<%s>, %%b0: tensor<%s>, %%b1: tensor<%s>):\n"
                      : "%%b0: tensor<%s>):\n",
           type, type, type);
  add_scalar_text(body->text, dtype);
  text_add("stablehlo.return %s : tensor<%s>", body->results, type);
  text_add(count == 2 ? ", tensor<%s>\n}) : (" : "\n}) : (", type);
  types_list(count, dtype, n->rank, n->dims);
  text_add(", ");
  text_type(index_type, n->index_rank, n->index_dims);
  text_add(", ");
  types_list(count, dtype, n->out_rank, n->out_dims);
  text_add(") -> (");
  types_list(count, dtype, n->rank, n->dims);
  text_add(")\n  return %s : ", count == 2 ? "%r#0, %r#1" : "%r");
  types_list(count, dtype, n->rank, n->dims);
  text_add("\n}\n");
  PjTensor *inputs[5];
  for (int i = 0; i < count; ++i) {
    inputs[2 * i] = random_tensor(dtype, n->rank, n->dims, true);
    inputs[2 * i + 1] = random_tensor(dtype, n->out_rank, n->out_dims, true);
  }
  inputs[2 * count] = random_indices(n, index_type);
  check_routine(text_get(), PJ_OP_SCATTER, (uint32_t)(2 * count + 1), inputs, match, factor);
  for (int i = 0; i < 2 * count + 1; ++i)
    pj_tensor_release(inputs[i]);
}

static void check_scatter(const ScatterBody *body, const Numbers *n, PjDtype dtype,
                          PjDtype index_type) {
  check_scatter_sum(body, n, dtype, index_type, MATCH_BITS, 0);
}

static void scatters(void **state) {
  (void)state;
  for (int round = 0; round < 1000; ++round) {
    const PjDtype dtype = types[round % 8];
    const ScatterBody *body = &bodies[(size_t)random_int(0, sizeof bodies / sizeof *bodies - 1)];
    Numbers n;
    make_numbers(&n, round % 10 == 0);
    if (body->numbers && (dtype == PJ_DT_PRED || dtype == PJ_DT_C64))
      continue;
    check_scatter(body, &n, dtype, index_types[round % 4]);
  }
}

// |count| indices of rows of |width| elements, of which there are |places|.
static Numbers whole_rows(int64_t places, int64_t count, int64_t width) {
  return (Numbers){.rank = 2,
                   .index_rank = 2,
                   .window_rank = 1,
                   .out_rank = 2,
                   .num_mapped = 1,
                   .num_dropped = 1,
                   .dims = {places, width},
                   .sizes = {1, width},
                   .index_dims = {count, 1},
                   .vector_dim = 1,
                   .out_dims = {count, width},
                   .window_dims = {1}};
}

// Enough updates for several threads.
static void many_updates(void **state) {
  (void)state;
  for (size_t b = 0; b < 3; ++b)
    for (size_t t = 0; t < 5; ++t) {
      // Rows that threads share by their places, and rows that are cut.
      for (int64_t width = 33; width < 600; width += 500) {
        const Numbers rows = whole_rows(50, 2500, width);
        check_scatter(&bodies[b], &rows, types[t], PJ_DT_S32);
      }
      Numbers elements = {.rank = 1,
                          .index_rank = 2,
                          .out_rank = 1,
                          .num_mapped = 1,
                          .num_dropped = 1,
                          .dims = {64},
                          .sizes = {1},
                          .index_dims = {12000, 1},
                          .vector_dim = 1,
                          .out_dims = {12000}};
      check_scatter(&bodies[b], &elements, types[t], PJ_DT_S32);
      if (!t)
        check_scatter(&bodies[b], &elements, PJ_DT_PRED, PJ_DT_S32);
    }
}

// Short rows and rows of whole vectors, some of which follow another of the same place.
static void short_rows(void **state) {
  (void)state;
  for (size_t b = 1; b < 5; ++b)
    for (size_t t = 0; t < 5; ++t)
      for (int64_t width = 1; width <= 128; width += width < 16 ? 1 : 8) {
        const Numbers rows = whole_rows(7, 29, width);
        check_scatter(&bodies[b], &rows, types[t], PJ_DT_S32);
      }
}

// Windows of columns: those that move by columns, and those that move along them and so overlap.
static void columns(void **state) {
  (void)state;
  for (size_t b = 0; b < 5; ++b)
    for (size_t t = 0; t < 5; ++t)
      for (int along = 0; along < 2; ++along) {
        const Numbers n = {.rank = 2,
                           .index_rank = 2,
                           .window_rank = 1,
                           .out_rank = 2,
                           .num_mapped = 1,
                           .num_dropped = 1,
                           .dims = {20, 7},
                           .sizes = {along ? 9 : 20, 1},
                           .mapped = {!along},
                           .dropped = {1},
                           .index_dims = {30, 1},
                           .vector_dim = 1,
                           .out_dims = {along ? 9 : 20, 30},
                           .window_dims = {0}};
        check_scatter(&bodies[b], &n, types[t], PJ_DT_S32);
      }
}

// Windows that begin anywhere in long rows and so overlap: an element is in another column of each,
// and no two threads may have it.
static void overlapping(void **state) {
  (void)state;
  for (size_t b = 0; b < 3; ++b)
    for (size_t t = 0; t < 5; ++t) {
      const Numbers n = {.rank = 1,
                         .index_rank = 2,
                         .window_rank = 1,
                         .out_rank = 2,
                         .num_mapped = 1,
                         .dims = {3001},
                         .sizes = {2000},
                         .index_dims = {400, 1},
                         .vector_dim = 1,
                         .out_dims = {400, 2000},
                         .window_dims = {1}};
      check_scatter(&bodies[b], &n, types[t], PJ_DT_S32);
    }
}

// So many for few elements that they go to copies of these, which are added up.
static void updates_in_copies(void **state) {
  (void)state;
  static const PjDtype wide[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_S32};
  for (size_t b = 1; b < 3; ++b)
    for (size_t t = 0; t < 3; ++t) {
      const RoutineMatch match = b == 1 ? MATCH_SUM : MATCH_BITS;
      Numbers rows = {.rank = 2,
                      .index_rank = 2,
                      .window_rank = 1,
                      .out_rank = 2,
                      .num_mapped = 1,
                      .num_dropped = 1,
                      .dims = {50, 33},
                      .sizes = {1, 33},
                      .index_dims = {8001, 1},
                      .vector_dim = 1,
                      .out_dims = {8001, 33},
                      .window_dims = {1}};
      check_scatter_sum(&bodies[b], &rows, wide[t], PJ_DT_S32, match, 8001);
      Numbers wide_rows = rows;
      wide_rows.dims[1] = wide_rows.sizes[1] = wide_rows.out_dims[1] = 260;
      wide_rows.index_dims[0] = wide_rows.out_dims[0] = 1201;
      check_scatter_sum(&bodies[b], &wide_rows, wide[t], PJ_DT_S32, match, 1201);
      Numbers elements = {.rank = 1,
                          .index_rank = 2,
                          .out_rank = 1,
                          .num_mapped = 1,
                          .num_dropped = 1,
                          .dims = {64},
                          .sizes = {1},
                          .index_dims = {300001, 1},
                          .vector_dim = 1,
                          .out_dims = {300001}};
      check_scatter_sum(&bodies[b], &elements, wide[t], PJ_DT_S32, match, 300001);
      Numbers windows = {.rank = 2,
                         .index_rank = 2,
                         .window_rank = 2,
                         .out_rank = 3,
                         .num_mapped = 1,
                         .dims = {9, 40},
                         .sizes = {2, 30},
                         .mapped = {1},
                         .index_dims = {5001, 1},
                         .vector_dim = 1,
                         .out_dims = {5001, 2, 30},
                         .window_dims = {1, 2}};
      check_scatter_sum(&bodies[b], &windows, wide[t], PJ_DT_S64, match, 5001);
    }
}

// Extrema of floats of which many are equal, but for their sign where they are zeros, with NaN of
// both signs among them: few updates of a place, and so many that most change nothing.
static void extrema(void **state) {
  (void)state;
  enum { ROUNDS = 60 };
  static const double numbers[] = {0.0, -0.0, -1, 1, INFINITY, -INFINITY, NAN, -NAN};
  static const PjDtype floats[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_F16, PJ_DT_BF16};
  for (size_t b = 0; b < 2; ++b)
    for (size_t t = 0; t < 4; ++t)
      for (int round = 0; round < ROUNDS; ++round) {
        const int64_t places = round % 3 + 1, dims[] = {places, 64 * places - round % 2, 1};
        const int64_t most = round % 4 == 3 ? 7 : round % 4 + 1;
        PjTensor *inputs[] = {pj_tensor_new(floats[t], 1, dims),
                              pj_tensor_new(PJ_DT_S32, 2, dims + 1),
                              pj_tensor_new(floats[t], 1, dims + 1)};
        for (int64_t i = 0; i < dims[1]; ++i) {
          char *at = (char *)inputs[2]->data + (size_t)i * pj_dtype_bytes(floats[t]);
          ((int32_t *)inputs[1]->data)[i] = (int32_t)random_int(-1, places);
          const int64_t which = random_int(0, most);
          // NaN is rare, or nothing else would be left.
          pj_double_encode(floats[t], numbers[which > 5 && random_int(0, 9) ? 0 : which], at);
          if (i < places)
            memcpy((char *)inputs[0]->data + (size_t)i * pj_dtype_bytes(floats[t]), at,
                   pj_dtype_bytes(floats[t]));
        }
        const char *type = pj_dtype_text(floats[t]);
        char text[1024];
        snprintf(text, sizeof text,
                 "func.func @main(%%x: tensor<%dx%s>, %%i: tensor<%dx1xi32>, %%u: tensor<%dx%s>) "
                 "-> tensor<%dx%s> {\n  %%r = \"stablehlo.scatter\"(%%x, %%i, %%u) "
                 "<{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], "
                 "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
                 "^bb0(%%a: tensor<%s>, %%b: tensor<%s>):\n"
                 "  %%p = stablehlo.%s %%a, %%b : tensor<%s>\n"
                 "  stablehlo.return %%p : tensor<%s>\n}) : "
                 "(tensor<%dx%s>, tensor<%dx1xi32>, tensor<%dx%s>) -> tensor<%dx%s>\n"
                 "  return %%r : tensor<%dx%s>\n}\n",
                 (int)places, type, (int)dims[1], (int)dims[1], type, (int)places, type, type, type,
                 b ? "minimum" : "maximum", type, type, (int)places, type, (int)dims[1],
                 (int)dims[1], type, (int)places, type, (int)places, type);
        check_routine(text, PJ_OP_SCATTER, 3, inputs, MATCH_BITS, 0);
        for (int i = 0; i < 3; ++i)
          pj_tensor_release(inputs[i]);
      }
}

// 16-bit numbers are multiplied as int, which they could overflow.
static void products_wrap(void **state) {
  (void)state;
  int64_t dims[] = {4}, places[] = {32, 1};
  PjTensor *inputs[] = {pj_tensor_new(PJ_DT_U16, 1, dims), pj_tensor_new(PJ_DT_S32, 2, places),
                        pj_tensor_new(PJ_DT_U16, 1, places)};
  memset(inputs[0]->data, 0xff, inputs[0]->bytes);
  memset(inputs[2]->data, 0xff, inputs[2]->bytes);
  for (int32_t i = 0; i < 32; ++i)
    ((int32_t *)inputs[1]->data)[i] = i * i % 4;
  check_routine("func.func @main(%x: tensor<4xui16>, %i: tensor<32x1xi32>, %u: tensor<32xui16>) -> "
                "tensor<4xui16> {\n  %r = \"stablehlo.scatter\"(%x, %i, %u) "
                "<{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], "
                "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
                "^bb0(%a: tensor<ui16>, %b: tensor<ui16>):\n"
                "  %p = stablehlo.multiply %a, %b : tensor<ui16>\n"
                "  stablehlo.return %p : tensor<ui16>\n}) : "
                "(tensor<4xui16>, tensor<32x1xi32>, tensor<32xui16>) -> tensor<4xui16>\n"
                "  return %r : tensor<4xui16>\n}\n",
                PJ_OP_SCATTER, 3, inputs, MATCH_BITS, 0);
  for (int i = 0; i < 3; ++i)
    pj_tensor_release(inputs[i]);
}

static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  many_updates(state);
  short_rows(state);
  updates_in_copies(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(extrema),
                                     cmocka_unit_test(columns),
                                     cmocka_unit_test(gathers),
                                     cmocka_unit_test(scatters),
                                     cmocka_unit_test(many_updates),
                                     cmocka_unit_test(updates_in_copies),
                                     cmocka_unit_test(products_wrap),
                                     cmocka_unit_test(short_rows),
                                     cmocka_unit_test(plain_instructions),
                                     cmocka_unit_test(overlapping)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
