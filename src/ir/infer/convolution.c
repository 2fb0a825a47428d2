// convolution and dynamic_conv. Spec: convolution (C1-C34), dynamic_conv (C1-C34).
#include <inttypes.h>

#include "ir/infer/quantize.h"
#include "ir/infer/window.h"

// One tensor's dimension numbers: batch (or input feature), feature (or output feature), spatial.
typedef struct Numbers {
  int64_t v[PJ_MAX_RANK];
  uint32_t n;
} Numbers;

static PjStatus check_numbers(PjCheck *check, const PjOp *op, const char *name, int64_t first,
                              int64_t second, PjInts spatial, int32_t rank, Numbers *out) {
  PJ_REQUIRE(op, (int64_t)spatial.n + 2 == rank,
             "has %u %s spatial dimensions, but operands of rank %d have %d", spatial.n, name, rank,
             rank - 2);
  out->v[0] = first;
  out->v[1] = second;
  for (uint32_t i = 0; i < spatial.n; ++i)
    out->v[2 + i] = spatial.v[i];
  out->n = 2 + spatial.n;
  PjInts list = {out->v, out->n};
  for (uint32_t i = 0; i < list.n; ++i)
    PJ_REQUIRE(op, list.v[i] >= 0 && list.v[i] < rank,
               "the %s dimension numbers %s must be in range [0, %d)", name,
               pj__list_text(check, list), rank);
  for (uint32_t i = 0; i < list.n; ++i)
    for (uint32_t j = 0; j < i; ++j)
      PJ_REQUIRE(op, list.v[i] != list.v[j], "the %s dimension numbers must be unique, but are %s",
                 name, pj__list_text(check, list));
  return NULL;
}

static PjInts first(PjInts list, uint32_t most) {
  return (PjInts){list.v, list.n < most ? list.n : most};
}

static bool divides(int64_t divisor, int64_t size) {
  return size == PJ_DYN || size % divisor == 0;
}

// Everything but the element types of results; |padding| may be unknown (no elements and |known|
// false). |*dims| has the operands' rank.
static PjStatus convolve(PjCheck *check, const PjOp *op, PjInts padding, bool known,
                         int64_t *dims) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  int32_t rank = lhs->rank;
  PJ_REQUIRE(op, rank >= 2 && rank == rhs->rank,
             "operands must have the same rank of at least 2, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PJ_REQUIRE(op, lhs->quant || rhs->quant || lhs->dtype == rhs->dtype,
             "lhs and rhs must have compatible element types, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PjInts input_spatial = PJ_LIST(op, input_spatial_dimensions),
         kernel_spatial = PJ_LIST(op, kernel_spatial_dimensions),
         output_spatial = PJ_LIST(op, output_spatial_dimensions);
  PJ_REQUIRE(op, input_spatial.n == kernel_spatial.n && input_spatial.n == output_spatial.n,
             "input, kernel and output must have as many spatial dimensions as each other, but "
             "have %u, %u and %u",
             input_spatial.n, kernel_spatial.n, output_spatial.n);
  int64_t input_batch = PJ_INT(op, input_batch_dimension),
          input_feature = PJ_INT(op, input_feature_dimension),
          kernel_input = PJ_INT(op, kernel_input_feature_dimension),
          kernel_output = PJ_INT(op, kernel_output_feature_dimension),
          output_batch = PJ_INT(op, output_batch_dimension),
          output_feature = PJ_INT(op, output_feature_dimension),
          feature_groups = PJ_INT(op, feature_group_count),
          batch_groups = PJ_INT(op, batch_group_count);
  Numbers numbers;
  PJ_TRY(
      check_numbers(check, op, "input", input_batch, input_feature, input_spatial, rank, &numbers));
  PJ_TRY(check_numbers(check, op, "kernel", kernel_input, kernel_output, kernel_spatial, rank,
                       &numbers));
  PJ_TRY(check_numbers(check, op, "output", output_batch, output_feature, output_spatial, rank,
                       &numbers));
  PJ_REQUIRE(op, feature_groups > 0, "feature_group_count must be positive, but is %" PRId64,
             feature_groups);
  PJ_REQUIRE(op, batch_groups > 0, "batch_group_count must be positive, but is %" PRId64,
             batch_groups);
  PJ_REQUIRE(op, feature_groups == 1 || batch_groups == 1,
             "batch_group_count (%" PRId64 ") and feature_group_count (%" PRId64
             ") must not both be greater than 1",
             batch_groups, feature_groups);

  int64_t batch = lhs->dims[input_batch], features = lhs->dims[input_feature],
          in = rhs->dims[kernel_input], outs = rhs->dims[kernel_output];
  PJ_REQUIRE(op, divides(batch_groups, batch),
             "the input batch dimension (%" PRId64
             ") must be divisible by batch_group_count (%" PRId64 ")",
             batch, batch_groups);
  PJ_REQUIRE(op, divides(feature_groups, features),
             "the input feature dimension (%" PRId64
             ") must be divisible by feature_group_count (%" PRId64 ")",
             features, feature_groups);
  PJ_REQUIRE(op, features == PJ_DYN || in == PJ_DYN || features / feature_groups == in,
             "the kernel's input feature dimension (%" PRId64
             ") must be the input feature dimension (%" PRId64 ") / feature_group_count (%" PRId64
             ")",
             in, features, feature_groups);
  PJ_REQUIRE(op, divides(batch_groups, outs),
             "the kernel's output feature dimension (%" PRId64
             ") must be divisible by batch_group_count (%" PRId64 ")",
             outs, batch_groups);
  PJ_REQUIRE(op, divides(feature_groups, outs),
             "the kernel's output feature dimension (%" PRId64
             ") must be divisible by feature_group_count (%" PRId64 ")",
             outs, feature_groups);

  int64_t sizes[PJ_MAX_RANK];
  for (uint32_t i = 0; i < kernel_spatial.n; ++i)
    sizes[i] = rhs->dims[kernel_spatial.v[i]];
  // Programs of JAX exist whose dynamic_conv lists strides beyond the last dimension; upstream
  // looks at the lists only where the padding is known. What lies beyond means nothing.
  uint32_t most = known ? UINT32_MAX : kernel_spatial.n;
  PjWindow window = {.rank = kernel_spatial.n,
                     .dilates = true,
                     .pads = known,
                     .sizes = {sizes, kernel_spatial.n},
                     .strides = first(PJ_LIST(op, window_strides), most),
                     .padding = padding,
                     .base_dilations = first(PJ_LIST(op, lhs_dilation), most),
                     .window_dilations = first(PJ_LIST(op, rhs_dilation), most)};
  PJ_TRY(pj__check_window(op, &window));
  PjInts reversal = first(PJ_LIST(op, window_reversal), most);
  PJ_TRY(pj__check_length(op, "window_reversal", reversal, window.rank,
                          "the number of window dimensions"));
  for (uint32_t i = 0; i < window.rank; ++i)
    PJ_TRY(pj__window_places(op, &window, i, lhs->dims[input_spatial.v[i]],
                             &dims[output_spatial.v[i]]));
  dims[output_batch] = batch == PJ_DYN ? PJ_DYN : batch / batch_groups;
  dims[output_feature] = outs;
  return NULL;
}

