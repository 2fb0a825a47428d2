// Gathering and scattering by index: gather, dynamic_gather, scatter, torch_index_select.
//
// Spec: gather (C1-C23), dynamic_gather, scatter (C1-C25). The letters of their constraints are the
// same but for names, so that both share the checks on index dimensions.
#include <inttypes.h>

#include "ir/verify/check.h"

// The dimension numbers of one op under common names; the texts are the attributes' names.
typedef struct Dims {
  PjInts window, collapsed, batching, indices_batching, index_map;
  int64_t index_vector;
  const char *window_name, *collapsed_name, *batching_name, *indices_batching_name, *index_map_name,
      *operand_name, *indices_name;
} Dims;

static Dims gather_dims(const PjOp *op) {
  return (Dims){.window = PJ_LIST(op, offset_dims),
                .collapsed = PJ_LIST(op, collapsed_slice_dims),
                .batching = PJ_LIST(op, operand_batching_dims),
                .indices_batching = PJ_LIST(op, start_indices_batching_dims),
                .index_map = PJ_LIST(op, start_index_map),
                .index_vector = PJ_INT(op, index_vector_dim),
                .window_name = "offset_dims",
                .collapsed_name = "collapsed_slice_dims",
                .batching_name = "operand_batching_dims",
                .indices_batching_name = "start_indices_batching_dims",
                .index_map_name = "start_index_map",
                .operand_name = "the rank of operand",
                .indices_name = "the rank of start_indices"};
}

static Dims scatter_dims(const PjOp *op) {
  return (Dims){.window = PJ_LIST(op, update_window_dims),
                .collapsed = PJ_LIST(op, inserted_window_dims),
                .batching = PJ_LIST(op, input_batching_dims),
                .indices_batching = PJ_LIST(op, scatter_indices_batching_dims),
                .index_map = PJ_LIST(op, scatter_dims_to_operand_dims),
                .index_vector = PJ_INT(op, index_vector_dim),
                .window_name = "update_window_dims",
                .collapsed_name = "inserted_window_dims",
                .batching_name = "input_batching_dims",
                .indices_batching_name = "scatter_indices_batching_dims",
                .index_map_name = "scatter_dims_to_operand_dims",
                .operand_name = "the rank of the inputs",
                .indices_name = "the rank of scatter_indices"};
}

// What gather and scatter ask of their dimension numbers alike.
static PjStatus check_dims(PjCheck *check, const PjOp *op, const Dims *d, const PjType *operand,
                           const PjType *indices) {
  PJ_REQUIRE(op, (uint64_t)d->window.n + d->collapsed.n + d->batching.n == (uint64_t)operand->rank,
             "%s (%u), %s (%u) and %s (%u) must have as many elements together as %s, which is %d",
             d->window_name, d->window.n, d->collapsed_name, d->collapsed.n, d->batching_name,
             d->batching.n, d->operand_name, operand->rank);
  PJ_REQUIRE(op, d->index_vector >= 0 && d->index_vector <= indices->rank,
             "index_vector_dim = %" PRId64
             " is out of range: it must be in [0, %d], where %d is %s",
             d->index_vector, indices->rank, indices->rank, d->indices_name);
  PJ_TRY(pj__check_sorted(check, op, d->window_name, d->window));
  PJ_TRY(pj__check_unique(check, op, d->window_name, d->window));
  PJ_TRY(pj__check_distinct(op, d->collapsed_name, d->collapsed, d->batching_name, d->batching));
  PJ_TRY(pj__check_sorted(check, op, d->collapsed_name, d->collapsed));
  PJ_TRY(pj__check_dims(op, d->collapsed_name, d->collapsed, operand->rank, d->operand_name));
  PJ_TRY(pj__check_sorted(check, op, d->batching_name, d->batching));
  PJ_TRY(pj__check_dims(op, d->batching_name, d->batching, operand->rank, d->operand_name));
  PJ_TRY(pj__check_unique(check, op, d->indices_batching_name, d->indices_batching));
  PJ_TRY(pj__check_dims(op, d->indices_batching_name, d->indices_batching, indices->rank,
                        d->indices_name));
  PJ_REQUIRE(op, !pj__list_has(d->indices_batching, d->index_vector),
             "%s must not include index_vector_dim = %" PRId64, d->indices_batching_name,
             d->index_vector);
  PJ_REQUIRE(op, d->batching.n == d->indices_batching.n,
             "%s and %s must have the same size, but have %u and %u elements", d->batching_name,
             d->indices_batching_name, d->batching.n, d->indices_batching.n);
  for (uint32_t i = 0; i < d->batching.n; ++i)
    PJ_REQUIRE(op,
               pj__dims_compatible(operand->dims[d->batching.v[i]],
                                   indices->dims[d->indices_batching.v[i]]),
               "%s[%u] and %s[%u] must name dimensions of the same size, but those have %" PRId64
               " and %" PRId64,
               d->batching_name, i, d->indices_batching_name, i, operand->dims[d->batching.v[i]],
               indices->dims[d->indices_batching.v[i]]);
  int64_t index_size = d->index_vector == indices->rank ? 1 : indices->dims[d->index_vector];
  PJ_REQUIRE(op, index_size == PJ_DYN || index_size == d->index_map.n,
             "%s has %u elements, but dimension index_vector_dim = %" PRId64
             " of the indices has size %" PRId64,
             d->index_map_name, d->index_map.n, d->index_vector, index_size);
  PJ_TRY(pj__check_distinct(op, d->index_map_name, d->index_map, d->batching_name, d->batching));
  return pj__check_dims(op, d->index_map_name, d->index_map, operand->rank, d->operand_name);
}

