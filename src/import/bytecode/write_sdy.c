// Attributes of Shardy's dialect for the writer, by their table.
#include "import/bytecode/sdy.h"
#include "import/bytecode/writer.h"

enum { SINCE = 1011 }; // VHLO 1.11 has attributes of other dialects

static PjStatus put_array(PjBcw *w, PjTokens *t, const PjAttr *value) {
  pj__bcw_put(w, t, PJ_TOKEN_VARINT, value ? value->count : 0);
  for (uint32_t i = 0; value && i < value->count; ++i)
    PJ_TRY(pj__bcw_put_attr(w, t, value->elems[i], PJ_BCW_AS_BUILTIN));
  return PJ_STATUS_OK;
}

static PjStatus put_field(PjBcw *w, PjTokens *t, const PjAttr *attr, const PjSdyField *schema) {
  const PjAttr *value = pj_attr_get(attr, schema->name);
  uint32_t entry = 0;
  switch (schema->kind) {
  case PJ_SDY_OPT_ATTR:
    if (value)
      PJ_TRY(pj__bcw_attr(w, value, PJ_BCW_AS_BUILTIN, &entry));
    pj__bcw_put(w, t, PJ_TOKEN_OPT_ATTR, value ? entry + (uint64_t)1 : 0);
    return PJ_STATUS_OK;
  case PJ_SDY_OPT_INT:
    pj__bcw_put(w, t, PJ_TOKEN_VARINT, value ? (uint64_t)value->i64 << 1 | 1 : 0);
    return PJ_STATUS_OK;
  case PJ_SDY_OPT_ARRAY:
    return put_array(w, t, value);
  case PJ_SDY_MESH:
    if (!value)
      break;
    return pj__bcw_put_attr(w, t, value, PJ_BCW_AS_BUILTIN);
  case PJ_SDY_ARRAY:
    if (!value || value->kind != PJ_ATTR_ARRAY)
      break;
    return put_array(w, t, value);
  case PJ_SDY_STRING:
    if (!value || value->kind != PJ_ATTR_STRING)
      break;
    pj__bcw_put(w, t, PJ_TOKEN_STRING, pj__bcw_string(w, value->str));
    return PJ_STATUS_OK;
  case PJ_SDY_INT:
    if (!value || value->kind != PJ_ATTR_INT)
      break;
    pj__bcw_put(w, t, PJ_TOKEN_SVARINT, (uint64_t)value->i64);
    return PJ_STATUS_OK;
  case PJ_SDY_INTS:
    if (!value || value->kind != PJ_ATTR_INTS)
      break;
    pj__bcw_put_ints(w, t, value->count, value->ints);
    return PJ_STATUS_OK;
  case PJ_SDY_BOOL:
    if (!value || value->kind != PJ_ATTR_BOOL)
      break;
    pj__bcw_put(w, t, PJ_TOKEN_BYTE, value->i64 != 0);
    return PJ_STATUS_OK;
  }
  return pj__bcw_refuse(w, "attribute %.*s without a proper field %s", PJ_STR_ARG(attr->str),
                        schema->name);
}

static bool has_field(const PjSdyAttr *schema, PjStr name) {
  for (int i = 0; i < PJ_SDY_MAX_FIELDS && schema->fields[i].name; ++i)
    if (pj_str_is(name, schema->fields[i].name))
      return true;
  return false;
}

// The first encoding that has room for all fields: later ones of the same name have more.
static const PjSdyAttr *find_schema(const PjAttr *attr) {
  for (size_t i = 0; i < pj__sdy_num_attrs; ++i) {
    const PjSdyAttr *schema = &pj__sdy_attrs[i];
    bool fits = pj_str_is(attr->str, schema->name);
    for (uint32_t j = 0; fits && j < attr->count; ++j)
      fits = has_field(schema, attr->names[j]);
    if (fits)
      return schema;
  }
  return NULL;
}

PjStatus pj__bcw_sdy(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  PjTokens t = {0};
  const PjSdyAttr *schema = find_schema(attr);
  PJ_TRY(pj__bcw_needs(w, SINCE, "an attribute of another dialect"));
  if (!schema)
    return pj__bcw_refuse(w, "attribute %.*s", PJ_STR_ARG(attr->str));
  pj__bcw_put(w, &t, PJ_TOKEN_VARINT, (uint64_t)schema->code);
  for (int i = 0; i < PJ_SDY_MAX_FIELDS && schema->fields[i].name; ++i)
    PJ_TRY(put_field(w, &t, attr, &schema->fields[i]));
  *out = pj__bcw_intern(w, &w->attrs, PJ_BCW_SDY, &t);
  return PJ_STATUS_OK;
}
