// See custom.h.
#include "partition/custom.h"

#include "base/alloc.h"
#include "base/proto.h"
#include "import/import.h"
#include "ir/verify.h"
#include "partition/op_sharding.h"
#include "partition/partitioners.h"
#include "pass/pass.h"

// --- Finding -------------------------------------------------------------------------------------

static const char mark_name[] = "pjrt.partitioned";

static void mark(PjCustom *c, PjOp *op) {
  PjArena *arena = c->arena;
  uint32_t count = op->extra ? op->extra->count : 0;
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, count + 1);
  const PjAttr **values = PJ_NEW_ARRAY(arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; ++i) {
    names[i] = op->extra->names[i];
    values[i] = op->extra->elems[i];
  }
  names[count] = pj_str(mark_name);
  values[count] = pj_attr_i64(arena, (int64_t)c->calls.len);
  PJ_PUSH(arena, &c->calls, ((PjCustomCall){.op = op, .extra = op->extra}));
  op->extra = pj_attr_dict(arena, count + 1, names, values);
}

static void mark_region(PjCustom *c, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_CUSTOM_CALL && pj_partitioner_knows(PJ_STRATTR(op, call_target_name)))
      mark(c, op);
    for (uint32_t i = 0; i < op->num_regions && op->kind != PJ_OP_SDY_MANUAL_COMPUTATION; ++i)
      mark_region(c, &op->regions[i]);
  }
}

void pj_custom_mark(PjCustom *c, PjModule *module) {
  *c = (PjCustom){.arena = module->arena, .module = module};
  if (pj_partitioner_any())
    mark_region(c, &module->body);
}

void pj_custom_unmark(PjCustom *c) {
  for (size_t i = 0; i < c->calls.len; ++i)
    c->calls.data[i].op->extra = c->calls.data[i].extra;
}

void pj_custom_find(PjCustom *c, PjRegion *region) {
  for (PjOp *op = region->first; op && c->calls.len; op = op->next) {
    const PjAttr *index = op->extra ? pj_attr_get(op->extra, mark_name) : NULL;
    if (op->kind == PJ_OP_CUSTOM_CALL && index && index->kind == PJ_ATTR_INT && index->i64 >= 0 &&
        (uint64_t)index->i64 < c->calls.len && !c->calls.data[index->i64].copy)
      c->calls.data[index->i64].copy = op;
    for (uint32_t i = 0; i < op->num_regions && op->kind != PJ_OP_SDY_MANUAL_COMPUTATION; ++i)
      pj_custom_find(c, &op->regions[i]);
  }
}

// --- Messages ------------------------------------------------------------------------------------

// ShapeProto: element_type 2 (TUPLE 13), dimensions 3, tuple_shapes 4, layout 5 (minor_to_major 1),
// is_dynamic_dimension 6.
static void put_shape(const PjType *type, PjStrBuf *out) {
  int64_t order[PJ_MAX_RANK], zeros[PJ_MAX_RANK] = {0};
  size_t rank = (size_t)type->rank;
  for (size_t d = 0; d < rank; ++d)
    order[d] = (int64_t)(rank - 1 - d);
  PjStrBuf layout = {0};
  pj_proto_put_varint(out, 2, (uint64_t)pj_hlo_dtype_code(type->dtype));
  pj_proto_put_ints(out, 3, type->dims, rank);
  pj_proto_put_ints(&layout, 1, order, rank);
  pj_proto_put_message(out, 5, &layout);
  pj_proto_put_ints(out, 6, zeros, rank);
}

// What is told of one or several arrays: a tuple unless there is one.
typedef struct Told {
  uint32_t count;
  const PjType **types;
  PjOpSharding *shardings;
  PjStrBuf shape, sharding;
} Told;

