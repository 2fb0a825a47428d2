// Types of the vhlo, builtin, stablehlo and quant dialects. VHLO values and Shardy's builtin-typed
// ones become the same PjType, so that a cast between them changes nothing.
#include <inttypes.h>

#include "import/bytecode/reader.h"

enum {
  VHLO_COMPLEX = 1,
  VHLO_FUNCTION = 8,
  VHLO_TENSOR = 20,
  VHLO_TENSOR_ENCODED = 21,
  VHLO_TOKEN = 22,
  VHLO_TUPLE = 23,
  VHLO_QUANT = 24,
  VHLO_UNRANKED = 25,
  VHLO_WITNESS = 26,
  VHLO_QUANT_AXIS = 30,
  VHLO_NONE = 33,
  VHLO_BUFFER = 41,
  VHLO_FUTURE = 42,
};

enum {
  BUILTIN_INTEGER = 0,
  BUILTIN_FUNCTION = 2,
  BUILTIN_COMPLEX = 9,
  BUILTIN_MEMREF = 10,
  BUILTIN_NONE = 12,
  BUILTIN_TENSOR = 13,
  BUILTIN_TENSOR_ENCODED = 14,
  BUILTIN_TUPLE = 15,
  BUILTIN_UNRANKED = 18,
};

enum { STABLEHLO_TOKEN = 0, STABLEHLO_FUTURE = 1 };

enum { QUANT_UNIFORM = 4, QUANT_UNIFORM_AXIS = 5 };

static PjStatus type_list(PjBc *bc, PjCursor *c, uint32_t *out_count, const PjType ***out) {
  PJ_TRY(pj__cur_count(c, "a list of types", out_count));
  *out = PJ_NEW_ARRAY(bc->arena, const PjType *, *out_count);
  for (uint32_t i = 0; i < *out_count; ++i)
    PJ_TRY(pj__bc_type(bc, c, &(*out)[i]));
  return PJ_STATUS_OK;
}

// The element type of a tensor.
static PjStatus element(PjBc *bc, PjCursor *c, const PjType **out) {
  PjCursor start = *c;
  PJ_TRY(pj__bc_type(bc, c, out));
  if ((*out)->kind != PJ_TYPE_SCALAR)
    return pj__cur_error(&start, "%s as an element type, expected a scalar type",
                         pj_type_text(bc->arena, *out));
  return PJ_STATUS_OK;
}

static PjStatus complex_type(PjBc *bc, PjCursor *c, const PjType **out) {
  PjCursor start = *c;
  const PjType *part;
  PJ_TRY(element(bc, c, &part));
  PjDtype dtype = part->quant                ? PJ_DT_INVALID
                  : part->dtype == PJ_DT_F32 ? PJ_DT_C64
                  : part->dtype == PJ_DT_F64 ? PJ_DT_C128
                                             : PJ_DT_INVALID;
  if (!dtype)
    return pj__cur_error(&start, "complex<%s>, expected f32 or f64 parts",
                         pj_type_text(bc->arena, part));
  *out = pj_type_scalar(bc->arena, dtype, NULL);
  return PJ_STATUS_OK;
}

static PjStatus shape(PjCursor *c, int32_t *out_rank, int64_t *dims) {
  PjCursor start = *c;
  uint32_t rank;
  PJ_TRY(pj__cur_count(c, "a shape", &rank));
  if (rank > PJ_MAX_RANK)
    return pj__cur_error(&start, "a tensor of rank %u, expected at most %d", rank, PJ_MAX_RANK);
  for (uint32_t i = 0; i < rank; ++i) {
    PJ_TRY(pj__cur_svarint(c, "a dimension", &dims[i]));
    if (dims[i] < 0 && dims[i] != PJ_DYN)
      return pj__cur_error(&start, "dimension %u is %" PRId64 ", expected none below 0", i,
                           dims[i]);
  }
  *out_rank = (int32_t)rank;
  return PJ_STATUS_OK;
}

