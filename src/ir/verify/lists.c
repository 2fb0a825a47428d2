// Lists of integers in attributes and constants: access, texts for messages, and the checks that
// most ops need.
#include <inttypes.h>

#include "ir/verify/check.h"

PjInts pj__list(const PjOp *op, PjKey key) {
  PjInts list = {NULL, 0};
  list.v = pj_op_ints(op, key, &list.n);
  return list;
}

bool pj__list_has(PjInts list, int64_t value) {
  for (uint32_t i = 0; i < list.n; ++i)
    if (list.v[i] == value)
      return true;
  return false;
}

// ---------------------------------------------------------------------- texts

// Moves |buf| into the arena. Copied over the stack because the arena may leave by longjmp.
static const char *keep(PjCheck *check, PjStrBuf *buf) {
  char stack[600];
  size_t len = buf->len < sizeof stack ? buf->len : sizeof stack;
  if (len)
    memcpy(stack, buf->data, len);
  if (buf->len > sizeof stack)
    memcpy(stack + sizeof stack - 3, "...", 3);
  bool failed = buf->failed;
  pj_strbuf_free(buf);
  return failed ? "<out of memory>" : pj_arena_strndup(check->arena, stack, len);
}

const char *pj__dim_text(PjCheck *check, int64_t size) {
  return size == PJ_DYN ? "?" : pj_arena_printf(check->arena, "%" PRId64, size);
}

const char *pj__list_text(PjCheck *check, PjInts list) {
  PjStrBuf buf = {0};
  pj_strbuf_putc(&buf, '[');
  for (uint32_t i = 0; i < list.n; ++i) {
    if (i)
      pj_strbuf_puts(&buf, ", ");
    if (list.v[i] == PJ_DYN)
      pj_strbuf_putc(&buf, '?');
    else
      pj_strbuf_printf(&buf, "%" PRId64, list.v[i]);
  }
  pj_strbuf_putc(&buf, ']');
  return keep(check, &buf);
}

const char *pj__shape_text(PjCheck *check, const PjType *type) {
  return pj__list_text(check, (PjInts){type->dims, (uint32_t)type->rank});
}

const char *pj__type_text(PjCheck *check, const PjType *type) {
  return pj_type_text(check->arena, type);
}

// ---------------------------------------------------------------------- checks
PjStatus pj__check_length(const PjOp *op, const char *name, PjInts list, int64_t length,
                          const char *length_name) {
  PJ_REQUIRE(op, list.n == length, "%s has %u elements, but %s is %" PRId64, name, list.n,
             length_name, length);
  return NULL;
}

PjStatus pj__check_dim(const PjOp *op, const char *name, int64_t value, int64_t limit,
                       const char *limit_name) {
  PJ_REQUIRE(op, value >= 0, "%s must not be negative, but is %" PRId64, name, value);
  PJ_REQUIRE(op, value < limit,
             "%s = %" PRId64 " is out of range: it must be in [0, %" PRId64 "), where %" PRId64
             " is %s",
             name, value, limit, limit, limit_name);
  return NULL;
}

PjStatus pj__check_dims(const PjOp *op, const char *name, PjInts list, int64_t limit,
                        const char *limit_name) {
  for (uint32_t i = 0; i < list.n; ++i)
    PJ_REQUIRE(op, list.v[i] >= 0 && list.v[i] < limit,
               "%s[%u] = %" PRId64 " is out of range: it must be in [0, %" PRId64
               "), where %" PRId64 " is %s",
               name, i, list.v[i], limit, limit, limit_name);
  return NULL;
}

// Dimension lists are short once their elements are known to be distinct numbers below PJ_MAX_RANK;
// a list that is longer has a repetition among its first PJ_MAX_RANK + 1 elements or an element
// that is out of range.
static uint32_t scanned(PjInts list) {
  return list.n > PJ_MAX_RANK + 1 ? PJ_MAX_RANK + 1 : list.n;
}

PjStatus pj__check_unique(PjCheck *check, const PjOp *op, const char *name, PjInts list) {
  for (uint32_t i = 0; i < scanned(list); ++i)
    for (uint32_t j = 0; j < i; ++j)
      PJ_REQUIRE(op, list.v[i] != list.v[j], "%s must not repeat an element, but is %s", name,
                 pj__list_text(check, list));
  return NULL;
}

PjStatus pj__check_distinct(const PjOp *op, const char *name_a, PjInts a, const char *name_b,
                            PjInts b) {
  for (uint32_t i = 0; i < scanned(a) + scanned(b); ++i) {
    int64_t value = i < scanned(a) ? a.v[i] : b.v[i - scanned(a)];
    for (uint32_t j = 0; j < i; ++j)
      PJ_REQUIRE(op, value != (j < scanned(a) ? a.v[j] : b.v[j - scanned(a)]),
                 "dimension %" PRId64 " occurs twice in %s and %s together", value, name_a, name_b);
  }
  return NULL;
}

PjStatus pj__check_sorted(PjCheck *check, const PjOp *op, const char *name, PjInts list) {
  for (uint32_t i = 1; i < list.n; ++i)
    PJ_REQUIRE(op, list.v[i - 1] <= list.v[i], "%s must be sorted, but is %s", name,
               pj__list_text(check, list));
  return NULL;
}

// ---------------------------------------------------------------------- constants
static int64_t read_int(PjDtype dtype, const unsigned char *at) {
  uint64_t bits = 0;
  memcpy(&bits, at, pj_dtype_bytes(dtype)); // little-endian, as the data is
  unsigned unused = 64 - pj_dtype_bits(dtype);
  if (pj_dtype_class(dtype) == PJ_CLASS_SINT)
    return (int64_t)(bits << unused) >> unused;
  return (int64_t)(bits << unused >> unused);
}

bool pj__constant_ints(PjCheck *check, const PjValue *value, PjInts *out) {
  enum { MOST = 2 * PJ_MAX_RANK }; // longer ones do not describe shapes
  if (!value->def || value->def->kind != PJ_OP_CONSTANT)
    return false;
  const PjAttr *attr = PJ_ATTR(value->def, value);
  int64_t count;
  if (!attr || attr->kind != PJ_ATTR_ELEMENTS || !pj_type_is_tensor(attr->type) ||
      attr->type->quant || !pj_dtype_is_int(attr->type->dtype) ||
      !pj_type_num_elements(attr->type, &count) || count > MOST)
    return false;
  size_t bytes = pj_dtype_bytes(attr->type->dtype);
  if (attr->data_size < bytes * (attr->splat ? 1 : (size_t)count))
    return false;
  int64_t *v = PJ_NEW_ARRAY(check->arena, int64_t, count);
  for (int64_t i = 0; i < count; ++i)
    v[i] = read_int(attr->type->dtype,
                    (const unsigned char *)attr->data + (attr->splat ? 0 : (size_t)i * bytes));
  *out = (PjInts){v, (uint32_t)count};
  return true;
}
