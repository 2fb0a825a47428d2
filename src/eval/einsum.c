// einsum and unary_einsum (legacy ops; the meaning of the string is that of tf.einsum: letters,
// `...`, `->`).
//
// Every label becomes an index of one general contraction: in both operands and the result, a batch
// index; in the result and one operand, a row or column; not in the result, summed. A label that
// occurs twice in an operand walks its diagonal. The contraction's result is then transposed to the
// order of the string.
#include "eval/contract.h"
#include "eval/strided.h"

#define ELLIPSIS 256 // labels from here on: dimensions under `...`, the last one first

typedef struct Label {
  int id;
  int64_t size, lhs, rhs;
  bool in_lhs, in_rhs, in_out;
} Label;

typedef struct Einsum {
  int32_t count;
  Label labels[2 * PJ_MAX_RANK + 1]; // of two operands, and one of the result that is in neither
} Einsum;

static Label *find(Einsum *e, int id) {
  for (int32_t i = 0; i < e->count; ++i)
    if (e->labels[i].id == id)
      return &e->labels[i];
  e->labels[e->count] = (Label){.id = id, .size = 1};
  return &e->labels[e->count++];
}

// Splits |text| ("ab...c") for |rank| dimensions into labels; false when it does not fit.
static bool split(PjStr text, int32_t rank, int *labels) {
  int32_t letters = 0, dots = 0;
  for (size_t i = 0; i < text.len; ++i) {
    if (text.ptr[i] == ' ')
      continue;
    if (text.ptr[i] == '.')
      ++dots;
    else
      ++letters;
  }
  if ((dots != 0 && dots != 3) || letters > rank || (!dots && letters != rank))
    return false;
  int32_t at = 0;
  for (size_t i = 0; i < text.len; ++i) {
    if (text.ptr[i] == ' ')
      continue;
    if (text.ptr[i] != '.') {
      labels[at++] = (unsigned char)text.ptr[i];
      continue;
    }
    if (i + 3 > text.len || text.ptr[i + 1] != '.' || text.ptr[i + 2] != '.')
      return false;
    i += 2;
    for (int32_t d = rank - letters - 1; d >= 0; --d)
      labels[at++] = ELLIPSIS + d;
  }
  return true;
}

static PjStatus add_operand(Einsum *e, const PjOp *op, PjStr text, const PjTensor *operand,
                            bool is_rhs) {
  int ids[PJ_MAX_RANK];
  int64_t strides[PJ_MAX_RANK];
  if (!split(text, operand->rank, ids))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "labels \"%.*s\" do not fit an operand of rank %d",
                       PJ_STR_ARG(text), operand->rank);
  pj_strides(operand->rank, operand->dims, strides);
  for (int32_t d = 0; d < operand->rank; ++d) {
    Label *label = find(e, ids[d]);
    const bool seen = label->in_lhs || label->in_rhs;
    const int64_t size = operand->dims[d];
    // Under `...` sizes of 1 broadcast.
    if (seen && size != label->size && !(ids[d] >= ELLIPSIS && (size == 1 || label->size == 1)))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "label %s has sizes %lld and %lld",
                         ids[d] >= ELLIPSIS ? "..." : (char[2]){(char)ids[d], 0},
                         (long long)label->size, (long long)size);
    if (!seen || label->size == 1)
      label->size = size;
    const int64_t stride = size == 1 ? 0 : strides[d];
    *(is_rhs ? &label->rhs : &label->lhs) += stride;
    *(is_rhs ? &label->in_rhs : &label->in_lhs) = true;
  }
  return PJ_STATUS_OK;
}

// The labels of the result, from |text|.
static PjStatus result_labels(Einsum *e, const PjOp *op, PjStr text, int32_t *out_count, int *ids) {
  int32_t letters = 0, ellipsis = 0;
  for (int32_t i = 0; i < e->count; ++i)
    ellipsis += e->labels[i].id >= ELLIPSIS;
  bool has_dots = false;
  for (size_t i = 0; i < text.len; ++i) {
    has_dots |= text.ptr[i] == '.';
    letters += text.ptr[i] != '.' && text.ptr[i] != ' ';
  }
  const int32_t count = letters + (has_dots ? ellipsis : 0);
  if (count > PJ_MAX_RANK || !split(text, count, ids))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "cannot read the result's labels \"%.*s\"",
                       PJ_STR_ARG(text));
  for (int32_t i = 0; i < count; ++i) {
    const int32_t before = e->count;
    Label *label = find(e, ids[i]);
    if (e->count != before || label->in_out)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "result label '%c' %s",
                         ids[i] >= ELLIPSIS ? '.' : ids[i],
                         e->count != before ? "is in no operand" : "occurs twice");
    label->in_out = true;
  }
  *out_count = count;
  return PJ_STATUS_OK;
}