static void put(Told *told) {
  if (told->count == 1) {
    put_shape(told->types[0], &told->shape);
    pj_op_sharding_write(&told->shardings[0], &told->sharding);
    return;
  }
  pj_proto_put_varint(&told->shape, 2, 13);
  pj_proto_put_varint(&told->sharding, 1, 2);
  for (uint32_t i = 0; i < told->count; ++i) {
    PjStrBuf shape = {0}, sharding = {0};
    put_shape(told->types[i], &shape);
    pj_op_sharding_write(&told->shardings[i], &sharding);
    pj_proto_put_message(&told->shape, 4, &shape);
    pj_proto_put_message(&told->sharding, 5, &sharding);
  }
}

static PjStr text_of(const PjStrBuf *buf) {
  return (PjStr){buf->data, buf->len};
}

// --- Asking --------------------------------------------------------------------------------------

typedef enum Question { PARTITION, INFER, PROPAGATE } Question;

typedef struct Asking {
  PjArena *arena;
  Question question;
  PjPartitionerCall call;
  bool known;
} Asking;

static PjStatus ask_guarded(void *context) {
  Asking *a = context;
  switch (a->question) {
  case PARTITION:
    return pj_partitioner_partition(a->arena, &a->call);
  case INFER:
    return pj_partitioner_infer(a->arena, &a->call, &a->known);
  case PROPAGATE:
    return pj_partitioner_propagate(a->arena, &a->call);
  }
  return PJ_STATUS_OK;
}

static const PjLay *lay_of(PjArena *arena, PjFlow *flow, const PjSpecMesh *mesh, PjValue *value) {
  PjLay *lay = pj_lay_new(arena, value->type->rank);
  const PjSpec *spec = pj_spec_even(arena, pj_flow_spec(flow, value), value->type);
  for (int32_t d = 0; spec && spec->mesh == mesh && d < lay->rank; ++d)
    lay->dims[d] = spec->dims[d].axes;
  return lay;
}

static void tell(Told *told, PjArena *arena, PjFlow *flow, const PjSpecMesh *mesh, uint32_t count,
                 PjValue *const *values) {
  *told = (Told){.count = count,
                 .types = PJ_NEW_ARRAY(arena, const PjType *, count + 1),
                 .shardings = PJ_NEW_ARRAY(arena, PjOpSharding, count + 1)};
  for (uint32_t i = 0; i < count; ++i) {
    told->types[i] = values[i]->type;
    pj_op_sharding_of(arena, mesh->mesh, lay_of(arena, flow, mesh, values[i]), &told->shardings[i]);
  }
}

static PjStatus check_values(PjArena *arena, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands + op->num_results; ++i) {
    bool operand = i < op->num_operands;
    const PjType *type = operand ? op->operands[i]->type : op->results[i - op->num_operands].type;
    PJ_FAIL_IF(!pj_type_is_tensor(type) || type->quant, UNIMPLEMENTED,
               "a partitioner of a call with a value of type %s", pj_type_text(arena, type));
  }
  return PJ_STATUS_OK;
}

static PjStatus ask(PjArena *arena, PjOp *op, PjFlow *flow, const PjSpecMesh *mesh,
                    Question question, Asking *out) {
  PjStr *shapes = PJ_NEW_ARRAY(arena, PjStr, op->num_operands + 1);
  PjStr *shardings = PJ_NEW_ARRAY(arena, PjStr, op->num_operands + 1);
  PjValue **results = PJ_NEW_ARRAY(arena, PjValue *, op->num_results + 1);
  Told *told = PJ_NEW_ARRAY(arena, Told, op->num_operands + 1), *of_results;
  const PjAttr *config = PJ_ATTR(op, backend_config);
  for (uint32_t i = 0; i < op->num_results; ++i)
    results[i] = &op->results[i];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    tell(&told[i], arena, flow, mesh, 1, &op->operands[i]);
  of_results = &told[op->num_operands];
  tell(of_results, arena, flow, mesh, op->num_results, results);
  *out = (Asking){.arena = arena,
                  .question = question,
                  .call = {.name = PJ_STRATTR(op, call_target_name),
                           .num_args = op->num_operands,
                           .arg_shapes = shapes,
                           .arg_shardings = shardings}};
  if (config && config->kind == PJ_ATTR_STRING)
    out->call.backend_config = config->str;
  // From here on there is memory that no arena owns.
  bool failed = false;
  for (uint32_t i = 0; i <= op->num_operands; ++i) {
    put(&told[i]);
    failed |= told[i].shape.failed || told[i].sharding.failed;
  }
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    shapes[i] = text_of(&told[i].shape);
    shardings[i] = text_of(&told[i].sharding);
  }
  out->call.result_shape = text_of(&of_results->shape);
  out->call.result_sharding = text_of(&of_results->sharding);
  PjStatus status = failed ? pj_status_oom() : pj_arena_guard(arena, ask_guarded, out);
  for (uint32_t i = 0; i <= op->num_operands; ++i) {
    pj_strbuf_free(&told[i].shape);
    pj_strbuf_free(&told[i].sharding);
  }
  return status;
}

