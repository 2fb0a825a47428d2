// How many bytes a step moves, for profilers: of an array that is sliced or gathered from, what is
// taken; of one that is changed in place, what changes.
//
// What a kernel wants of each value is counted backwards, from its results, which it wants whole,
// to the arrays that it reads: an operation wants of its operands what the part of its result
// wants.
#include <stdlib.h>

#include "base/alloc.h"
#include "sched/sched.h"

typedef struct Traffic {
  double *wanted; // elements, by value id; all 0 between steps
  bool *inside;   // by value id: computed by the step; false between steps
  double bytes;   // of the step at hand
} Traffic;

static double count_of(const PjType *type) {
  int64_t count;
  return pj_type_is_tensor(type) && pj_type_num_elements(type, &count) ? (double)count : 0;
}

static double bytes_of(const PjType *type) {
  size_t bytes;
  return pj_type_is_tensor(type) && pj_type_num_bytes(type, &bytes) ? (double)bytes : 0;
}

static double least(double a, double b) {
  return a < b ? a : b;
}

// A kernel that writes the update into the array, of which it reads nothing.
static bool is_in_place(const PjStep *step, const PjOp *op) {
  return step->kind == PJ_STEP_KERNEL && op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE &&
         step->op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE;
}

// Whether a routine leaves its result where its first operand was.
static bool changes_operand(const PjStep *step) {
  return step->kind == PJ_STEP_ROUTINE && step->num_in && step->num_out &&
         step->in[0] == step->out[0];
}

// Elements of operand |i| that are read for |part| elements of the result.
static double wanted_of(const PjStep *step, const PjOp *op, uint32_t i, double part) {
  double all = count_of(op->operands[i]->type);
  switch (op->kind) {
  case PJ_OP_SLICE:
  case PJ_OP_DYNAMIC_SLICE:
  case PJ_OP_GATHER:
  case PJ_OP_DYNAMIC_GATHER:
  case PJ_OP_PAD:
    return i == 0 ? least(part, all) : all;
  case PJ_OP_CONCATENATE:
    return all * least(part / count_of(op->results[0].type), 1);
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    if (i > 0)
      return all;
    return is_in_place(step, op) || changes_operand(step)
               ? 0
               : least(part, all - count_of(op->operands[1]->type));
  case PJ_OP_SCATTER: // what it combines with the updates
    return i == 0 && op->num_results == 1 && changes_operand(step)
               ? least(count_of(op->operands[2]->type), all)
               : all;
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_REVERSE:
  case PJ_OP_BROADCAST_IN_DIM:
    return least(part, all);
  default:
    return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM ? least(part, all) : all;
  }
}

// A constant of several values lies in memory like any array; one of a single value is in the code.
static bool is_read(const Traffic *t, const PjValue *value) {
  const PjOp *def = value->def;
  if (def && def->kind == PJ_OP_CONSTANT)
    return !PJ_ATTR(def, value)->splat && count_of(value->type) > 1;
  return !t->inside[value->id];
}

static int later_first(const void *a, const void *b) {
  const PjOp *x = *(const PjOp *const *)a, *y = *(const PjOp *const *)b;
  return (x->id < y->id) - (x->id > y->id);
}

static void want_operands(Traffic *t, const PjStep *step, const PjOp *op) {
  double part = 0;
  for (uint32_t i = 0; i < op->num_results; i++) {
    double all = count_of(op->results[i].type), wanted = t->wanted[op->results[i].id];
    wanted = wanted > 0 ? least(wanted, all) : all; // what nothing in the step reads is a result
    part = wanted > part ? wanted : part;
  }
  for (uint32_t i = 0; i < op->num_operands; i++)
    t->wanted[op->operands[i]->id] += wanted_of(step, op, i, part);
}

static void read_operands(Traffic *t, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *value = op->operands[i];
    double all = count_of(value->type), wanted = least(t->wanted[value->id], all);
    if (wanted > 0 && is_read(t, value))
      t->bytes += bytes_of(value->type) * wanted / all;
    t->wanted[value->id] = 0; // once
  }
}

