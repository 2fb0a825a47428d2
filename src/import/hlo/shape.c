// ShapeProto: arrays, tokens and tuples of them.
#include <inttypes.h>

#include "import/hlo/hlo.h"

enum { MAX_DEPTH = 64, MAX_LEAVES = 65536, ELEMENT_TUPLE = 13, ELEMENT_TOKEN = 17 };

enum { ELEMENT_S1 = 30, ELEMENT_U1 = 31 };

// Indexed by xla.PrimitiveType. S1 and U1 are missing: StableHLO has no such types.
static const uint8_t dtypes[] = {
    [1] = PJ_DT_PRED,        [2] = PJ_DT_S8,
    [3] = PJ_DT_S16,         [4] = PJ_DT_S32,
    [5] = PJ_DT_S64,         [6] = PJ_DT_U8,
    [7] = PJ_DT_U16,         [8] = PJ_DT_U32,
    [9] = PJ_DT_U64,         [10] = PJ_DT_F16,
    [11] = PJ_DT_F32,        [12] = PJ_DT_F64,
    [15] = PJ_DT_C64,        [16] = PJ_DT_BF16,
    [18] = PJ_DT_C128,       [19] = PJ_DT_F8E5M2,
    [20] = PJ_DT_F8E4M3FN,   [21] = PJ_DT_S4,
    [22] = PJ_DT_U4,         [23] = PJ_DT_F8E4M3B11FNUZ,
    [24] = PJ_DT_F8E5M2FNUZ, [25] = PJ_DT_F8E4M3FNUZ,
    [26] = PJ_DT_S2,         [27] = PJ_DT_U2,
    [28] = PJ_DT_F8E4M3,     [29] = PJ_DT_F8E3M4,
    [32] = PJ_DT_F4E2M1FN,   [33] = PJ_DT_F8E8M0FNU,
    [35] = PJ_DT_F6E3M2FN,   [36] = PJ_DT_F6E2M3FN,
};

PjDtype pj_hlo_dtype(int64_t code) {
  bool known = code > 0 && code < (int64_t)(sizeof dtypes / sizeof *dtypes);
  return known ? (PjDtype)dtypes[code] : PJ_DT_INVALID;
}

int pj_hlo_dtype_code(PjDtype dtype) {
  for (int code = 1; code < (int)(sizeof dtypes / sizeof *dtypes); ++code)
    if (dtypes[code] == dtype)
      return code;
  return 0;
}

bool pj_hlo_fits(const PjType *a, const PjType *b) {
  if (a->kind != PJ_TYPE_TENSOR || b->kind != PJ_TYPE_TENSOR)
    return a->kind == b->kind;
  if (a->dtype != b->dtype || a->rank != b->rank)
    return false;
  for (int32_t i = 0; i < a->rank; ++i)
    if (a->dims[i] != b->dims[i] && a->dims[i] != PJ_DYN && b->dims[i] != PJ_DYN)
      return false;
  return true;
}

static PjStatus read_layout(PjHlo *h, PjStr bytes, int32_t rank, const int64_t **out) {
  PjHloLayoutMsg msg = {0};
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_Layout, &msg));
  uint64_t seen = 0;
  bool row_major = true;
  if (!msg.minor_to_major.len &&
      rank) // as for a scalar, seen of layouts that say only a memory space
    return PJ_STATUS_OK;
  bool ok = msg.minor_to_major.len == (uint32_t)rank;
  for (int32_t i = 0; ok && i < rank; ++i) {
    int64_t dim = msg.minor_to_major.data[i];
    ok = dim >= 0 && dim < rank && !(seen >> dim & 1);
    if (ok)
      seen |= (uint64_t)1 << dim;
    row_major &= dim == rank - 1 - i;
  }
  PJ_FAIL_IF(!ok, INVALID_ARGUMENT, "the layout is no permutation of %d dimensions", rank);
  *out = row_major ? NULL : msg.minor_to_major.data;
  return PJ_STATUS_OK;
}

