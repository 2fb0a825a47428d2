// See signature.h. Attributes of arguments and results are those that JAX's lowering sets:
// tf.aliasing_output, jax.buffer_donor, mhlo.memory_kind, mhlo.layout_mode.
#include <stdlib.h>

#include "base/alloc.h"
#include "device/device.h"
#include "runtime/placement.h"
#include "runtime/signature.h"

void pj_signature_clear(PjSignature *signature) {
  for (uint32_t i = 0; i < signature->num_params; i++) {
    pj_shape_release(signature->params[i].shape);
    pj_strbuf_free(&signature->params[i].sharding);
  }
  for (uint32_t i = 0; i < signature->num_results; i++) {
    pj_shape_release(signature->results[i].shape);
    pj_strbuf_free(&signature->results[i].sharding);
  }
  pj_free(signature->params);
  pj_free(signature->results);
  *signature = (PjSignature){0};
}

static uint32_t count_leaves(const PjType *type) {
  if (type->kind != PJ_TYPE_TUPLE)
    return 1;
  uint32_t count = 0;
  for (uint32_t i = 0; i < type->num_elems; i++)
    count += count_leaves(type->elems[i]);
  return count;
}

// "{1,0}" into |out|; "default", "auto" and empty texts leave *out_given false.
static PjStatus parse_layout(PjStr text, int rank, int64_t *out, bool *out_given) {
  *out_given = false;
  if (!text.len || pj_str_is(text, "default") || pj_str_is(text, "auto"))
    return PJ_STATUS_OK;
  size_t at = 0;
  bool ok = text.ptr[at++] == '{';
  int n = 0;
  while (ok && at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
    int64_t value = 0;
    for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && value < 1000; at++)
      value = value * 10 + (text.ptr[at] - '0');
    ok = n < rank;
    if (ok)
      out[n++] = value;
    if (at < text.len && text.ptr[at] == ',')
      at++;
  }
  // Tiles may follow a colon; memory here has none, so only a layout without them can be served.
  PJ_FAIL_IF(!ok || n != rank || at >= text.len || text.ptr[at] != '}', INVALID_ARGUMENT,
             "mhlo.layout_mode \"%.*s\" is no layout of %d dimensions", PJ_STR_ARG(text), rank);
  *out_given = true;
  return PJ_STATUS_OK;
}

static PjStatus read_memory_kind(const PjAttr *dict, PjMemoryKind *out) {
  const PjAttr *attr = pj_attr_get(dict, "mhlo.memory_kind");
  *out = PJ_MEMORY_DEVICE;
  if (!attr || attr->kind != PJ_ATTR_STRING)
    return PJ_STATUS_OK;
  for (int kind = 0; kind < PJ_MEMORY_KIND_COUNT; kind++) {
    if (pj_str_is(attr->str, pj_memory_kind_name((PjMemoryKind)kind))) {
      *out = (PjMemoryKind)kind;
      return PJ_STATUS_OK;
    }
  }
  return PJ_ERROR(
      INVALID_ARGUMENT,
      "mhlo.memory_kind \"%.*s\" is unknown; there are device, pinned_host and unpinned_host",
      PJ_STR_ARG(attr->str));
}

typedef struct Reader {
  const PjModule *module;
  const PjOp *entry;
  int num_partitions;
} Reader;

// Whether |op| gives its first operand's elements, or what it computes of each, in the same order.
static bool keeps_order(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_SDY_SHARDING_CONSTRAINT:
  case PJ_OP_SDY_PROPAGATION_BARRIER:
    return true;
  case PJ_OP_CUSTOM_CALL:
    return op->num_operands == 1 && pj_str_is(PJ_STRATTR(op, call_target_name), "Sharding");
  default:
    return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM && op->num_operands == 1;
  }
}

