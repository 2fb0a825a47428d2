// The frame around every custom call of linear algebra: signature, layouts, batch.
#include "eval/lapack/call.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "eval/blas.h"
#include "eval/strided.h"

static const PjDtype types[PJ_LA_TYPES] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};
static const PjDtype real_types[PJ_LA_TYPES] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_F32, PJ_DT_F64};
static const PjDtype complex_types[PJ_LA_TYPES] = {PJ_DT_C64, PJ_DT_C128, PJ_DT_C64, PJ_DT_C128};

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
static PjStatus match(PjLaCall *call, const char *entry, size_t len, const PjLaShape *shape,
                      const char *role, uint32_t index, const int64_t **lead, int32_t *lead_rank) {
  const PjDtype want = entry[0] == 'T'   ? types[call->type]
                       : entry[0] == 'R' ? real_types[call->type]
                       : entry[0] == 'C' ? complex_types[call->type]
                                         : PJ_DT_S32;
  const int32_t own = (int32_t)len - 1, batch = shape->rank - own;
  if (shape->dtype != want)
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT, "%s %u has element type %s, expected %s", role,
                       index, pj_dtype_text(shape->dtype), pj_dtype_text(want));
  if (*lead_rank < 0) {
    *lead_rank = batch;
    *lead = shape->dims;
  }
  if (batch < 0 || batch != *lead_rank ||
      (batch && memcmp(shape->dims, *lead, (size_t)batch * sizeof **lead)))
    return PJ_OP_ERROR(call->op, INVALID_ARGUMENT,
                       "%s %u of rank %d does not have the batch dimensions of operand 0", role,
                       index, shape->rank);
  for (int32_t d = 0; d < own; ++d) {
    const char letter = entry[1 + d];
    const int64_t size = shape->dims[batch + d];
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
                           bool columns, int32_t batch, const PjLaShape *shape, PjLaArray *out) {
  const int32_t rank = shape->rank, own = rank - batch;
  const PjAttr *layout = layouts && layouts->kind == PJ_ATTR_ARRAY && index < layouts->count
                             ? layouts->elems[index]
                             : NULL;
  if (layout && (layout->kind != PJ_ATTR_INTS || (int64_t)layout->count != rank))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the layout of %s %u does not name %d dimensions",
                       role, index, rank);
  *out = (PjLaArray){.rows = own > 1 ? shape->dims[batch] : 1,
                     .cols = own ? shape->dims[rank - 1] : 1,
                     .elem = pj_dtype_bytes(shape->dtype),
                     .transposed = own == 2 && (layout ? layout->ints[0] == batch : columns)};
  for (int32_t i = 0; layout && i < rank; ++i) {
    int64_t want = i;
    if (out->transposed && i >= batch)
      want = 2 * batch + 1 - i;
    if (layout->ints[rank - 1 - i] != want)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the layout of %s %u does not put one matrix behind the other", role,
                         index);
  }
  size_t elements;
  PJ_FAIL_IF(!pj_mul_size((size_t)out->rows, (size_t)out->cols, &elements) ||
                 !pj_mul_size(elements, out->elem, &out->step) || out->step > PTRDIFF_MAX / 16,
             RESOURCE_EXHAUSTED, "a matrix of %lld x %lld elements", (long long)out->rows,
             (long long)out->cols);
  return PJ_STATUS_OK;
}

// What LAPACK is called for.
static PjLaType run_type(PjLaType type) {
  return PJ_LA_ONLY_DOUBLE && type == PJ_LA_S   ? PJ_LA_D
         : PJ_LA_ONLY_DOUBLE && type == PJ_LA_C ? PJ_LA_Z
                                                : type;
}