// --- Answers -------------------------------------------------------------------------------------

static PjStatus read_lay(PjArena *arena, const PjSpecMesh *mesh, PjStr bytes, const PjType *type,
                         const PjLay **out) {
  PjLay *lay;
  PJ_TRY(pj_op_sharding_read(arena, mesh->mesh, bytes, type->rank, &lay));
  for (int32_t d = 0; d < type->rank; ++d)
    PJ_FAIL_IF(type->dims[d] % pj_axes_product(&lay->dims[d]), UNIMPLEMENTED,
               "a sharding that cuts dimension %d, of size %lld, into %lld parts", d,
               (long long)type->dims[d], (long long)pj_axes_product(&lay->dims[d]));
  *out = lay;
  return PJ_STATUS_OK;
}

static PjStatus read_results(PjArena *arena, const PjOp *op, const PjSpecMesh *mesh, PjStr bytes,
                             const PjLay **out) {
  PjStr *leaves = PJ_NEW_ARRAY(arena, PjStr, op->num_results + 1);
  leaves[0] = bytes;
  if (op->num_results != 1)
    PJ_TRY(pj_op_sharding_leaves(bytes, op->num_results, leaves));
  for (uint32_t i = 0; i < op->num_results; ++i)
    PJ_TRY(read_lay(arena, mesh, leaves[i], op->results[i].type, &out[i]));
  return PJ_STATUS_OK;
}

static const PjSpec *spec_of(PjArena *arena, const PjSpecMesh *mesh, const PjLay *lay,
                             bool closed) {
  PjSpecDim *dims = PJ_NEW_ARRAY(arena, PjSpecDim, (size_t)lay->rank + 1);
  PjSpec *spec = PJ_NEW(arena, PjSpec);
  for (int32_t d = 0; d < lay->rank; ++d)
    dims[d] = (PjSpecDim){.axes = lay->dims[d], .closed = closed};
  *spec = (PjSpec){.mesh = mesh, .rank = lay->rank, .dims = dims, .reduction = -1};
  return spec;
}

// Adds to |specs| what the partitioner says of results that have none yet.
static PjStatus ask_of_results(PjCustom *c, PjOp *op, PjFlow *flow, const PjSpecMesh *mesh,
                               Question question, const PjSpec **specs, bool *any) {
  PjArena *arena = c->arena;
  const PjLay **lays = PJ_NEW_ARRAY(arena, const PjLay *, op->num_results + 1);
  Asking asking;
  PJ_TRY(ask(arena, op, flow, mesh, question, &asking));
  if (question == INFER && !asking.known)
    return PJ_STATUS_OK;
  PJ_TRY(read_results(arena, op, mesh, asking.call.result_sharding, lays));
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!specs[i] && !pj_lay_is_whole(lays[i])) {
      specs[i] = spec_of(arena, mesh, lays[i], false);
      *any = true;
    }
  return PJ_STATUS_OK;
}

