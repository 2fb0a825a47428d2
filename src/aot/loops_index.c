// gather and scatter as loops: over the index vectors, then over the elements of a window.
#include "aot/loops.h"
#include "sched/body.h"
#include "sched/shape_map.h"

typedef struct Walk {
  PjLoops *l;
  const PjType *whole, *indices, *moved; // the array, the index vectors, slices or updates
  uint32_t indices_operand;
  int64_t vector_dim;
  int rank; // of the array
  int64_t whole_strides[PJ_MAX_RANK], index_strides[PJ_MAX_RANK], moved_strides[PJ_MAX_RANK];
  // Loops over index vectors: sizes, steps in |moved|, dimension of |indices|.
  int num_batch;
  int64_t batch_size[PJ_MAX_RANK], batch_step[PJ_MAX_RANK];
  int64_t batch_index_step[PJ_MAX_RANK];
  int batch_dim[PJ_MAX_RANK];
  // Loops over a window: sizes, steps in both.
  int num_window;
  int64_t window_size[PJ_MAX_RANK], window_step[PJ_MAX_RANK], window_whole[PJ_MAX_RANK];
  int64_t extent[PJ_MAX_RANK]; // of the window along each dimension of the array
  PjKirVal batch[PJ_MAX_RANK];
  PjIx from_whole, from_moved; // of the window at hand
  PjKirVal inside;
} Walk;

static bool contains(const int64_t *list, uint32_t n, int64_t d) {
  for (uint32_t i = 0; i < n; ++i)
    if (list[i] == d)
      return true;
  return false;
}

// |window_dims|: dimensions of |moved| that count within a window; |dropped| and |batching|: those
// of the array that no window dimension stands for.
static void read_walk(Walk *w, const int64_t *window_dims, uint32_t num_window,
                      const int64_t *dropped, uint32_t num_dropped, const int64_t *batching,
                      uint32_t num_batching) {
  pj_shape_strides(w->whole, w->whole_strides);
  pj_shape_strides(w->indices, w->index_strides);
  pj_shape_strides(w->moved, w->moved_strides);
  w->rank = w->whole->rank;
  int next = 0;
  for (int d = 0; d < w->moved->rank; ++d) {
    if (contains(window_dims, num_window, d))
      continue;
    int of = next++; // dimensions of the indices in order, without the one of vectors
    if (of >= w->vector_dim)
      ++of;
    w->batch_size[w->num_batch] = w->moved->dims[d];
    w->batch_step[w->num_batch] = w->moved_strides[d];
    w->batch_index_step[w->num_batch] = w->index_strides[of];
    w->batch_dim[w->num_batch++] = of;
  }
  for (int d = 0; d < w->rank; ++d) {
    w->extent[d] = 1;
    if (contains(dropped, num_dropped, d) || contains(batching, num_batching, d))
      continue;
    int64_t of = window_dims[w->num_window];
    w->extent[d] = w->moved->dims[of];
    w->window_size[w->num_window] = w->moved->dims[of];
    w->window_step[w->num_window] = w->moved_strides[of];
    w->window_whole[w->num_window++] = w->whole_strides[d];
  }
}

