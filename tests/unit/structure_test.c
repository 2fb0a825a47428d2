// Data movement, gather and scatter against the index formulas of the specification, evaluated
// element by element on random shapes.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "evaluate.h"

enum { ROUNDS = 150, MAX = 8 };

static const PjDtype dtypes[] = {PJ_DT_S8, PJ_DT_S16, PJ_DT_F32, PJ_DT_S64, PJ_DT_C128, PJ_DT_U4};

static PjDtype random_dtype(void) {
  return dtypes[random_int(0, 5)];
}

// Sizes 0 to 5; 0 seldom.
static void random_dims(int32_t rank, int64_t *dims) {
  for (int32_t i = 0; i < rank; ++i)
    dims[i] = random_int(0, 15) ? random_int(1, 5) : 0;
}

// An operand whose every element differs from its neighbours.
static PjTensor *counting(PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjTensor *tensor = make_tensor(dtype, rank, dims, NULL);
  size_t elem = pj_dtype_bytes(dtype);
  int64_t wrap = dtype == PJ_DT_U4 ? 15 : 120;
  for (int64_t i = 0; i < tensor->count; ++i) {
    int64_t value = 1 + i % wrap;
    memcpy((char *)tensor->data + (size_t)i * elem, &value, elem < 8 ? elem : 8);
  }
  return tensor;
}

static void start(int num_args, PjTensor *const *args) {
  text_start();
  text_add("func.func @main(");
  for (int i = 0; i < num_args; ++i) {
    text_add(i ? ", %%a%d: " : "%%a%d: ", i);
    text_type(args[i]->dtype, args[i]->rank, args[i]->dims);
  }
  text_add(") -> ");
}

static void signature(int num_args, PjTensor *const *args, PjDtype dtype, int32_t rank,
                      const int64_t *dims) {
  text_add(" : (");
  for (int i = 0; i < num_args; ++i) {
    if (i)
      text_add(", ");
    text_type(args[i]->dtype, args[i]->rank, args[i]->dims);
  }
  text_add(") -> ");
  text_type(dtype, rank, dims);
}

static void finish(PjDtype dtype, int32_t rank, const int64_t *dims) {
  text_add("\n  return %%r : ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
}

// Runs |line| ("stablehlo.op %a0 ...") on |args| and checks that element j of the result is element
// source(j) of args[0], or args[1] (a scalar) where that is -1.
typedef int64_t Source(const int64_t *index, const void *context);

static void check(int num_args, PjTensor *const *args, const char *line, int32_t rank,
                  const int64_t *dims, Source *source, const void *context) {
  char copy[2048];
  strcpy(copy, line);
  PjDtype dtype = args[0]->dtype;
  start(num_args, args);
  text_type(dtype, rank, dims);
  text_add(" {\n  %%r = %s", copy);
  signature(num_args, args, dtype, rank, dims);
  finish(dtype, rank, dims);
  PjTensor *out;
  evaluate_ok(text_get(), (uint32_t)num_args, args, 1, &out);
  size_t elem = pj_dtype_bytes(dtype);
  for (int64_t j = 0; j < out->count; ++j) {
    int64_t index[MAX];
    unravel(j, rank, dims, index);
    int64_t from = source(index, context);
    const char *want =
        from < 0 ? (const char *)args[1]->data : (const char *)args[0]->data + (size_t)from * elem;
    if (memcmp((const char *)out->data + (size_t)j * elem, want, elem) != 0)
      fail_msg("element %" PRId64 " is not element %" PRId64 "\n%s", j, from, text_get());
  }
  pj_tensor_release(out);
  for (int i = 0; i < num_args; ++i)
    pj_tensor_release(args[i]);
}

static const char *line(const char *format, ...) {
  static char buffer[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(buffer, sizeof buffer, format, args);
  va_end(args);
  return buffer;
}

static const char *list(int64_t count, const int64_t *values) {
  static char buffers[8][256];
  static int next;
  char *buffer = buffers[next++ % 8];
  size_t at = 0;
  buffer[0] = 0;
  for (int64_t i = 0; i < count; ++i)
    at += (size_t)sprintf(buffer + at, i ? ", %" PRId64 : "%" PRId64, values[i]);
  return buffer;
}

// What the sources need to know.
typedef struct Where {
  int32_t rank;
  const int64_t *dims, *a, *b;
  uint32_t set; // of dimensions
} Where;

static int64_t transposed(const int64_t *index, const void *context) {
  const Where *w = context;
  int64_t from[MAX];
  for (int32_t i = 0; i < w->rank; ++i)
    from[w->a[i]] = index[i];
  return ravel(w->rank, w->dims, from);
}

static void transpose(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(0, 5);
    int64_t dims[MAX], permutation[MAX], result[MAX];
    random_dims(rank, dims);
    if (round % 10 == 0 && rank >= 2)
      dims[0] = 70, dims[1] = 45; // more than a tile
    for (int32_t i = 0; i < rank; ++i) {
      int32_t j = (int32_t)random_int(0, i);
      permutation[i] = permutation[j];
      permutation[j] = i;
    }
    for (int32_t i = 0; i < rank; ++i)
      result[i] = dims[permutation[i]];
    PjTensor *arg = counting(random_dtype(), rank, dims);
    check(1, &arg, line("stablehlo.transpose %%a0, dims = [%s]", list(rank, permutation)), rank,
          result, transposed, &(Where){rank, dims, permutation, NULL, 0});
  }
}

static int64_t reversed(const int64_t *index, const void *context) {
  const Where *w = context;
  int64_t from[MAX];
  for (int32_t i = 0; i < w->rank; ++i)
    from[i] = w->set >> i & 1 ? w->dims[i] - 1 - index[i] : index[i];
  return ravel(w->rank, w->dims, from);
}

static void reverse(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(0, 4), count = 0;
    uint32_t set = (uint32_t)random_int(0, (1 << rank) - 1);
    int64_t dims[MAX], axes[MAX];
    random_dims(rank, dims);
    for (int32_t i = rank - 1; i >= 0; --i)
      if (set >> i & 1)
        axes[count++] = i;
    PjTensor *arg = counting(random_dtype(), rank, dims);
    check(1, &arg, line("stablehlo.reverse %%a0, dims = [%s]", list(count, axes)), rank, dims,
          reversed, &(Where){rank, dims, NULL, NULL, set});
  }
}

