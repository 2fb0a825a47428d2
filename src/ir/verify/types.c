// Validity of types: dimensions, bounds, sizes that can be counted, and the constraints of
// quantised elements.
//
// Spec, "Types" and quantized_type (C1-C13). Every value of a verified module has a type that
// passes here, so later stages may multiply its dimensions and index scales by position.
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "ir/verify/check.h"

// Largest and least positive values of the float types: a scale must be representable in the
// expressed type.
static bool scale_fits(PjDtype expressed, double scale) {
  static const struct {
    double least, most;
  } range[PJ_DT_COUNT] = {
      [PJ_DT_F4E2M1FN] = {0.5, 6.0},           [PJ_DT_F6E2M3FN] = {0.125, 7.5},
      [PJ_DT_F6E3M2FN] = {0.0625, 28.0},       [PJ_DT_F8E3M4] = {0x1p-6, 15.5},
      [PJ_DT_F8E4M3] = {0x1p-9, 240.0},        [PJ_DT_F8E4M3B11FNUZ] = {0x1p-13, 30.0},
      [PJ_DT_F8E4M3FN] = {0x1p-9, 448.0},      [PJ_DT_F8E4M3FNUZ] = {0x1p-10, 240.0},
      [PJ_DT_F8E5M2] = {0x1p-16, 57344.0},     [PJ_DT_F8E5M2FNUZ] = {0x1p-17, 57344.0},
      [PJ_DT_F8E8M0FNU] = {0x1p-127, 0x1p127}, [PJ_DT_BF16] = {0x1p-133, 0x1.FEp127},
      [PJ_DT_F16] = {0x1p-24, 65504.0},        [PJ_DT_TF32] = {0x1p-136, 0x1.FFCp127},
      [PJ_DT_F32] = {0x1p-149, FLT_MAX},       [PJ_DT_F64] = {0x1p-1074, DBL_MAX},
  };
  return scale >= range[expressed].least && scale <= range[expressed].most;
}

static PjStatus check_quant(PjCheck *check, const PjOp *op, const char *what, const PjType *type) {
  const PjQuant *q = type->quant;
  const char *text = NULL;
#define TEXT (text ? text : (text = pj__type_text(check, type)))
  PjDtypeClass class = pj_dtype_class(type->dtype);
  unsigned bits = pj_dtype_bits(type->dtype);
  PJ_REQUIRE(op,
             (class == PJ_CLASS_SINT || class == PJ_CLASS_UINT) && bits <= 32 &&
                 type->dtype != PJ_DT_INDEX,
             "%s %s: the storage type must be an integer of 2 to 32 bits", what, TEXT);
  PJ_REQUIRE(op, pj_dtype_is_float(q->expressed), "%s %s: the expressed type must be a float type",
             what, TEXT);
  int64_t low = class == PJ_CLASS_SINT ? -((int64_t)1 << (bits - 1)) : 0;
  int64_t high = class == PJ_CLASS_SINT ? ((int64_t)1 << (bits - 1)) - 1 : ((int64_t)1 << bits) - 1;
  PJ_REQUIRE(op, low <= q->min && q->min < q->max && q->max <= high,
             "%s %s: the storage range <%" PRId64 ":%" PRId64
             "> must be ascending and within <%" PRId64 ":%" PRId64 ">",
             what, TEXT, q->min, q->max, low, high);
  PJ_REQUIRE(op, q->scales && q->zero_points && (q->axis >= 0 || q->num_scales == 1),
             "%s %s: per-tensor quantization has one scale, not %u", what, TEXT, q->num_scales);
  for (uint32_t i = 0; i < q->num_scales; ++i) {
    PJ_REQUIRE(op, isfinite(q->scales[i]) && q->scales[i] > 0,
               "%s %s: scale %g must be positive and finite", what, TEXT, q->scales[i]);
    PJ_REQUIRE(op, scale_fits(q->expressed, q->scales[i]),
               "%s %s: scale %g is out of the range of the expressed type %s", what, TEXT,
               q->scales[i], pj_dtype_text(q->expressed));
    PJ_REQUIRE(op, q->min <= q->zero_points[i] && q->zero_points[i] <= q->max,
               "%s %s: zero point %" PRId64 " is out of the storage range <%" PRId64 ":%" PRId64
               ">",
               what, TEXT, q->zero_points[i], q->min, q->max);
  }
  if (q->axis >= 0 && type->kind != PJ_TYPE_SCALAR && type->kind != PJ_TYPE_UNRANKED) {
    PJ_REQUIRE(op, q->axis < type->rank,
               "%s %s: the quantization dimension %d must be less than the rank %d", what, TEXT,
               q->axis, type->rank);
    PJ_REQUIRE(op, type->dims[q->axis] == PJ_DYN || type->dims[q->axis] == q->num_scales,
               "%s %s: %u scales for quantization dimension %d of size %" PRId64, what, TEXT,
               q->num_scales, q->axis, type->dims[q->axis]);
  }
#undef TEXT
  return NULL;
}

