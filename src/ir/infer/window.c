// Windows, reduce_window and select_and_scatter.
//
// Spec: reduce_window (C1-C16), select_and_scatter (C1-C12); the size of a windowed dimension is
//   dilated(n, d) = n ? (n - 1) * d + 1 : 0
//   places = floor((low + dilated(base) + high - dilated(window)) / stride) + 1, or 0 when the
//   window does not fit.
#include "ir/infer/window.h"

#include <inttypes.h>

static PjStatus check_positive(const PjOp *op, const char *name, PjInts list, uint32_t rank) {
  PJ_TRY(pj__check_length(op, name, list, rank, "the number of window dimensions"));
  for (uint32_t i = 0; i < list.n; ++i)
    PJ_REQUIRE(op, list.v[i] > 0, "%s must be positive, but is %" PRId64 " for window dimension %u",
               name, list.v[i], i);
  return NULL;
}

PjStatus pj__check_window(const PjOp *op, const PjWindow *window) {
  PJ_TRY(check_positive(op, "window_strides", window->strides, window->rank));
  if (window->dilates) {
    PJ_TRY(
        check_positive(op, "base_dilations (lhs_dilation)", window->base_dilations, window->rank));
    PJ_TRY(check_positive(op, "window_dilations (rhs_dilation)", window->window_dilations,
                          window->rank));
  }
  PJ_REQUIRE(op, !window->pads || window->padding.n == 2 * (uint64_t)window->rank,
             "padding must have shape [%u, 2], for it has one row per window dimension, but has "
             "shape [%u, 2]",
             window->rank, window->padding.n / 2);
  for (uint32_t i = 0; i < window->sizes.n; ++i)
    PJ_REQUIRE(op, window->sizes.v[i] == PJ_DYN || window->sizes.v[i] > 0,
               "the window must have a positive size in every dimension, but has %" PRId64
               " in window dimension %u",
               window->sizes.v[i], i);
  return NULL;
}

static bool dilated(int64_t size, int64_t dilation, int64_t *out) {
  *out = 0;
  return size == 0 || (pj_mul_i64(size - 1, dilation, out) && pj_add_i64(*out, 1, out));
}

PjStatus pj__window_places(const PjOp *op, const PjWindow *window, uint32_t i, int64_t size,
                           int64_t *out) {
  int64_t base, extent;
  *out = PJ_DYN;
  if (size == PJ_DYN || window->sizes.v[i] == PJ_DYN || !window->pads)
    return NULL;
  bool fits =
      dilated(size, window->dilates ? window->base_dilations.v[i] : 1, &base) &&
      dilated(window->sizes.v[i], window->dilates ? window->window_dilations.v[i] : 1, &extent) &&
      pj_add_i64(base, window->padding.v[2 * i], &base) &&
      pj_add_i64(base, window->padding.v[2 * i + 1], &base);
  PJ_REQUIRE(op, fits, "the size of window dimension %u of the result overflows", i);
  *out = base <= 0 || extent > base ? 0 : (base - extent) / window->strides.v[i] + 1;
  return NULL;
}

// ---------------------------------------------------------------------- reduce_window
PjStatus pj_infer_reduce_window(PjCheck *check, const PjOp *op, const PjType **out) {
  uint32_t count = op->num_operands / 2, num_returned;
  const PjType *first = pj__in(op, 0), **inputs = PJ_NEW_ARRAY(check->arena, const PjType *, count),
               **inits = PJ_NEW_ARRAY(check->arena, const PjType *, count);
  for (uint32_t i = 0; i < count; ++i) {
    inputs[i] = pj__in(op, i);
    inits[i] = pj__in(op, count + i);
    PJ_REQUIRE(op, pj__shapes_compatible(first, inputs[i]),
               "all inputs must have the same shape, but got %s and %s",
               pj__type_text(check, first), pj__type_text(check, inputs[i]));
  }
  PjWindow window = {.rank = (uint32_t)first->rank,
                     .dilates = true,
                     .pads = true,
                     .sizes = PJ_LIST(op, window_dimensions),
                     .strides = PJ_LIST(op, window_strides),
                     .padding = PJ_LIST(op, padding),
                     .base_dilations = PJ_LIST(op, base_dilations),
                     .window_dilations = PJ_LIST(op, window_dilations)};
  PJ_TRY(pj__check_length(op, "window_dimensions", window.sizes, first->rank,
                          "the rank of the inputs"));
  PJ_TRY(pj__check_window(op, &window));
  PJ_TRY(pj__check_reducer(check, op, &op->regions[0], count, inputs, inits));
  PJ_REQUIRE(op, op->num_results == count, "needs one result per input (%u), but has %u", count,
             op->num_results);
  PjValue *const *returned = pj__returned(&op->regions[0], &num_returned);
  for (uint32_t k = 0; k < count; ++k) {
    int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
    for (uint32_t i = 0; i < window.rank; ++i) {
      PJ_TRY(pj__window_places(op, &window, i, inputs[k]->dims[i], &dims[i]));
      PJ_TRY(pj__window_places(op, &window, i, pj__bound(inputs[k], i), &bounds[i]));
    }
    out[k] = pj__tensor(check, returned[k]->type, first->rank, dims, bounds);
  }
  return NULL;
}

// ---------------------------------------------------------------------- select_and_scatter
PjStatus pj_infer_select_and_scatter(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0), *source = pj__in(op, 1), *init = pj__in(op, 2);
  const PjRegion *select = &op->regions[0], *scatter = &op->regions[1];
  uint32_t num_returned;
  PJ_REQUIRE(op, select->num_args == 2, "the select region must take 2 arguments, but takes %u",
             select->num_args);
  for (uint32_t i = 0; i < 2; ++i)
    PJ_REQUIRE(op,
               pj_type_is_scalar_tensor(select->args[i].type) &&
                   pj__same_element_but_precision(operand, select->args[i].type),
               "argument %u of the select region must be a tensor of rank 0 with the element type "
               "of %s, but is %s",
               i, pj__type_text(check, operand), pj__type_text(check, select->args[i].type));
  PJ_TRY(pj__check_predicate(check, op, select, "select region"));
  PJ_TRY(pj__check_reducer(check, op, scatter, 1, &source, &init));
  PjWindow window = {.rank = (uint32_t)operand->rank,
                     .pads = true,
                     .sizes = PJ_LIST(op, window_dimensions),
                     .strides = PJ_LIST(op, window_strides),
                     .padding = PJ_LIST(op, padding)};
  PJ_TRY(
      pj__check_length(op, "window_dimensions", window.sizes, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_window(op, &window));
  int64_t dims[PJ_MAX_RANK];
  for (uint32_t i = 0; i < window.rank; ++i)
    PJ_TRY(pj__window_places(op, &window, i, operand->dims[i], &dims[i]));
  const PjType *windowed = pj__tensor(check, operand, operand->rank, dims, NULL);
  PJ_REQUIRE(op,
             pj__shapes_compatible(windowed, source) &&
                 pj__same_element_but_precision(windowed, source),
             "source must have type %s, but has %s", pj__type_text(check, windowed),
             pj__type_text(check, source));
  PjValue *const *returned = pj__returned(scatter, &num_returned);
  out[0] = pj__with_element(check, operand, returned[0]->type->dtype, returned[0]->type->quant);
  return NULL;
}