static int64_t strided(const int64_t *index, const void *context) {
  const Where *w = context;
  int64_t from[MAX];
  for (int32_t i = 0; i < w->rank; ++i)
    from[i] = w->a[i] + index[i] * w->b[i];
  return ravel(w->rank, w->dims, from);
}

static void slice(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(1, 4);
    int64_t dims[MAX], first[MAX], limit[MAX], step[MAX], result[MAX];
    char ranges[512] = "";
    random_dims(rank, dims);
    for (int32_t i = 0; i < rank; ++i) {
      first[i] = random_int(0, dims[i]);
      limit[i] = random_int(first[i], dims[i]);
      step[i] = random_int(1, 3);
      result[i] = 0;
      for (int64_t at = first[i]; at < limit[i]; at += step[i])
        ++result[i];
      sprintf(ranges + strlen(ranges), "%s%" PRId64 ":%" PRId64 ":%" PRId64, i ? ", " : "",
              first[i], limit[i], step[i]);
    }
    PjTensor *arg = counting(random_dtype(), rank, dims);
    check(1, &arg, line("stablehlo.slice %%a0 [%s]", ranges), rank, result, strided,
          &(Where){rank, dims, first, step, 0});
  }
}

static int64_t padded(const int64_t *index, const void *context) {
  const Where *w = context;
  int64_t from[MAX];
  for (int32_t i = 0; i < w->rank; ++i) {
    int64_t at = index[i] - w->a[i], step = w->b[i] + 1;
    if (at < 0 || at % step || at / step >= w->dims[i])
      return -1;
    from[i] = at / step;
  }
  return ravel(w->rank, w->dims, from);
}

static void pad(void **state) {
  (void)state;
  for (int round = 0; round < 2 * ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(0, 4);
    int64_t dims[MAX], low[MAX], high[MAX], interior[MAX], result[MAX];
    random_dims(rank, dims);
    for (int32_t i = 0; i < rank; ++i) {
      do {
        low[i] = random_int(-6, 4);
        high[i] = random_int(-6, 4);
        interior[i] = random_int(0, 1) ? random_int(0, 3) : 0;
        result[i] = low[i] + dims[i] + (dims[i] ? (dims[i] - 1) * interior[i] : 0) + high[i];
      } while (result[i] < 0);
    }
    PjDtype dtype = random_dtype();
    PjTensor *args[2] = {counting(dtype, rank, dims), make_tensor(dtype, 0, NULL, NULL)};
    memset(args[1]->data, 0, args[1]->bytes);
    check(2, args,
          line("stablehlo.pad %%a0, %%a1, low = [%s], high = [%s], interior = [%s]",
               list(rank, low), list(rank, high), list(rank, interior)),
          rank, result, padded, &(Where){rank, dims, low, interior, 0});
  }
}

static int64_t broadcasted(const int64_t *index, const void *context) {
  const Where *w = context;
  int64_t from[MAX];
  for (int32_t i = 0; i < w->rank; ++i)
    from[i] = w->dims[i] == 1 ? 0 : index[w->a[i]];
  return ravel(w->rank, w->dims, from);
}