static PjStatus check_result(PjCheck *check, const PjOp *op, PjInts padding, bool known) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  int64_t dims[PJ_MAX_RANK];
  PJ_TRY(convolve(check, op, padding, known, dims));
  const PjType *shape = pj__tensor(check, result, lhs->rank, dims, NULL);
  PJ_REQUIRE(op, pj__shapes_compatible(shape, result),
             "the inferred shape %s is incompatible with the declared result type %s",
             pj__shape_text(check, shape), pj__type_text(check, result));
  if (!lhs->quant && !rhs->quant && !result->quant)
    return NULL;
  PJ_REQUIRE(
      op, !pj__is_per_axis(rhs) || rhs->quant->axis == PJ_INT(op, kernel_output_feature_dimension),
      "the quantization dimension of rhs must be kernel_output_feature_dimension = %" PRId64
      ", but is %d",
      PJ_INT(op, kernel_output_feature_dimension), rhs->quant->axis);
  PJ_REQUIRE(
      op, !pj__is_per_axis(result) || result->quant->axis == PJ_INT(op, output_feature_dimension),
      "the quantization dimension of the result must be output_feature_dimension = %" PRId64
      ", but is %d",
      PJ_INT(op, output_feature_dimension), result->quant->axis);
  return pj__check_contracted_quant(check, op);
}

PjStatus pj_verify_convolution(PjCheck *check, const PjOp *op) {
  return check_result(check, op, PJ_LIST(op, padding), true);
}

// The padding is an operand of shape [spatial rank, 2]; when a constant defines it the result's
// shape is known too.
PjStatus pj_verify_dynamic_conv(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *padding = pj__in(op, 2);
  PjInts values = {NULL, 0};
  PJ_REQUIRE(op, lhs->rank >= 2 && padding->dims[0] == lhs->rank - 2 && padding->dims[1] == 2,
             "padding must have shape [%d, 2], one row per spatial dimension of %s, but has %s",
             lhs->rank - 2, pj__type_text(check, lhs), pj__shape_text(check, padding));
  bool known = pj__constant_ints(check, op->operands[2], &values);
  return check_result(check, op, values, known);
}