static PjStatus tensor_type(PjBc *bc, PjCursor *c, bool encoded, const PjType **out) {
  PjCursor start = *c;
  const PjAttr *encoding = NULL;
  int64_t dims[PJ_MAX_RANK];
  int32_t rank;
  const PjType *elem;
  if (encoded)
    PJ_TRY(pj__bc_attr(bc, c, &encoding));
  PJ_TRY(shape(c, &rank, dims));
  PJ_TRY(element(bc, c, &elem));
  if (encoding && (encoding->kind != PJ_ATTR_BOUNDS || encoding->count != (uint32_t)rank))
    return pj__cur_error(&start, "a tensor's encoding, expected %d bounds", rank);
  if (elem->quant && elem->quant->axis >= rank)
    return pj__cur_error(&start, "quantised along dimension %d of a tensor of rank %d",
                         elem->quant->axis, rank);
  *out = pj_type_tensor_full(bc->arena, elem->dtype, elem->quant, rank, dims,
                             encoding ? encoding->ints : NULL);
  return PJ_STATUS_OK;
}

static PjStatus buffer_type(PjBc *bc, PjCursor *c, const PjType **out) {
  int64_t dims[PJ_MAX_RANK];
  int32_t rank;
  const PjType *elem;
  PJ_TRY(shape(c, &rank, dims));
  PJ_TRY(element(bc, c, &elem));
  *out = pj_type_buffer(bc->arena, elem->dtype, rank, dims);
  return PJ_STATUS_OK;
}

static PjStatus unranked_type(PjBc *bc, PjCursor *c, const PjType **out) {
  const PjType *elem;
  PJ_TRY(element(bc, c, &elem));
  *out = pj_type_unranked(bc->arena, elem->dtype, elem->quant);
  return PJ_STATUS_OK;
}

static PjStatus list_type(PjBc *bc, PjCursor *c, PjTypeKind kind, const PjType **out) {
  uint32_t count;
  const PjType **elems;
  PJ_TRY(type_list(bc, c, &count, &elems));
  *out = pj_type_list(bc->arena, kind, count, elems);
  return PJ_STATUS_OK;
}