static void broadcast(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(0, 5), count = 0;
    int64_t result[MAX], map[MAX], dims[MAX];
    random_dims(rank, result);
    for (int32_t i = 0; i < rank; ++i)
      if (random_int(0, 1))
        map[count++] = i;
    for (int32_t i = count - 1; i > 0; --i) { // in any order
      int64_t j = random_int(0, i), swap = map[i];
      map[i] = map[j];
      map[j] = swap;
    }
    for (int32_t i = 0; i < count; ++i)
      dims[i] = random_int(0, 2) ? result[map[i]] : 1;
    PjTensor *arg = counting(random_dtype(), count, dims);
    check(1, &arg, line("stablehlo.broadcast_in_dim %%a0, dims = [%s]", list(count, map)), rank,
          result, broadcasted, &(Where){count, dims, map, NULL, 0});
  }
}

static int64_t clamped(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

static void dynamic_slices(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(1, 3);
    int64_t dims[MAX], sizes[MAX], first[MAX];
    static const int64_t ones[MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
    random_dims(rank, dims);
    PjTensor *args[2 + MAX];
    char starts[64] = "";
    for (int32_t i = 0; i < rank; ++i) {
      int32_t start = (int32_t)random_int(-4, 8);
      sizes[i] = random_int(0, dims[i]);
      first[i] = clamped(start, 0, dims[i] - sizes[i]);
      args[1 + i] = make_tensor(PJ_DT_S32, 0, NULL, &start);
      sprintf(starts + strlen(starts), ", %%a%d", i + 1);
    }
    PjDtype dtype = random_dtype();
    args[0] = counting(dtype, rank, dims);
    check(rank + 1, args,
          line("stablehlo.dynamic_slice %%a0%s, sizes = [%s]", starts, list(rank, sizes)), rank,
          sizes, strided, &(Where){rank, dims, first, ones, 0});
  }
}

static void dynamic_update_slice_writes_the_box(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int64_t dims[2], sizes[2], first[2];
    random_dims(2, dims);
    PjTensor *args[4], *out;
    for (int32_t i = 0; i < 2; ++i) {
      int64_t start = random_int(-4, 8);
      sizes[i] = random_int(0, dims[i]);
      first[i] = clamped(start, 0, dims[i] - sizes[i]);
      args[2 + i] = make_tensor(PJ_DT_S64, 0, NULL, &start);
    }
    args[0] = counting(PJ_DT_S16, 2, dims);
    args[1] = make_tensor(PJ_DT_S16, 2, sizes, NULL);
    start(4, args);
    text_type(PJ_DT_S16, 2, dims);
    text_add(" {\n  %%r = stablehlo.dynamic_update_slice %%a0, %%a1, %%a2, %%a3");
    signature(4, args, PJ_DT_S16, 2, dims);
    finish(PJ_DT_S16, 2, dims);
    evaluate_ok(text_get(), 4, args, 1, &out);
    for (int64_t i = 0; i < dims[0]; ++i)
      for (int64_t j = 0; j < dims[1]; ++j) {
        int64_t k = i - first[0], l = j - first[1];
        bool inside = k >= 0 && k < sizes[0] && l >= 0 && l < sizes[1];
        const int16_t *whole = args[0]->data, *part = args[1]->data, *got = out->data;
        assert_int_equal(got[i * dims[1] + j],
                         inside ? part[k * sizes[1] + l] : whole[i * dims[1] + j]);
      }
    pj_tensor_release(out);
    for (int i = 0; i < 4; ++i)
      pj_tensor_release(args[i]);
  }
}

static void concatenate(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(1, 3), axis = (int32_t)random_int(0, rank - 1);
    int count = (int)random_int(1, 4);
    int64_t dims[4][MAX], result[MAX];
    PjTensor *args[4], *out;
    PjDtype dtype = random_dtype();
    random_dims(rank, result);
    result[axis] = 0;
    for (int i = 0; i < count; ++i) {
      memcpy(dims[i], result, sizeof result);
      dims[i][axis] = random_int(0, 3);
      args[i] = make_tensor(dtype, rank, dims[i], NULL);
    }
    for (int i = 0; i < count; ++i)
      result[axis] += dims[i][axis];
    start(count, args);
    text_type(dtype, rank, result);
    text_add(" {\n  %%r = stablehlo.concatenate ");
    for (int i = 0; i < count; ++i)
      text_add("%%a%d, ", i);
    text_add("dim = %d", axis);
    signature(count, args, dtype, rank, result);
    finish(dtype, rank, result);
    evaluate_ok(text_get(), (uint32_t)count, args, 1, &out);
    size_t elem = pj_dtype_bytes(dtype);
    for (int64_t j = 0; j < out->count; ++j) {
      int64_t index[MAX];
      int from = 0;
      unravel(j, rank, result, index);
      for (; index[axis] >= dims[from][axis]; ++from)
        index[axis] -= dims[from][axis];
      assert_memory_equal((char *)out->data + (size_t)j * elem,
                          (char *)args[from]->data + (size_t)ravel(rank, dims[from], index) * elem,
                          elem);
    }
    pj_tensor_release(out);
    for (int i = 0; i < count; ++i)
      pj_tensor_release(args[i]);
  }
}

