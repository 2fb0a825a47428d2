// Operations at computed indices: slices, gathers and scatters with dimension numbers of all kinds.
#include "gen.h"

static PjDtype index_dtype(Gen *g) {
  static const PjDtype usual[] = {PJ_DT_S32, PJ_DT_S32, PJ_DT_S32, PJ_DT_S64,
                                  PJ_DT_U32, PJ_DT_U8,  PJ_DT_S8,  PJ_DT_U64};
  return usual[rand_int(&g->rand, 0, 7)];
}

static void emit_dynamic_slice(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, rand_chance(&g->rand, 97), 4);
  int32_t rank = a->type->rank;
  PjValue *operands[1 + GEN_MAX_RANK] = {a};
  int64_t sizes[GEN_MAX_RANK];
  const PjType *index = gen_scalar(g, index_dtype(g));
  for (int32_t i = 0; i < rank; ++i) {
    int64_t n = a->type->dims[i];
    sizes[i] = rand_chance(&g->rand, 40) ? n : rand_int(&g->rand, n > 0, n);
    operands[1 + i] =
        i && rand_chance(&g->rand, 30) ? operands[i] : gen_index(g, index, n - sizes[i] + 1);
  }
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)rank, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)rank, sizes);
  gen_done(g, op, NULL);
}

static PjValue *update_slice(Gen *g, PjValue *a) {
  int32_t rank = a->type->rank;
  PjValue *operands[2 + GEN_MAX_RANK] = {a};
  int64_t sizes[GEN_MAX_RANK];
  const PjType *index = gen_scalar(g, index_dtype(g));
  for (int32_t i = 0; i < rank; ++i) {
    int64_t n = a->type->dims[i];
    sizes[i] = rand_chance(&g->rand, 30) ? n : rand_int(&g->rand, n > 0, n);
    operands[2 + i] = gen_index(g, index, n - sizes[i] + 1);
  }
  operands[1] = gen_of_type(g, gen_type(g, a->type->dtype, rank, sizes));
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + (uint32_t)rank, operands, 1, 0);
  return gen_done(g, op, NULL);
}

// One update, or several of the same array, which is then used again or not.
static void emit_update_slice(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, rand_chance(&g->rand, 97), 4);
  for (int64_t n = rand_chance(&g->rand, 70) ? 1 : 3; n > 0; --n)
    a = update_slice(g, a);
}

// The shared part of gather and scatter: what each dimension of the operand is, and where the
// dimensions of the indices lie.
typedef struct Windows {
  int32_t rank; // of the operand
  int64_t sizes[GEN_MAX_RANK];
  int64_t batching[GEN_MAX_RANK], indices_batching[GEN_MAX_RANK], collapsed[GEN_MAX_RANK],
      map[GEN_MAX_RANK], offset[2 * GEN_MAX_RANK];
  uint32_t num_batching, num_collapsed, num_map, num_offset;
  int64_t vector_dim;
  const PjType *indices;
  int64_t bound; // below which indices are in range, for the least of the mapped dimensions
  int32_t out_rank;
  int64_t out[2 * GEN_MAX_RANK]; // gather's result, scatter's updates
} Windows;