static size_t round_up(size_t bytes) {
  return (bytes + 63) & ~(size_t)63;
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

static void transpose(size_t elem, int64_t rows, int64_t cols, const void *from, void *to) {
  const int64_t dims[2] = {cols, rows}, strides[2] = {1, cols}, dense[2] = {rows, 1};
  pj_strided_copy(elem, 2, dims, from, strides, to, dense);
}

// What an array takes of a thread's work space: none where the call can use the caller's.
static size_t call_bytes(const PjLaArray *a) {
  return a->widened ? round_up(2 * a->step) : a->transposed ? round_up(a->step) : 0;
}

PjStatus pj_la_plan(const PjOp *op, const PjLaTarget *target, const PjLaShape *in,
                    const PjLaShape *out, PjLaPlan *plan) {
  const char *in_text[PJ_LA_MAX_IN], *out_text[PJ_LA_MAX_OUT],
      *arrow = strchr(target->signature, '>');
  size_t in_len[PJ_LA_MAX_IN], out_len[PJ_LA_MAX_OUT];
  *plan = (PjLaPlan){.target = target,
                     .call = {.op = op, .type = target->type, .batch = 1},
                     .transpose = transpose};
  PjLaCall *call = &plan->call;
  plan->num_in = split(target->signature, arrow, PJ_LA_MAX_IN, in_text, in_len);
  plan->num_out = split(arrow + 1, target->signature + strlen(target->signature), PJ_LA_MAX_OUT,
                        out_text, out_len);
  if (op->num_operands != plan->num_in || op->num_results != plan->num_out)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "%s takes %u operands and has %u results, here %u and %u", target->name,
                       plan->num_in, plan->num_out, op->num_operands, op->num_results);
  const bool portable = target->type == PJ_LA_TYPES;
  if (portable && !type_of(in[0].dtype, &call->type))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%s takes float or complex matrices, not %s",
                       target->name, pj_dtype_text(in[0].dtype));
  for (int i = 0; i < 26; ++i)
    call->sizes[i] = -1;
  const int64_t *lead = NULL;
  int32_t batch = -1;
  for (uint32_t i = 0; i < plan->num_in; ++i) {
    PJ_TRY(match(call, in_text[i], in_len[i], &in[i], "operand", i, &lead, &batch));
    PJ_TRY(set_layout(op, PJ_ATTR(op, operand_layouts), i, "operand", portable && in_len[i] == 3,
                      batch, &in[i], &plan->in[i]));
  }
  for (uint32_t i = 0; i < plan->num_out; ++i) {
    PJ_TRY(match(call, out_text[i], out_len[i], &out[i], "result", i, &lead, &batch));
    PJ_TRY(set_layout(op, PJ_ATTR(op, result_layouts), i, "result", portable && out_len[i] == 3,
                      batch, &out[i], &plan->out[i]));
  }
  for (int32_t d = 0; d < batch; ++d)
    call->batch *= lead[d];
  call->by_rows = target->any_order;
  for (uint32_t i = 0; i < plan->num_in; ++i)
    call->by_rows &= plan->in[i].transposed || in_len[i] != 3;
  for (uint32_t i = 0; i < plan->num_out; ++i)
    call->by_rows &= plan->out[i].transposed || out_len[i] != 3;
  for (uint32_t i = 0; call->by_rows && i < plan->num_in; ++i)
    plan->in[i].transposed = false;
  for (uint32_t i = 0; call->by_rows && i < plan->num_out; ++i)
    plan->out[i].transposed = false;
  const PjLaType type = call->type;
  for (uint32_t i = 0; i < plan->num_in; ++i)
    plan->in[i].widened = run_type(type) != type && in_text[i][0] != 'I';
  for (uint32_t i = 0; i < plan->num_out; ++i)
    plan->out[i].widened = run_type(type) != type && out_text[i][0] != 'I';
  for (uint32_t i = 0; i < PJ_LA_MAX_OUT; ++i)
    call->out[i] = (char *)call->unused;
  call->measure = true;
  call->type = run_type(type);
  pj_blas_begin();
  PjStatus status = target->run(call);
  pj_blas_end();
  PJ_TRY(status);
  call->measure = false;
  call->type = type;
  PJ_FAIL_IF(call->too_large, RESOURCE_EXHAUSTED, "%s needs more work space than there is",
             target->name);
  plan->work_bytes = call->work_used;
  for (uint32_t i = 0; i < plan->num_in; ++i)
    plan->work_bytes += call_bytes(&plan->in[i]);
  for (uint32_t i = 0; i < plan->num_out; ++i)
    plan->work_bytes += call_bytes(&plan->out[i]);
  return PJ_STATUS_OK;
}

// |count| floats, the second half of the room at |to|, become doubles there.
static void widen(int64_t count, const char *from, char *to) {
  for (int64_t i = 0; i < count; ++i) {
    float narrow;
    memcpy(&narrow, from + 4 * i, sizeof narrow);
    const double wide = narrow;
    memcpy(to + 8 * i, &wide, sizeof wide);
  }
}

// |count| doubles become floats, from the front, perhaps in the same place.
static void narrow(int64_t count, const char *from, char *to) {
  for (int64_t i = 0; i < count; ++i) {
    double wide;
    memcpy(&wide, from + 8 * i, sizeof wide);
    const float narrow = (float)wide;
    memcpy(to + 4 * i, &narrow, sizeof narrow);
  }
}

static int64_t floats(const PjLaArray *a) {
  return (int64_t)(a->step / sizeof(float));
}

