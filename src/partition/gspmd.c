// See gspmd.h. One mesh serves all texts of a program: its axes are so small that each reshape's
// and each tile's are products of some that lie side by side.
#include "partition/gspmd.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "ir/sharding.h"
#include "ir/verify.h"
#include "partition/gspmd_text.h"

typedef struct Gspmd {
  PjModule *module;
  PjArena *arena;
  int64_t devices;
  int64_t cuts[64]; // products of the last axes of the mesh, descending, 1 the last
  int num_cuts;
  int num_axes;
  int64_t sizes[PJ_GSPMD_AXES];
  bool found;
  int depth;    // of regions, while they are rewritten
  PjMap places; // of values that are gone: those in their place
  PjMap shards; // of results of @SPMDFullToShardShape: the operation
} Gspmd;

// --- The mesh ------------------------------------------------------------------------------------

static PjStatus add_cut(Gspmd *g, int64_t cut) {
  int at = 0;
  while (at < g->num_cuts && g->cuts[at] > cut)
    ++at;
  if (at < g->num_cuts && g->cuts[at] == cut)
    return PJ_STATUS_OK;
  bool fits = g->num_cuts < 64 && (at == 0 || g->cuts[at - 1] % cut == 0) &&
              (at == g->num_cuts || cut % g->cuts[at] == 0);
  PJ_FAIL_IF(!fits, UNIMPLEMENTED, "mhlo.sharding: no one mesh has the orders of all shardings");
  memmove(g->cuts + at + 1, g->cuts + at, (size_t)(g->num_cuts - at) * sizeof *g->cuts);
  g->cuts[at] = cut;
  ++g->num_cuts;
  return PJ_STATUS_OK;
}

static PjStatus add_cuts(Gspmd *g, const int64_t *sizes, int count) {
  int64_t cut = 1;
  for (int i = count; i-- > 1;)
    PJ_TRY(add_cut(g, cut *= sizes[i]));
  return PJ_STATUS_OK;
}

static PjStatus note_text(Gspmd *g, const PjAttr *attr) {
  if (!attr || attr->kind != PJ_ATTR_STRING)
    return PJ_STATUS_OK;
  PjGspmdText text;
  PJ_TRY(pj_gspmd_read(g->arena, g->devices, attr->str, &text));
  g->found = true;
  if (text.kind != PJ_GSPMD_TILED)
    return PJ_STATUS_OK;
  bool straight = true;
  for (int i = 0; i < text.num_reshape; ++i)
    straight &= text.order[i] == i;
  PJ_TRY(add_cuts(g, text.reshape, text.num_reshape));
  return straight ? add_cuts(g, text.tiles, text.num_tiles) : PJ_STATUS_OK;
}

static PjStatus note_list(Gspmd *g, const PjAttr *dicts) {
  for (uint32_t i = 0; dicts && i < dicts->count; ++i)
    PJ_TRY(note_text(g, pj_attr_get(dicts->elems[i], "mhlo.sharding")));
  return PJ_STATUS_OK;
}

static PjStatus note_region(Gspmd *g, const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_FUNC) {
      PJ_TRY(note_list(g, PJ_ATTR(op, arg_attrs)));
      PJ_TRY(note_list(g, PJ_ATTR(op, res_attrs)));
    }
    if (op->kind == PJ_OP_CUSTOM_CALL)
      PJ_TRY(note_text(g, pj_attr_get(op->extra, "mhlo.sharding")));
    for (uint32_t i = 0; i < op->num_regions; ++i)
      PJ_TRY(note_region(g, &op->regions[i]));
  }
  return PJ_STATUS_OK;
}