// True if dimension |d| of the operand has no counterpart among the window dimensions.
static bool is_removed(const Dims *dims, int64_t d) {
  return pj__list_has(dims->collapsed, d) || pj__list_has(dims->batching, d);
}

// ---------------------------------------------------------------------- gather
static PjStatus check_slice_sizes(const PjOp *op, const Dims *d, const PjType *operand,
                                  PjInts sizes) {
  for (uint32_t i = 0; i < sizes.n; ++i) {
    PJ_REQUIRE(op,
               sizes.v[i] >= 0 && (operand->dims[i] == PJ_DYN || sizes.v[i] <= operand->dims[i]),
               "slice_sizes[%u] = %" PRId64
               " is out of bounds for dimension %u of the operand, whose size is %" PRId64,
               i, sizes.v[i], i, operand->dims[i]);
    PJ_REQUIRE(op, sizes.v[i] <= 1 || !is_removed(d, i),
               "slice_sizes[%u] = %" PRId64 " must be at most 1: %s has dimension %u", i,
               sizes.v[i], pj__list_has(d->collapsed, i) ? d->collapsed_name : d->batching_name, i);
  }
  return NULL;
}

// |sizes|.n is the operand's rank; sizes may be PJ_DYN.
static PjStatus gather_type(PjCheck *check, const PjOp *op, const Dims *d, PjInts sizes,
                            const PjType **out) {
  const PjType *operand = pj__in(op, 0), *indices = pj__in(op, 1);
  int64_t dims[2 * PJ_MAX_RANK], bounds[2 * PJ_MAX_RANK];
  int32_t rank = (int32_t)d->window.n + indices->rank - (d->index_vector < indices->rank);
  PJ_REQUIRE(op, rank <= PJ_MAX_RANK,
             "the result would have rank %d: at most %d dimensions are supported", rank,
             PJ_MAX_RANK);
  PJ_TRY(pj__check_dims(op, d->window_name, d->window, rank, "the rank of the result"));
  int32_t from_indices = 0, from_slice = 0;
  for (int32_t i = 0; i < rank; ++i) {
    if (pj__list_has(d->window, i)) {
      while (is_removed(d, from_slice))
        ++from_slice;
      dims[i] = sizes.v[from_slice++];
      bounds[i] = PJ_DYN;
    } else {
      if (from_indices == d->index_vector)
        ++from_indices;
      dims[i] = indices->dims[from_indices];
      bounds[i] = pj__bound(indices, from_indices++);
    }
  }
  *out = pj__tensor(check, operand, rank, dims, bounds);
  return NULL;
}

PjStatus pj_infer_gather(PjCheck *check, const PjOp *op, const PjType **out) {
  Dims d = gather_dims(op);
  PjInts sizes = PJ_LIST(op, slice_sizes);
  PJ_TRY(check_dims(check, op, &d, pj__in(op, 0), pj__in(op, 1)));
  PJ_TRY(pj__check_length(op, "slice_sizes", sizes, pj__in(op, 0)->rank, d.operand_name));
  PJ_TRY(check_slice_sizes(op, &d, pj__in(op, 0), sizes));
  return gather_type(check, op, &d, sizes, &out[0]);
}

PjStatus pj_infer_dynamic_gather(PjCheck *check, const PjOp *op, const PjType **out) {
  Dims d = gather_dims(op);
  const PjType *operand = pj__in(op, 0), *sizes_type = pj__in(op, 2);
  int64_t unknown[PJ_MAX_RANK];
  PjInts sizes;
  PJ_TRY(check_dims(check, op, &d, operand, pj__in(op, 1)));
  PJ_REQUIRE(op, sizes_type->dims[0] == operand->rank,
             "slice_sizes has %" PRId64 " elements, but %s is %d", sizes_type->dims[0],
             d.operand_name, operand->rank);
  if (pj__constant_ints(check, op->operands[2], &sizes)) {
    PJ_TRY(check_slice_sizes(op, &d, operand, sizes));
  } else {
    for (int i = 0; i < PJ_MAX_RANK; ++i)
      unknown[i] = PJ_DYN;
    sizes = (PjInts){unknown, (uint32_t)operand->rank};
  }
  return gather_type(check, op, &d, sizes, &out[0]);
}

// ---------------------------------------------------------------------- scatter