// ---- gather and scatter

// Random dimension numbers for an operand and index vectors.
typedef struct Numbers {
  int32_t rank, index_rank, result_rank; // operand; indices; gather's result or scatter's updates
  int64_t dims[MAX], index_dims[MAX], sizes[MAX], result[MAX];
  int64_t vector_dim; // may be index_rank: indices are scalars
  int64_t collapsed[MAX], batching[MAX], start_batching[MAX], map[MAX], window[MAX];
  int num_collapsed, num_batching, num_map, num_window;
} Numbers;

static bool holds(const int64_t *values, int count, int64_t x) {
  for (int i = 0; i < count; ++i)
    if (values[i] == x)
      return true;
  return false;
}

static Numbers random_numbers(void) {
  Numbers n = {.rank = (int32_t)random_int(1, 4), .index_rank = (int32_t)random_int(1, 3)};
  random_dims(n.rank, n.dims);
  random_dims(n.index_rank, n.index_dims);
  n.vector_dim = random_int(0, n.index_rank);
  for (int32_t d = 0; d < n.rank; ++d) {
    n.sizes[d] = random_int(0, n.dims[d]);
    int64_t kind = random_int(0, 3);
    // A batching dimension runs along with the next free dimension of the indices.
    int32_t from = n.num_batching ? (int32_t)n.start_batching[n.num_batching - 1] + 1 : 0;
    from += from == n.vector_dim;
    if (kind == 0 && from < n.index_rank && n.dims[d] >= 1) {
      n.index_dims[from] = n.dims[d];
      n.batching[n.num_batching] = d;
      n.start_batching[n.num_batching++] = from;
      n.sizes[d] = 1;
      continue;
    }
    if (kind <= 1 && n.dims[d] >= 1) {
      n.collapsed[n.num_collapsed++] = d;
      n.sizes[d] = 1;
    }
    if (random_int(0, 2) && (n.vector_dim < n.index_rank || !n.num_map))
      n.map[n.num_map++] = d;
  }
  if (n.vector_dim == n.index_rank && n.num_map != 1) { // one component, whatever it is
    for (int32_t d = 0; d < n.rank && n.num_map != 1; ++d)
      if (!holds(n.batching, n.num_batching, d))
        n.map[0] = d, n.num_map = 1;
    if (n.num_map != 1)
      return random_numbers();
  }
  if (n.vector_dim < n.index_rank)
    n.index_dims[n.vector_dim] = n.num_map;
  if (n.num_map > 1 && random_int(0, 1)) {
    int64_t swap = n.map[0];
    n.map[0] = n.map[n.num_map - 1];
    n.map[n.num_map - 1] = swap;
  }
  int32_t num_batch = n.index_rank - (n.vector_dim < n.index_rank);
  int windows = n.rank - n.num_collapsed - n.num_batching;
  n.result_rank = num_batch + windows;
  for (int32_t d = 0, left = windows; d < n.result_rank && left; ++d)
    if (random_int(0, 1) || n.result_rank - d == left)
      n.window[n.num_window++] = d, --left;
  int32_t operand_dim = 0, index_dim = 0;
  for (int32_t d = 0; d < n.result_rank; ++d) {
    if (holds(n.window, n.num_window, d)) {
      while (holds(n.collapsed, n.num_collapsed, operand_dim) ||
             holds(n.batching, n.num_batching, operand_dim))
        ++operand_dim;
      n.result[d] = n.sizes[operand_dim++];
    } else {
      index_dim += index_dim == n.vector_dim;
      n.result[d] = n.index_dims[index_dim++];
    }
  }
  return n;
}

// Operand index for element |at| of the result or updates. With |clamp| starts are moved so that
// windows fit.
static void operand_index(const Numbers *n, const PjTensor *indices, const int64_t *at, bool clamp,
                          int64_t *out) {
  int64_t position[MAX] = {0};
  int32_t operand_dim = 0, index_dim = 0;
  for (int32_t d = 0; d < n->rank; ++d)
    out[d] = 0;
  for (int32_t d = 0; d < n->result_rank; ++d) {
    if (holds(n->window, n->num_window, d)) {
      while (holds(n->collapsed, n->num_collapsed, operand_dim) ||
             holds(n->batching, n->num_batching, operand_dim))
        ++operand_dim;
      out[operand_dim++] = at[d];
    } else {
      index_dim += index_dim == n->vector_dim;
      position[index_dim++] = at[d];
    }
  }
  for (int i = 0; i < n->num_map; ++i) {
    if (n->vector_dim < n->index_rank)
      position[n->vector_dim] = i;
    int64_t start = ((const int32_t *)indices->data)[ravel(n->index_rank, n->index_dims, position)];
    int64_t d = n->map[i];
    out[d] += clamp ? clamped(start, 0, n->dims[d] - n->sizes[d]) : start;
  }
  for (int i = 0; i < n->num_batching; ++i)
    out[n->batching[i]] += position[n->start_batching[i]];
}

