// Modules, operations, regions, values and types, as a vendor's compiler sees them.
#include <string.h>

#include "base/alloc.h"
#include "ir/print.h"
#include "sdk/internal.h"

static const PjModule *module_of(const PjsModule *module) {
  return (const PjModule *)module;
}
static const PjOp *op_of(const PjsOp *op) {
  return (const PjOp *)op;
}
static const PjRegion *region_of(const PjsRegion *region) {
  return (const PjRegion *)region;
}
static const PjValue *value_of(const PjsValue *value) {
  return (const PjValue *)value;
}
static const PjType *type_of(const PjsType *type) {
  return (const PjType *)type;
}
static PjsText text_of(PjStr text) {
  return (PjsText){text.ptr, text.len};
}

bool pjs_text_is(PjsText text, const char *literal) {
  return pj_str_is((PjStr){text.data, text.size}, literal);
}

// The buffer's text as memory of the caller; NULL without memory.
static char *hand_out(PjStrBuf *text) {
  if (!text->failed && !text->data)
    pj_strbuf_puts(text, "");
  if (!text->failed)
    return text->data;
  pj_strbuf_free(text);
  return NULL;
}

// --- Modules and functions -----------------------------------------------------------------------

PjsText pjs_module_name(const PjsModule *module) {
  return text_of(module_of(module)->name);
}

const PjsOp *pjs_module_first(const PjsModule *module) {
  return (const PjsOp *)module_of(module)->body.first;
}

const PjsOp *pjs_module_entry(const PjsModule *module) {
  return (const PjsOp *)pj_module_entry(module_of(module));
}

const PjsOp *pjs_module_find(const PjsModule *module, const char *function) {
  return (const PjsOp *)pj_module_find(module_of(module), pj_str(function));
}

PjsText pjs_function_name(const PjsOp *function) {
  return op_of(function)->kind == PJ_OP_FUNC ? text_of(PJ_STRATTR(op_of(function), sym_name))
                                             : (PjsText){"", 0};
}

uint32_t pjs_function_num_values(const PjsOp *function) {
  return op_of(function)->num_values;
}

uint32_t pjs_function_num_ops(const PjsOp *function) {
  return op_of(function)->num_ops;
}

char *pjs_module_print(const PjsModule *module) {
  PjStrBuf text = {0};
  pj_module_print(&text, module_of(module), NULL);
  return hand_out(&text);
}

char *pjs_op_print(const PjsOp *op) {
  PjStrBuf text = {0};
  pj_op_print(&text, op_of(op), NULL);
  return hand_out(&text);
}

// --- Operations ----------------------------------------------------------------------------------

_Static_assert((int)PJS_TRAIT_PURE == (int)PJ_TRAIT_PURE &&
                   (int)PJS_TRAIT_ELEMENTWISE == (int)PJ_TRAIT_ELEM &&
                   (int)PJS_TRAIT_COMMUTATIVE == (int)PJ_TRAIT_COMM &&
                   (int)PJS_TRAIT_TERMINATOR == (int)PJ_TRAIT_TERM &&
                   (int)PJS_TRAIT_COLLECTIVE == (int)PJ_TRAIT_COLL &&
                   (int)PJS_TRAIT_EFFECT == (int)PJ_TRAIT_EFFECT,
               "same values");

const char *pjs_op_name(const PjsOp *op) {
  return pj_op_info[op_of(op)->kind].text;
}

bool pjs_op_is(const PjsOp *op, const char *name) {
  return strcmp(pjs_op_name(op), name) == 0;
}

bool pjs_op_has(const PjsOp *op, PjsTrait trait) {
  return (pj_op_info[op_of(op)->kind].traits & trait) == trait;
}

uint32_t pjs_op_number(const PjsOp *op) {
  return op_of(op)->id;
}

const PjsOp *pjs_op_next(const PjsOp *op) {
  return (const PjsOp *)op_of(op)->next;
}

const PjsOp *pjs_op_parent(const PjsOp *op) {
  const PjRegion *region = op_of(op)->region;
  return region ? (const PjsOp *)region->parent : NULL;
}

const PjsOp *pjs_op_function(const PjsOp *op) {
  while (op && op_of(op)->kind != PJ_OP_FUNC)
    op = pjs_op_parent(op);
  return op;
}

uint32_t pjs_op_num_operands(const PjsOp *op) {
  return op_of(op)->num_operands;
}

const PjsValue *pjs_op_operand(const PjsOp *op, uint32_t index) {
  return index < op_of(op)->num_operands ? (const PjsValue *)op_of(op)->operands[index] : NULL;
}

uint32_t pjs_op_num_results(const PjsOp *op) {
  return op_of(op)->num_results;
}