// The axes between the cuts, in prime factors: tiles of permuted axes end anywhere.
static PjStatus make_axes(Gspmd *g) {
  PJ_TRY(add_cut(g, g->devices));
  PJ_TRY(add_cut(g, 1));
  for (int i = 0; i + 1 < g->num_cuts; ++i) {
    int64_t rest = g->cuts[i] / g->cuts[i + 1];
    for (int64_t p = 2; rest > 1; ++p)
      while (rest % p == 0) {
        g->sizes[g->num_axes++] = p; // at most 16: devices are 2^16 at most
        rest /= p;
      }
  }
  return PJ_STATUS_OK;
}

static const PjAttr *axis_name(const Gspmd *g, int axis) {
  return pj_attr_string(g->arena, pj_str(pj_arena_printf(g->arena, "axis_%d", axis)));
}

static void add_mesh(Gspmd *g) {
  const PjAttr *axes[PJ_GSPMD_AXES];
  const PjStr axis_fields[2] = {PJ_STR("name"), PJ_STR("size")};
  for (int i = 0; i < g->num_axes; ++i) {
    const PjAttr *values[2] = {axis_name(g, i), pj_attr_i64(g->arena, g->sizes[i])};
    axes[i] = pj_attr_struct(g->arena, "sdy.mesh_axis", 2, axis_fields, values);
  }
  const PjStr fields[2] = {PJ_STR("axes"), PJ_STR("device_ids")};
  const PjAttr *values[2] = {pj_attr_array(g->arena, (size_t)g->num_axes, axes),
                             pj_attr_ints(g->arena, 0, NULL)};
  PjOp *op = pj_op_create(g->arena, PJ_OP_SDY_MESH, 0, 0, 0);
  pj_op_set_attr(op, PJ_KEY_sym_name, pj_attr_string(g->arena, PJ_STR("gspmd")));
  pj_op_set_attr(op, PJ_KEY_mesh, pj_attr_struct(g->arena, "sdy.mesh", 2, fields, values));
  pj_op_insert_before(g->module->body.first, op);
}

// --- Shardings -----------------------------------------------------------------------------------

// Axes of the mesh in the order in which the tiles of |text| use them.
static int used_axes(const Gspmd *g, const PjGspmdText *text, int *out) {
  int count = 0;
  for (int k = 0; k < text->num_reshape; ++k) {
    int64_t dim = text->order[k], end = 1;
    for (int64_t i = dim + 1; i < text->num_reshape; ++i)
      end *= text->reshape[i];
    int64_t begin = end * text->reshape[dim], suffix = g->devices;
    for (int a = 0; a < g->num_axes; ++a) {
      if (suffix <= begin && suffix > end)
        out[count++] = a;
      suffix /= g->sizes[a];
    }
  }
  return count;
}

// Takes the next axes of |used| that make up a tile of |size|.
static PjStatus take_axes(const Gspmd *g, const int *used, int count, int *at, int64_t size,
                          uint32_t *out_count, const PjAttr **out) {
  *out_count = 0;
  int64_t made = 1;
  while (made < size && *at < count) {
    const PjStr name = PJ_STR("name");
    const PjAttr *value = axis_name(g, used[*at]);
    made *= g->sizes[used[(*at)++]];
    out[(*out_count)++] = pj_attr_struct(g->arena, "sdy.axis_ref", 1, &name, &value);
  }
  PJ_FAIL_IF(made != size, UNIMPLEMENTED,
             "mhlo.sharding: no one mesh has the tiles of all shardings");
  return PJ_STATUS_OK;
}

static bool lists(PjStr config, int dim) {
  char text[16];
  int len = snprintf(text, sizeof text, "%d", dim);
  for (size_t i = 0; i + (size_t)len <= config.len; ++i) {
    bool begins = i == 0 || config.ptr[i - 1] < '0' || config.ptr[i - 1] > '9';
    bool ends = i + (size_t)len == config.len || config.ptr[i + (size_t)len] < '0' ||
                config.ptr[i + (size_t)len] > '9';
    if (begins && ends && !memcmp(config.ptr + i, text, (size_t)len))
      return true;
  }
  return false;
}