void pj_la_run(const PjLaPlan *plan, int64_t index, const void *const *in, void *const *out,
               void *work) {
  PjLaCall call = plan->call;
  char *free_work = work;
  for (uint32_t i = 0; i < plan->num_in; ++i) {
    const PjLaArray *a = &plan->in[i];
    const char *from = (const char *)in[i] + (size_t)index * a->step;
    call.in[i] = (char *)(uintptr_t)from;
    if (!call_bytes(a))
      continue;
    call.in[i] = free_work;
    free_work += call_bytes(a);
    char *half = call.in[i] + (a->widened ? a->step : 0);
    if (a->transposed)
      plan->transpose(a->elem, a->rows, a->cols, from, half);
    if (a->widened)
      widen(floats(a), a->transposed ? half : from, call.in[i]);
  }
  for (uint32_t i = 0; i < plan->num_out; ++i) {
    const PjLaArray *a = &plan->out[i];
    call.out[i] = call_bytes(a) ? free_work : (char *)out[i] + (size_t)index * a->step;
    free_work += call_bytes(a);
    memset(call.out[i], 0, a->widened ? 2 * a->step : a->step);
  }
  call.work = free_work;
  call.work_used = 0;
  call.type = run_type(call.type);
  pj_blas_begin();
  PjStatus status = plan->target->run(&call);
  pj_blas_end();
  assert(!status);
  pj_status_free(status);
  for (uint32_t i = 0; i < plan->num_out; ++i) {
    const PjLaArray *a = &plan->out[i];
    char *to = (char *)out[i] + (size_t)index * a->step;
    if (a->widened)
      narrow(floats(a), call.out[i], a->transposed ? call.out[i] : to);
    if (a->transposed)
      plan->transpose(a->elem, a->cols, a->rows, call.out[i], to);
  }
}

static PjLaShape shape_of(const PjTensor *tensor) {
  return (PjLaShape){tensor->kind == PJ_TENSOR_ARRAY ? tensor->dtype : PJ_DT_PRED, tensor->rank,
                     tensor->dims};
}

PjStatus pj_la_custom_call(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                           PjTensor **results, void *user) {
  const PjLaTarget *target = user;
  PjLaShape in_shapes[PJ_LA_MAX_IN], out_shapes[PJ_LA_MAX_OUT];
  const void *in[PJ_LA_MAX_IN];
  void *out[PJ_LA_MAX_OUT];
  PjLaPlan plan;
  for (uint32_t i = 0; i < op->num_operands && i < PJ_LA_MAX_IN; ++i) {
    in_shapes[i] = shape_of(operands[i]);
    in[i] = operands[i]->data;
  }
  for (uint32_t i = 0; i < op->num_results && i < PJ_LA_MAX_OUT; ++i) {
    if (!pj_type_is_static(op->results[i].type))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "result %u of %s has no static shape", i,
                         target->name);
    results[i] = pj_eval_result(ev, op, i);
    out_shapes[i] = shape_of(results[i]);
    out[i] = results[i]->data;
  }
  PJ_TRY(pj_la_plan(op, target, in_shapes, out_shapes, &plan));
  if (!plan.call.batch)
    return PJ_STATUS_OK;
  void *work = pj_eval_scratch(ev, plan.work_bytes);
  for (int64_t b = 0; b < plan.call.batch; ++b)
    pj_la_run(&plan, b, in, out, work);
  pj_eval_free(ev, work);
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
  const size_t at = call->work_used;
  if (!pj_mul_size((size_t)(count < 1 ? 1 : count), size, &bytes) || bytes > PTRDIFF_MAX / 16 ||
      at > PTRDIFF_MAX / 4) {
    call->too_large = true;
    return call->unused;
  }
  call->work_used += round_up(bytes);
  return call->measure ? call->unused : (void *)(call->work + at);
}

void *pj_la_work(PjLaCall *call, const void *query, int *out_size) {
  const bool wide = call->type == PJ_LA_D || call->type == PJ_LA_Z;
  double size = wide ? *(const double *)query : *(const float *)query;
  if (!wide)
    size *= 1 + 0x1p-22; // the query's answer was rounded to float, perhaps downwards
  if (!(size < INT_MAX)) {
    call->too_large = true;
    size = 1;
  }
  *out_size = size < 1 ? 1 : (int)ceil(size);
  return pj_la_scratch(call, *out_size, pj_la_bytes(call));
}

bool pj_la_all_finite(const PjLaCall *call, int64_t count, const void *data) {
  if (call->measure)
    return true;
  if (pj_la_is_complex(call))
    count *= 2;
  for (int64_t i = 0; i < count; ++i)
    if (!isfinite(pj_la_real_bytes(call) == 8 ? ((const double *)data)[i]
                                              : ((const float *)data)[i]))
      return false;
  return true;
}