static void count_written(Traffic *t, const PjSchedule *s, const PjStep *step,
                          const PjOp *const *ops, uint32_t count) {
  for (uint32_t i = 0; i < step->num_out; i++)
    t->bytes += (double)s->slots.data[step->out[i]].bytes;
  for (uint32_t i = 0; i < count; i++) {
    const PjOp *op = ops[i];
    bool update =
        op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE && (is_in_place(step, op) || changes_operand(step));
    bool scatter = op->kind == PJ_OP_SCATTER && op->num_results == 1 && changes_operand(step);
    if (update || scatter) {
      double whole = bytes_of(op->results[0].type),
             part = bytes_of(op->operands[update ? 1 : 2]->type);
      t->bytes += least(part, whole) - whole;
    }
  }
}

static bool count_step(Traffic *t, const PjSchedule *s, const PjStep *step) {
  const PjOp **ops = pj_malloc((step->num_ops + 1) * sizeof *ops);
  if (!ops)
    return false;
  uint32_t count = step->num_ops ? step->num_ops : 1;
  for (uint32_t i = 0; i < count; i++)
    ops[i] = step->num_ops ? step->ops[i] : step->op;
  qsort(ops, count, sizeof *ops, later_first);
  t->bytes = 0;
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t r = 0; r < ops[i]->num_results; r++)
      t->inside[ops[i]->results[r].id] = true;
  for (uint32_t i = 0; i < count; i++)
    want_operands(t, step, ops[i]);
  for (uint32_t i = 0; i < count; i++)
    read_operands(t, ops[i]);
  count_written(t, s, step, ops, count);
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t r = 0; r < ops[i]->num_results; r++) {
      t->inside[ops[i]->results[r].id] = false;
      t->wanted[ops[i]->results[r].id] = 0;
    }
  pj_free(ops);
  return true;
}

// Of what is no list of operations: each array that it names, once.
static double whole_slots(const PjSchedule *s, const PjStep *step) {
  double bytes = 0;
  for (uint32_t i = 0; i < step->num_in + step->num_out; i++) {
    bool again = false;
    for (uint32_t k = 0; k < i && k < 64; k++)
      again |= step->in[k] == step->in[i]; // |out| lies behind |in|
    if (!again)
      bytes += (double)s->slots.data[step->in[i]].bytes;
  }
  return bytes;
}

// A kernel that names no operations joins the parts of a reduction; a routine that stands for a
// loop exchanges rows.
static bool has_operations(const PjStep *step) {
  return step->kind == PJ_STEP_KERNEL ? step->num_ops > 0
                                      : step->kind != PJ_STEP_COPY && step->op->kind != PJ_OP_WHILE;
}

static bool count_steps(Traffic *t, const PjSchedule *s, const PjSteps *steps, double *out) {
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    // What a loop or a branch touches depends on its way.
    bool known =
        !step->num_bodies && !(step->kind == PJ_STEP_KERNEL && step->op->kind == PJ_OP_WHILE);
    if (known && has_operations(step)) {
      if (!count_step(t, s, step))
        return false;
      out[step->number] = t->bytes;
    } else if (known) {
      out[step->number] = whole_slots(s, step);
    }
    for (uint32_t b = 0; b < step->num_bodies; b++)
      if (!count_steps(t, s, &step->bodies[b], out))
        return false;
  }
  return true;
}

double *pj_schedule_traffic(const PjSchedule *s) {
  size_t values = pj_module_entry(s->module)->num_values;
  Traffic t = {.wanted = pj_calloc(values + 1, sizeof *t.wanted),
               .inside = pj_calloc(values + 1, sizeof *t.inside)};
  double *bytes = pj_calloc(s->num_steps + 1, sizeof *bytes);
  if (!t.wanted || !t.inside || !bytes || !count_steps(&t, s, &s->steps, bytes)) {
    pj_free(bytes);
    bytes = NULL;
  }
  pj_free(t.wanted);
  pj_free(t.inside);
  return bytes;
}
