// Building blocks of the IR: creating, linking and numbering operations, attribute access,
// defaults.
#include "ir/ir.h"

PjModule *pj_module_create(PjArena *arena) {
  PjModule *module = PJ_NEW(arena, PjModule);
  module->arena = arena;
  return module;
}

PjOp *pj_op_create(PjArena *arena, PjOpKind kind, uint32_t num_operands, uint32_t num_results,
                   uint32_t num_regions) {
  PjOp *op = PJ_NEW(arena, PjOp);
  op->kind = kind;
  op->num_operands = num_operands;
  op->num_results = num_results;
  op->num_regions = num_regions;
  if (num_operands)
    op->operands = PJ_NEW_ARRAY(arena, PjValue *, num_operands);
  if (num_results)
    op->results = PJ_NEW_ARRAY(arena, PjValue, num_results);
  if (num_regions)
    op->regions = PJ_NEW_ARRAY(arena, PjRegion, num_regions);
  if (pj_op_info[kind].num_attrs)
    op->attrs = PJ_NEW_ARRAY(arena, const PjAttr *, pj_op_info[kind].num_attrs);
  for (uint32_t i = 0; i < num_results; ++i)
    op->results[i] = (PjValue){.def = op, .index = i};
  for (uint32_t i = 0; i < num_regions; ++i)
    op->regions[i].parent = op;
  return op;
}

void pj_op_append(PjRegion *region, PjOp *op) {
  op->region = region;
  op->prev = region->last;
  op->next = NULL;
  if (region->last)
    region->last->next = op;
  else
    region->first = op;
  region->last = op;
}

void pj_op_insert_before(PjOp *before, PjOp *op) {
  op->region = before->region;
  op->prev = before->prev;
  op->next = before;
  if (before->prev)
    before->prev->next = op;
  else
    before->region->first = op;
  before->prev = op;
}

void pj_op_remove(PjOp *op) {
  if (op->prev)
    op->prev->next = op->next;
  else
    op->region->first = op->next;
  if (op->next)
    op->next->prev = op->prev;
  else
    op->region->last = op->prev;
  op->prev = op->next = NULL;
  op->region = NULL;
}

void pj_region_set_args(PjArena *arena, PjRegion *region, uint32_t count,
                        const PjType *const *types) {
  region->num_args = count;
  region->args = PJ_NEW_ARRAY(arena, PjValue, count);
  for (uint32_t i = 0; i < count; ++i)
    region->args[i] = (PjValue){.type = types[i], .region = region, .index = i};
}

PjOp *pj_module_find(const PjModule *module, PjStr name) {
  for (PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_FUNC && pj_str_eq(PJ_STRATTR(op, sym_name), name))
      return op;
  return NULL;
}

PjOp *pj_module_entry(const PjModule *module) {
  PjOp *main_func = pj_module_find(module, PJ_STR("main")), *only = NULL;
  if (main_func)
    return main_func;
  for (PjOp *op = module->body.first; op; op = op->next) {
    if (op->kind != PJ_OP_FUNC || !op->regions[0].first)
      continue;
    if (only)
      return NULL;
    only = op;
  }
  return only;
}

static void number_region(PjOp *func, PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    region->args[i].id = func->num_values++;
  for (PjOp *op = region->first; op; op = op->next) {
    op->id = func->num_ops++;
    for (uint32_t i = 0; i < op->num_results; ++i)
      op->results[i].id = func->num_values++;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      number_region(func, &op->regions[i]);
  }
}

void pj_module_number(PjModule *module) {
  for (PjOp *op = module->body.first; op; op = op->next) {
    if (op->kind != PJ_OP_FUNC)
      continue;
    op->num_values = op->num_ops = 0;
    number_region(op, &op->regions[0]);
  }
}

