// Attributes, as a vendor's compiler sees them.
#include <string.h>

#include "ir/print.h"
#include "sdk/internal.h"

static const PjAttr *attr_of(const PjsAttr *attr) {
  return (const PjAttr *)attr;
}
static PjsText text_of(PjStr text) {
  return (PjsText){text.ptr, text.len};
}

// --- Of an operation: the table's, then others ---------------------------------------------------

uint32_t pjs_op_num_attrs(const PjsOp *handle) {
  const PjOp *op = (const PjOp *)handle;
  uint32_t count = op->extra ? op->extra->count : 0;
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; i++)
    count += op->attrs[i] != NULL;
  return count;
}

const PjsAttr *pjs_op_attr_at(const PjsOp *handle, uint32_t index, PjsText *out_name) {
  const PjOp *op = (const PjOp *)handle;
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (uint32_t i = 0; i < info->num_attrs; i++) {
    if (!op->attrs[i] || index--)
      continue;
    if (out_name)
      *out_name = text_of(pj_str(pj_key_text[info->attrs[i].key]));
    return (const PjsAttr *)op->attrs[i];
  }
  return op->extra ? pjs_attr_item((const PjsAttr *)op->extra, index, out_name) : NULL;
}

const PjsAttr *pjs_op_attr(const PjsOp *handle, const char *name) {
  const PjOp *op = (const PjOp *)handle;
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (uint32_t i = 0; i < info->num_attrs; i++)
    if (op->attrs[i] && strcmp(pj_key_text[info->attrs[i].key], name) == 0)
      return (const PjsAttr *)op->attrs[i];
  return (const PjsAttr *)pj_attr_get(op->extra, name);
}

// --- Contents ------------------------------------------------------------------------------------

PjsAttrKind pjs_attr_kind(const PjsAttr *attr) {
  switch (attr_of(attr)->kind) {
  case PJ_ATTR_BOOL:
  case PJ_ATTR_INT:
    return PJS_ATTR_INTEGER;
  case PJ_ATTR_FLOAT:
    return PJS_ATTR_NUMBER;
  case PJ_ATTR_STRING:
  case PJ_ATTR_SYMBOL:
  case PJ_ATTR_ENUM:
    return PJS_ATTR_TEXT;
  case PJ_ATTR_INTS:
  case PJ_ATTR_BOOLS:
    return PJS_ATTR_INTEGERS;
  case PJ_ATTR_ARRAY:
    return PJS_ATTR_LIST;
  case PJ_ATTR_TYPE:
    return PJS_ATTR_TYPE;
  case PJ_ATTR_ELEMENTS:
    return PJS_ATTR_ELEMENTS;
  case PJ_ATTR_DICT:
  case PJ_ATTR_STRUCT:
    return PJS_ATTR_FIELDS;
  default:
    return PJS_ATTR_OTHER;
  }
}

static bool is(const PjsAttr *attr, PjsAttrKind kind) {
  return pjs_attr_kind(attr) == kind;
}

int64_t pjs_attr_integer(const PjsAttr *attr) {
  return is(attr, PJS_ATTR_INTEGER) ? attr_of(attr)->i64 : 0;
}

double pjs_attr_number(const PjsAttr *attr) {
  return is(attr, PJS_ATTR_NUMBER) ? attr_of(attr)->f64 : 0;
}

PjsText pjs_attr_text(const PjsAttr *attr) {
  if (!is(attr, PJS_ATTR_TEXT))
    return (PjsText){"", 0};
  if (attr_of(attr)->kind != PJ_ATTR_ENUM)
    return text_of(attr_of(attr)->str);
  const char *name = pj_enum_text(attr_of(attr)->enum_kind, attr_of(attr)->i64);
  return text_of(pj_str(name ? name : ""));
}

const int64_t *pjs_attr_integers(const PjsAttr *attr, size_t *out_count) {
  bool fits = is(attr, PJS_ATTR_INTEGERS);
  *out_count = fits ? attr_of(attr)->count : 0;
  return fits ? attr_of(attr)->ints : NULL;
}

size_t pjs_attr_columns(const PjsAttr *attr) {
  const PjAttr *a = attr_of(attr);
  return a->kind == PJ_ATTR_INTS && a->columns > 0 ? (size_t)a->columns : 0;
}

size_t pjs_attr_count(const PjsAttr *attr) {
  return is(attr, PJS_ATTR_LIST) || is(attr, PJS_ATTR_FIELDS) ? attr_of(attr)->count : 0;
}

const PjsAttr *pjs_attr_item(const PjsAttr *attr, size_t index, PjsText *out_name) {
  if (out_name)
    *out_name = (PjsText){"", 0};
  if (index >= pjs_attr_count(attr))
    return NULL;
  if (out_name && is(attr, PJS_ATTR_FIELDS))
    *out_name = text_of(attr_of(attr)->names[index]);
  return (const PjsAttr *)attr_of(attr)->elems[index];
}

const PjsType *pjs_attr_type(const PjsAttr *attr) {
  return is(attr, PJS_ATTR_TYPE) || is(attr, PJS_ATTR_ELEMENTS)
             ? (const PjsType *)attr_of(attr)->type
             : NULL;
}

const void *pjs_attr_elements(const PjsAttr *attr, bool *out_splat) {
  bool fits = is(attr, PJS_ATTR_ELEMENTS);
  *out_splat = fits && attr_of(attr)->splat;
  return fits ? attr_of(attr)->data : NULL;
}

char *pjs_attr_print(const PjsAttr *attr) {
  PjStrBuf text = {0};
  pj_attr_print(&text, attr_of(attr));
  if (!text.failed)
    return text.data;
  pj_strbuf_free(&text);
  return NULL;
}