// Where the window of the index vector at hand begins. |clamp|: it is moved inside; else |inside|
// says if it is.
static void locate(Walk *w, const int64_t *map, uint32_t count, const int64_t *batching,
                   const int64_t *of_indices, uint32_t num_batching, bool clamp) {
  PjLoops *l = w->l;
  PjKir *k = l->k;
  PjIxBuilder *ix = &l->nest->ix;
  PjIx base = pj_loop_at(l, w->num_batch, w->batch, w->batch_index_step), at = {0};
  w->inside = 0;
  for (uint32_t i = 0; i < count; ++i) {
    PjIx from = base;
    if (w->vector_dim < w->indices->rank)
      from = pj_ix_add_number(ix, base, (int64_t)i * w->index_strides[w->vector_dim]);
    PjKirVal x =
        pj_loop_integer(l, w->indices->dtype, pj_loop_load(l, w->indices_operand, from, 1, 0));
    PjKirVal most = pj_loop_number(l, w->whole->dims[map[i]] - w->extent[map[i]]);
    if (!clamp) {
      PjKirVal fits = pj_kir_2(k, PJ_KIR_ULE, x, most);
      w->inside = w->inside ? pj_kir_and(k, w->inside, fits) : fits;
    } else if (pj_dtype_class(w->indices->dtype) == PJ_CLASS_UINT) {
      x = pj_kir_2(k, PJ_KIR_UMIN, x, most);
    } else {
      x = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_2(k, PJ_KIR_SMAX, x, pj_loop_number(l, 0)), most);
    }
    at = pj_ix_add(ix, at, pj_loop_at(l, 1, &x, &w->whole_strides[map[i]]));
  }
  for (uint32_t i = 0; i < num_batching; ++i)
    for (int b = 0; b < w->num_batch; ++b)
      if (w->batch_dim[b] == of_indices[i])
        at = pj_ix_add(ix, at, pj_loop_at(l, 1, &w->batch[b], &w->whole_strides[batching[i]]));
  w->from_whole = at;
  w->from_moved = pj_loop_at(l, w->num_batch, w->batch, w->batch_step);
}

typedef void ElementFn(Walk *w, PjIx whole, PjIx moved, int lanes);

// All elements of the window; the last dimension in vectors of |lanes| where it lies for them in
// both.
static void elements(Walk *w, int lanes, ElementFn *fn) {
  PjLoops *l = w->l;
  PjIxBuilder *ix = &l->nest->ix;
  int last = w->num_window - 1;
  PjKirVal index[PJ_MAX_RANK];
  if (last < 0 || w->window_step[last] != 1 || w->window_whole[last] != 1)
    lanes = 1;
  int64_t n = last < 0 ? 1 : w->window_size[last], whole = lanes > 1 ? n / lanes * lanes : 0;
  pj_loop_open(l, last, w->window_size, index);
  PjIx a = pj_ix_add(ix, w->from_whole, pj_loop_at(l, last, index, w->window_whole));
  PjIx b = pj_ix_add(ix, w->from_moved, pj_loop_at(l, last, index, w->window_step));
  for (int part = 0; part < 2; ++part) {
    int64_t begin = part ? whole : 0, end = part ? n : whole, step = part ? 1 : lanes;
    if (begin >= end)
      continue;
    bool many = end - begin > step;
    PjKirVal i = pj_loop_number(l, begin);
    if (many)
      i = pj_kir_for_begin(l->k, i, pj_loop_number(l, end), pj_loop_number(l, step), 0, NULL, NULL);
    pj_nest_forget(l->nest);
    PjIx x = a, y = b;
    if (last >= 0) {
      x = pj_ix_add(ix, a, pj_loop_at(l, 1, &i, &w->window_whole[last]));
      y = pj_ix_add(ix, b, pj_loop_at(l, 1, &i, &w->window_step[last]));
    }
    fn(w, x, y, (int)step);
    if (many)
      pj_kir_for_end(l->k, 0, NULL, NULL);
    pj_nest_forget(l->nest);
  }
  pj_loop_close(l, last, w->window_size);
}

static void gather_element(Walk *w, PjIx whole, PjIx moved, int lanes) {
  pj_loop_store(w->l, 0, moved, lanes, pj_loop_load(w->l, 0, whole, lanes, 1));
}

