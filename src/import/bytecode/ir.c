// The IR section: operations with their regions, in the order of the text. A region's values are
// numbered from where its parent's end; an isolated operation starts again at 0, and its regions
// lie in a section of their own.
#include <inttypes.h>
#include <stdio.h>

#include "import/bytecode/ops.h"

enum {
  HAS_DICT = 0x01,
  HAS_RESULTS = 0x02,
  HAS_OPERANDS = 0x04,
  HAS_SUCCESSORS = 0x08,
  HAS_REGIONS = 0x10,
  HAS_USE_LISTS = 0x20,
  HAS_PROPERTIES = 0x40,
  KNOWN_PARTS = 0x7F,
};

static PjStatus read_op(PjBc *bc, PjCursor *c, PjRegion *region);

// ---------------------------------------------------------------------------------------- values
static PjBcFrame *top_frame(PjBc *bc) {
  return &bc->frames.data[bc->frames.len - 1];
}

static PjStatus define(PjBc *bc, const PjCursor *c, PjValue *value) {
  PjBcFrame *frame = top_frame(bc);
  if (bc->values.len - frame->base >= frame->declared)
    return pj__cur_error(c, "a region defines more than the %" PRIu64 " values announced",
                         frame->declared);
  PJ_PUSH(bc->arena, &bc->values, value);
  return PJ_STATUS_OK;
}

static PjStatus use(PjBc *bc, PjCursor *c, PjValue **out) {
  PjCursor start = *c;
  uint64_t id;
  PJ_TRY(pj__cur_varint(c, "an operand", &id));
  size_t end = bc->values.len;
  for (size_t i = bc->frames.len; i-- > bc->floor;) {
    const PjBcFrame *frame = &bc->frames.data[i];
    if (id >= frame->first) {
      uint64_t at = id - frame->first;
      if (at >= end - frame->base)
        break;
      *out = bc->values.data[frame->base + at];
      return PJ_STATUS_OK;
    }
    end = frame->base;
  }
  return pj__cur_error(&start, "operand %" PRIu64 ", expected a value defined before", id);
}