static void add_numbers(const Numbers *n, bool scatter) {
  text_add("#stablehlo.%s<%s = [", scatter ? "scatter" : "gather",
           scatter ? "update_window_dims" : "offset_dims");
  text_list(n->num_window, n->window);
  text_add("], %s = [", scatter ? "inserted_window_dims" : "collapsed_slice_dims");
  text_list(n->num_collapsed, n->collapsed);
  text_add("], %s = [", scatter ? "input_batching_dims" : "operand_batching_dims");
  text_list(n->num_batching, n->batching);
  text_add("], %s = [", scatter ? "scatter_indices_batching_dims" : "start_indices_batching_dims");
  text_list(n->num_batching, n->start_batching);
  text_add("], %s = [", scatter ? "scatter_dims_to_operand_dims" : "start_index_map");
  text_list(n->num_map, n->map);
  text_add("], index_vector_dim = %" PRId64 ">", n->vector_dim);
}

static PjTensor *random_indices(const Numbers *n, int64_t low, int64_t high) {
  PjTensor *indices = make_tensor(PJ_DT_S32, n->index_rank, n->index_dims, NULL);
  for (int64_t i = 0; i < indices->count; ++i)
    ((int32_t *)indices->data)[i] = (int32_t)random_int(low, high);
  return indices;
}

static void gather(void **state) {
  (void)state;
  for (int round = 0; round < 4 * ROUNDS; ++round) {
    Numbers n = random_numbers();
    PjDtype dtype = random_dtype();
    PjTensor *args[2] = {counting(dtype, n.rank, n.dims), random_indices(&n, -3, 7)}, *out;
    start(2, args);
    text_type(dtype, n.result_rank, n.result);
    text_add(" {\n  %%r = \"stablehlo.gather\"(%%a0, %%a1) <{dimension_numbers = ");
    add_numbers(&n, false);
    text_add(", slice_sizes = array<i64%s", n.rank ? ": " : "");
    text_list(n.rank, n.sizes);
    text_add(">, indices_are_sorted = false}>");
    signature(2, args, dtype, n.result_rank, n.result);
    finish(dtype, n.result_rank, n.result);
    evaluate_ok(text_get(), 2, args, 1, &out);
    size_t elem = pj_dtype_bytes(dtype);
    for (int64_t j = 0; j < out->count; ++j) {
      int64_t at[MAX], from[MAX];
      unravel(j, n.result_rank, n.result, at);
      operand_index(&n, args[1], at, true, from);
      if (memcmp((char *)out->data + (size_t)j * elem,
                 (char *)args[0]->data + (size_t)ravel(n.rank, n.dims, from) * elem, elem) != 0)
        fail_msg("element %" PRId64 "\n%s", j, text_get());
    }
    pj_tensor_release(out);
    pj_tensor_release(args[0]);
    pj_tensor_release(args[1]);
  }
}

// Bodies: native add; the update itself; one that is compiled; one that needs the region (it leaves
// rank 0).
static const char *const bodies[] = {
    "    %s = stablehlo.add %x, %y : tensor<i32>\n",
    "    %s = stablehlo.maximum %y, %x : tensor<i32>\n",
    "    %c = stablehlo.constant dense<3> : tensor<i32>\n"
    "    %m = stablehlo.multiply %y, %c : tensor<i32>\n"
    "    %s = stablehlo.add %x, %m : tensor<i32>\n",
    "    %v = stablehlo.reshape %y : (tensor<i32>) -> tensor<1xi32>\n"
    "    %w = stablehlo.reshape %v : (tensor<1xi32>) -> tensor<i32>\n"
    "    %s = stablehlo.subtract %x, %w : tensor<i32>\n",
};

static int32_t apply_body(int body, int32_t x, int32_t y) {
  switch (body) {
  case 0:
    return x + y;
  case 1:
    return x > y ? x : y;
  case 2:
    return x + 3 * y;
  default:
    return x - y;
  }
}