PjStatus pj_custom_ask(PjCustom *c, PjCustomCall *call, PjFlow *flow, const PjSpecMesh *mesh,
                       const PjSpec *const **out_specs) {
  PjOp *op = call->copy;
  PjArena *arena = c->arena;
  bool wanted = false, given = false, any = false;
  *out_specs = NULL;
  PJ_TRY(check_values(arena, op));
  for (uint32_t i = 0; i < op->num_results; ++i)
    wanted |= !pj_lay_is_whole(lay_of(arena, flow, mesh, &op->results[i]));
  for (uint32_t i = 0; i < op->num_operands; ++i)
    given |= !pj_lay_is_whole(lay_of(arena, flow, mesh, op->operands[i]));
  if (call->asked || (!wanted && !given))
    return PJ_STATUS_OK;
  const PjSpec **specs = PJ_NEW_ARRAY(arena, const PjSpec *, op->num_results + 1);
  call->asked = true;
  if (wanted)
    PJ_TRY(ask_of_results(c, op, flow, mesh, PROPAGATE, specs, &any));
  if (given)
    PJ_TRY(ask_of_results(c, op, flow, mesh, INFER, specs, &any));
  if (any)
    *out_specs = specs;
  return PJ_STATUS_OK;
}

static PjStatus check_part(PjArena *arena, const char *what, uint32_t i, const PjType *given,
                           const PjLay *lay, const PjType *whole) {
  const PjType *part = pj_lay_part(arena, lay, whole);
  PJ_FAIL_IF(
      !pj_type_eq(given, part), INVALID_ARGUMENT,
      "its partitioner made a program whose %s %u is %s, and says by its sharding that it is "
      "%s",
      what, i, pj_type_text(arena, given), pj_type_text(arena, part));
  return PJ_STATUS_OK;
}

// The program that |bytes| are, of one function without calls.
static PjStatus read_program(PjArena *arena, PjStr bytes, PjModule **out) {
  PjModule *read;
  const PjPassOptions passes = {.only = "dead_code"};
  PJ_TRY_IN(pj_import(arena, bytes.ptr, bytes.len, &read), "the program that its partitioner made");
  PJ_TRY(pj_passes_run(arena, read, &passes, out));
  const PjOp *entry = pj_module_entry(*out);
  PJ_FAIL_IF(!entry || !pj_region_terminator(&entry->regions[0]), INVALID_ARGUMENT,
             "its partitioner made a program without an entry function");
  for (const PjOp *op = (*out)->body.first; op; op = op->next)
    PJ_FAIL_IF(op != entry, UNIMPLEMENTED,
               "its partitioner made a program of several functions that are not inlined");
  return PJ_STATUS_OK;
}

static PjStatus describe(PjCustom *c, PjCustomCall *call, PjFlow *flow, const PjSpecMesh *mesh) {
  PjOp *op = call->copy;
  PjArena *arena = c->arena;
  Asking asking;
  PJ_TRY(check_values(arena, op));
  PJ_TRY(ask(arena, op, flow, mesh, PARTITION, &asking));
  call->in = PJ_NEW_ARRAY(arena, const PjLay *, op->num_operands + 1);
  call->out = PJ_NEW_ARRAY(arena, const PjLay *, op->num_results + 1);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_TRY(read_lay(arena, mesh, asking.call.out_args[i], op->operands[i]->type, &call->in[i]));
  PJ_TRY(read_results(arena, op, mesh, asking.call.result_sharding, call->out));
  PJ_TRY(read_program(arena, asking.call.module, &call->body));
  const PjType *type = PJ_ATTR(pj_module_entry(call->body), function_type)->type;
  PJ_FAIL_IF(type->num_elems != op->num_operands || type->num_results != op->num_results,
             INVALID_ARGUMENT,
             "its partitioner made a program of %u parameters and %u results, expected %u and %u",
             type->num_elems, type->num_results, op->num_operands, op->num_results);
  for (uint32_t i = 0; i < type->num_elems; ++i)
    PJ_TRY(check_part(arena, "parameter", i, type->elems[i], call->in[i], op->operands[i]->type));
  for (uint32_t i = 0; i < type->num_results; ++i)
    PJ_TRY(check_part(arena, "result", i, type->results[i], call->out[i], op->results[i].type));
  return PJ_STATUS_OK;
}

// --- Replacing -----------------------------------------------------------------------------------

