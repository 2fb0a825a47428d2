// The frame around every custom call of linear algebra: signature, layouts, batch.
#include "eval/lapack/call.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "eval/strided.h"

static const PjDtype types[PJ_LA_TYPES] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};
static const PjDtype real_types[PJ_LA_TYPES] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_F32, PJ_DT_F64};
static const PjDtype complex_types[PJ_LA_TYPES] = {PJ_DT_C64, PJ_DT_C128, PJ_DT_C64, PJ_DT_C128};

// One operand or result of the call as its layout wants it.
typedef struct Array {
  PjTensor *tensor;
  int64_t dims[PJ_MAX_RANK],
      strides[PJ_MAX_RANK]; // of the tensor, from the layout's slowest dimension to its fastest
  bool ordered;             // memory order is the layout's
  char *data;
  size_t step; // bytes of one matrix
} Array;

static int64_t *find_size(PjLaCall *call, char letter) {
  return &call->sizes[letter - 'a'];
}

static int64_t expected_size(PjLaCall *call, char letter) {
  const int64_t m = *find_size(call, 'm'), n = *find_size(call, 'n');
  if (letter == 'K')
    return m < n ? m : n;
  if (letter == 'P')
    return n > 0 ? n - 1 : 0;
  return *find_size(call, letter);
}

// Checks |tensor| against |entry| of the signature ("Tmn"), binding letters that have no size yet
// (-1). |lead| holds the batch dimensions: set by the first operand (whose |*lead_rank| is -1).
static PjStatus match(PjLaCall *call, const char *entry, size_t len, const PjTensor *tensor,
                      const char *role, uint32_t index, const int64_t **lead, int32_t *lead_rank) {
  const PjDtype want = entry[0] == 'T'   ? types[call->type]
                       : entry[0] == 'R' ? real_types[call->type]
                       : entry[0] == 'C' ? complex_types[call->type]
                                         : PJ_DT_S32;
  const int32_t own = (int32_t)len - 1, batch = tensor->rank - own;
  if (tensor->kind != PJ_TENSOR_ARRAY || tensor->dtype != want)
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT, "%s %u has element type %s, expected %s", role,
                       index, pj_dtype_text(tensor->dtype), pj_dtype_text(want));
  if (*lead_rank < 0) {
    *lead_rank = batch;
    *lead = tensor->dims;
  }
  if (batch < 0 || batch != *lead_rank ||
      (batch && memcmp(tensor->dims, *lead, (size_t)batch * sizeof **lead)))
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT,
                       "%s %u of rank %d does not have the batch dimensions of operand 0", role,
                       index, tensor->rank);
  for (int32_t d = 0; d < own; ++d) {
    const char letter = entry[1 + d];
    const int64_t size = tensor->dims[batch + d];
    if (letter >= 'a' && *find_size(call, letter) < 0)
      *find_size(call, letter) = size;
    if (size != expected_size(call, letter) || size > INT_MAX)
      return PJ_OP_ERROR(
          call->op, INVALID_ARGUMENT, "dimension %d of %s %u is %lld, expected %lld (at most %d)",
          batch + d, role, index, (long long)size, (long long)expected_size(call, letter), INT_MAX);
  }
  return PJ_STATUS_OK;
}

// Reads entry |index| of |layouts| (minor to major) into |out|. Absent: row-major, with |columns|
// the last two dimensions swapped.
static PjStatus set_layout(const PjOp *op, const PjAttr *layouts, uint32_t index, const char *role,
                           bool columns, Array *out) {
  const PjTensor *tensor = out->tensor;
  const PjAttr *layout = layouts && layouts->kind == PJ_ATTR_ARRAY && index < layouts->count
                             ? layouts->elems[index]
                             : NULL;
  int64_t strides[PJ_MAX_RANK];
  uint64_t seen = 0;
  pj_strides(tensor->rank, tensor->dims, strides);
  if (layout && (layout->kind != PJ_ATTR_INTS || (int64_t)layout->count != tensor->rank))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the layout of %s %u does not name %d dimensions",
                       role, index, tensor->rank);
  out->ordered = true;
  for (int32_t i = 0; i < tensor->rank; ++i) {
    int64_t d = layout ? layout->ints[tensor->rank - 1 - i] : i;
    if (!layout && columns && i >= tensor->rank - 2)
      d = 2 * tensor->rank - 3 - i;
    if (d < 0 || d >= tensor->rank || seen >> d & 1)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the layout of %s %u is no permutation", role,
                         index);
    seen |= UINT64_C(1) << d;
    out->dims[i] = tensor->dims[d];
    out->strides[i] = strides[d];
    out->ordered &= d == i;
  }
  return PJ_STATUS_OK;
}