static PjStatus function_type(PjBc *bc, PjCursor *c, const PjType **out) {
  uint32_t num_inputs, num_results;
  const PjType **inputs, **results;
  PJ_TRY(type_list(bc, c, &num_inputs, &inputs));
  PJ_TRY(type_list(bc, c, &num_results, &results));
  *out = pj_type_function(bc->arena, num_inputs, inputs, num_results, results);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// quantised types Storage types are written signless; a flag tells whether they hold signed values.
static PjDtype storage_dtype(PjDtype dtype, bool is_signed) {
  static const PjDtype to_signed[PJ_DT_COUNT] = {
      [PJ_DT_S2] = PJ_DT_S2,   [PJ_DT_S4] = PJ_DT_S4,   [PJ_DT_S8] = PJ_DT_S8,
      [PJ_DT_S16] = PJ_DT_S16, [PJ_DT_S32] = PJ_DT_S32, [PJ_DT_U2] = PJ_DT_S2,
      [PJ_DT_U4] = PJ_DT_S4,   [PJ_DT_U8] = PJ_DT_S8,   [PJ_DT_U16] = PJ_DT_S16,
      [PJ_DT_U32] = PJ_DT_S32,
  };
  PjDtype s = to_signed[dtype];
  return s == PJ_DT_INVALID || is_signed ? s : (PjDtype)(s + (PJ_DT_U8 - PJ_DT_S8));
}
_Static_assert(PJ_DT_U2 - PJ_DT_S2 == PJ_DT_U8 - PJ_DT_S8, "ORDER dtype");
_Static_assert(PJ_DT_U32 - PJ_DT_S32 == PJ_DT_U8 - PJ_DT_S8, "ORDER dtype");

static PjStatus quant_head(PjBc *bc, PjCursor *c, PjQuant *quant, PjDtype *out_storage) {
  PjCursor start = *c;
  uint64_t flags;
  const PjType *storage, *expressed;
  PJ_TRY(pj__cur_varint(c, "quantisation flags", &flags));
  PJ_TRY(element(bc, c, &storage));
  PJ_TRY(element(bc, c, &expressed));
  *out_storage = storage->quant ? PJ_DT_INVALID : storage_dtype(storage->dtype, flags & 1);
  if (flags > 1 || !*out_storage)
    return pj__cur_error(&start,
                         "quantised storage %s with flags %" PRIu64 ", expected an integer type",
                         pj_type_text(bc->arena, storage), flags);
  if (expressed->quant || !pj_dtype_is_float(expressed->dtype))
    return pj__cur_error(&start, "quantised %s, expected a float type",
                         pj_type_text(bc->arena, expressed));
  quant->expressed = expressed->dtype;
  quant->axis = -1;
  return PJ_STATUS_OK;
}

static PjStatus read_scale(PjCursor *c, double *out) {
  int64_t bits;
  PJ_TRY(pj__cur_svarint(c, "a scale", &bits));
  memcpy(out, &bits, sizeof *out);
  return PJ_STATUS_OK;
}

static PjStatus quant_type(PjBc *bc, PjCursor *c, const PjType **out) {
  PjQuant *quant = PJ_NEW(bc->arena, PjQuant);
  double *scale = PJ_NEW(bc->arena, double);
  int64_t *zero_point = PJ_NEW(bc->arena, int64_t);
  PjDtype storage;
  PJ_TRY(quant_head(bc, c, quant, &storage));
  PJ_TRY(read_scale(c, scale));
  PJ_TRY(pj__cur_svarint(c, "a zero point", zero_point));
  PJ_TRY(pj__cur_svarint(c, "a storage minimum", &quant->min));
  PJ_TRY(pj__cur_svarint(c, "a storage maximum", &quant->max));
  quant->num_scales = 1;
  quant->scales = scale;
  quant->zero_points = zero_point;
  *out = pj_type_scalar(bc->arena, storage, quant);
  return PJ_STATUS_OK;
}

static PjStatus quant_axis_type(PjBc *bc, PjCursor *c, const PjType **out) {
  PjCursor start = *c;
  PjQuant *quant = PJ_NEW(bc->arena, PjQuant);
  PjDtype storage;
  uint64_t axis;
  uint32_t num_zero_points;
  int64_t *zero_points;
  PJ_TRY(quant_head(bc, c, quant, &storage));
  PJ_TRY(pj__cur_varint(c, "a quantised dimension", &axis));
  PJ_TRY(pj__cur_svarint(c, "a storage minimum", &quant->min));
  PJ_TRY(pj__cur_svarint(c, "a storage maximum", &quant->max));
  PJ_TRY(pj__cur_count(c, "a list of scales", &quant->num_scales));
  double *scales = PJ_NEW_ARRAY(bc->arena, double, quant->num_scales);
  for (uint32_t i = 0; i < quant->num_scales; ++i)
    PJ_TRY(read_scale(c, &scales[i]));
  PJ_TRY(pj__cur_svarints(c, bc->arena, "a list of zero points", &num_zero_points, &zero_points));
  bc->weight += quant->num_scales;
  if (axis >= PJ_MAX_RANK || num_zero_points != quant->num_scales)
    return pj__cur_error(&start,
                         "quantised along dimension %" PRIu64 " with %u scales and %u zero points, "
                         "expected as many of each and a dimension below %d",
                         axis, quant->num_scales, num_zero_points, PJ_MAX_RANK);
  quant->axis = (int32_t)axis;
  quant->scales = scales;
  quant->zero_points = zero_points;
  *out = pj_type_scalar(bc->arena, storage, quant);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- dialects
static PjStatus vhlo_type(PjBc *bc, PjCursor *c, uint64_t code, const PjType **out) {
  switch (code) {
  case VHLO_COMPLEX:
    return complex_type(bc, c, out);
  case VHLO_FUNCTION:
    return function_type(bc, c, out);
  case VHLO_TENSOR:
    return tensor_type(bc, c, false, out);
  case VHLO_TENSOR_ENCODED:
    return tensor_type(bc, c, true, out);
  case VHLO_TOKEN:
    *out = pj_type_simple(PJ_TYPE_TOKEN);
    return PJ_STATUS_OK;
  case VHLO_TUPLE:
    return list_type(bc, c, PJ_TYPE_TUPLE, out);
  case VHLO_QUANT:
    return quant_type(bc, c, out);
  case VHLO_QUANT_AXIS:
    return quant_axis_type(bc, c, out);
  case VHLO_UNRANKED:
    return unranked_type(bc, c, out);
  case VHLO_WITNESS:
    *out = pj_type_simple(PJ_TYPE_WITNESS);
    return PJ_STATUS_OK;
  case VHLO_NONE:
    *out = pj_type_simple(PJ_TYPE_NONE);
    return PJ_STATUS_OK;
  case VHLO_BUFFER:
    return buffer_type(bc, c, out);
  case VHLO_FUTURE:
    return list_type(bc, c, PJ_TYPE_FUTURE, out);
  default:
    break;
  }
  PjDtype dtype = code <= INT8_MAX ? pj_dtype_from_vhlo((int)code) : PJ_DT_INVALID;
  if (dtype)
    *out = pj_type_scalar(bc->arena, dtype, NULL);
  return PJ_STATUS_OK;
}

static PjStatus integer_type(PjBc *bc, PjCursor *c, const PjType **out) {
  PjCursor start = *c;
  uint64_t raw;
  PJ_TRY(pj__cur_varint(c, "an integer type", &raw));
  for (PjDtype d = PJ_DT_PRED; d <= PJ_DT_U64; ++d) {
    uint64_t signedness = pj_dtype_class(d) == PJ_CLASS_UINT ? 2 : 0;
    if (raw == ((uint64_t)pj_dtype_bits(d) << 2 | signedness)) {
      *out = pj_type_scalar(bc->arena, d, NULL);
      return PJ_STATUS_OK;
    }
  }
  return pj__cur_error(&start,
                       "integer type of %" PRIu64
                       " bits and signedness %u, expected signless or unsigned "
                       "ones of 2 to 64 bits",
                       raw >> 2, (unsigned)(raw & 3));
}

// affine_map<(d0, d1) -> (d0, d1)>: the layout of a memref that has none of its own.
static bool is_identity(const PjBcEntry *entry) {
  PjStr text = {(const char *)entry->at, entry->size}, before = PJ_STR("affine_map<");
  if (entry->custom || text.len < before.len + 7 || memcmp(text.ptr, before.ptr, before.len) != 0)
    return false;
  const char *from = text.ptr + before.len;
  size_t len = text.len - before.len - 2, half = (len - 4) / 2; // without ">" and the NUL
  return len % 2 == 0 && !memcmp(from + half, " -> ", 4) && !memcmp(from, from + half + 4, half) &&
         !memcmp(text.ptr + text.len - 2, ">", 2);
}

static PjStatus memref_type(PjBc *bc, PjCursor *c, const PjType **out) {
  uint64_t layout;
  PJ_TRY(buffer_type(bc, c, out));
  PjCursor start = *c;
  PJ_TRY(pj__bc_table_index(c, "attribute", bc->num_attrs, &layout));
  if (!is_identity(&bc->attrs[layout]))
    return pj__cur_error(&start, "a memref with a layout of its own");
  return PJ_STATUS_OK;
}

static PjStatus builtin_type(PjBc *bc, PjCursor *c, uint64_t code, const PjType **out) {
  switch (code) {
  case BUILTIN_INTEGER:
    return integer_type(bc, c, out);
  case BUILTIN_FUNCTION:
    return function_type(bc, c, out);
  case BUILTIN_COMPLEX:
    return complex_type(bc, c, out);
  case BUILTIN_MEMREF:
    return memref_type(bc, c, out);
  case BUILTIN_NONE:
    *out = pj_type_simple(PJ_TYPE_NONE);
    return PJ_STATUS_OK;
  case BUILTIN_TENSOR:
    return tensor_type(bc, c, false, out);
  case BUILTIN_TENSOR_ENCODED:
    return tensor_type(bc, c, true, out);
  case BUILTIN_TUPLE:
    return list_type(bc, c, PJ_TYPE_TUPLE, out);
  case BUILTIN_UNRANKED:
    return unranked_type(bc, c, out);
  default:
    break;
  }
  for (PjDtype d = PJ_DT_INDEX; d <= PJ_DT_F64; ++d)
    if (pj_dtype_info[d].builtin >= 0 && (uint64_t)pj_dtype_info[d].builtin == code)
      *out = pj_type_scalar(bc->arena, d, NULL);
  return PJ_STATUS_OK;
}

static PjStatus stablehlo_type(PjBc *bc, PjCursor *c, uint64_t code, const PjType **out) {
  if (code == STABLEHLO_TOKEN)
    *out = pj_type_simple(PJ_TYPE_TOKEN);
  return code == STABLEHLO_FUTURE ? list_type(bc, c, PJ_TYPE_FUTURE, out) : PJ_STATUS_OK;
}

static PjStatus quant_dialect_type(PjBc *bc, PjCursor *c, uint64_t code, const PjType **out) {
  if (code == QUANT_UNIFORM)
    return quant_type(bc, c, out);
  return code == QUANT_UNIFORM_AXIS ? quant_axis_type(bc, c, out) : PJ_STATUS_OK;
}

PjStatus pj__bc_type_at(PjBc *bc, const PjCursor *at, uint64_t index, const PjType **out) {
  if (index >= bc->num_types)
    return pj__cur_error(at, "type %" PRIu64 ", expected one below %u", index, bc->num_types);
  PjBcEntry *entry = &bc->types[index];
  if (entry->state != PJ_BC_VALUE) {
    PjCursor c;
    uint64_t code, outer;
    if (bc->depth >= PJ_MAX_TYPE_DEPTH)
      return pj__cur_error(at, "types are nested deeper than %d", PJ_MAX_TYPE_DEPTH);
    const PjType *type = NULL;
    if (!entry->custom)
      return pj__bc_text(bc, entry, "a type", true, (const void **)out);
    PJ_TRY(pj__bc_enter(bc, entry, "a type", &c, &code, &outer));
    const PjBcDialectName *dialect = &bc->dialects[entry->dialect];
    switch (dialect->kind) {
    case PJ_BC_BUILTIN:
      PJ_TRY(builtin_type(bc, &c, code, &type));
      break;
    case PJ_BC_VHLO:
      PJ_TRY(vhlo_type(bc, &c, code, &type));
      break;
    case PJ_BC_STABLEHLO:
      PJ_TRY(stablehlo_type(bc, &c, code, &type));
      break;
    case PJ_BC_QUANT:
      PJ_TRY(quant_dialect_type(bc, &c, code, &type));
      break;
    case PJ_BC_SDY:
    case PJ_BC_CHLO:
    case PJ_BC_FUNC:
    case PJ_BC_OTHER:
      break;
    }
    if (!type)
      return pj__cur_error(&c, "type code %" PRIu64 " of dialect %.*s is unknown; %s", code,
                           PJ_STR_ARG(dialect->name), pj__bc_versions(bc));
    PJ_TRY(pj__bc_leave(bc, entry, "a type", &c, outer, PJ_BC_VALUE, type));
  } else {
    bc->weight += entry->weight;
  }
  *out = entry->value;
  return PJ_STATUS_OK;
}

PjStatus pj__bc_type(PjBc *bc, PjCursor *c, const PjType **out) {
  PjCursor start = *c;
  uint64_t index;
  PJ_TRY(pj__cur_varint(c, "a type", &index));
  return pj__bc_type_at(bc, &start, index, out);
}