// Sizes of one updates tensor against the inputs (window dimensions) and the indices (scatter
// dimensions).
static PjStatus check_updates(const PjOp *op, const Dims *d, const PjType *input,
                              const PjType *indices, const PjType *updates) {
  int32_t rank = (int32_t)d->window.n + indices->rank - (d->index_vector < indices->rank),
          from_indices = 0, from_input = 0;
  PJ_REQUIRE(op, updates->rank == rank,
             "updates must have rank %d (that of scatter_indices without index_vector_dim, plus "
             "update_window_dims), but have rank %d",
             rank, updates->rank);
  PJ_TRY(pj__check_dims(op, d->window_name, d->window, rank, "the rank of updates"));
  for (int32_t i = 0; i < rank; ++i) {
    if (pj__list_has(d->window, i)) {
      while (is_removed(d, from_input))
        ++from_input;
      int64_t most = input->dims[from_input++];
      PJ_REQUIRE(op, updates->dims[i] == PJ_DYN || most == PJ_DYN || updates->dims[i] <= most,
                 "the window dimension %d of updates has size %" PRId64
                 ", which exceeds the size %" PRId64 " of dimension %d of the inputs",
                 i, updates->dims[i], most, from_input - 1);
    } else {
      if (from_indices == d->index_vector)
        ++from_indices;
      int64_t size = indices->dims[from_indices++];
      PJ_REQUIRE(op, pj__dims_compatible(updates->dims[i], size),
                 "the scatter dimension %d of updates has size %" PRId64
                 ", but dimension %d of scatter_indices has size %" PRId64,
                 i, updates->dims[i], from_indices - 1, size);
    }
  }
  return NULL;
}

PjStatus pj_infer_scatter(PjCheck *check, const PjOp *op, const PjType **out) {
  Dims d = scatter_dims(op);
  uint32_t count = (op->num_operands - 1) / 2, num_returned;
  const PjType *indices = pj__in(op, count),
               **inputs = PJ_NEW_ARRAY(check->arena, const PjType *, count),
               **updates = PJ_NEW_ARRAY(check->arena, const PjType *, count);
  for (uint32_t i = 0; i < count; ++i) {
    inputs[i] = pj__in(op, i);
    updates[i] = pj__in(op, count + 1 + i);
    PJ_REQUIRE(op, pj__shapes_compatible(inputs[0], inputs[i]),
               "all inputs must have the same shape, but got %s and %s",
               pj__type_text(check, inputs[0]), pj__type_text(check, inputs[i]));
    PJ_REQUIRE(op, pj__shapes_compatible(updates[0], updates[i]),
               "all updates must have the same shape, but got %s and %s",
               pj__type_text(check, updates[0]), pj__type_text(check, updates[i]));
  }
  PJ_TRY(pj__check_reducer(check, op, &op->regions[0], count, inputs, updates));
  for (uint32_t i = 0; i < count; ++i) {
    PJ_TRY(check_dims(check, op, &d, inputs[i], indices));
    PJ_TRY(check_updates(op, &d, inputs[i], indices, updates[i]));
  }
  PjValue *const *returned = pj__returned(&op->regions[0], &num_returned);
  PJ_REQUIRE(op, op->num_results == count, "needs one result per input (%u), but has %u", count,
             op->num_results);
  for (uint32_t i = 0; i < count; ++i)
    out[i] = pj__with_element(check, inputs[i], returned[i]->type->dtype, returned[i]->type->quant);
  return NULL;
}

// ---------------------------------------------------------------------- torch_index_select

// operand [batch..., before..., dim, after...], index [batch..., chosen...] -> [batch...,
// before..., chosen..., after...].
PjStatus pj_infer_torch_index_select(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0), *index = pj__in(op, 1);
  int64_t dim = PJ_INT(op, dim), batch = PJ_INT(op, batch_dims), dims[2 * PJ_MAX_RANK];
  PJ_TRY(pj__check_dim(op, "dim", dim, operand->rank, "the operand's rank"));
  PJ_REQUIRE(op, batch >= 0 && batch <= dim && batch <= index->rank,
             "batch_dims must be in [0, dim = %" PRId64
             "] and at most the rank %d of index, but is %" PRId64,
             dim, index->rank, batch);
  int32_t rank = 0;
  for (int32_t i = 0; i < batch; ++i)
    PJ_REQUIRE(op, pj__dims_compatible(operand->dims[i], index->dims[i]),
               "batch dimension %d differs: %s and %s", i, pj__type_text(check, operand),
               pj__type_text(check, index));
  for (int32_t i = 0; i < dim; ++i)
    dims[rank++] = operand->dims[i];
  for (int32_t i = (int32_t)batch; i < index->rank; ++i)
    dims[rank++] = index->dims[i];
  for (int32_t i = (int32_t)dim + 1; i < operand->rank; ++i)
    dims[rank++] = operand->dims[i];
  PJ_REQUIRE(op, rank <= PJ_MAX_RANK,
             "the result would have rank %d: at most %d dimensions are supported", rank,
             PJ_MAX_RANK);
  out[0] = pj__tensor(check, operand, rank, dims, NULL);
  return NULL;
}