int pj_op_attr_index(PjOpKind kind, PjKey key) {
  const PjOpInfo *info = &pj_op_info[kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (info->attrs[i].key == key)
      return i;
  return -1;
}

const PjAttr *pj_op_attr(const PjOp *op, PjKey key) {
  int i = pj_op_attr_index(op->kind, key);
  return i < 0 ? NULL : op->attrs[i];
}

void pj_op_set_attr(PjOp *op, PjKey key, const PjAttr *attr) {
  int i = pj_op_attr_index(op->kind, key);
  if (i >= 0)
    op->attrs[i] = attr;
}

int64_t pj_op_int(const PjOp *op, PjKey key) {
  const PjAttr *attr = pj_op_attr(op, key);
  return attr ? attr->i64 : 0;
}

PjStr pj_op_str(const PjOp *op, PjKey key) {
  const PjAttr *attr = pj_op_attr(op, key);
  return attr ? attr->str : (PjStr){0};
}

const int64_t *pj_op_ints(const PjOp *op, PjKey key, uint32_t *out_count) {
  const PjAttr *attr = pj_op_attr(op, key);
  if (out_count)
    *out_count = attr ? attr->count : 0;
  return attr ? attr->ints : NULL;
}

uint32_t pj_op_window_rank(const PjOp *op) {
  if (!op->num_operands || !pj_type_is_tensor(op->operands[0]->type))
    return 0;
  uint32_t rank = (uint32_t)op->operands[0]->type->rank;
  if (op->kind == PJ_OP_CONVOLUTION || op->kind == PJ_OP_DYNAMIC_CONV)
    return rank < 2 ? 0 : rank - 2;
  return rank;
}

static const PjAttr *constant_list(PjArena *arena, const PjOp *op, const PjAttrSpec *spec) {
  uint32_t rank = pj_op_window_rank(op);
  int64_t values[2 * PJ_MAX_RANK];
  for (int i = 0; i < 2 * PJ_MAX_RANK; ++i)
    values[i] = spec->value;
  if (spec->kind == PJ_SPEC_I64X2)
    return pj_attr_matrix(arena, rank, 2, values);
  if (spec->kind == PJ_SPEC_BOOLS)
    return pj_attr_bools(arena, rank, values);
  return pj_attr_ints(arena, rank, values);
}

static const PjAttr *default_value(PjArena *arena, const PjAttrSpec *spec) {
  static const PjEnumKind enums[] = {
      [PJ_SPEC_COMPARE_DIRECTION] = PJ_ENUM_COMPARE_DIRECTION,
      [PJ_SPEC_COMPARE_TYPE] = PJ_ENUM_COMPARE_TYPE,
      [PJ_SPEC_API_VERSION] = PJ_ENUM_API_VERSION,
      [PJ_SPEC_FFT_TYPE] = PJ_ENUM_FFT_TYPE,
      [PJ_SPEC_RNG_ALGORITHM] = PJ_ENUM_RNG_ALGORITHM,
      [PJ_SPEC_RNG_DISTRIBUTION] = PJ_ENUM_RNG_DISTRIBUTION,
      [PJ_SPEC_TRANSPOSE] = PJ_ENUM_TRANSPOSE,
  };
  switch (spec->kind) {
  case PJ_SPEC_BOOL:
    return pj_attr_bool(arena, spec->value != 0);
  case PJ_SPEC_I32:
    return pj_attr_int(arena, spec->value, PJ_DT_S32);
  case PJ_SPEC_ACCURACY:
    return pj_attr_accuracy(arena, 0, 0, 0, spec->value);
  case PJ_SPEC_COMPARE_DIRECTION:
  case PJ_SPEC_COMPARE_TYPE:
  case PJ_SPEC_API_VERSION:
  case PJ_SPEC_FFT_TYPE:
  case PJ_SPEC_RNG_ALGORITHM:
  case PJ_SPEC_RNG_DISTRIBUTION:
  case PJ_SPEC_TRANSPOSE:
    return pj_attr_enum(arena, enums[spec->kind], spec->value);
  default:
    return pj_attr_int(arena, spec->value, PJ_DT_S64);
  }
}

// A typed FFI call's configuration is a dictionary, every other one a string.
static bool wants_dict(const PjOp *op) {
  return op->kind == PJ_OP_CUSTOM_CALL && PJ_INT(op, api_version) == PJ_API_TYPED_FFI;
}

static const PjAttr *default_precisions(PjArena *arena) {
  const PjAttr *precision = pj_attr_enum(arena, PJ_ENUM_PRECISION, PJ_PRECISION_DEFAULT);
  return pj_attr_array(arena, 2, (const PjAttr *[]){precision, precision});
}

static const PjAttr *empty_value(PjArena *arena, const PjOp *op, PjAttrSpecKind kind) {
  switch (kind) {
  case PJ_SPEC_STR_OR_DICT:
    if (wants_dict(op))
      return pj_attr_dict(arena, 0, NULL, NULL);
    return pj_attr_string(arena, PJ_STR(""));
  case PJ_SPEC_PRECISIONS:
    return default_precisions(arena);
  case PJ_SPEC_STR:
    return pj_attr_string(arena, PJ_STR(""));
  case PJ_SPEC_I64S:
    return pj_attr_ints(arena, 0, NULL);
  case PJ_SPEC_I64X2:
  case PJ_SPEC_REPLICA_GROUPS:
    return pj_attr_matrix(arena, 0, 2, NULL);
  case PJ_SPEC_BOOLS:
    return pj_attr_bools(arena, 0, NULL);
  case PJ_SPEC_DICT:
    return pj_attr_dict(arena, 0, NULL, NULL);
  default:
    return pj_attr_array(arena, 0, NULL);
  }
}

static bool all_empty(const PjAttr *attr) {
  for (uint32_t i = 0; i < attr->count; ++i)
    if (attr->elems[i]->kind != PJ_ATTR_DICT || attr->elems[i]->count)
      return false;
  return attr->count != 0;
}

static bool all_default_precision(const PjAttr *attr) {
  for (uint32_t i = 0; i < attr->count; ++i)
    if (attr->elems[i]->kind != PJ_ATTR_ENUM || attr->elems[i]->i64 != PJ_PRECISION_DEFAULT)
      return false;
  return attr->count != 0;
}

// Other spellings of a default, as upstream reads them: an empty list of strides or dilations, a
// precision of DEFAULT for each operand, an empty dictionary as backend_config, a dictionary
// without entries for each argument.
static bool stands_for_default(const PjAttrSpec *spec, const PjAttr *attr) {
  bool list = attr->kind == PJ_ATTR_INTS || attr->kind == PJ_ATTR_BOOLS,
       array = attr->kind == PJ_ATTR_ARRAY;
  if (spec->mode == PJ_DEFAULT_ONES || spec->mode == PJ_DEFAULT_ZEROS)
    return list && !attr->count;
  if (spec->mode != PJ_DEFAULT_EMPTY)
    return false;
  return (spec->kind == PJ_SPEC_PRECISIONS && array && attr->count <= 2 &&
          all_default_precision(attr)) ||
         (spec->kind == PJ_SPEC_STR_OR_DICT && attr->kind == PJ_ATTR_DICT && !attr->count) ||
         (spec->kind == PJ_SPEC_DICTS && array && all_empty(attr));
}

void pj_op_fill_defaults(PjArena *arena, PjOp *op) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (int i = 0; i < info->num_attrs; ++i) {
    const PjAttrSpec *spec = &info->attrs[i];
    if (op->attrs[i] && !stands_for_default(spec, op->attrs[i]))
      continue;
    switch (spec->mode) {
    case PJ_DEFAULT_REQ:
    case PJ_DEFAULT_OPT:
      break;
    case PJ_DEFAULT_VALUE:
      op->attrs[i] = default_value(arena, spec);
      break;
    case PJ_DEFAULT_EMPTY:
      op->attrs[i] = empty_value(arena, op, spec->kind);
      break;
    case PJ_DEFAULT_ONES:
    case PJ_DEFAULT_ZEROS:
      op->attrs[i] = constant_list(arena, op, spec);
      break;
    case PJ_DEFAULT_NONE_TYPE:
      op->attrs[i] = pj_attr_type(arena, pj_type_simple(PJ_TYPE_NONE));
      break;
    }
  }
}