// The sdy.sharding that |text| is for a tensor of |rank|; dimensions that |config|
// ("unspecified_dims=[0,1]") lists are open. Axes of manual groups go to |manual| (array, may be
// NULL). Of texts that cut nothing: whole.
static PjStatus make_sharding(const Gspmd *g, const PjGspmdText *text, int32_t rank, PjStr config,
                              bool all_open, const PjAttr **out, const PjAttr **manual,
                              uint32_t *num_manual) {
  int used[PJ_GSPMD_AXES], count = text->kind == PJ_GSPMD_TILED ? used_axes(g, text, used) : 0,
                           at = 0;
  PJ_FAIL_IF(text->kind == PJ_GSPMD_TILED && text->num_tiles - text->num_groups != rank,
             INVALID_ARGUMENT, "mhlo.sharding: %d tiles for a tensor of %d dimensions",
             text->num_tiles - text->num_groups, rank);
  const PjAttr **dims = PJ_NEW_ARRAY(g->arena, const PjAttr *, (size_t)rank + 1);
  const PjAttr *axes[PJ_GSPMD_AXES];
  uint32_t num = 0;
  for (int32_t d = 0; d < rank; ++d) {
    if (text->kind == PJ_GSPMD_TILED)
      PJ_TRY(take_axes(g, used, count, &at, text->tiles[d], &num, axes));
    bool open = all_open || (pj_str_starts(config, "unspecified_dims") && lists(config, d));
    const PjStr fields[2] = {PJ_STR("axes"), PJ_STR("is_closed")};
    const PjAttr *values[2] = {pj_attr_array(g->arena, num, axes), pj_attr_bool(g->arena, !open)};
    dims[d] = pj_attr_struct(g->arena, "sdy.dimension_sharding", 2, fields, values);
  }
  for (int i = 0; manual && i < text->num_groups; ++i) {
    PJ_TRY(take_axes(g, used, count, &at, text->tiles[rank + i], &num, axes));
    for (uint32_t a = 0; text->manual_group[i] && a < num; ++a)
      manual[(*num_manual)++] = pj_attr_get(axes[a], "name");
  }
  const PjStr fields[3] = {PJ_STR("mesh"), PJ_STR("dims"), PJ_STR("replicated")};
  const PjAttr *values[3] = {pj_attr_symbol(g->arena, PJ_STR("gspmd")),
                             pj_attr_array(g->arena, (size_t)rank, dims),
                             pj_attr_array(g->arena, 0, NULL)};
  *out = pj_attr_struct(g->arena, "sdy.sharding", 3, fields, values);
  return PJ_STATUS_OK;
}

static PjStatus text_of(const Gspmd *g, const PjOp *op, PjGspmdText *out) {
  const PjAttr *attr = pj_attr_get(op->extra, "mhlo.sharding");
  *out = (PjGspmdText){.kind = PJ_GSPMD_OTHER};
  return attr && attr->kind == PJ_ATTR_STRING ? pj_gspmd_read(g->arena, g->devices, attr->str, out)
                                              : PJ_STATUS_OK;
}

static bool is_manual(const PjGspmdText *text) {
  bool manual = text->kind == PJ_GSPMD_MANUAL;
  for (int i = 0; i < text->num_groups; ++i)
    manual |= text->manual_group[i];
  return manual;
}

// --- Signatures ----------------------------------------------------------------------------------

