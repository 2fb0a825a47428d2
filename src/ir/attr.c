// Attributes: constructors, equality, names of enum values.
#include "ir/attr.h"

#include <stdlib.h>

static PjAttr *make(PjArena *arena, PjAttrKind kind) {
  PjAttr *attr = PJ_NEW(arena, PjAttr);
  attr->kind = kind;
  attr->columns = -1;
  return attr;
}

const PjAttr *pj_attr_unit(void) {
  static const PjAttr unit = {.kind = PJ_ATTR_UNIT, .columns = -1};
  return &unit;
}

const PjAttr *pj_attr_bool(PjArena *arena, bool value) {
  (void)arena;
  static const PjAttr values[2] = {{.kind = PJ_ATTR_BOOL, .columns = -1, .i64 = 0},
                                   {.kind = PJ_ATTR_BOOL, .columns = -1, .i64 = 1}};
  return &values[value];
}

const PjAttr *pj_attr_int(PjArena *arena, int64_t value, PjDtype dtype) {
  PjAttr *attr = make(arena, PJ_ATTR_INT);
  attr->i64 = value;
  attr->type = pj_type_scalar(arena, dtype, NULL);
  return attr;
}

const PjAttr *pj_attr_i64(PjArena *arena, int64_t value) {
  return pj_attr_int(arena, value, PJ_DT_S64);
}

const PjAttr *pj_attr_float(PjArena *arena, double value, PjDtype dtype) {
  PjAttr *attr = make(arena, PJ_ATTR_FLOAT);
  attr->f64 = value;
  attr->type = pj_type_scalar(arena, dtype, NULL);
  return attr;
}

static const PjAttr *text_attr(PjArena *arena, PjAttrKind kind, PjStr text) {
  PjAttr *attr = make(arena, kind);
  attr->str = (PjStr){pj_arena_strndup(arena, text.ptr, text.len), text.len};
  return attr;
}

const PjAttr *pj_attr_string(PjArena *arena, PjStr text) {
  return text_attr(arena, PJ_ATTR_STRING, text);
}
const PjAttr *pj_attr_symbol(PjArena *arena, PjStr name) {
  return text_attr(arena, PJ_ATTR_SYMBOL, name);
}

const PjAttr *pj_attr_type(PjArena *arena, const PjType *type) {
  PjAttr *attr = make(arena, PJ_ATTR_TYPE);
  attr->type = type;
  return attr;
}

const PjAttr *pj_attr_enum(PjArena *arena, PjEnumKind kind, int64_t value) {
  PjAttr *attr = make(arena, PJ_ATTR_ENUM);
  attr->enum_kind = kind;
  attr->i64 = value;
  return attr;
}

static PjAttr *int_list(PjArena *arena, PjAttrKind kind, size_t count, int32_t columns,
                        const int64_t *values) {
  PjAttr *attr = make(arena, kind);
  attr->count = (uint32_t)count;
  attr->columns = columns;
  attr->ints = pj_arena_memdup(arena, values, count * sizeof *values);
  return attr;
}

const PjAttr *pj_attr_ints(PjArena *arena, size_t count, const int64_t *values) {
  return int_list(arena, PJ_ATTR_INTS, count, -1, values);
}

const PjAttr *pj_attr_matrix(PjArena *arena, size_t rows, size_t columns, const int64_t *values) {
  return int_list(arena, PJ_ATTR_INTS, rows * columns, (int32_t)columns, values);
}

const PjAttr *pj_attr_bools(PjArena *arena, size_t count, const int64_t *values) {
  return int_list(arena, PJ_ATTR_BOOLS, count, -1, values);
}

const PjAttr *pj_attr_typed_ints(PjArena *arena, PjDtype dtype, size_t count,
                                 const int64_t *values) {
  PjAttr *attr = int_list(arena, PJ_ATTR_INTS, count, -1, values);
  attr->type = pj_type_scalar(arena, dtype, NULL);
  return attr;
}

