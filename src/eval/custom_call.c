// The registry of custom call targets, shared by the process, and custom_call itself.
#include <pthread.h>

#include "base/alloc.h"
#include "eval/float.h"
#include "eval/grid.h"
#include "eval/lapack/lapack.h"
#include "eval/run.h"

typedef struct Target {
  struct Target *next;
  PjCustomCallFn *fn;
  void *user;
  size_t len;
  char name[];
} Target;

static Target *targets;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static Target *find(PjStr name) {
  for (Target *target = targets; target; target = target->next)
    if (target->len == name.len && !memcmp(target->name, name.ptr, name.len))
      return target;
  return NULL;
}

PjStatus pj_custom_call_register(PjStr name, PjCustomCallFn *fn, void *user) {
  Target *fresh = pj_malloc(sizeof *fresh + name.len);
  if (!fresh)
    return pj_status_oom();
  pthread_rwlock_wrlock(&lock);
  Target *known = find(name);
  if (known) {
    known->fn = fn;
    known->user = user;
    pj_free(fresh);
  } else {
    *fresh = (Target){targets, fn, user, name.len};
    memcpy(fresh->name, name.ptr, name.len);
    targets = fresh;
  }
  pthread_rwlock_unlock(&lock);
  return PJ_STATUS_OK;
}

bool pj_custom_call_find(PjStr name, PjCustomCallFn **out_fn, void **out_user) {
  if (pj_lapack_find(name, out_fn, out_user))
    return true;
  if (pj_str_is(name, "ragged_all_to_all")) {
    *out_fn = pj__ragged_all_to_all;
    *out_user = NULL;
    return true;
  }
  pthread_rwlock_rdlock(&lock);
  const Target *target = find(name);
  if (target) {
    *out_fn = target->fn;
    *out_user = target->user;
  }
  pthread_rwlock_unlock(&lock);
  return target != NULL;
}

// Targets that mean nothing on one device: sharding marks of the GSPMD partitioner.
static bool is_marker(PjStr name) {
  return pj_str_is(name, "Sharding") || pj_str_is(name, "SPMDFullToShardShape") ||
         pj_str_is(name, "SPMDShardToFullShape") || pj_str_is(name, "LayoutConstraint") ||
         pj_str_is(name, "annotate_device_placement");
}

// Exported shape-polymorphic programs check their assumptions: operand 0 must hold, the others are
// values for the message's {0}, {1} ...
static PjStatus shape_assertion(const PjOp *op, PjTensor *const *in) {
  if (!op->num_operands || op->num_results || in[0]->kind != PJ_TENSOR_ARRAY ||
      in[0]->dtype != PJ_DT_PRED || in[0]->count != 1)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "shape_assertion takes a tensor<i1> first and has no results");
  if (*(const uint8_t *)in[0]->data)
    return PJ_STATUS_OK;
  const PjAttr *message = pj_attr_get(op->extra, "error_message");
  PjStrBuf text = {0};
  PjStr format = message && message->kind == PJ_ATTR_STRING
                     ? message->str
                     : PJ_STR("a shape assertion does not hold");
  for (size_t i = 0; i < format.len; ++i) {
    size_t close = i + 1;
    uint32_t index = 0;
    while (close < format.len && format.ptr[close] >= '0' && format.ptr[close] <= '9' &&
           index < 10000)
      index = index * 10 + (uint32_t)(format.ptr[close++] - '0');
    bool field =
        format.ptr[i] == '{' && close > i + 1 && close < format.len && format.ptr[close] == '}';
    if (!field || index + 1 >= op->num_operands) {
      pj_strbuf_putc(&text, format.ptr[i]);
      continue;
    }
    const PjTensor *value = in[index + 1];
    bool is_int = value->count == 1 && pj_dtype_class(value->dtype) == PJ_CLASS_SINT;
    long long number = is_int ? pj_int_decode(value->dtype, value->data) : 0;
    pj_strbuf_printf(&text, "%lld", number);
    i = close;
  }
  PjStatus status =
      PJ_ERROR(INVALID_ARGUMENT, "%s", text.data ? text.data : "a shape assertion does not hold");
  pj_strbuf_free(&text);
  return status;
}

PjStatus pj_ev_custom_call(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjStr target = PJ_STRATTR(op, call_target_name);
  PjCustomCallFn *fn;
  void *user;
  if (pj_custom_call_find(target, &fn, &user))
    return fn(ev, op, in, out, user);
  if (is_marker(target) && op->num_operands == op->num_results)
    return pj_ev_forward(ev, op, in, out);
  // What the two take has been computed; in which order is the schedule's to choose.
  if ((pj_str_is(target, "dce_sink") || pj_str_is(target, "control_dep")) && !op->num_results)
    return PJ_STATUS_OK;
  if (pj_str_is(target, "shape_assertion"))
    return shape_assertion(op, in);
  return PJ_OP_ERROR(op, UNIMPLEMENTED,
                     "no handler is registered for the custom call target \"%.*s\"",
                     PJ_STR_ARG(target));
}