static PjStatus rewrite_list(const Gspmd *g, PjOp *func, PjKey key, const PjType *const *types) {
  const PjAttr *list = pj_op_attr(func, key);
  uint32_t count = list ? list->count : 0;
  const PjAttr **dicts = PJ_NEW_ARRAY(g->arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    const PjAttr *dict = dicts[i] = list->elems[i], *attr = pj_attr_get(dict, "mhlo.sharding");
    if (!attr || attr->kind != PJ_ATTR_STRING || !pj_type_is_tensor(types[i]))
      continue;
    PjGspmdText text;
    PJ_TRY(pj_gspmd_read(g->arena, g->devices, attr->str, &text));
    PjStr *names = PJ_NEW_ARRAY(g->arena, PjStr, dict->count);
    const PjAttr **values = PJ_NEW_ARRAY(g->arena, const PjAttr *, dict->count);
    uint32_t kept = 0;
    for (uint32_t k = 0; k < dict->count; ++k) {
      if (pj_str_is(dict->names[k], "mhlo.sharding"))
        continue;
      names[kept] = dict->names[k];
      values[kept++] = dict->elems[k];
    }
    if (text.kind == PJ_GSPMD_TILED || text.kind == PJ_GSPMD_REPLICATED) {
      PJ_TRY(make_sharding(g, &text, types[i]->rank, (PjStr){0}, false, &values[kept], NULL, NULL));
      names[kept++] = PJ_STR("sdy.sharding");
    }
    dicts[i] = pj_attr_dict(g->arena, kept, names, values);
  }
  if (count)
    pj_op_set_attr(func, key, pj_attr_array(g->arena, count, dicts));
  return PJ_STATUS_OK;
}

// --- Operations ----------------------------------------------------------------------------------

static PjValue *place_of(const Gspmd *g, PjValue *value) {
  const uint64_t *place;
  while ((place = pj_map_find(&g->places, pj_map_ptr(value))))
    value = (PjValue *)(uintptr_t)*place;
  return value;
}

static void replace(Gspmd *g, PjValue *gone, PjValue *value) {
  pj_map_set(g->arena, &g->places, pj_map_ptr(gone), pj_map_ptr(value));
}

static PjStatus rewrite_hint(Gspmd *g, PjOp *op) {
  PjGspmdText text;
  PJ_TRY(text_of(g, op, &text));
  PjValue *x = place_of(g, op->operands[0]);
  if (!is_manual(&text) && text.kind != PJ_GSPMD_OTHER && pj_type_is_tensor(x->type)) {
    const PjAttr *config = PJ_ATTR(op, backend_config), *sharding;
    PjStr open = config && config->kind == PJ_ATTR_STRING ? config->str : (PjStr){0};
    PJ_TRY(make_sharding(g, &text, x->type->rank, open, false, &sharding, NULL, NULL));
    PjOp *hint = pj_op_create(g->arena, PJ_OP_SDY_SHARDING_CONSTRAINT, 1, 1, 0);
    hint->operands[0] = x;
    hint->results[0].type = op->results[0].type;
    hint->loc = op->loc;
    pj_op_set_attr(hint, PJ_KEY_sharding, sharding);
    pj_op_insert_before(op, hint);
    x = &hint->results[0];
  }
  replace(g, &op->results[0], x);
  pj_op_remove(op);
  return PJ_STATUS_OK;
}

// What becomes of a call between @SPMDFullToShardShape and @SPMDShardToFullShape.
typedef struct Manual {
  PjOp *op;
  const PjAttr **in, **out; // shardings
  const PjAttr *axes[2 * PJ_GSPMD_AXES];
  uint32_t num_axes;
  bool open;
} Manual;

static PjStatus add_operand(Gspmd *g, Manual *m, const PjOp *call, uint32_t i) {
  const uint64_t *found = pj_map_find(&g->shards, pj_map_ptr(place_of(g, call->operands[i])));
  PJ_FAIL_IF(!found, UNIMPLEMENTED, "an operand of a manual computation that was not cut");
  const PjOp *shard = (const PjOp *)(uintptr_t)*found;
  PjValue *whole = m->op->operands[i] = shard->operands[0];
  PjGspmdText text, state;
  PJ_TRY(text_of(g, shard, &state));
  const PjAttr *cut = whole->def && whole->def->kind == PJ_OP_SDY_SHARDING_CONSTRAINT
                          ? PJ_ATTR(whole->def, sharding)
                          : NULL;
  if (state.kind == PJ_GSPMD_TILED && !m->num_axes) { // manual along some axes
    m->open = true;
    PJ_TRY(make_sharding(g, &state, whole->type->rank, (PjStr){0}, true, &m->in[i], m->axes,
                         &m->num_axes));
  }
  text = (PjGspmdText){.kind = PJ_GSPMD_REPLICATED};
  if (cut)
    m->in[i] = cut;
  else
    PJ_TRY(make_sharding(g, &text, whole->type->rank, (PjStr){0}, m->open, &m->in[i], NULL, NULL));
  return PJ_STATUS_OK;
}