static PjStatus read_array(PjHlo *h, const PjHloShapeMsg *msg, PjHloShape *out) {
  PjDtype dtype = pj_hlo_dtype(msg->element_type);
  PJ_FAIL_IF(msg->element_type == ELEMENT_S1 || msg->element_type == ELEMENT_U1, UNIMPLEMENTED,
             "integers of one bit (%s) are not supported",
             msg->element_type == ELEMENT_S1 ? "s1" : "u1");
  PJ_FAIL_IF(!dtype, UNIMPLEMENTED, "element type %" PRId64 " of a shape is not supported",
             msg->element_type);
  PJ_FAIL_IF(msg->dimensions.len > PJ_MAX_RANK, INVALID_ARGUMENT,
             "a shape of %zu dimensions, expected at most %d", msg->dimensions.len, PJ_MAX_RANK);
  int32_t rank = (int32_t)msg->dimensions.len;
  const PjHloInts *flags = &msg->is_dynamic_dimension;
  PJ_FAIL_IF(flags->len && flags->len != (uint32_t)rank, INVALID_ARGUMENT,
             "a shape of %d dimensions says of %zu whether they are dynamic", rank, flags->len);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  bool bounded = false;
  for (int32_t i = 0; i < rank; ++i) {
    int64_t size = msg->dimensions.data[i];
    bool dynamic = flags->len && flags->data[i];
    PJ_FAIL_IF(size < 0 && !(dynamic && size == INT64_MIN), INVALID_ARGUMENT,
               "dimension %d of a shape has size %" PRId64, i, size);
    dims[i] = dynamic ? PJ_DYN : size;
    bounds[i] = dynamic && size != INT64_MIN ? size : PJ_DYN;
    bounded |= bounds[i] != PJ_DYN;
  }
  out->type = pj_type_tensor_full(h->arena, dtype, NULL, rank, dims, bounded ? bounds : NULL);
  int64_t count;
  PJ_FAIL_IF(pj_type_is_static(out->type) && !pj_type_num_elements(out->type, &count),
             INVALID_ARGUMENT, "a shape of more than 2^63 elements");
  out->num_leaves = 1;
  return msg->layout.ptr ? read_layout(h, msg->layout, rank, &out->layout) : PJ_STATUS_OK;
}

static PjStatus read_shape(PjHlo *h, PjStr bytes, int depth, PjHloShape *out) {
  PjHloShapeMsg msg = {0};
  PJ_FAIL_IF(depth >= MAX_DEPTH, INVALID_ARGUMENT, "shapes nest deeper than %d", MAX_DEPTH);
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_Shape, &msg));
  if (msg.element_type == ELEMENT_TOKEN) {
    out->type = pj_type_simple(PJ_TYPE_TOKEN);
    out->num_leaves = 1;
    return PJ_STATUS_OK;
  }
  if (msg.element_type != ELEMENT_TUPLE) {
    PJ_FAIL_IF(msg.tuple_shapes.len, INVALID_ARGUMENT, "an array shape with elements of a tuple");
    return read_array(h, &msg, out);
  }
  out->num_elems = msg.tuple_shapes.len;
  out->elems = PJ_NEW_ARRAY(h->arena, PjHloShape, out->num_elems);
  for (uint32_t i = 0; i < out->num_elems; ++i) {
    PJ_TRY(read_shape(h, msg.tuple_shapes.data[i], depth + 1, &out->elems[i]));
    out->num_leaves += out->elems[i].num_leaves;
    PJ_FAIL_IF(out->num_leaves > MAX_LEAVES, INVALID_ARGUMENT, "a tuple of more than %d arrays",
               MAX_LEAVES);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_shape(PjHlo *h, PjStr bytes, const PjHloShape **out) {
  PjHloShape *shape = PJ_NEW(h->arena, PjHloShape);
  *out = shape;
  return read_shape(h, bytes, 0, shape);
}

static const PjType **put_leaves(const PjHloShape *shape, const PjType **out) {
  if (shape->type)
    *out++ = shape->type;
  for (uint32_t i = 0; i < shape->num_elems; ++i)
    out = put_leaves(&shape->elems[i], out);
  return out;
}

void pj_hlo_shape_leaves(const PjHloShape *shape, const PjType **out) {
  put_leaves(shape, out);
}

const PjHloShape *pj_hlo_shape_part(const PjHloShape *shape, PjHloInts path, uint32_t *out_leaf) {
  *out_leaf = 0;
  for (uint32_t i = 0; i < path.len; ++i) {
    if (path.data[i] < 0 || path.data[i] >= shape->num_elems)
      return NULL;
    for (int64_t j = 0; j < path.data[i]; ++j)
      *out_leaf += shape->elems[j].num_leaves;
    shape = &shape->elems[path.data[i]];
  }
  return shape;
}