// Copies between the tensor and its ordered form.
static void reorder(const Array *array, bool to_layout) {
  const PjTensor *tensor = array->tensor;
  int64_t dense[PJ_MAX_RANK];
  pj_strides(tensor->rank, array->dims, dense);
  if (to_layout)
    pj_strided_copy(pj_dtype_bytes(tensor->dtype), tensor->rank, array->dims, tensor->data,
                    array->strides, array->data, dense);
  else
    pj_strided_copy(pj_dtype_bytes(tensor->dtype), tensor->rank, array->dims, array->data, dense,
                    tensor->data, array->strides);
}

static void set_step(const PjLaCall *call, Array *array) {
  array->step = call->batch ? array->tensor->bytes / (size_t)call->batch : 0;
}

// The number of comma-separated entries before |end|, and where each begins and how long it is.
static uint32_t split(const char *text, const char *end, uint32_t limit, const char **entries,
                      size_t *lens) {
  uint32_t count = 0;
  while (text < end && count < limit) {
    const char *stop = memchr(text, ',', (size_t)(end - text));
    if (!stop)
      stop = end;
    entries[count] = text;
    lens[count++] = (size_t)(stop - text);
    text = stop + 1;
  }
  return count;
}

static bool type_of(PjDtype dtype, PjLaType *out) {
  static const PjDtype dtypes[PJ_LA_TYPES] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};
  for (PjLaType type = 0; type < PJ_LA_TYPES; ++type) {
    *out = type;
    if (dtypes[type] == dtype)
      return true;
  }
  return false;
}

PjStatus pj_la_custom_call(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                           PjTensor **results, void *user) {
  const PjLaTarget *target = user;
  const char *in_text[PJ_LA_MAX_IN], *out_text[PJ_LA_MAX_OUT],
      *arrow = strchr(target->signature, '>');
  size_t in_len[PJ_LA_MAX_IN], out_len[PJ_LA_MAX_OUT];
  const uint32_t num_in = split(target->signature, arrow, PJ_LA_MAX_IN, in_text, in_len);
  const uint32_t num_out = split(arrow + 1, target->signature + strlen(target->signature),
                                 PJ_LA_MAX_OUT, out_text, out_len);
  if (op->num_operands != num_in || op->num_results != num_out)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "%s takes %u operands and has %u results, here %u and %u", target->name,
                       num_in, num_out, op->num_operands, op->num_results);
  const bool portable = target->type == PJ_LA_TYPES;
  PjLaCall call = {.ev = ev, .op = op, .type = target->type, .batch = 1};
  if (portable && !type_of(operands[0]->dtype, &call.type))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%s takes float or complex matrices, not %s",
                       target->name, pj_dtype_text(operands[0]->dtype));
  for (int i = 0; i < 26; ++i)
    call.sizes[i] = -1;
  Array in[PJ_LA_MAX_IN], out[PJ_LA_MAX_OUT];
  const int64_t *lead = NULL;
  int32_t lead_rank = -1;
  for (uint32_t i = 0; i < num_in; ++i) {
    in[i].tensor = operands[i];
    PJ_TRY(match(&call, in_text[i], in_len[i], operands[i], "operand", i, &lead, &lead_rank));
    PJ_TRY(set_layout(op, PJ_ATTR(op, operand_layouts), i, "operand", portable && in_len[i] == 3,
                      &in[i]));
  }
  for (uint32_t i = 0; i < num_out; ++i) {
    if (!pj_type_is_static(op->results[i].type))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "result %u of %s has no static shape", i,
                         target->name);
    out[i].tensor = results[i] = pj_eval_result(ev, op, i);
    PJ_TRY(match(&call, out_text[i], out_len[i], results[i], "result", i, &lead, &lead_rank));
    PJ_TRY(set_layout(op, PJ_ATTR(op, result_layouts), i, "result", portable && out_len[i] == 3,
                      &out[i]));
  }
  for (int32_t d = 0; d < lead_rank; ++d)
    call.batch *= lead[d];
  for (uint32_t i = 0; i < num_in; ++i) {
    in[i].data = in[i].tensor->data;
    if (!in[i].ordered) {
      in[i].data = pj_eval_scratch(ev, in[i].tensor->bytes);
      reorder(&in[i], true);
    }
    set_step(&call, &in[i]);
  }
  for (uint32_t i = 0; i < num_out; ++i) {
    out[i].data = out[i].ordered ? out[i].tensor->data : pj_eval_scratch(ev, out[i].tensor->bytes);
    memset(out[i].data, 0, out[i].tensor->bytes);
    set_step(&call, &out[i]);
  }
  for (int64_t b = 0; b < call.batch; ++b) {
    for (uint32_t i = 0; i < num_in; ++i)
      call.in[i] = in[i].data + (size_t)b * in[i].step;
    for (uint32_t i = 0; i < num_out; ++i)
      call.out[i] = out[i].data + (size_t)b * out[i].step;
    PJ_TRY(target->run(&call));
  }
  for (uint32_t i = 0; i < num_in; ++i)
    if (!in[i].ordered)
      pj_eval_free(ev, in[i].data);
  for (uint32_t i = 0; i < num_out; ++i) {
    if (out[i].ordered)
      continue;
    reorder(&out[i], false);
    pj_eval_free(ev, out[i].data);
  }
  return PJ_STATUS_OK;
}