static bool is_constant_list(const PjOp *op, const PjAttrSpec *spec, const PjAttr *attr) {
  uint32_t rank = pj_op_window_rank(op);
  bool pairs = spec->kind == PJ_SPEC_I64X2;
  if (attr->count != (pairs ? 2 * rank : rank) || (pairs ? attr->columns != 2 : attr->columns >= 0))
    return false;
  for (uint32_t i = 0; i < attr->count; ++i)
    if (attr->ints[i] != spec->value)
      return false;
  return attr->kind == (spec->kind == PJ_SPEC_BOOLS ? PJ_ATTR_BOOLS : PJ_ATTR_INTS);
}

static bool is_empty_value(const PjOp *op, const PjAttrSpec *spec, const PjAttr *attr) {
  switch (spec->kind) {
  case PJ_SPEC_STR_OR_DICT:
    if (wants_dict(op))
      return attr->kind == PJ_ATTR_DICT && !attr->count;
    return attr->kind == PJ_ATTR_STRING && !attr->str.len;
  case PJ_SPEC_PRECISIONS:
    return attr->count == 2 && attr->elems[0]->i64 == PJ_PRECISION_DEFAULT &&
           attr->elems[1]->i64 == PJ_PRECISION_DEFAULT;
  case PJ_SPEC_STR:
    return attr->kind == PJ_ATTR_STRING && !attr->str.len;
  case PJ_SPEC_I64X2:
    return attr->count == 0 && attr->columns == 2;
  default:
    return attr->count == 0;
  }
}