static void scatter(void **state) {
  (void)state;
  for (int round = 0; round < 4 * ROUNDS; ++round) {
    Numbers n = random_numbers();
    int body = round % 4;
    PjTensor *args[3] = {counting(PJ_DT_S32, n.rank, n.dims), random_indices(&n, -3, 7),
                         make_tensor(PJ_DT_S32, n.result_rank, n.result, NULL)};
    PjTensor *out;
    start(3, args);
    text_type(PJ_DT_S32, n.rank, n.dims);
    text_add(" {\n  %%r = \"stablehlo.scatter\"(%%a0, %%a1, %%a2) <{scatter_dimension_numbers = ");
    add_numbers(&n, true);
    text_add("}> ({\n  ^bb0(%%x: tensor<i32>, %%y: tensor<i32>):\n%s"
             "    stablehlo.return %%s : tensor<i32>\n  })",
             bodies[body]);
    signature(3, args, PJ_DT_S32, n.rank, n.dims);
    finish(PJ_DT_S32, n.rank, n.dims);
    evaluate_ok(text_get(), 3, args, 1, &out);
    int32_t *want = args[0]->data;
    const int32_t *updates = args[2]->data;
    for (int64_t j = 0; j < args[2]->count; ++j) {
      int64_t at[MAX], to[MAX];
      unravel(j, n.result_rank, n.result, at);
      operand_index(&n, args[1], at, false, to);
      // The whole window must lie inside: its first and its last element.
      int64_t first[MAX], last[MAX], corner[MAX];
      for (int32_t d = 0; d < n.result_rank; ++d) {
        bool in_window = holds(n.window, n.num_window, d);
        first[d] = in_window ? 0 : at[d];
        last[d] = in_window ? n.result[d] - 1 : at[d];
      }
      bool inside = true;
      for (int k = 0; k < 2; ++k) {
        operand_index(&n, args[1], k ? last : first, false, corner);
        for (int32_t d = 0; d < n.rank; ++d)
          inside = inside && corner[d] >= 0 && corner[d] < n.dims[d];
      }
      if (!inside)
        continue;
      int32_t *element = &want[ravel(n.rank, n.dims, to)];
      *element = apply_body(body, *element, updates[j]);
    }
    if (memcmp(out->data, want, out->bytes) != 0)
      fail_msg("results differ\n%s", text_get());
    pj_tensor_release(out);
    for (int i = 0; i < 3; ++i)
      pj_tensor_release(args[i]);
  }
}

static void scatter_of_several_operands_swaps_roles(void **state) {
  (void)state;
  // (a, b, u, v) -> (b + u, a): one accumulator becomes the other.
  static const char text[] =
      "func.func @main() -> (tensor<3xi32>, tensor<3xi32>) {\n"
      "  %a = stablehlo.constant dense<[1, 2, 3]> : tensor<3xi32>\n"
      "  %b = stablehlo.constant dense<[10, 20, 30]> : tensor<3xi32>\n"
      "  %i = stablehlo.constant dense<[[1], [1], [7]]> : tensor<3x1xi32>\n"
      "  %u = stablehlo.constant dense<[100, 200, 300]> : tensor<3xi32>\n"
      "  %v = stablehlo.constant dense<0> : tensor<3xi32>\n"
      "  %r:2 = \"stablehlo.scatter\"(%a, %b, %i, %u, %v) <{scatter_dimension_numbers = "
      "#stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], "
      "index_vector_dim = 1>}> ({\n"
      "  ^bb0(%p: tensor<i32>, %q: tensor<i32>, %s: tensor<i32>, %t: tensor<i32>):\n"
      "    %z = stablehlo.add %q, %s : tensor<i32>\n"
      "    stablehlo.return %z, %p : tensor<i32>, tensor<i32>\n"
      "  }) : (tensor<3xi32>, tensor<3xi32>, tensor<3x1xi32>, tensor<3xi32>, tensor<3xi32>) -> "
      "(tensor<3xi32>, tensor<3xi32>)\n"
      "  return %r#0, %r#1 : tensor<3xi32>, tensor<3xi32>\n"
      "}\n";
  PjTensor *out[2];
  evaluate_ok(text, 0, NULL, 2, out);
  // (2, 20) -> (120, 2) -> (202, 120)
  assert_memory_equal(out[0]->data, ((int32_t[]){1, 202, 3}), 12);
  assert_memory_equal(out[1]->data, ((int32_t[]){10, 120, 30}), 12);
  pj_tensor_release(out[0]);
  pj_tensor_release(out[1]);
}

// ---- shapes at run time, storage