// The layout of a result that is left to the compiler ("auto"): the one in which a transposed
// parameter moves nothing, as XLA chooses it. Row-major otherwise, when false is returned.
static bool choose_layout(const Reader *reader, const PjSignature *signature, uint32_t result,
                          int64_t *out) {
  const PjOp *end = pj_region_terminator(&reader->entry->regions[0]);
  if (!end || result >= end->num_operands)
    return false;
  const PjValue *value = end->operands[result];
  int rank = value->type->rank;
  int64_t source[PJ_MAX_RANK]; // by dimension of the result, that of |value|
  for (int i = 0; i < rank; i++)
    source[i] = i;
  for (; value->def; value = value->def->operands[0]) {
    if (value->def->kind == PJ_OP_TRANSPOSE) {
      const PjAttr *permutation = PJ_ATTR(value->def, permutation);
      for (int i = 0; i < rank; i++)
        source[i] = permutation->ints[source[i]];
    } else if (!keeps_order(value->def)) {
      break;
    }
  }
  const int64_t *order = NULL;
  if (!value->def && value->region == &reader->entry->regions[0])
    order = signature->params[value->index].shape->minor_to_major;
  for (int i = 0; i < rank; i++) {
    int64_t dim = order ? order[i] : rank - 1 - i;
    for (int k = 0; k < rank; k++)
      if (source[k] == dim)
        out[i] = k;
  }
  return true;
}

// The largest sizes of a tensor with dynamic dimensions, if all have bounds.
static bool read_bounds(const PjType *type, int64_t *out) {
  if (type->kind != PJ_TYPE_TENSOR || !type->bounds || pj_type_is_static(type))
    return false;
  for (int i = 0; i < type->rank; i++) {
    out[i] = type->dims[i] == PJ_DYN ? type->bounds[i] : type->dims[i];
    if (out[i] < 0)
      return false;
  }
  return true;
}

// |result|: the number of a result, whose layout |signature|'s parameters may decide; -1 for
// parameters and parts of tuples.
static PjStatus read_slot(const Reader *reader, const PjType *type, const PjAttr *dict,
                          PjSignature *signature, int64_t result, PjSlot *out) {
  out->alias = -1;
  PJ_TRY(read_memory_kind(dict, &out->memory_kind));
  if (type->kind == PJ_TYPE_TOKEN) {
    out->shape = pj_shape_token();
    return out->shape ? PJ_STATUS_OK : pj_status_oom();
  }
  const int64_t *dims = type->dims;
  int64_t most[PJ_MAX_RANK];
  if (result >= 0 && reader->num_partitions == 1 && read_bounds(type, most)) {
    signature->dynamic = true;
    dims = most;
  } else if (!pj_type_is_static(type)) {
    PjStrBuf text = {0};
    pj_type_print(&text, type);
    PjStatus status = PJ_ERROR(INVALID_ARGUMENT, "the type %s is no tensor of static shape",
                               text.data ? text.data : "?");
    pj_strbuf_free(&text);
    return status;
  }
  int64_t layout[PJ_MAX_RANK];
  bool has_layout = false;
  const PjAttr *mode = pj_attr_get(dict, "mhlo.layout_mode");
  if (mode && mode->kind == PJ_ATTR_STRING)
    PJ_TRY(parse_layout(mode->str, type->rank, layout, &has_layout));
  if (result >= 0 && mode && mode->kind == PJ_ATTR_STRING && pj_str_is(mode->str, "auto"))
    has_layout = choose_layout(reader, signature, (uint32_t)result, layout);
  const PjPlacement *placement;
  int64_t part[PJ_MAX_RANK];
  PJ_TRY(pj_placement_read(reader->module->arena, reader->module, type, dict,
                           reader->num_partitions, &placement));
  if (placement)
    PJ_TRY(pj_placement_dims(placement, type, part));
  pj_placement_proto(placement, &out->sharding);
  PJ_TRY(pj_strbuf_status(&out->sharding));
  return pj_shape_create(type->dtype, (size_t)type->rank, placement ? part : dims,
                         has_layout ? layout : NULL, &out->shape);
}