static const PjAttr *per_value(PjArena *arena, const PjSpecMesh *mesh, uint32_t count,
                               const PjLay *const *lays) {
  const PjAttr **shardings = PJ_NEW_ARRAY(arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; ++i)
    shardings[i] = pj_spec_attr(arena, spec_of(arena, mesh, lays[i], true));
  const PjStr name = PJ_STR("shardings");
  const PjAttr *list = pj_attr_array(arena, count, shardings);
  return pj_attr_struct(arena, "sdy.sharding_per_value", 1, &name, &list);
}

static const PjAttr *all_axes(PjArena *arena, const PjMesh *mesh) {
  const PjAttr **names = PJ_NEW_ARRAY(arena, const PjAttr *, mesh->num_axes + 1);
  for (uint32_t i = 0; i < mesh->num_axes; ++i)
    names[i] = pj_attr_string(arena, mesh->names[i]);
  const PjStr field = PJ_STR("axes");
  const PjAttr *axes = pj_attr_array(arena, mesh->num_axes, names);
  return pj_attr_struct(arena, "sdy.manual_axes", 1, &field, &axes);
}

// Moves the body of the entry of |from| into |op|.
static void move_body(PjArena *arena, PjModule *from, PjOp *op) {
  PjRegion *to = &op->regions[0], *body = &pj_module_entry(from)->regions[0];
  *to = *body;
  to->parent = op;
  for (uint32_t i = 0; i < to->num_args; ++i)
    to->args[i].region = to;
  for (PjOp *child = to->first; child; child = child->next)
    child->region = to;
  PjOp *last = pj_region_terminator(to);
  PjOp *end = pj_op_create(arena, PJ_OP_SDY_RETURN, last->num_operands, 0, 0);
  end->loc = last->loc;
  for (uint32_t i = 0; i < last->num_operands; ++i)
    end->operands[i] = last->operands[i];
  pj_op_remove(last);
  pj_op_append(to, end);
}

static void replace(PjCustom *c, const PjCustomCall *call, const PjSpecMesh *mesh, PjMap *places) {
  PjArena *arena = c->arena;
  PjOp *op = call->op;
  PjOp *manual =
      pj_op_create(arena, PJ_OP_SDY_MANUAL_COMPUTATION, op->num_operands, op->num_results, 1);
  manual->loc = op->loc;
  pj_op_set_attr(manual, PJ_KEY_in_shardings, per_value(arena, mesh, op->num_operands, call->in));
  pj_op_set_attr(manual, PJ_KEY_out_shardings, per_value(arena, mesh, op->num_results, call->out));
  pj_op_set_attr(manual, PJ_KEY_manual_axes, all_axes(arena, mesh->mesh));
  for (uint32_t i = 0; i < op->num_operands; ++i)
    manual->operands[i] = op->operands[i];
  for (uint32_t i = 0; i < op->num_results; ++i) {
    manual->results[i].type = op->results[i].type;
    pj_map_set(arena, places, pj_map_ptr(&op->results[i]), pj_map_ptr(&manual->results[i]));
  }
  move_body(arena, call->body, manual);
  pj_op_insert_before(op, manual);
  pj_op_remove(op);
}

static void resolve(const PjMap *places, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      const uint64_t *place = pj_map_find(places, pj_map_ptr(op->operands[i]));
      if (place)
        op->operands[i] = (PjValue *)(uintptr_t)*place;
    }
    for (uint32_t i = 0; i < op->num_regions; ++i)
      resolve(places, &op->regions[i]);
  }
}

PjStatus pj_custom_partition(PjCustom *c, PjFlow *flow, const PjSpecMesh *mesh, bool *out_any) {
  PjMap places = {0};
  *out_any = false;
  for (size_t i = 0; i < c->calls.len; ++i) {
    PjCustomCall *call = &c->calls.data[i];
    if (!call->copy)
      continue;
    PjStatus status = describe(c, call, flow, mesh);
    if (status)
      return pj_op_blame(call->copy, status);
    replace(c, call, mesh, &places);
    *out_any = true;
  }
  if (!*out_any)
    return PJ_STATUS_OK;
  resolve(&places, &c->module->body);
  pj_module_number(c->module);
  return pj_verify(c->module);
}