const PjAttr *pj_attr_array(PjArena *arena, size_t count, const PjAttr *const *elems) {
  PjAttr *attr = make(arena, PJ_ATTR_ARRAY);
  attr->count = (uint32_t)count;
  attr->elems = pj_arena_memdup(arena, elems, count * sizeof *elems);
  return attr;
}

static int compare_names(PjStr a, PjStr b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
  return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

typedef struct Field {
  PjStr name;
  const PjAttr *value;
} Field;

static int compare_fields(const void *a, const void *b) {
  return compare_names(((const Field *)a)->name, ((const Field *)b)->name);
}

static const PjAttr *fields_attr(PjArena *arena, PjAttr *attr, size_t count, const Field *fields) {
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, count);
  const PjAttr **elems = PJ_NEW_ARRAY(arena, const PjAttr *, count);
  for (size_t i = 0; i < count; ++i) {
    names[i] = (PjStr){pj_arena_strndup(arena, fields[i].name.ptr, fields[i].name.len),
                       fields[i].name.len};
    elems[i] = fields[i].value;
  }
  attr->count = (uint32_t)count;
  attr->names = names;
  attr->elems = elems;
  return attr;
}

static Field *collect(PjArena *arena, size_t count, const PjStr *names,
                      const PjAttr *const *values) {
  Field *fields = PJ_NEW_ARRAY(arena, Field, count);
  for (size_t i = 0; i < count; ++i)
    fields[i] = (Field){names[i], values[i]};
  return fields;
}

const PjAttr *pj_attr_dict(PjArena *arena, size_t count, const PjStr *names,
                           const PjAttr *const *values) {
  Field *fields = collect(arena, count, names, values);
  qsort(fields, count, sizeof *fields, compare_fields);
  return fields_attr(arena, make(arena, PJ_ATTR_DICT), count, fields);
}

const PjAttr *pj_attr_struct(PjArena *arena, const char *name, size_t count, const PjStr *names,
                             const PjAttr *const *values) {
  PjAttr *attr = make(arena, PJ_ATTR_STRUCT);
  attr->str = pj_str(pj_arena_strndup(arena, name, strlen(name)));
  return fields_attr(arena, attr, count, collect(arena, count, names, values));
}

const PjAttr *pj_attr_elements(PjArena *arena, const PjType *type, const void *data,
                               size_t data_size, bool splat) {
  PjAttr *attr = make(arena, PJ_ATTR_ELEMENTS);
  attr->type = type;
  attr->data = data;
  attr->data_size = data_size;
  attr->splat = splat;
  return attr;
}

const PjAttr *pj_attr_alias(PjArena *arena, size_t num_output_indices,
                            const int64_t *output_indices, int64_t operand,
                            size_t num_operand_indices, const int64_t *operand_indices) {
  PjAttr *attr = make(arena, PJ_ATTR_ALIAS);
  attr->count = (uint32_t)num_output_indices;
  attr->ints = pj_arena_memdup(arena, output_indices, num_output_indices * sizeof *output_indices);
  attr->i64 = operand;
  attr->more = pj_attr_ints(arena, num_operand_indices, operand_indices);
  return attr;
}

const PjAttr *pj_attr_accuracy(PjArena *arena, double atol, double rtol, int64_t ulps,
                               int64_t mode) {
  PjAttr *attr = make(arena, PJ_ATTR_ACCURACY);
  attr->f64 = atol;
  attr->f64b = rtol;
  attr->i64 = ulps;
  attr->i64b = mode;
  return attr;
}

const PjAttr *pj_attr_channel(PjArena *arena, int64_t handle, int64_t type) {
  PjAttr *attr = make(arena, PJ_ATTR_CHANNEL);
  attr->i64 = handle;
  attr->i64b = type;
  return attr;
}

const PjAttr *pj_attr_bounds(PjArena *arena, size_t count, const int64_t *bounds) {
  return int_list(arena, PJ_ATTR_BOUNDS, count, -1, bounds);
}

