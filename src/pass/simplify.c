// Simplification: rules that replace one operation by something cheaper with the same bits.
//
//   %1 = broadcast_in_dim %c1, dims = [] : tensor<8xf32>
//   %2 = multiply %x, %1                                  =>    %x
//
// One walk forward over each region, inner regions first. At each operation: fold it if its
// operands are constants (fold.c), then try the rules of its kind (the table below). What a rule
// makes is looked at in turn, so one walk reaches a fixed point of everything that looks upwards,
// which all rules do. What an operation alone has used goes with it, as rules ask for uses; the
// rest of what dies stays until the next pass drops it.
//
// Every rule preserves bits, infinities, NaNs and the sign of zero included: x * 1 goes, x + 0 only
// for integers. Exceptions are stated where they stand (the sign and payload of NaN).
//
// Linear in the operations for practical purposes: a rule makes operations that are nearer to the
// normal form. The budget bounds the case that two rules undo each other.
#include "pass/simplify.h"

#include "pass/cse.h"
#include "pass/fold.h"
#include "pass/passes.h"

static PjRuleFn *const rules[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = pj_rule_add,
    [PJ_OP_SUBTRACT] = pj_rule_subtract,
    [PJ_OP_MULTIPLY] = pj_rule_multiply,
    [PJ_OP_DIVIDE] = pj_rule_divide,
    [PJ_OP_REMAINDER] = pj_rule_remainder,
    [PJ_OP_POWER] = pj_rule_power,
    [PJ_OP_MAXIMUM] = pj_rule_extremum,
    [PJ_OP_MINIMUM] = pj_rule_extremum,
    [PJ_OP_ABS] = pj_rule_unary,
    [PJ_OP_NEGATE] = pj_rule_unary,
    [PJ_OP_NOT] = pj_rule_unary,
    [PJ_OP_FLOOR] = pj_rule_unary,
    [PJ_OP_CEIL] = pj_rule_unary,
    [PJ_OP_ROUND_NEAREST_AFZ] = pj_rule_unary,
    [PJ_OP_ROUND_NEAREST_EVEN] = pj_rule_unary,
    [PJ_OP_SHIFT_LEFT] = pj_rule_shift,
    [PJ_OP_SHIFT_RIGHT_LOGICAL] = pj_rule_shift,
    [PJ_OP_SHIFT_RIGHT_ARITHMETIC] = pj_rule_shift,
    [PJ_OP_REAL] = pj_rule_real_imag,
    [PJ_OP_IMAG] = pj_rule_real_imag,
    [PJ_OP_COMPLEX] = pj_rule_complex,
    [PJ_OP_CHLO_SQUARE] = pj_rule_square,
    [PJ_OP_REDUCE_PRECISION] = pj_rule_reduce_precision,
    [PJ_OP_AND] = pj_rule_and_or,
    [PJ_OP_OR] = pj_rule_and_or,
    [PJ_OP_XOR] = pj_rule_xor,
    [PJ_OP_COMPARE] = pj_rule_compare,
    [PJ_OP_SELECT] = pj_rule_select,
    [PJ_OP_CLAMP] = pj_rule_clamp,
    [PJ_OP_CONVERT] = pj_rule_convert,
    [PJ_OP_BITCAST_CONVERT] = pj_rule_bitcast,
    [PJ_OP_RESHAPE] = pj_rule_reshape,
    [PJ_OP_TRANSPOSE] = pj_rule_transpose,
    [PJ_OP_BROADCAST_IN_DIM] = pj_rule_broadcast,
    [PJ_OP_REVERSE] = pj_rule_reverse,
    [PJ_OP_IOTA] = pj_rule_iota,
    [PJ_OP_SLICE] = pj_rule_slice,
    [PJ_OP_PAD] = pj_rule_pad,
    [PJ_OP_CONCATENATE] = pj_rule_concatenate,
    [PJ_OP_DYNAMIC_SLICE] = pj_rule_dynamic_slice,
    [PJ_OP_DYNAMIC_UPDATE_SLICE] = pj_rule_dynamic_update_slice,
    [PJ_OP_GATHER] = pj_rule_gather,
    [PJ_OP_SCATTER] = pj_rule_scatter,
    [PJ_OP_DOT_GENERAL] = pj_rule_dot_general,
    [PJ_OP_CONVOLUTION] = pj_rule_convolution,
    [PJ_OP_BATCH_NORM_INFERENCE] = pj_rule_batch_norm_inference,
    [PJ_OP_BATCH_NORM_TRAINING] = pj_rule_batch_norm_training,
    [PJ_OP_BATCH_NORM_GRAD] = pj_rule_batch_norm_grad,
    [PJ_OP_TORCH_INDEX_SELECT] = pj_rule_torch_index_select,
    [PJ_OP_EINSUM] = pj_rule_einsum,
    [PJ_OP_REDUCE] = pj_rule_reduce,
    [PJ_OP_REDUCE_WINDOW] = pj_rule_reduce_window,
    [PJ_OP_SORT] = pj_rule_sort,
    [PJ_OP_FFT] = pj_rule_fft,
};