// The body of |func| becomes that of |op|.
static void move_body(const Gspmd *g, PjOp *func, PjOp *op) {
  PjRegion *body = &op->regions[0];
  *body = func->regions[0];
  body->parent = op;
  for (uint32_t i = 0; i < body->num_args; ++i)
    body->args[i].region = body;
  for (PjOp *inner = body->first; inner; inner = inner->next)
    inner->region = body;
  PjOp *end = body->last, *back = pj_op_create(g->arena, PJ_OP_SDY_RETURN, end->num_operands, 0, 0);
  for (uint32_t i = 0; i < end->num_operands; ++i)
    back->operands[i] = end->operands[i];
  pj_op_insert_before(end, back);
  pj_op_remove(end);
  pj_op_remove(func);
}

// The operation that makes value |result| whole again, after |call| in its region; NULL: none does.
static PjOp *whole_again(const PjOp *call, const PjValue *result) {
  for (PjOp *op = call->next; op; op = op->next) {
    if (op->kind != PJ_OP_CUSTOM_CALL || op->num_operands != 1 || op->num_results != 1 ||
        op->operands[0] != result)
      continue;
    PjStr target = PJ_STRATTR(op, call_target_name);
    if (pj_str_is(target, "SPMDShardToFullShape"))
      return op;
    if (pj_str_is(target, "Sharding"))
      result = &op->results[0];
  }
  return NULL;
}

static const PjAttr *per_value(const Gspmd *g, uint32_t count, const PjAttr *const *shardings) {
  const PjStr name = PJ_STR("shardings");
  const PjAttr *list = pj_attr_array(g->arena, count, shardings);
  return pj_attr_struct(g->arena, "sdy.sharding_per_value", 1, &name, &list);
}

static PjStatus rewrite_call(Gspmd *g, PjOp *call, PjOp **out) {
  PjOp *func = pj_module_find(g->module, PJ_STRATTR(call, callee));
  PJ_FAIL_IF(!func || !pj_region_terminator(&func->regions[0]), UNIMPLEMENTED,
             "a manual computation that is called twice");
  Manual m = {.op = pj_op_create(g->arena, PJ_OP_SDY_MANUAL_COMPUTATION, call->num_operands,
                                 call->num_results, 1),
              .in = PJ_NEW_ARRAY(g->arena, const PjAttr *, call->num_operands),
              .out = PJ_NEW_ARRAY(g->arena, const PjAttr *, call->num_results)};
  m.op->loc = call->loc;
  for (uint32_t i = 0; i < call->num_operands; ++i)
    PJ_TRY(add_operand(g, &m, call, i));
  for (uint32_t i = 0; i < call->num_results; ++i) {
    PjOp *whole = whole_again(call, &call->results[i]);
    PjGspmdText text = {.kind = PJ_GSPMD_REPLICATED};
    if (whole)
      PJ_TRY(text_of(g, whole, &text));
    const PjType *type = m.op->results[i].type =
        whole ? whole->results[0].type : call->results[i].type;
    PJ_TRY(make_sharding(g, &text, type->rank, (PjStr){0}, m.open, &m.out[i], NULL, NULL));
    replace(g, &call->results[i], &m.op->results[i]);
  }
  for (int a = 0; !m.num_axes && a < g->num_axes; ++a) // all of them
    m.axes[a] = axis_name(g, a);
  const PjStr name = PJ_STR("axes");
  const PjAttr *axes =
      pj_attr_array(g->arena, m.num_axes ? m.num_axes : (size_t)g->num_axes, m.axes);
  pj_op_set_attr(m.op, PJ_KEY_manual_axes,
                 pj_attr_struct(g->arena, "sdy.manual_axes", 1, &name, &axes));
  pj_op_set_attr(m.op, PJ_KEY_in_shardings, per_value(g, call->num_operands, m.in));
  pj_op_set_attr(m.op, PJ_KEY_out_shardings, per_value(g, call->num_results, m.out));
  pj_op_insert_before(call, m.op);
  pj_op_remove(call);
  move_body(g, func, m.op);
  *out = m.op;
  return PJ_STATUS_OK;
}