bool pj_loop_gather(PjLoops *l) {
  const PjOp *op = l->op;
  Walk walk = {.l = l,
               .whole = op->operands[0]->type,
               .indices = op->operands[1]->type,
               .moved = op->results[0].type,
               .indices_operand = 1,
               .vector_dim = PJ_INT(op, index_vector_dim)},
       *w = &walk;
  uint32_t num_offset, num_collapsed, num_batching, count;
  const int64_t *offset = PJ_INTS(op, offset_dims, &num_offset),
                *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed),
                *batching = PJ_INTS(op, operand_batching_dims, &num_batching),
                *map = PJ_INTS(op, start_index_map, &count);
  read_walk(w, offset, num_offset, collapsed, num_collapsed, batching, num_batching);
  pj_loop_open(l, w->num_batch, w->batch_size, w->batch);
  locate(w, map, count, batching, PJ_INTS(op, start_indices_batching_dims, NULL), num_batching,
         true);
  elements(w, pj_loop_lanes(l, w->whole->dtype), gather_element);
  pj_loop_close(l, w->num_batch, w->batch_size);
  return true;
}

static void scatter_element(Walk *w, PjIx whole, PjIx moved, int lanes) {
  PjLoops *l = w->l;
  uint32_t n = l->op->num_results;
  PjElem args[2 * PJ_MAX_REDUCED] = {0}, results[PJ_MAX_REDUCED];
  for (uint32_t i = 0; i < n; ++i) {
    PjPlace place = {.kind = PJ_PLACE_MEMORY, .ptr = l->out[i]};
    PjIx at = whole;
    at.step = 1;
    l->nest->ix.lanes = lanes;
    args[i] = pj_nest_load(l->nest, l->op->results[i].type->dtype, &place, at, 0);
    l->nest->ix.lanes = 1;
    args[n + i] = pj_loop_load(l, n + 1 + i, moved, lanes, 1);
  }
  pj_region_apply(l->nest, &l->op->regions[0], 2 * n, args, n, results);
  for (uint32_t i = 0; i < n; ++i)
    pj_loop_store(l, i, whole, lanes, results[i]);
}

bool pj_loop_scatter(PjLoops *l) {
  const PjOp *op = l->op;
  uint32_t n = op->num_results, num_window, num_inserted, num_batching, count;
  if (n > PJ_MAX_REDUCED || !pj_reducer_body_supported(&op->regions[0], 2 * n))
    return false;
  Walk walk = {.l = l,
               .whole = op->operands[0]->type,
               .indices = op->operands[n]->type,
               .moved = op->operands[n + 1]->type,
               .indices_operand = n,
               .vector_dim = PJ_INT(op, index_vector_dim)},
       *w = &walk;
  const int64_t *window = PJ_INTS(op, update_window_dims, &num_window),
                *inserted = PJ_INTS(op, inserted_window_dims, &num_inserted),
                *batching = PJ_INTS(op, input_batching_dims, &num_batching),
                *map = PJ_INTS(op, scatter_dims_to_operand_dims, &count);
  read_walk(w, window, num_window, inserted, num_inserted, batching, num_batching);
  for (uint32_t i = 0; i < n; ++i)
    pj_loop_copy(l, i, i);
  for (int d = 0; d < w->rank; ++d)
    if (w->extent[d] > w->whole->dims[d]) // No window fits.
      return true;
  pj_loop_open(l, w->num_batch, w->batch_size, w->batch);
  locate(w, map, count, batching, PJ_INTS(op, scatter_indices_batching_dims, NULL), num_batching,
         false);
  int lanes = pj_loop_lanes(l, w->whole->dtype);
  for (uint32_t i = 1; i < n; ++i)
    if (pj_loop_lanes(l, op->results[i].type->dtype) < lanes)
      lanes = pj_loop_lanes(l, op->results[i].type->dtype);
  if (w->inside)
    pj_kir_if_begin(l->k, w->inside);
  pj_nest_forget(l->nest);
  elements(w, lanes, scatter_element);
  if (w->inside) {
    pj_kir_if_else(l->k, 0, NULL);
    pj_kir_if_end(l->k, 0, NULL, NULL);
  }
  pj_loop_close(l, w->num_batch, w->batch_size);
  return true;
}