// StableHLO wants layouts of operands and results given both or neither: an empty list next to one
// that is not empty counts as given.
static bool completes_layouts(const PjOp *op, const PjAttrSpec *spec) {
  PjKey other;
  if (spec->key == PJ_KEY_operand_layouts)
    other = PJ_KEY_result_layouts;
  else if (spec->key == PJ_KEY_result_layouts)
    other = PJ_KEY_operand_layouts;
  else
    return false;
  const PjAttr *layouts = pj_op_attr(op, other);
  return layouts && layouts->count;
}

bool pj_op_attr_is_default(const PjOp *op, int index) {
  const PjAttrSpec *spec = &pj_op_info[op->kind].attrs[index];
  const PjAttr *attr = op->attrs[index];
  if (!attr)
    return true;
  switch (spec->mode) {
  case PJ_DEFAULT_REQ:
  case PJ_DEFAULT_OPT:
    return false;
  case PJ_DEFAULT_VALUE:
    if (attr->kind == PJ_ATTR_ACCURACY)
      return attr->f64 == 0 && attr->f64b == 0 && !attr->i64 && !attr->i64b;
    return attr->i64 == spec->value;
  case PJ_DEFAULT_EMPTY:
    return is_empty_value(op, spec, attr) && !completes_layouts(op, spec);
  case PJ_DEFAULT_ONES:
  case PJ_DEFAULT_ZEROS:
    return is_constant_list(op, spec, attr);
  case PJ_DEFAULT_NONE_TYPE:
    return attr->kind == PJ_ATTR_TYPE && attr->type->kind == PJ_TYPE_NONE;
  }
  return false;
}

void pj_loc_describe(PjStrBuf *out, const PjLoc *loc) {
  for (int depth = 0; loc && depth < 64; ++depth) {
    switch (loc->kind) {
    case PJ_LOC_UNKNOWN:
      return;
    case PJ_LOC_FILE:
      pj_strbuf_printf(out, "%.*s:%u:%u", PJ_STR_ARG(loc->text), loc->line, loc->column);
      return;
    case PJ_LOC_NAME:
      if (!loc->child || loc->child->kind == PJ_LOC_UNKNOWN) {
        pj_strbuf_str(out, loc->text);
        return;
      }
      loc = loc->child;
      break;
    case PJ_LOC_CALLSITE:
      loc = loc->child;
      break;
    case PJ_LOC_FUSED:
      loc = loc->count ? loc->parts[0] : NULL;
      break;
    }
  }
}

PjStatus pj_op_blame(const PjOp *op, PjStatus status) {
  status = pj_status_prefix(status, "%s", pj_op_info[op->kind].text);
  PjStrBuf where = {0};
  pj_loc_describe(&where, op->loc);
  if (where.len && !where.failed)
    status = pj_status_at(status, where.data);
  pj_strbuf_free(&where);
  return status;
}

uint32_t pj_op_scan_carries(const PjOp *op) {
  // An input loses the scanned dimension on its way to the body's argument, a carry keeps its type.
  const PjRegion *body = op->num_regions ? &op->regions[0] : NULL;
  uint32_t inputs = 0;
  while (inputs < op->num_operands && body && inputs < body->num_args) {
    const PjType *operand = op->operands[inputs]->type, *arg = body->args[inputs].type;
    if (operand->kind != PJ_TYPE_TENSOR || arg->kind != PJ_TYPE_TENSOR ||
        arg->rank >= operand->rank)
      break;
    ++inputs;
  }
  return op->num_operands - inputs;
}

bool pj_op_meets(const PjOp *op) {
  return pj_op_info[op->kind].traits & PJ_TRAIT_COLL ||
         (op->kind == PJ_OP_CUSTOM_CALL &&
          pj_str_is(PJ_STRATTR(op, call_target_name), "ragged_all_to_all"));
}
