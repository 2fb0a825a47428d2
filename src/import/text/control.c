// Pretty forms with a syntax of their own: constant, reduce, while, scan, manual_computation.
#include "import/text/text.h"

// Checks the operands pushed since draft->operands and pushes the results of a function type.
static PjStatus function_signature(PjText *t, PjDraft *draft, const PjType **out) {
  const char *at = t->tok.start;
  PJ_TRY(pj_text_function_type(t, out));
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, (*out)->num_elems, (*out)->elems));
  for (uint32_t i = 0; i < (*out)->num_results; ++i)
    PJ_PUSH(t->arena, &t->types, (*out)->results[i]);
  return PJ_STATUS_OK;
}

static PjStatus optional_dict(PjText *t) {
  return pj_text_is(t, '{') ? pj_text_attr_dict(t) : PJ_STATUS_OK;
}

static PjStatus optional_keyword_dict(PjText *t) {
  return pj_text_accept_word(t, "attributes") ? pj_text_attr_dict(t) : PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- constant
// constant {attrs} dense<..> : T, or constant() <{value = ..}> {attrs} : () -> T.
PjStatus pj_text_constant(PjText *t, PjDraft *draft) {
  const PjType *type;
  if (pj_text_accept(t, '(')) {
    PJ_TRY(pj_text_expect(t, ')'));
    if (pj_text_accept(t, '<')) {
      PJ_TRY(pj_text_attr_dict(t));
      PJ_TRY(pj_text_expect(t, '>'));
    }
    PJ_TRY(optional_dict(t));
    PJ_TRY(pj_text_expect(t, ':'));
    return function_signature(t, draft, &type);
  }
  PJ_TRY(optional_dict(t));
  const char *at = t->tok.start;
  const PjAttr *value;
  PJ_TRY(pj_text_attr(t, &value));
  if (value->kind != PJ_ATTR_ELEMENTS)
    return pj_text_error(t, at, "expected a dense<> tensor");
  PJ_PUSH(t->arena, &t->types, value->type);
  return pj_text_push_key(t, PJ_KEY_value, value, at);
}

// ------------------------------------------------------------------------------------- reduce
static PjStatus across_dimensions(PjText *t) {
  const PjAttr *dims;
  PJ_TRY(pj_text_expect_word(t, "across"));
  PJ_TRY(pj_text_expect_word(t, "dimensions"));
  const char *at = t->tok.start;
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_ints_attr(t, &dims));
  PJ_TRY(pj_text_push_key(t, PJ_KEY_dimensions, dims, at));
  PJ_TRY(optional_dict(t));
  return pj_text_expect(t, ':');
}

// The body of `applies op`: op of both arguments, returned.
static PjStatus compact_body(PjText *t, const char *at, PjOpKind kind, const PjType *input,
                             PjRegion *body) {
  if (input->kind != PJ_TYPE_TENSOR && input->kind != PJ_TYPE_UNRANKED)
    return pj_text_error(t, at, "expected tensors to reduce, found %s",
                         pj_type_text(t->arena, input));
  const PjType *type = pj_type_tensor_full(t->arena, input->dtype, input->quant, 0, NULL, NULL);
  pj_region_set_args(t->arena, body, 2, (const PjType *[]){type, type});
  PjOp *op = pj_op_create(t->arena, kind, 2, 1, 0);
  op->operands[0] = &body->args[0];
  op->operands[1] = &body->args[1];
  op->results[0].type = type;
  pj_op_fill_defaults(t->arena, op);
  pj_op_append(body, op);
  PjOp *ret = pj_op_create(t->arena, PJ_OP_RETURN, 1, 0, 0);
  ret->operands[0] = &op->results[0];
  pj_op_append(body, ret);
  return PJ_STATUS_OK;
}

static PjStatus applies(PjText *t, PjDraft *draft) {
  const char *at = t->tok.start;
  PjStr name;
  PJ_TRY(pj_text_word_or_string(t, "the operation to apply", &name));
  PjOpKind kind = pj_op_from_text(name);
  const PjOpInfo *info = &pj_op_info[kind];
  if (!(info->traits & PJ_TRAIT_COMM) || info->operands != 2 || !pj_str_starts(name, "stablehlo."))
    return pj_text_error(t, at,
                         "expected the inner-op to be a commutative binary-op from the stablehlo "
                         "dialect, with zero region, producing single result");
  PJ_TRY(across_dimensions(t));
  const PjType *type;
  PJ_TRY(function_signature(t, draft, &type));
  if (!type->num_elems)
    return pj_text_error(t, at, "input types missing in reduce-op function type");
  return compact_body(t, at, kind, type->elems[0], pj_text_new_region(t));
}