bool pj_attr_eq(const PjAttr *a, const PjAttr *b) {
  if (a == b)
    return true;
  if (!a || !b || a->kind != b->kind || a->enum_kind != b->enum_kind || a->columns != b->columns ||
      a->splat != b->splat || a->count != b->count || a->i64 != b->i64 || a->i64b != b->i64b ||
      memcmp(&a->f64, &b->f64, sizeof a->f64) != 0 ||
      memcmp(&a->f64b, &b->f64b, sizeof a->f64b) != 0 || !pj_str_eq(a->str, b->str) ||
      !pj_type_eq(a->type, b->type) || a->data_size != b->data_size ||
      !pj_attr_eq(a->more, b->more))
    return false;
  if (a->data_size && memcmp(a->data, b->data, a->data_size) != 0)
    return false;
  for (uint32_t i = 0; i < a->count; ++i) {
    if (a->ints && a->ints[i] != b->ints[i])
      return false;
    if (a->names && !pj_str_eq(a->names[i], b->names[i]))
      return false;
    if (a->elems && !pj_attr_eq(a->elems[i], b->elems[i]))
      return false;
  }
  return true;
}

const PjAttr *pj_attr_get(const PjAttr *dict, const char *name) {
  if (!dict || !dict->names)
    return NULL;
  for (uint32_t i = 0; i < dict->count; ++i)
    if (pj_str_is(dict->names[i], name))
      return dict->elems[i];
  return NULL;
}

// ----------------------------------------------------------------------------------------------
// enums
static const char *const compare_direction[] = {"EQ", "NE", "GE", "GT", "LE", "LT", NULL};
static const char *const compare_type[] = {"NOTYPE", "FLOAT",    "TOTALORDER",
                                           "SIGNED", "UNSIGNED", NULL};
static const char *const api_version[] = {
    "API_VERSION_UNSPECIFIED",      "API_VERSION_ORIGINAL",
    "API_VERSION_STATUS_RETURNING", "API_VERSION_STATUS_RETURNING_UNIFIED",
    "API_VERSION_TYPED_FFI",        NULL};
static const char *const fft_type[] = {"FFT", "IFFT", "RFFT", "IRFFT", NULL};
static const char *const precision[] = {"DEFAULT", "HIGH", "HIGHEST", NULL};
static const char *const rng_algorithm[] = {"DEFAULT", "THREE_FRY", "PHILOX", NULL};
static const char *const rng_distribution[] = {"", "UNIFORM", "NORMAL", NULL};
static const char *const transpose[] = {"TRANSPOSE_INVALID", "NO_TRANSPOSE", "TRANSPOSE", "ADJOINT",
                                        NULL};
static const char *const accuracy_mode[] = {"DEFAULT", "HIGHEST", "TOLERANCE", NULL};

static const struct {
  const char *name;
  const char *const *values;
} enums[PJ_ENUM_COUNT] = {
    [PJ_ENUM_COMPARE_DIRECTION] = {"comparison_direction", compare_direction},
    [PJ_ENUM_COMPARE_TYPE] = {"comparison_type", compare_type},
    [PJ_ENUM_API_VERSION] = {"api_version", api_version},
    [PJ_ENUM_FFT_TYPE] = {"fft_type", fft_type},
    [PJ_ENUM_PRECISION] = {"precision", precision},
    [PJ_ENUM_RNG_ALGORITHM] = {"rng_algorithm", rng_algorithm},
    [PJ_ENUM_RNG_DISTRIBUTION] = {"rng_distribution", rng_distribution},
    [PJ_ENUM_TRANSPOSE] = {"transpose", transpose},
    [PJ_ENUM_ACCURACY_MODE] = {"result_accuracy_mode", accuracy_mode},
};

const char *pj_enum_name(PjEnumKind kind) {
  return enums[kind].name;
}

const char *pj_enum_text(PjEnumKind kind, int64_t value) {
  if (value < 0)
    return NULL;
  for (int64_t i = 0; enums[kind].values[i]; ++i)
    if (i == value)
      return *enums[kind].values[i] ? enums[kind].values[i] : NULL;
  return NULL;
}

int64_t pj_enum_value(PjEnumKind kind, PjStr text) {
  for (int64_t i = 0; enums[kind].values[i]; ++i)
    if (text.len && pj_str_is(text, enums[kind].values[i]))
      return i;
  return -1;
}