static PjStatus rewrite_region(Gspmd *g, PjRegion *region) {
  PJ_FAIL_IF(g->depth == PJ_MAX_NESTING, UNIMPLEMENTED, "manual computations nested too deep");
  ++g->depth;
  PjOp *next;
  for (PjOp *op = region->first; op; op = next) {
    PjStr target = op->kind == PJ_OP_CUSTOM_CALL ? PJ_STRATTR(op, call_target_name) : (PjStr){0};
    bool unary = op->num_operands == 1 && op->num_results == 1;
    next = op->next;
    if (op->kind == PJ_OP_CALL && pj_str_starts(PJ_STRATTR(op, callee), "shmap_body")) {
      PjOp *manual;
      PJ_TRY(rewrite_call(g, op, &manual));
      PJ_TRY(rewrite_region(g, &manual->regions[0]));
      continue;
    }
    if (unary && pj_str_is(target, "Sharding")) {
      PJ_TRY(rewrite_hint(g, op));
    } else if (unary && pj_str_is(target, "SPMDFullToShardShape")) {
      op->operands[0] = place_of(g, op->operands[0]);
      pj_map_set(g->arena, &g->shards, pj_map_ptr(&op->results[0]), pj_map_ptr(op));
      pj_op_remove(op);
    } else if (unary && pj_str_is(target, "SPMDShardToFullShape")) {
      replace(g, &op->results[0], op->operands[0]);
      pj_op_remove(op);
    } else {
      for (uint32_t i = 0; i < op->num_regions; ++i)
        PJ_TRY(rewrite_region(g, &op->regions[i]));
    }
  }
  --g->depth;
  return PJ_STATUS_OK;
}

static void resolve(const Gspmd *g, const PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      op->operands[i] = place_of(g, op->operands[i]);
    for (uint32_t i = 0; i < op->num_regions; ++i)
      resolve(g, &op->regions[i]);
  }
}

PjStatus pj_gspmd_import(PjModule *module, int num_partitions) {
  Gspmd g = {.module = module, .arena = module->arena, .devices = num_partitions};
  for (const PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_SDY_MESH)
      return PJ_STATUS_OK;
  PJ_TRY(note_region(&g, &module->body));
  if (!g.found)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(num_partitions > PJ_MAX_DEVICES, UNIMPLEMENTED, "a mesh of %d devices",
             num_partitions);
  PJ_TRY(make_axes(&g));
  add_mesh(&g);
  PjOp *entry = pj_module_entry(module);
  PJ_FAIL_IF(!entry, INVALID_ARGUMENT, "the program has no entry function");
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  PJ_TRY(rewrite_list(&g, entry, PJ_KEY_arg_attrs, type->elems));
  PJ_TRY(rewrite_list(&g, entry, PJ_KEY_res_attrs, type->results));
  PJ_TRY(rewrite_region(&g, &entry->regions[0]));
  resolve(&g, &module->body);
  pj_module_number(module);
  return pj_verify(module);
}