// Shapes pass through a barrier, so that only the run knows them.
static void dynamic_shapes_are_checked(void **state) {
  (void)state;
  static const char reshape[] =
      "func.func @main() -> tensor<?x2xi32> {\n"
      "  %%x = stablehlo.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi32>\n"
      "  %%ks = stablehlo.constant dense<[%d, %d]> : tensor<2xi64>\n"
      "  %%s = stablehlo.optimization_barrier %%ks : tensor<2xi64>\n"
      "  %%r = stablehlo.dynamic_reshape %%x, %%s : (tensor<6xi32>, tensor<2xi64>) -> "
      "tensor<?x2xi32>\n"
      "  return %%r : tensor<?x2xi32>\n}\n";
  char text[1024];
  PjTensor *out;
  sprintf(text, reshape, 3, 2);
  evaluate_ok(text, 0, NULL, 1, &out);
  assert_int_equal(out->dims[0], 3);
  pj_tensor_release(out);
  sprintf(text, reshape, 2, 3);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "2x3");
  sprintf(text, reshape, 4, 2);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "cannot take the shape 4x2");
  sprintf(text, reshape, -3, -2);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "-3x-2");

  static const char slice_text[] =
      "func.func @main() -> tensor<?xi32> {\n"
      "  %%x = stablehlo.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi32>\n"
      "  %%ka = stablehlo.constant dense<%d> : tensor<1xi32>\n"
      "  %%a = stablehlo.optimization_barrier %%ka : tensor<1xi32>\n"
      "  %%kb = stablehlo.constant dense<%d> : tensor<1xi32>\n"
      "  %%b = stablehlo.optimization_barrier %%kb : tensor<1xi32>\n"
      "  %%kc = stablehlo.constant dense<%d> : tensor<1xi32>\n"
      "  %%c = stablehlo.optimization_barrier %%kc : tensor<1xi32>\n"
      "  %%r = stablehlo.real_dynamic_slice %%x, %%a, %%b, %%c : (tensor<6xi32>, tensor<1xi32>, "
      "tensor<1xi32>, tensor<1xi32>) -> tensor<?xi32>\n"
      "  return %%r : tensor<?xi32>\n}\n";
  sprintf(text, slice_text, 1, 6, 2);
  evaluate_ok(text, 0, NULL, 1, &out);
  assert_int_equal(out->count, 3);
  assert_memory_equal(out->data, ((int32_t[]){2, 4, 6}), 12);
  pj_tensor_release(out);
  sprintf(text, slice_text, 1, 7, 2);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "1:7:2");
  sprintf(text, slice_text, 3, 2, 1);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "3:2:1");
  sprintf(text, slice_text, 1, 2, 0);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "1:2:0");

  static const char broadcast_text[] =
      "func.func @main() -> tensor<?x?xi32> {\n"
      "  %%x = stablehlo.constant dense<[1, 2]> : tensor<2xi32>\n"
      "  %%ks = stablehlo.constant dense<[%d, %d]> : tensor<2xi32>\n"
      "  %%s = stablehlo.optimization_barrier %%ks : tensor<2xi32>\n"
      "  %%r = stablehlo.dynamic_broadcast_in_dim %%x, %%s, dims = [1] : (tensor<2xi32>, "
      "tensor<2xi32>) -> tensor<?x?xi32>\n"
      "  return %%r : tensor<?x?xi32>\n}\n";
  sprintf(text, broadcast_text, 2, 2);
  evaluate_ok(text, 0, NULL, 1, &out);
  assert_memory_equal(out->data, ((int32_t[]){1, 2, 1, 2}), 16);
  pj_tensor_release(out);
  sprintf(text, broadcast_text, 2, 3);
  evaluate_fails(text, PJ_INVALID_ARGUMENT, "neither 1 nor");

  evaluate_fails("func.func @main() -> tensor<?xi32> {\n"
                 "  %ks = stablehlo.constant dense<4611686018427387904> : tensor<1xi64>\n"
                 "  %s = stablehlo.optimization_barrier %ks : tensor<1xi64>\n"
                 "  %r = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xi64>) -> tensor<?xi32>\n"
                 "  return %r : tensor<?xi32>\n}\n",
                 PJ_RESOURCE_EXHAUSTED, "");
}