static PjRuleFn *const any_type_rules[PJ_OP_COUNT] = {
    [PJ_OP_IF] = pj_rule_if,
    [PJ_OP_CASE] = pj_rule_case,
    [PJ_OP_WHILE] = pj_rule_while,
    [PJ_OP_GET_TUPLE_ELEMENT] = pj_rule_tuple_element,
    [PJ_OP_SDY_SHARDING_CONSTRAINT] = pj_rule_mark,
    [PJ_OP_SDY_PROPAGATION_BARRIER] = pj_rule_mark,
    [PJ_OP_CUSTOM_CALL] = pj_rule_mark,
    [PJ_OP_DYNAMIC_RESHAPE] = pj_rule_dynamic_shape,
    [PJ_OP_DYNAMIC_IOTA] = pj_rule_dynamic_shape,
    [PJ_OP_DYNAMIC_BROADCAST_IN_DIM] = pj_rule_dynamic_shape,
    [PJ_OP_DYNAMIC_PAD] = pj_rule_dynamic_shape,
    [PJ_OP_DYNAMIC_GATHER] = pj_rule_dynamic_shape,
    [PJ_OP_REAL_DYNAMIC_SLICE] = pj_rule_dynamic_shape,
    [PJ_OP_GET_DIMENSION_SIZE] = pj_rule_dynamic_shape,
    [PJ_OP_BROADCAST] = pj_rule_legacy_broadcast,
    [PJ_OP_DOT] = pj_rule_legacy_dot,
    [PJ_OP_MAP] = pj_rule_map,
    [PJ_OP_CHLO_CONSTANT] = pj_rule_chlo_constant,
    [PJ_OP_CHLO_CONSTANT_LIKE] = pj_rule_chlo_constant_like,
    [PJ_OP_CHLO_BROADCAST_ADD] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_AND] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_ATAN2] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_COMPLEX] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_DIVIDE] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_MAXIMUM] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_MINIMUM] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_MULTIPLY] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_NEXT_AFTER] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_OR] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_POLYGAMMA] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_POWER] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_REMAINDER] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_SHIFT_LEFT] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_SHIFT_RIGHT_ARITHMETIC] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_SHIFT_RIGHT_LOGICAL] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_SUBTRACT] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_XOR] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_ZETA] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_COMPARE] = pj_rule_chlo_broadcast,
    [PJ_OP_CHLO_BROADCAST_SELECT] = pj_rule_chlo_broadcast,
};

static bool is_plain(const PjType *type) {
  return pj_type_is_static(type) && !type->quant;
}

static bool plain_types(const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!is_plain(op->operands[i]->type))
      return false;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!is_plain(op->results[i].type))
      return false;
  return true;
}

static bool rewrite(PjRewrite *rw, PjOp *op) {
  if (any_type_rules[op->kind] && any_type_rules[op->kind](rw, op))
    return true;
  if (op->num_results == 1 && op->num_operands && pj_fold_op(rw, op))
    return true;
  bool elementwise = op->num_operands && pj_op_info[op->kind].traits & PJ_TRAIT_ELEM;
  if ((!rules[op->kind] && !elementwise) || !plain_types(op))
    return false;
  if (rules[op->kind] && rules[op->kind](rw, op))
    return true;
  return elementwise && (pj_rule_choice(rw, op) || pj_rule_motion(rw, op));
}

bool pj_rule_commute(PjRewrite *rw, PjOp *op) {
  if (!pj_op_commutes(op) || !pj_const_of(op->operands[0]) || pj_const_of(op->operands[1]))
    return false;
  PjValue *swap = op->operands[0];
  op->operands[0] = op->operands[1];
  op->operands[1] = swap;
  ++rw->changes;
  return true;
}

enum { MAX_OPERANDS = 4, MAX_DEPTH = 16 }; // beyond, what dies stays

// Drops |op| of |region| if nobody uses it, and what only it has used; but constants may be wanted
// again. |*before| becomes an operation that is still there.
static void drop(PjRewrite *rw, PjRegion *region, PjOp *op, PjOp **before, int depth) {
  PjOp *defs[MAX_OPERANDS];
  if (!op || op->region != region || !op->num_operands || op->num_operands > MAX_OPERANDS ||
      op->num_results != 1 || pj_rw_uses(rw, op->results) || !pj_rw_droppable(op) ||
      op->num_regions)
    return;
  const uint32_t count = op->num_operands;
  for (uint32_t i = 0; i < count; ++i)
    defs[i] = pj_rw_value(rw, op->operands[i])->def;
  if (*before == op)
    *before = op->prev;
  pj_rw_erase(rw, op);
  for (uint32_t i = 0; i < count && depth < MAX_DEPTH; ++i)
    drop(rw, region, defs[i], before, depth + 1);
}

static void walk(PjRewrite *rw, PjCse *cse, PjRegion *region, bool isolated) {
  PjCseScope scope = pj_cse_enter(cse, isolated);
  for (PjOp *op = region->first, *next; op; op = next) {
    pj_rw_resolve(rw, op);
    // An asynchronous operation must stay the one that it is; its region sees nothing of the
    // outside.
    for (uint32_t r = 0; r < op->num_regions && op->kind != PJ_OP_ASYNC_START; ++r)
      walk(rw, cse, &op->regions[r], pj_op_info[op->kind].traits & PJ_TRAIT_ISOLATED);
    PjOp *before = op->prev;
    next = op->next;
    if (rw->exhausted || !pj_rw_spend(rw, 1))
      continue;
    PjOp *defs[MAX_OPERANDS];
    const uint32_t count = op->num_operands <= MAX_OPERANDS ? op->num_operands : 0;
    for (uint32_t i = 0; i < count; ++i)
      defs[i] = op->operands[i]->def;
    if (!rewrite(rw, op)) {
      pj_cse_merge(cse, op);
      continue;
    }
    for (uint32_t i = 0; i < count; ++i)
      drop(rw, region, defs[i], &before, 0);
    next = before ? before->next : region->first; // what the rule made stands between
  }
  pj_cse_leave(cse, scope);
}

PjStatus pj_pass_simplify(PjRewrite *rw) {
  PjCse *cse = pj_cse_create(rw);
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      walk(rw, cse, &func->regions[0], true);
  return PJ_STATUS_OK;
}