typedef struct BlockArg {
  PjToken name;
  const PjType *type;
  const PjLoc *loc;
} BlockArg;

static PjStatus block_arg(PjText *t, BlockArg *out) {
  if (!pj_text_is(t, PJ_TOK_VALUE))
    return pj_text_unexpected(t, "an SSA name (%name)");
  out->name = t->tok;
  pj_text_next(t);
  PJ_TRY(pj_text_expect(t, ':'));
  PJ_TRY(pj_text_type(t, &out->type));
  return pj_text_optional_loc(t, &out->loc);
}

static PjStatus set_args(PjText *t, PjRegion *region, size_t count, const BlockArg *args) {
  const PjType **types = PJ_NEW_ARRAY(t->arena, const PjType *, count);
  const PjLoc **locs = PJ_NEW_ARRAY(t->arena, const PjLoc *, count);
  for (size_t i = 0; i < count; ++i) {
    types[i] = args[i].type;
    locs[i] = args[i].loc;
  }
  pj_region_set_args(t->arena, region, (uint32_t)count, types);
  region->arg_locs = locs;
  for (size_t i = 0; i < count; ++i)
    PJ_TRY(pj_text_define(t, pj_tok_str(args[i].name), args[i].name.start, &region->args[i], 1));
  return PJ_STATUS_OK;
}

// reducer(%a: T, %b: T) (%c: T, %d: T) { ... }: the arguments are all first ones, then all second
// ones.
static PjStatus reducer(PjText *t) {
  PJ_VEC(BlockArg) args = {0};
  PJ_VEC(BlockArg) seconds = {0};
  PJ_TRY(pj_text_expect_word(t, "reducer"));
  while (pj_text_accept(t, '(')) {
    BlockArg arg;
    PJ_TRY(block_arg(t, &arg));
    PJ_PUSH(t->arena, &args, arg);
    PJ_TRY(pj_text_expect(t, ','));
    PJ_TRY(block_arg(t, &arg));
    PJ_PUSH(t->arena, &seconds, arg);
    PJ_TRY(pj_text_expect(t, ')'));
  }
  for (size_t i = 0; i < seconds.len; ++i)
    PJ_PUSH(t->arena, &args, seconds.data[i]);
  PjRegion *body = pj_text_new_region(t);
  size_t scope = pj_text_open_scope(t);
  PJ_TRY(set_args(t, body, args.len, args.data));
  PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(pj_text_region_body(t, body, args.len == 0));
  pj_text_close_scope(t, scope);
  return PJ_STATUS_OK;
}

// reduce(%a init: %b), (%c init: %d) applies op across dimensions = [..] : FT
// reduce(%a init: %b), (%c init: %d) across dimensions = [..] : FT reducer(..) (..) {..}
PjStatus pj_text_reduce(PjText *t, PjDraft *draft) {
  PJ_VEC(PjOperand) inits = {0};
  do {
    if (!pj_text_accept(t, '('))
      continue;
    PJ_TRY(pj_text_operand(t));
    PJ_TRY(pj_text_expect_word(t, "init"));
    PJ_TRY(pj_text_expect(t, ':'));
    PJ_TRY(pj_text_operand(t));
    PJ_PUSH(t->arena, &inits, t->operands.data[--t->operands.len]);
    PJ_TRY(pj_text_expect(t, ')'));
  } while (pj_text_accept(t, ','));
  for (size_t i = 0; i < inits.len; ++i)
    PJ_PUSH(t->arena, &t->operands, inits.data[i]);
  if (pj_text_accept_word(t, "applies"))
    return applies(t, draft);
  const PjType *type;
  PJ_TRY(across_dimensions(t));
  PJ_TRY(function_signature(t, draft, &type));
  return reducer(t);
}

// ------------------------------------------------------------------------------------- while
static PjStatus while_region(PjText *t, const char *word, size_t count, const BlockArg *args) {
  PjRegion *region = pj_text_new_region(t);
  size_t scope = pj_text_open_scope(t);
  PJ_TRY(pj_text_expect_word(t, word));
  PJ_TRY(set_args(t, region, count, args));
  PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(pj_text_region_body(t, region, count == 0));
  pj_text_close_scope(t, scope);
  return PJ_STATUS_OK;
}