const PjsValue *pjs_op_result(const PjsOp *op, uint32_t index) {
  return index < op_of(op)->num_results ? (const PjsValue *)&op_of(op)->results[index] : NULL;
}

uint32_t pjs_op_num_regions(const PjsOp *op) {
  return op_of(op)->num_regions;
}

const PjsRegion *pjs_op_region(const PjsOp *op, uint32_t index) {
  return index < op_of(op)->num_regions ? (const PjsRegion *)&op_of(op)->regions[index] : NULL;
}

size_t pjs_op_location(const PjsOp *op, char *out, size_t room) {
  PjStrBuf text = {0};
  pj_loc_describe(&text, op_of(op)->loc);
  size_t length = text.failed ? 0 : text.len, shown = length < room ? length : room ? room - 1 : 0;
  if (shown)
    memcpy(out, text.data, shown);
  if (room)
    out[shown] = 0;
  pj_strbuf_free(&text);
  return length;
}

// --- Regions and values --------------------------------------------------------------------------

uint32_t pjs_region_num_args(const PjsRegion *region) {
  return region_of(region)->num_args;
}

const PjsValue *pjs_region_arg(const PjsRegion *region, uint32_t index) {
  return index < region_of(region)->num_args ? (const PjsValue *)&region_of(region)->args[index]
                                             : NULL;
}

const PjsOp *pjs_region_first(const PjsRegion *region) {
  return (const PjsOp *)region_of(region)->first;
}

const PjsOp *pjs_region_terminator(const PjsRegion *region) {
  return (const PjsOp *)pj_region_terminator(region_of(region));
}

const PjsType *pjs_value_type(const PjsValue *value) {
  return (const PjsType *)value_of(value)->type;
}

uint32_t pjs_value_number(const PjsValue *value) {
  return value_of(value)->id;
}

const PjsOp *pjs_value_op(const PjsValue *value) {
  return (const PjsOp *)value_of(value)->def;
}

const PjsRegion *pjs_value_region(const PjsValue *value) {
  return (const PjsRegion *)value_of(value)->region;
}

uint32_t pjs_value_index(const PjsValue *value) {
  return value_of(value)->index;
}

// --- Types ---------------------------------------------------------------------------------------

_Static_assert(PJS_DYNAMIC == PJ_DYN, "same value");

PjsTypeKind pjs_type_kind(const PjsType *type) {
  switch (type_of(type)->kind) {
  case PJ_TYPE_TENSOR:
    return PJS_TYPE_TENSOR;
  case PJ_TYPE_TOKEN:
    return PJS_TYPE_TOKEN;
  case PJ_TYPE_TUPLE:
    return PJS_TYPE_TUPLE;
  default:
    return PJS_TYPE_OTHER;
  }
}

PJRT_Buffer_Type pjs_type_element(const PjsType *type) {
  const PjType *t = type_of(type);
  int code = t->kind == PJ_TYPE_TENSOR && !t->quant ? pj_dtype_info[t->dtype].pjrt : 0;
  return (PJRT_Buffer_Type)(code > 0 ? code : 0);
}

bool pjs_type_is_quantized(const PjsType *type) {
  return type_of(type)->quant != NULL;
}

int pjs_type_rank(const PjsType *type) {
  return type_of(type)->kind == PJ_TYPE_TENSOR ? type_of(type)->rank : 0;
}

const int64_t *pjs_type_dims(const PjsType *type) {
  return type_of(type)->kind == PJ_TYPE_TENSOR ? type_of(type)->dims : NULL;
}

bool pjs_type_is_static(const PjsType *type) {
  return pj_type_is_static(type_of(type));
}

size_t pjs_type_num_elements(const PjsType *type) {
  int64_t count = 0;
  return pj_type_num_elements(type_of(type), &count) ? (size_t)count : 0;
}

size_t pjs_type_bytes(const PjsType *type) {
  size_t bytes = 0;
  return pj_type_num_bytes(type_of(type), &bytes) ? bytes : 0;
}

size_t pjs_element_bytes(PJRT_Buffer_Type element) {
  return pj_dtype_bytes(pj_dtype_from_pjrt((int)element));
}

uint32_t pjs_type_num_parts(const PjsType *type) {
  return type_of(type)->kind == PJ_TYPE_TUPLE ? type_of(type)->num_elems : 0;
}

const PjsType *pjs_type_part(const PjsType *type, uint32_t index) {
  return index < pjs_type_num_parts(type) ? (const PjsType *)type_of(type)->elems[index] : NULL;
}

bool pjs_type_equal(const PjsType *a, const PjsType *b) {
  return pj_type_eq(type_of(a), type_of(b));
}

char *pjs_type_print(const PjsType *type) {
  PjStrBuf text = {0};
  pj_type_print(&text, type_of(type));
  return hand_out(&text);
}