static bool choose_windows(Gen *g, const PjType *operand, bool single, Windows *w) {
  *w = (Windows){.rank = operand->rank, .bound = 1 << 14};
  int64_t batch_sizes[GEN_MAX_RANK], window[GEN_MAX_RANK], index_dims[GEN_MAX_RANK];
  int32_t num_window = 0, num_index = 0;
  for (int32_t i = 0; i < operand->rank; ++i) {
    int64_t n = operand->dims[i], choice = rand_int(&g->rand, 0, 99);
    w->sizes[i] = 1;
    if (choice < 12 && n && !single && w->num_batching < 2) {
      batch_sizes[w->num_batching] = n;
      w->batching[w->num_batching++] = i;
      continue;
    }
    if (choice < 55 && n) {
      w->collapsed[w->num_collapsed++] = i;
    } else {
      w->sizes[i] = rand_chance(&g->rand, 50) ? n : rand_int(&g->rand, n > 0, n);
      window[num_window++] = w->sizes[i];
    }
    if (rand_chance(&g->rand, 70)) {
      w->map[w->num_map++] = i;
      int64_t bound = n - w->sizes[i] + 1;
      w->bound = bound < w->bound ? bound : w->bound;
    }
  }
  gen_shuffle(g, w->num_map, w->map);
  // The dimensions of the indices: those of batches in any place among others.
  int32_t free = single ? 0 : (int32_t)rand_int(&g->rand, 0, 2);
  if (single && rand_chance(&g->rand, 50))
    free = 1;
  int32_t total = free + (int32_t)w->num_batching;
  int64_t places[GEN_MAX_RANK];
  for (int32_t i = 0; i < total; ++i) {
    places[i] = i;
    index_dims[i] = single ? 1 : gen_size(g);
  }
  gen_shuffle(g, (uint32_t)total, places);
  for (uint32_t i = 0; i < w->num_batching; ++i)
    index_dims[places[i]] = batch_sizes[i];
  num_index = total;
  bool implicit = w->num_map == 1 && rand_chance(&g->rand, 40);
  w->vector_dim = implicit || rand_chance(&g->rand, 60) ? total : rand_int(&g->rand, 0, total);
  int64_t dims[GEN_MAX_RANK + 1];
  for (int32_t i = 0; i < w->vector_dim; ++i)
    dims[i] = index_dims[i];
  if (!implicit)
    dims[w->vector_dim] = w->num_map;
  for (int64_t i = w->vector_dim; i < total; ++i)
    dims[i + 1] = index_dims[i];
  for (uint32_t i = 0; i < w->num_batching; ++i)
    w->indices_batching[i] = places[i] + (!implicit && places[i] >= w->vector_dim);
  w->indices = gen_type(g, index_dtype(g), num_index + !implicit, dims);
  // The result: window dimensions at sorted places among those of the indices.
  w->out_rank = num_index + num_window;
  bool is_window[2 * GEN_MAX_RANK] = {false};
  int64_t order[2 * GEN_MAX_RANK];
  for (int32_t i = 0; i < w->out_rank; ++i)
    order[i] = i;
  if (rand_chance(&g->rand, 50))
    gen_shuffle(g, (uint32_t)w->out_rank, order);
  else if (rand_chance(&g->rand, 70)) // behind, as usual
    for (int32_t i = 0; i < w->out_rank; ++i)
      order[i] = w->out_rank - 1 - i;
  for (int32_t i = 0; i < num_window; ++i)
    is_window[order[i]] = true;
  for (int32_t i = 0, at_window = 0, at_index = 0; i < w->out_rank; ++i) {
    if (is_window[i])
      w->offset[w->num_offset++] = i;
    w->out[i] = is_window[i] ? window[at_window++] : index_dims[at_index++];
  }
  return w->out_rank <= GEN_MAX_RANK && gen_fits(g, w->out_rank, w->out) &&
         gen_fits(g, w->indices->rank, w->indices->dims);
}

// The vectors as an array, or joined from arrays of their components, as array[i, j] is in
// frameworks.
static PjValue *index_vectors(Gen *g, const Windows *w) {
  const PjType *type = w->indices;
  if (w->num_map < 2 || w->vector_dim == type->rank || rand_chance(&g->rand, 50))
    return gen_index(g, type, w->bound);
  PjValue *parts[GEN_MAX_RANK];
  int64_t dims[GEN_MAX_RANK + 1];
  for (int32_t d = 0; d < type->rank; ++d)
    dims[d] = d == w->vector_dim ? 1 : type->dims[d];
  const PjType *part = gen_type(g, type->dtype, type->rank, dims);
  for (uint32_t k = 0; k < w->num_map; ++k)
    parts[k] = gen_index(g, part, w->bound);
  PjOp *op = gen_op(g, PJ_OP_CONCATENATE, w->num_map, parts, 1, 0);
  gen_set_int(g, op, PJ_KEY_dimension, w->vector_dim);
  return gen_done(g, op, NULL);
}

static void emit_gather(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, 4);
  Windows w;
  if (!choose_windows(g, a->type, false, &w))
    return;
  PjOp *op = gen_op(g, PJ_OP_GATHER, 2, (PjValue *[]){a, index_vectors(g, &w)}, 1, 0);
  gen_set_ints(g, op, PJ_KEY_offset_dims, w.num_offset, w.offset);
  gen_set_ints(g, op, PJ_KEY_collapsed_slice_dims, w.num_collapsed, w.collapsed);
  gen_set_ints(g, op, PJ_KEY_operand_batching_dims, w.num_batching, w.batching);
  gen_set_ints(g, op, PJ_KEY_start_indices_batching_dims, w.num_batching, w.indices_batching);
  gen_set_ints(g, op, PJ_KEY_start_index_map, w.num_map, w.map);
  gen_set_int(g, op, PJ_KEY_index_vector_dim, w.vector_dim);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)w.rank, w.sizes);
  gen_done(g, op, NULL);
}

// What |dtype| can be combined with in any order.
static PjOpKind scatter_body(Gen *g, PjDtype dtype) {
  static const PjOpKind pred[] = {PJ_OP_AND, PJ_OP_OR, PJ_OP_XOR, PJ_OP_OR, PJ_OP_AND};
  static const PjOpKind ints[] = {PJ_OP_ADD, PJ_OP_MULTIPLY, PJ_OP_MAXIMUM, PJ_OP_AND, PJ_OP_XOR};
  static const PjOpKind floats[] = {PJ_OP_ADD, PJ_OP_ADD, PJ_OP_ADD, PJ_OP_MAXIMUM, PJ_OP_MINIMUM};
  int64_t i = rand_int(&g->rand, 0, 4);
  if (dtype == PJ_DT_PRED)
    return pred[i];
  if (pj_dtype_is_complex(dtype))
    return PJ_OP_ADD;
  return pj_dtype_is_int(dtype) ? ints[i] : floats[i];
}