// --- for the routines ----------------------------------------------------------------------------

PjStatus pj_la_attr(const PjLaCall *call, const char *name, int64_t *out) {
  // JAX puts the dictionary among the discardable attributes; typed calls have it as their
  // backend_config.
  const PjAttr *config = PJ_ATTR(call->op, backend_config),
               *extra = pj_attr_get(call->op->extra, "mhlo.backend_config");
  const PjAttr *attr = extra && extra->kind == PJ_ATTR_DICT ? pj_attr_get(extra, name) : NULL;
  if (!attr && config && config->kind == PJ_ATTR_DICT)
    attr = pj_attr_get(config, name);
  if (!attr || (attr->kind != PJ_ATTR_INT && attr->kind != PJ_ATTR_BOOL))
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT, "attribute \"%s\" is missing or no integer",
                       name);
  *out = attr->i64;
  return PJ_STATUS_OK;
}

PjStatus pj_la_letter(const PjLaCall *call, const char *name, const char *allowed, char *out) {
  int64_t value;
  PJ_TRY(pj_la_attr(call, name, &value));
  if (value <= 0 || value > 127 || !strchr(allowed, (int)value))
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT,
                       "attribute \"%s\" is %lld, expected one of the letters \"%s\"", name,
                       (long long)value, allowed);
  *out = (char)value;
  return PJ_STATUS_OK;
}

void *pj_la_scratch(PjLaCall *call, int64_t count, size_t size) {
  size_t bytes;
  if (count < 1)
    count = 1;
  if (!pj_mul_size((size_t)count, size, &bytes))
    pj_arena_exhausted(call->ev->arena);
  return pj_eval_scratch(call->ev, bytes);
}

void *pj_la_work(PjLaCall *call, const void *query, int *out_size) {
  const bool wide = call->type == PJ_LA_D || call->type == PJ_LA_Z;
  double size = wide ? *(const double *)query : *(const float *)query;
  if (!wide)
    size *= 1 + 0x1p-22; // the query's answer was rounded to float, perhaps downwards
  if (!(size < INT_MAX))
    pj_arena_exhausted(call->ev->arena);
  *out_size = size < 1 ? 1 : (int)ceil(size);
  return pj_la_scratch(call, *out_size, pj_la_bytes(call));
}

bool pj_la_all_finite(const PjLaCall *call, int64_t count, const void *data) {
  if (pj_la_is_complex(call))
    count *= 2;
  for (int64_t i = 0; i < count; ++i)
    if (!isfinite(pj_la_real_bytes(call) == 8 ? ((const double *)data)[i]
                                              : ((const float *)data)[i]))
      return false;
  return true;
}