// while(%x = %a, %y = %b) : T, T attributes {..} cond { .. } do { .. }
PjStatus pj_text_while(PjText *t, PjDraft *draft) {
  PJ_VEC(BlockArg) args = {0};
  PJ_TRY(pj_text_expect(t, '('));
  if (!pj_text_accept(t, ')')) {
    do {
      BlockArg arg = {t->tok, NULL, NULL};
      if (!pj_text_is(t, PJ_TOK_VALUE))
        return pj_text_unexpected(t, "an SSA name (%name)");
      pj_text_next(t);
      PJ_TRY(pj_text_expect(t, '='));
      PJ_TRY(pj_text_operand(t));
      PJ_PUSH(t->arena, &args, arg);
    } while (pj_text_accept(t, ','));
    PJ_TRY(pj_text_expect(t, ')'));
    PJ_TRY(pj_text_expect(t, ':'));
    const char *at = t->tok.start;
    do {
      const PjType *type;
      PJ_TRY(pj_text_type(t, &type));
      PJ_PUSH(t->arena, &t->types, type);
    } while (pj_text_accept(t, ','));
    size_t count = t->types.len - draft->types;
    PJ_TRY(pj_text_check_operands(t, at, draft->operands, count, t->types.data + draft->types));
    for (size_t i = 0; i < count; ++i)
      args.data[i].type = t->types.data[draft->types + i];
  }
  PJ_TRY(optional_keyword_dict(t));
  PJ_TRY(while_region(t, "cond", args.len, args.data));
  return while_region(t, "do", args.len, args.data);
}

// ------------------------------------------------------------------------------------- scan
static PjStatus parenthesised_operands(PjText *t) {
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(pj_text_operands(t));
  return pj_text_expect(t, ')');
}

// scan(%a) inits(%b) dimension = 0 attributes {..} { ^bb0(..): .. } : FT
PjStatus pj_text_scan(PjText *t, PjDraft *draft) {
  int64_t dimension;
  PJ_TRY(parenthesised_operands(t));
  size_t inputs = t->operands.len - draft->operands;
  PJ_TRY(pj_text_expect_word(t, "inits"));
  PJ_TRY(parenthesised_operands(t));
  size_t carries = t->operands.len - draft->operands - inputs;
  PJ_TRY(pj_text_expect_word(t, "dimension"));
  const char *at = t->tok.start;
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_int(t, &dimension));
  PJ_TRY(pj_text_push_key(t, PJ_KEY_dimension, pj_attr_i64(t->arena, dimension), at));
  PJ_TRY(optional_keyword_dict(t));
  PJ_TRY(pj_text_region(t, pj_text_new_region(t)));
  PJ_TRY(pj_text_expect(t, ':'));
  const PjType *type;
  PJ_TRY(function_signature(t, draft, &type));
  if (type->num_results < carries)
    return pj_text_error(t, at, "not enough result types to cover the required carries");
  const PjAttr *sizes =
      pj_attr_typed_ints(t->arena, PJ_DT_S32, 2, (int64_t[]){(int64_t)inputs, (int64_t)carries});
  return pj_text_push_attr(t, PJ_STR("operandSegmentSizes"), sizes, at);
}

// -------------------------------------------------------------------------------------
// manual_computation manual_computation(%a) in_shardings=[..] out_shardings=[..] manual_axes={"x"}
// (%b: T) { .. } : FT
PjStatus pj_text_manual_computation(PjText *t, PjDraft *draft) {
  static const char *const names[] = {"in_shardings", "out_shardings", "manual_axes"};
  PJ_TRY(parenthesised_operands(t));
  for (int i = 0; i < 3; ++i) {
    const char *at = t->tok.start;
    const PjAttr *value;
    PJ_TRY(pj_text_expect_word(t, names[i]));
    PJ_TRY(pj_text_expect(t, '='));
    PJ_TRY(i < 2 ? pj_text_sharding_list(t, &value) : pj_text_manual_axes(t, &value));
    PJ_TRY(pj_text_push_attr(t, pj_str(names[i]), value, at));
  }
  PjRegion *body = pj_text_new_region(t);
  size_t scope = pj_text_open_scope(t);
  PJ_TRY(pj_text_block_args(t, body, '(', ')'));
  PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(pj_text_region_body(t, body, false));
  pj_text_close_scope(t, scope);
  PJ_TRY(optional_dict(t));
  PJ_TRY(pj_text_expect(t, ':'));
  const PjType *type;
  return function_signature(t, draft, &type);
}