// Evaluates |config| on |lhs| and |rhs|; without |rhs|, on one operand.
static PjStatus einsum(PjEval *ev, const PjOp *op, PjStr config, const PjTensor *lhs,
                       const PjTensor *rhs, PjTensor **out) {
  size_t arrow = 0, comma = config.len;
  while (arrow + 1 < config.len && !(config.ptr[arrow] == '-' && config.ptr[arrow + 1] == '>'))
    ++arrow;
  if (arrow + 1 >= config.len)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "einsum_config \"%.*s\" has no \"->\"",
                       PJ_STR_ARG(config));
  for (size_t i = 0; i < arrow; ++i)
    if (config.ptr[i] == ',' && comma == config.len)
      comma = i;
  if ((comma < arrow) != (rhs != NULL))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "einsum_config \"%.*s\" does not name %d operands",
                       PJ_STR_ARG(config), rhs ? 2 : 1);
  Einsum e = {0};
  const PjStr lhs_text = {config.ptr, rhs ? comma : arrow};
  PJ_TRY(add_operand(&e, op, lhs_text, lhs, false));
  if (rhs)
    PJ_TRY(add_operand(&e, op, (PjStr){config.ptr + comma + 1, arrow - comma - 1}, rhs, true));
  int ids[PJ_MAX_RANK];
  int32_t rank = 0;
  PJ_TRY(
      result_labels(&e, op, (PjStr){config.ptr + arrow + 2, config.len - arrow - 2}, &rank, ids));

  PjContraction c = {0};
  for (int32_t i = 0; i < e.count; ++i) {
    const Label *label = &e.labels[i];
    PjAxes *group = !label->in_out                   ? &c.sum
                    : label->in_lhs && label->in_rhs ? &c.batch
                    : label->in_rhs                  ? &c.cols
                                                     : &c.rows;
    pj_axes_add(group, label->size, label->lhs, label->rhs);
  }
  // Labels in result order, with the strides of the contraction's own order batch, rows, cols.
  int64_t dims[PJ_MAX_RANK], from[PJ_MAX_RANK], to[PJ_MAX_RANK];
  for (int32_t r = 0; r < rank; ++r) {
    const Label *label = find(&e, ids[r]);
    const int kind = label->in_lhs && label->in_rhs ? 0 : label->in_rhs ? 2 : 1;
    dims[r] = label->size;
    from[r] = 1;
    for (int32_t i = 0; i < e.count; ++i) {
      const Label *other = &e.labels[i];
      const int other_kind = other->in_lhs && other->in_rhs ? 0 : other->in_rhs ? 2 : 1;
      if (other->in_out && (other_kind > kind || (other_kind == kind && other > label)))
        from[r] *= other->size;
    }
  }
  const PjDtype dtype = op->results[0].type->dtype;
  c.comp = pj_comp_pick(lhs->dtype, rhs ? rhs->dtype : lhs->dtype, dtype);
  PjTensor *result = pj_eval_new(ev, dtype, rank, dims);
  pj_strides(rank, dims, to);
  void *lhs_scratch, *rhs_scratch = NULL;
  static const union {
    float f32[2];
    double f64[2];
    uint64_t u64;
    uint32_t u32;
  } ones[] = {
      [PJ_COMP_F32] = {.f32 = {1}}, [PJ_COMP_F64] = {.f64 = {1}}, [PJ_COMP_U32] = {.u32 = 1},
      [PJ_COMP_U64] = {.u64 = 1},   [PJ_COMP_C64] = {.f32 = {1}}, [PJ_COMP_C128] = {.f64 = {1}},
  };
  c.lhs = pj_comp_operand(ev, c.comp, lhs, &lhs_scratch);
  c.rhs = rhs ? pj_comp_operand(ev, c.comp, rhs, &rhs_scratch) : &ones[c.comp];
  void *target = pj_comp_target(ev, c.comp, result);
  void *dense = pj_comp_scratch(ev, c.comp, result->count);
  pj_contract(ev, &c, dense);
  pj_strided_copy(pj_comp_bytes(c.comp), rank, dims, dense, from, target, to);
  pj_eval_free(ev, dense);
  pj_comp_finish(ev, c.comp, result, target);
  if (lhs_scratch)
    pj_eval_free(ev, lhs_scratch);
  if (rhs_scratch)
    pj_eval_free(ev, rhs_scratch);
  *out = result;
  return PJ_STATUS_OK;
}

PjStatus pj_ev_einsum(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return einsum(ev, op, PJ_STRATTR(op, einsum_config), in[0], in[1], out);
}

PjStatus pj_ev_unary_einsum(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return einsum(ev, op, PJ_STRATTR(op, einsum_config), in[0], NULL, out);
}