static void dynamic_operations_follow_their_operands(void **state) {
  (void)state;
  PjTensor *out;
  evaluate_ok("func.func @main() -> tensor<?x?xi32> {\n"
              "  %x = stablehlo.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>\n"
              "  %v = stablehlo.constant dense<9> : tensor<i32>\n"
              "  %l = stablehlo.constant dense<[1, -1]> : tensor<2xi32>\n"
              "  %h = stablehlo.constant dense<[0, 1]> : tensor<2xi32>\n"
              "  %i = stablehlo.constant dense<[1, 0]> : tensor<2xi32>\n"
              "  %r = stablehlo.dynamic_pad %x, %v, %l, %h, %i : (tensor<2x2xi32>, tensor<i32>, "
              "tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x?xi32>\n"
              "  return %r : tensor<?x?xi32>\n}\n",
              0, NULL, 1, &out);
  assert_int_equal(out->dims[0], 4);
  assert_int_equal(out->dims[1], 2);
  assert_memory_equal(out->data, ((int32_t[]){9, 9, 2, 9, 9, 9, 4, 9}), 32);
  pj_tensor_release(out);

  evaluate_ok("func.func @main() -> tensor<i32> {\n"
              "  %x = stablehlo.constant dense<0> : tensor<3x5xi8>\n"
              "  %n = stablehlo.constant dense<2> : tensor<i32>\n"
              "  %y = stablehlo.set_dimension_size %x, %n, dim = 1 : (tensor<3x5xi8>, "
              "tensor<i32>) -> tensor<3x?xi8, #stablehlo.bounds<?, 5>>\n"
              "  %r = stablehlo.get_dimension_size %y, dim = 1 : (tensor<3x?xi8, "
              "#stablehlo.bounds<?, 5>>) -> tensor<i32>\n"
              "  return %r : tensor<i32>\n}\n",
              0, NULL, 1, &out);
  assert_int_equal(*(int32_t *)out->data, 2);
  pj_tensor_release(out);

  evaluate_ok("func.func @main() -> tensor<2x?xf32> {\n"
              "  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi32>\n"
              "  %r = stablehlo.dynamic_iota %s, dim = 1 : (tensor<2xi32>) -> tensor<2x?xf32>\n"
              "  return %r : tensor<2x?xf32>\n}\n",
              0, NULL, 1, &out);
  assert_memory_equal(out->data, ((float[]){0, 1, 2, 0, 1, 2}), 24);
  pj_tensor_release(out);
}

static void torch_index_select(void **state) {
  (void)state;
  PjTensor *out;
  evaluate_ok("func.func @main() -> tensor<2x2x2xi32> {\n"
              "  %x = stablehlo.constant dense<[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, "
              "12]]]> : tensor<2x3x2xi32>\n"
              "  %i = stablehlo.constant dense<[[2, 0], [1, 99]]> : tensor<2x2xi32>\n"
              "  %r = \"stablehlo.torch_index_select\"(%x, %i) <{dim = 1 : i64, batch_dims = 1 : "
              "i64}> : (tensor<2x3x2xi32>, tensor<2x2xi32>) -> tensor<2x2x2xi32>\n"
              "  return %r : tensor<2x2x2xi32>\n}\n",
              0, NULL, 1, &out);
  assert_memory_equal(out->data, ((int32_t[]){5, 6, 1, 2, 9, 10, 11, 12}), 32);
  pj_tensor_release(out);
}

// A donated operand that dies is updated where it is, also through a reshape.
static void updates_happen_in_place(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%x: tensor<2x3xi32>) -> tensor<6xi32> {\n"
      "  %i = stablehlo.constant dense<[[4]]> : tensor<1x1xi32>\n"
      "  %u = stablehlo.constant dense<[70]> : tensor<1xi32>\n"
      "  %y = stablehlo.reshape %x : (tensor<2x3xi32>) -> tensor<6xi32>\n"
      "  %r = \"stablehlo.scatter\"(%y, %i, %u) <{scatter_dimension_numbers = "
      "#stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], "
      "index_vector_dim = 1>}> ({\n"
      "  ^bb0(%p: tensor<i32>, %q: tensor<i32>):\n"
      "    stablehlo.return %q : tensor<i32>\n"
      "  }) : (tensor<6xi32>, tensor<1x1xi32>, tensor<1xi32>) -> tensor<6xi32>\n"
      "  return %r : tensor<6xi32>\n}\n";
  for (int donate = 0; donate < 2; ++donate) {
    int32_t data[6] = {1, 2, 3, 4, 5, 6};
    PjTensor *out, *in = pj_tensor_wrap(PJ_DT_S32, 2, (int64_t[]){2, 3}, data, true, NULL, NULL);
    assert_null(evaluate(text, 1, &in, donate, 1, &out));
    assert_int_equal(out->data == (void *)data, donate);
    assert_int_equal(data[4], donate ? 70 : 5);
    assert_memory_equal(out->data, ((int32_t[]){1, 2, 3, 4, 70, 6}), sizeof data);
    pj_tensor_release(out);
    pj_tensor_release(in);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transpose),
      cmocka_unit_test(reverse),
      cmocka_unit_test(slice),
      cmocka_unit_test(pad),
      cmocka_unit_test(broadcast),
      cmocka_unit_test(dynamic_slices),
      cmocka_unit_test(dynamic_update_slice_writes_the_box),
      cmocka_unit_test(concatenate),
      cmocka_unit_test(gather),
      cmocka_unit_test(scatter),
      cmocka_unit_test(scatter_of_several_operands_swaps_roles),
      cmocka_unit_test(dynamic_shapes_are_checked),
      cmocka_unit_test(dynamic_operations_follow_their_operands),
      cmocka_unit_test(torch_index_select),
      cmocka_unit_test(updates_happen_in_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