static PjStatus read_result(const Reader *reader, const PjType *type, const PjAttr *dict,
                            int64_t result, PjSignature *out) {
  if (type->kind == PJ_TYPE_TUPLE) {
    for (uint32_t i = 0; i < type->num_elems; i++)
      PJ_TRY(read_result(reader, type->elems[i], NULL, -1, out));
    return PJ_STATUS_OK;
  }
  return read_slot(reader, type, dict, out, result, &out->results[out->num_results++]);
}

// Dictionary |i| of a list of them, or NULL.
static const PjAttr *dict_at(const PjAttr *list, uint32_t i) {
  return list && list->kind == PJ_ATTR_ARRAY && i < list->count ? list->elems[i] : NULL;
}

static PjStatus read_donation(const PjAttr *dict, uint32_t num_results, PjSlot *param) {
  const PjAttr *alias = pj_attr_get(dict, "tf.aliasing_output"),
               *donor = pj_attr_get(dict, "jax.buffer_donor");
  if (alias && alias->kind == PJ_ATTR_INT) {
    PJ_FAIL_IF(alias->i64 < 0 || alias->i64 >= num_results, INVALID_ARGUMENT,
               "tf.aliasing_output names result %lld of %u", (long long)alias->i64, num_results);
    param->alias = (int)alias->i64;
    param->donated = true;
  }
  if (donor && (donor->kind == PJ_ATTR_UNIT || (donor->kind == PJ_ATTR_BOOL && donor->i64)))
    param->donated = true;
  return PJ_STATUS_OK;
}

// Whether a result could lie in the memory of donor |param|: one of its size that neither aliases
// nor donors before it take.
static bool has_use(const PjSignature *signature, uint32_t param) {
  size_t bytes = signature->params[param].shape->num_bytes;
  int64_t room = 0;
  for (uint32_t i = 0; i < signature->num_results; i++)
    room += signature->results[i].shape->num_bytes == bytes;
  for (uint32_t i = 0; i < signature->num_params; i++) {
    const PjSlot *other = &signature->params[i];
    room -= other->donated && (other->alias >= 0 || i < param) && other->shape->num_bytes == bytes;
  }
  return room > 0;
}

PjStatus pj_signature_read(const PjModule *module, const PjCompileOptions *options,
                           PjSignature *out) {
  *out = (PjSignature){0};
  const PjOp *entry = pj_module_entry(module);
  PJ_FAIL_IF(!entry || !entry->num_regions, INVALID_ARGUMENT,
             "the program has no entry function (main)");
  const PjAttr *type_attr = PJ_ATTR(entry, function_type);
  PJ_FAIL_IF(!type_attr || !type_attr->type || type_attr->type->kind != PJ_TYPE_FUNCTION,
             INVALID_ARGUMENT, "the entry function has no function type");
  const PjType *type = type_attr->type;
  uint32_t num_results = 0;
  for (uint32_t i = 0; i < type->num_results; i++)
    num_results += count_leaves(type->results[i]);
  out->params = pj_calloc(type->num_elems, sizeof *out->params);
  out->results = pj_calloc(num_results, sizeof *out->results);
  if (!out->params || !out->results)
    return pj_status_oom();
  const Reader reader = {module, entry, options->num_partitions};
  const PjAttr *arg_attrs = PJ_ATTR(entry, arg_attrs), *res_attrs = PJ_ATTR(entry, res_attrs);
  for (uint32_t i = 0; i < type->num_elems; i++) {
    PjSlot *param = &out->params[out->num_params++];
    PJ_TRY_IN(read_slot(&reader, type->elems[i], dict_at(arg_attrs, i), NULL, -1, param),
              "parameter %u", i);
    PJ_TRY_IN(read_donation(dict_at(arg_attrs, i), num_results, param), "parameter %u", i);
  }
  for (uint32_t i = 0; i < type->num_results; i++)
    PJ_TRY_IN(read_result(&reader, type->results[i], dict_at(res_attrs, i), i, out), "result %u",
              i);
  // What is given up for nothing stays the caller's, as with XLA.
  for (uint32_t i = 0; i < out->num_params; i++) {
    PjSlot *param = &out->params[i];
    param->donated = param->donated && (param->alias >= 0 || has_use(out, i));
  }
  return PJ_STATUS_OK;
}