static void scatter_region(Gen *g, PjRegion *region, uint32_t count, const PjDtype *dtypes,
                           bool overwrite) {
  const PjType *types[4];
  PjValue *results[2];
  for (uint32_t i = 0; i < count; ++i)
    types[i] = types[count + i] = gen_scalar(g, dtypes[i]);
  GenScope scope = gen_open(g, region, 2 * count, types, true);
  for (uint32_t i = 0; i < count; ++i)
    results[i] = overwrite ? &region->args[count + i]
                           : gen_binary(g, scatter_body(g, dtypes[i]), &region->args[i],
                                        &region->args[count + i]);
  gen_close(g, scope, count, results);
}

static void finish_scatter(Gen *g, PjOp *op, const Windows *w, bool unique) {
  gen_set_ints(g, op, PJ_KEY_update_window_dims, w->num_offset, w->offset);
  gen_set_ints(g, op, PJ_KEY_inserted_window_dims, w->num_collapsed, w->collapsed);
  gen_set_ints(g, op, PJ_KEY_input_batching_dims, w->num_batching, w->batching);
  gen_set_ints(g, op, PJ_KEY_scatter_indices_batching_dims, w->num_batching, w->indices_batching);
  gen_set_ints(g, op, PJ_KEY_scatter_dims_to_operand_dims, w->num_map, w->map);
  gen_set_int(g, op, PJ_KEY_index_vector_dim, w->vector_dim);
  gen_set_bool(g, op, PJ_KEY_unique_indices, unique && rand_chance(&g->rand, 50));
  gen_done(g, op, NULL);
}

static void emit_scatter(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, 4);
  if (a->type->dtype == PJ_DT_F8E8M0FNU)
    return;
  bool single = rand_chance(&g->rand, 20);
  Windows w;
  if (!choose_windows(g, a->type, single, &w))
    return;
  uint32_t count = rand_chance(&g->rand, 12) ? 2 : 1;
  PjDtype dtypes[2] = {a->type->dtype, gen_dtype(g, GEN_INT)};
  PjValue *operands[5];
  for (uint32_t i = 0; i < count; ++i) {
    operands[i] = i ? gen_of_type(g, gen_like(g, a, dtypes[i])) : a;
    operands[count + 1 + i] = gen_of_type(g, gen_type(g, dtypes[i], w.out_rank, w.out));
  }
  operands[count] = index_vectors(g, &w);
  PjOp *op = gen_op(g, PJ_OP_SCATTER, 2 * count + 1, operands, count, 1);
  scatter_region(g, &op->regions[0], count, dtypes, single);
  finish_scatter(g, op, &w, single);
}

// Rows written to distinct places: x.at[permutation].set(rows).
static void emit_scatter_set(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, 3);
  int64_t n = a->type->dims[0];
  if (n < 1 || n > 256)
    return;
  Windows w = {.num_collapsed = 1, .num_map = 1, .vector_dim = 1, .rank = a->type->rank};
  int64_t rows = rand_int(&g->rand, 1, n), places[260];
  for (int64_t i = 0; i < n; ++i)
    places[i] = i;
  gen_shuffle(g, (uint32_t)n, places);
  if (rand_chance(&g->rand, 30))
    places[rand_int(&g->rand, 0, rows - 1)] = rand_chance(&g->rand, 50) ? -1 : n + 5;
  w.out[w.out_rank++] = rows;
  for (int32_t i = 1; i < a->type->rank; ++i) {
    w.offset[w.num_offset++] = i;
    w.out[w.out_rank++] = a->type->dims[i];
  }
  PjDtype dtypes[1] = {a->type->dtype};
  PjValue *indices = gen_ints(g, gen_type(g, PJ_DT_S32, 2, (int64_t[]){rows, 1}), places);
  PjValue *operands[] = {a, indices,
                         gen_of_type(g, gen_type(g, a->type->dtype, w.out_rank, w.out))};
  PjOp *op = gen_op(g, PJ_OP_SCATTER, 3, operands, 1, 1);
  scatter_region(g, &op->regions[0], 1, dtypes,
                 rand_chance(&g->rand, 70) || a->type->dtype == PJ_DT_F8E8M0FNU);
  finish_scatter(g, op, &w, true);
}

const GenEmitter gen_indexing[] = {
    {"dynamic_slice", 25, emit_dynamic_slice},
    {"dynamic_update_slice", 25, emit_update_slice},
    {"gather", 35, emit_gather},
    {"scatter", 25, emit_scatter},
    {"scatter", 8, emit_scatter_set},
    {0},
};