static PjStatus check_shape(PjCheck *check, const PjOp *op, const char *what, const PjType *type) {
  PJ_REQUIRE(op, type->rank >= 0 && type->rank <= PJ_MAX_RANK,
             "%s has rank %d: at most %d dimensions are supported", what, type->rank, PJ_MAX_RANK);
  bool dynamic = false;
  for (int32_t i = 0; i < type->rank; ++i) {
    PJ_REQUIRE(op, type->dims[i] >= 0 || type->dims[i] == PJ_DYN,
               "%s has a negative dimension %d: %" PRId64, what, i, type->dims[i]);
    dynamic = dynamic || type->dims[i] == PJ_DYN;
    if (!type->bounds || type->bounds[i] == PJ_DYN)
      continue;
    PJ_REQUIRE(op, type->bounds[i] >= 0,
               "%s: the bound of dimension %d must not be negative, but is %" PRId64, what, i,
               type->bounds[i]);
    PJ_REQUIRE(op, type->dims[i] == PJ_DYN, "%s %s: static dimension %d cannot have a bound", what,
               pj__type_text(check, type), i);
  }
  if (!dynamic && type->kind == PJ_TYPE_TENSOR) {
    size_t bytes;
    PJ_REQUIRE(op, pj_type_num_bytes(type, &bytes), "%s %s has more elements than can be addressed",
               what, pj__type_text(check, type));
  }
  return NULL;
}

static PjStatus check_nested(PjCheck *check, const PjOp *op, const char *what, const PjType *type,
                             int depth) {
  PJ_REQUIRE(op, type, "%s has no type", what);
  PJ_REQUIRE(op, depth < PJ_MAX_TYPE_DEPTH, "%s: types nest deeper than %d", what,
             PJ_MAX_TYPE_DEPTH);
  switch (type->kind) {
  case PJ_TYPE_TENSOR:
  case PJ_TYPE_BUFFER:
    PJ_TRY(check_shape(check, op, what, type));
    break;
  case PJ_TYPE_UNRANKED:
  case PJ_TYPE_SCALAR:
    break;
  case PJ_TYPE_TOKEN:
  case PJ_TYPE_NONE:
  case PJ_TYPE_WITNESS:
    return NULL;
  case PJ_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->num_elems; ++i)
      PJ_TRY(check_nested(check, op, what, type->elems[i], depth + 1));
    return NULL;
  case PJ_TYPE_FUTURE:
    for (uint32_t i = 0; i < type->num_elems; ++i) {
      PJ_TRY(check_nested(check, op, what, type->elems[i], depth + 1));
      PJ_REQUIRE(op, pj_type_is_tensor(type->elems[i]),
                 "%s: a future must hold ranked tensors, but got %s", what,
                 pj__type_text(check, type->elems[i]));
    }
    return NULL;
  case PJ_TYPE_FUNCTION:
    for (uint32_t i = 0; i < type->num_elems; ++i)
      PJ_TRY(check_nested(check, op, what, type->elems[i], depth + 1));
    for (uint32_t i = 0; i < type->num_results; ++i)
      PJ_TRY(check_nested(check, op, what, type->results[i], depth + 1));
    return NULL;
  }
  PJ_REQUIRE(op, type->dtype > PJ_DT_INVALID && type->dtype < PJ_DT_COUNT, "%s has no element type",
             what);
  return type->quant ? check_quant(check, op, what, type) : NULL;
}

PjStatus pj__check_type(PjCheck *check, const PjOp *op, const char *what, const PjType *type) {
  return check_nested(check, op, what, type, 0);
}