// The order of uses: nothing depends on it.
static PjStatus skip_use_list(PjCursor *c, uint32_t num_values) {
  uint32_t count = 1, uses;
  uint64_t raw;
  if (num_values != 1)
    PJ_TRY(pj__cur_count(c, "a list of use-list orders", &count));
  for (uint32_t i = 0; i < count; ++i) {
    if (num_values != 1)
      PJ_TRY(pj__cur_varint(c, "a value with a use-list order", &raw));
    PjCursor start = *c;
    PJ_TRY(pj__cur_varint(c, "a use-list order", &raw));
    if (raw >> 1 > pj__cur_left(c))
      return pj__cur_error(&start, "a use-list order of %" PRIu64 " entries", raw >> 1);
    uses = (uint32_t)(raw >> 1);
    for (uint32_t j = 0; j < uses; ++j)
      PJ_TRY(pj__cur_varint(c, "a use-list order", &raw));
  }
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- regions
static PjStatus read_block_args(PjBc *bc, PjCursor *c, PjRegion *region) {
  uint32_t count;
  PJ_TRY(pj__cur_count(c, "block arguments", &count));
  const PjType **types = PJ_NEW_ARRAY(bc->arena, const PjType *, count);
  const PjLoc **locs = PJ_NEW_ARRAY(bc->arena, const PjLoc *, count);
  for (uint32_t i = 0; i < count; ++i) {
    PjCursor start = *c;
    if (bc->version >= 4) {
      uint64_t type;
      bool located;
      PJ_TRY(pj__cur_flag(c, "a block argument's type", &type, &located));
      PJ_TRY(pj__bc_type_at(bc, &start, type, &types[i]));
      if (located)
        PJ_TRY(pj__bc_loc(bc, c, &locs[i]));
    } else {
      PJ_TRY(pj__bc_type(bc, c, &types[i]));
      PJ_TRY(pj__bc_loc(bc, c, &locs[i]));
    }
    if (locs[i])
      region->arg_locs = locs;
  }
  PJ_TRY(pj__bc_spend(bc, c));
  pj_region_set_args(bc->arena, region, count, types);
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(define(bc, c, &region->args[i]));
  uint8_t ordered = 0;
  if (bc->version >= 3)
    PJ_TRY(pj__cur_byte(c, "the flag of use-list orders", &ordered));
  return ordered ? skip_use_list(c, count) : PJ_STATUS_OK;
}

static PjStatus read_block(PjBc *bc, PjCursor *c, PjRegion *region) {
  PjCursor start = *c;
  uint64_t num_ops;
  bool has_args;
  PJ_TRY(pj__cur_flag(c, "a block", &num_ops, &has_args));
  if (num_ops > pj__cur_left(c))
    return pj__cur_error(&start, "a block of %" PRIu64 " operations in %zu bytes", num_ops,
                         pj__cur_left(c));
  if (has_args)
    PJ_TRY(read_block_args(bc, c, region));
  while (num_ops--)
    PJ_TRY(read_op(bc, c, region));
  return PJ_STATUS_OK;
}

static PjStatus read_region(PjBc *bc, PjCursor *c, PjRegion *region) {
  PjCursor start = *c;
  uint64_t num_blocks, num_values;
  PJ_TRY(pj__cur_varint(c, "a region", &num_blocks));
  if (!num_blocks)
    return PJ_STATUS_OK;
  if (num_blocks != 1)
    return pj__cur_error(&start, "a region of %" PRIu64 " blocks, expected one", num_blocks);
  PJ_TRY(pj__cur_varint(c, "a region's number of values", &num_values));
  if (num_values > pj__cur_left(c))
    return pj__cur_error(&start, "a region of %" PRIu64 " values in %zu bytes", num_values,
                         pj__cur_left(c));
  PjBcFrame frame = {.declared = num_values, .base = bc->values.len};
  if (bc->frames.len > bc->floor)
    frame.first = top_frame(bc)->first + top_frame(bc)->declared;
  PJ_PUSH(bc->arena, &bc->frames, frame);
  PJ_TRY(read_block(bc, c, region));
  if (bc->values.len - frame.base != num_values)
    return pj__cur_error(&start, "a region defines %zu values, expected the %" PRIu64 " announced",
                         bc->values.len - frame.base, num_values);
  bc->values.len = frame.base;
  --bc->frames.len;
  return PJ_STATUS_OK;
}

static PjStatus read_regions(PjBc *bc, PjCursor *c, uint32_t count, bool isolated,
                             PjRegion *regions) {
  if (bc->nesting >= PJ_MAX_NESTING)
    return pj__cur_error(c, "regions are nested deeper than %d", PJ_MAX_NESTING);
  ++bc->nesting;
  size_t floor = bc->floor;
  if (isolated)
    bc->floor = bc->frames.len;
  PjCursor section = *c, *from = c;
  if (isolated && bc->version >= 2) {
    uint8_t id;
    PJ_TRY(pj__bc_section(c, &id, &section));
    if (id != 4)
      return pj__cur_error(c, "section %u, expected an IR section", id);
    from = &section;
  }
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(read_region(bc, from, &regions[i]));
  if (from != c)
    PJ_TRY(pj__cur_done(from, "a nested IR section"));
  bc->floor = floor;
  --bc->nesting;
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// operations What stands before an operation's regions.
typedef struct Head {
  const PjBcOpName *name;
  const PjLoc *loc;
  PjBcOpAttrs attrs;
  uint32_t num_results, num_operands; // in bc->result_types and bc->operands
  uint32_t num_regions;
  bool isolated;
} Head;

static PjStatus read_results(PjBc *bc, PjCursor *c, uint32_t *out_count) {
  PJ_TRY(pj__cur_count(c, "results", out_count));
  bc->result_types.len = 0;
  for (uint32_t i = 0; i < *out_count; ++i) {
    const PjType *type;
    PJ_TRY(pj__bc_type(bc, c, &type));
    PJ_PUSH(bc->arena, &bc->result_types, type);
  }
  return PJ_STATUS_OK;
}

static PjStatus read_operands(PjBc *bc, PjCursor *c, uint32_t *out_count) {
  PJ_TRY(pj__cur_count(c, "operands", out_count));
  bc->operands.len = 0;
  for (uint32_t i = 0; i < *out_count; ++i) {
    PjValue *value;
    PJ_TRY(use(bc, c, &value));
    PJ_PUSH(bc->arena, &bc->operands, value);
  }
  return PJ_STATUS_OK;
}

static PjStatus read_head(PjBc *bc, PjCursor *c, Head *head) {
  PjCursor start = *c;
  uint64_t name;
  uint32_t successors;
  uint8_t parts;
  PJ_TRY(pj__bc_table_index(c, "operation name", bc->num_ops, &name));
  head->name = &bc->ops[name];
  PJ_TRY(pj__cur_byte(c, "an operation's parts", &parts));
  if (parts & ~KNOWN_PARTS || (parts & HAS_PROPERTIES && bc->version < 5))
    return pj__cur_error(&start, "an operation with unknown parts 0x%02X", parts);
  PJ_TRY(pj__bc_loc(bc, c, &head->loc));
  if ((head->attrs.has_dict = parts & HAS_DICT))
    PJ_TRY(pj__bc_table_index(c, "attribute", bc->num_attrs, &head->attrs.dict));
  if ((head->attrs.has_props = parts & HAS_PROPERTIES))
    PJ_TRY(pj__bc_table_index(c, "properties", bc->num_props, &head->attrs.props));
  if (parts & HAS_RESULTS)
    PJ_TRY(read_results(bc, c, &head->num_results));
  if (parts & HAS_OPERANDS)
    PJ_TRY(read_operands(bc, c, &head->num_operands));
  if (parts & HAS_SUCCESSORS) {
    PJ_TRY(pj__cur_count(c, "successors", &successors));
    if (successors)
      return pj__cur_error(c, "an operation with successors, expected structured control flow");
  }
  if (parts & HAS_USE_LISTS)
    PJ_TRY(skip_use_list(c, head->num_results));
  if (parts & HAS_REGIONS) {
    uint64_t count;
    PJ_TRY(pj__cur_flag(c, "an operation's regions", &count, &head->isolated));
    if (count > pj__cur_left(c))
      return pj__cur_error(&start, "an operation with %" PRIu64 " regions in %zu bytes", count,
                           pj__cur_left(c));
    head->num_regions = (uint32_t)count;
  }
  return PJ_STATUS_OK;
}

// Joins VHLO values to operations of other dialects, whose types are builtin ones. Both are the
// same type here, and the result is the operand.
static PjStatus read_cast(PjBc *bc, const PjCursor *c, const Head *head) {
  if (head->num_operands != head->num_results || head->num_regions)
    return pj__cur_error(c, "a cast of %u values to %u, expected as many", head->num_operands,
                         head->num_results);
  for (uint32_t i = 0; i < head->num_results; ++i) {
    PjValue *value = bc->operands.data[i];
    const PjType *type = bc->result_types.data[i];
    if (!pj_type_eq(value->type, type))
      return pj__cur_error(c, "a cast from %s to %s, expected equal types",
                           pj_type_text(bc->arena, value->type), pj_type_text(bc->arena, type));
    PJ_TRY(define(bc, c, value));
  }
  return PJ_STATUS_OK;
}

static PjStatus read_op(PjBc *bc, PjCursor *c, PjRegion *region) {
  PjCursor start = *c;
  Head head = {0};
  PJ_TRY(read_head(bc, c, &head));
  PjOpKind kind = head.name->kind;
  if (!kind) {
    bool builtin = bc->dialects[head.name->dialect].kind == PJ_BC_BUILTIN;
    if (builtin && pj_str_is(head.name->name, "unrealized_conversion_cast"))
      return read_cast(bc, &start, &head);
    return pj__bc_unknown_op(bc, &start, head.name);
  }
  if (kind == PJ_OP_RETURN && region->parent && region->parent->kind == PJ_OP_FUNC)
    kind = PJ_OP_FUNC_RETURN;
  bool top_level = kind == PJ_OP_FUNC || kind == PJ_OP_SDY_MESH;
  if (top_level != !region->parent)
    return pj__cur_error(&start, "%s is %s a function", pj_op_info[kind].text,
                         top_level ? "inside of" : "outside of");
  PjOp *op = pj_op_create(bc->arena, kind, head.num_operands, head.num_results, head.num_regions);
  op->loc = head.loc;
  for (uint32_t i = 0; i < head.num_operands; ++i)
    op->operands[i] = bc->operands.data[i];
  for (uint32_t i = 0; i < head.num_results; ++i) {
    op->results[i].type = bc->result_types.data[i];
    PJ_TRY(define(bc, &start, &op->results[i]));
  }
  PJ_TRY(pj__bc_op_attrs(bc, &start, op, head.name, &head.attrs));
  PJ_TRY(pj__bc_spend(bc, &start));
  pj_op_append(region, op);
  if (!head.num_regions)
    return PJ_STATUS_OK;
  return read_regions(bc, c, head.num_regions, head.isolated, op->regions);
}

// A block of one operation, the module.
PjStatus pj__bc_ir(PjBc *bc) {
  PjCursor c = bc->sections[4], start;
  uint64_t num_ops;
  bool has_args;
  PJ_TRY(pj__cur_flag(&c, "the top level", &num_ops, &has_args));
  if (num_ops != 1 || has_args)
    return pj__cur_error(&c, "%" PRIu64 " operations at the top level, expected one module",
                         num_ops);
  start = c;
  Head head = {0};
  PJ_TRY(read_head(bc, &c, &head));
  bool builtin = bc->dialects[head.name->dialect].kind == PJ_BC_BUILTIN;
  if (!builtin || !pj_str_is(head.name->name, "module") || head.num_regions != 1 ||
      head.num_results || head.num_operands)
    return pj__cur_error(&start, "%.*s.%.*s at the top level, expected builtin.module",
                         PJ_STR_ARG(bc->dialects[head.name->dialect].name),
                         PJ_STR_ARG(head.name->name));
  bc->module->loc = head.loc;
  PJ_TRY(pj__bc_module_attrs(bc, &start, &head.attrs));
  PJ_TRY(pj__bc_spend(bc, &start));
  PJ_TRY(read_regions(bc, &c, 1, head.isolated, &bc->module->body));
  return pj__cur_done(&c, "the IR section");
}

PjStatus pj_bytecode_read(PjArena *arena, const void *bytes, size_t size, PjModule **out_module) {
  *out_module = NULL;
  PjBc *bc = PJ_NEW(arena, PjBc);
  bc->arena = arena;
  bc->module = pj_module_create(arena);
  bc->budget = ((uint64_t)1 << 20) + 64 * (uint64_t)size; // JAX's programs use 1.5 per byte
  PJ_TRY(pj__bc_index(bc, bytes, size));
  PJ_TRY(pj__bc_ir(bc));
  *out_module = bc->module;
  return PJ_STATUS_OK;
}
