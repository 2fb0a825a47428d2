// Checks of a finished function: what an emitter relies on.
#include <inttypes.h>

#include "base/alloc.h"
#include "kernel/kir_build.h"

typedef struct Verifier {
  const PjKir *k;
  bool *defined; // values met so far
  PjKirVal at;   // instruction at hand
} Verifier;

static PjStatus complain(const Verifier *v, const char *what) {
  const PjKirInst *inst = pj_kir_inst(v->k, v->at);
  return PJ_ERROR(INTERNAL, "kernel %s: %%%" PRIu32 " (%s): %s", v->k->name ? v->k->name : "",
                  v->at, inst->op < PJ_KIR_OP_COUNT ? pj_kir_op_info[inst->op].text : "?", what);
}

#define REQUIRE(cond, what)     \
  do {                          \
    if (!(cond))                \
      return complain(v, what); \
  } while (0)

static bool in_scope(const PjKir *k, uint32_t from, uint32_t block) {
  while (from && k->blocks.data[from].depth > k->blocks.data[block].depth)
    from = k->blocks.data[from].parent;
  return from == block;
}

static PjStatus check_operands(const Verifier *v, const PjKirInst *inst) {
  const PjKir *k = v->k;
  int8_t want = pj_kir_op_info[inst->op].operands;
  REQUIRE(want < 0 || (uint32_t)want == inst->num_args, "number of operands");
  for (uint32_t i = 0; i < inst->num_args; ++i) {
    PjKirVal arg = inst->args[i];
    REQUIRE(arg && arg < k->insts.len && v->defined[arg], "operand used before it is made");
    REQUIRE(in_scope(k, inst->block, pj_kir_inst(k, arg)->block), "operand out of scope");
    REQUIRE(pj_kir_typeof(k, arg).elem != PJ_KIR_VOID || inst->op == PJ_KIR_RESULT,
            "operand without a value");
  }
  return PJ_STATUS_OK;
}

static bool lanes_ok(PjKirType t) {
  return t.lanes >= 1 && t.lanes <= PJ_KIR_MAX_LANES && !(t.lanes & (t.lanes - 1)) &&
         (t.elem != PJ_KIR_PTR || t.lanes == 1);
}

static bool is_type(PjKirType t, PjKirElem elem, int lanes) {
  return t.elem == elem && t.lanes == lanes;
}

static bool is_int(PjKirType t) {
  return pj_kir__is_int((PjKirElem)t.elem);
}

static PjStatus check_cast(const Verifier *v, const PjKirInst *inst, PjKirType from) {
  PjKirType to = inst->type;
  bool int_from = is_int(from), int_to = is_int(to), mask_from = from.elem == PJ_KIR_I1,
       mask_to = to.elem == PJ_KIR_I1;
  int bytes_from = pj_kir_elem_bytes((PjKirElem)from.elem),
      bytes_to = pj_kir_elem_bytes((PjKirElem)to.elem);
  REQUIRE(from.lanes == to.lanes, "lanes of a conversion");
  bool ok = false;
  switch (inst->op) {
  case PJ_KIR_SEXT:
  case PJ_KIR_ZEXT:
    ok = int_to && (mask_from || (int_from && bytes_from < bytes_to));
    break;
  case PJ_KIR_TRUNC:
    ok = int_from && (mask_to || (int_to && bytes_to < bytes_from));
    break;
  case PJ_KIR_SITOFP:
  case PJ_KIR_UITOFP:
    ok = int_from && pj_kir_is_float(to);
    break;
  case PJ_KIR_FPTOSI:
  case PJ_KIR_FPTOUI:
    ok = pj_kir_is_float(from) && int_to;
    break;
  case PJ_KIR_FPEXT:
    ok = from.elem == PJ_KIR_F32 && to.elem == PJ_KIR_F64;
    break;
  case PJ_KIR_FPTRUNC:
    ok = from.elem == PJ_KIR_F64 && to.elem == PJ_KIR_F32;
    break;
  case PJ_KIR_F16TOF32:
    ok = from.elem == PJ_KIR_I16 && to.elem == PJ_KIR_F32;
    break;
  case PJ_KIR_F32TOF16:
    ok = from.elem == PJ_KIR_F32 && to.elem == PJ_KIR_I16;
    break;
  default:
    ok = bytes_from == bytes_to &&
         ((int_from && pj_kir_is_float(to)) || (pj_kir_is_float(from) && int_to));
  }
  REQUIRE(ok, "types of a conversion");
  return PJ_STATUS_OK;
}

static PjStatus check_access(const Verifier *v, const PjKirInst *inst) {
  const PjKir *k = v->k;
  bool store = inst->op == PJ_KIR_STORE || inst->op == PJ_KIR_SCATTER;
  bool vector = inst->op == PJ_KIR_GATHER || inst->op == PJ_KIR_READG || inst->op == PJ_KIR_SCATTER;
  REQUIRE(inst->num_args == 2u + store || inst->num_args == 3u + store, "number of operands");
  PjKirType value = store ? pj_kir_typeof(k, inst->args[0]) : inst->type;
  PjKirType index = pj_kir_typeof(k, inst->args[store + 1]);
  REQUIRE(is_int(value) || pj_kir_is_float(value), "type of a value in memory");
  REQUIRE(pj_kir_typeof(k, inst->args[store]).elem == PJ_KIR_PTR, "the address is no pointer");
  if (vector)
    REQUIRE((index.elem == PJ_KIR_I64 || index.elem == PJ_KIR_I32) && index.lanes == value.lanes &&
                value.lanes > 1,
            "type of the indices");
  else
    REQUIRE(is_type(index, PJ_KIR_I64, 1), "type of the index");
  if (inst->num_args == 3u + store)
    REQUIRE(is_type(pj_kir_typeof(k, inst->args[store + 2]), PJ_KIR_I1, value.lanes),
            "type of the mask");
  if (inst->op == PJ_KIR_STORE && inst->imm)
    REQUIRE(inst->imm == 1 && inst->num_args == 3 && value.lanes > 1, "a store past the caches");
  return PJ_STATUS_OK;
}

static bool extern_type(char letter, PjKirType type) {
  switch (letter) {
  case 'v':
    return type.elem == PJ_KIR_VOID;
  case 'p':
    return is_type(type, PJ_KIR_PTR, 1);
  case 'l':
    return is_type(type, PJ_KIR_I64, 1);
  case 'i':
    return is_type(type, PJ_KIR_I32, 1);
  case 'f':
    return is_type(type, PJ_KIR_F32, 1);
  case 'd':
    return is_type(type, PJ_KIR_F64, 1);
  default:
    return false;
  }
}

// Operations whose operands and result have the same lanes, by groups of kir.def (ORDER kir-op).
static PjStatus check_lanewise(const Verifier *v, const PjKirInst *inst) {
  const PjKir *k = v->k;
  PjKirType first = pj_kir_typeof(k, inst->args[0]);
  if (inst->op >= PJ_KIR_SEXT && inst->op <= PJ_KIR_F32TOF16)
    return check_cast(v, inst, first);
  if (inst->op == PJ_KIR_SELECT) {
    REQUIRE(first.elem == PJ_KIR_I1 && (first.lanes == 1 || first.lanes == inst->type.lanes),
            "type of the mask");
    REQUIRE(pj_kir_type_eq(pj_kir_typeof(k, inst->args[1]), inst->type) &&
                pj_kir_type_eq(pj_kir_typeof(k, inst->args[2]), inst->type),
            "types of a select");
    return PJ_STATUS_OK;
  }
  for (uint32_t i = 1; i < inst->num_args; ++i)
    REQUIRE(pj_kir_type_eq(pj_kir_typeof(k, inst->args[i]), first), "operands of several types");
  if (inst->op >= PJ_KIR_EQ && inst->op <= PJ_KIR_UNO)
    REQUIRE(is_type(inst->type, PJ_KIR_I1, first.lanes), "a comparison gives a mask");
  else
    REQUIRE(pj_kir_type_eq(inst->type, first), "type of the result");
  bool bits = inst->op == PJ_KIR_AND || inst->op == PJ_KIR_OR || inst->op == PJ_KIR_XOR;
  bool floats = (inst->op >= PJ_KIR_FADD && inst->op <= PJ_KIR_RINT) ||
                (inst->op >= PJ_KIR_FEQ && inst->op <= PJ_KIR_UNO);
  REQUIRE(floats ? pj_kir_is_float(first) : is_int(first) || (bits && first.elem == PJ_KIR_I1),
          "operand type");
  if (inst->op == PJ_KIR_UMULH)
    REQUIRE(first.elem >= PJ_KIR_I16 && first.elem <= PJ_KIR_I64, "operand type");
  return PJ_STATUS_OK;
}

static PjStatus check_types(const Verifier *v, const PjKirInst *inst) {
  const PjKir *k = v->k;
  PjKirType type = inst->type;
  if (type.elem != PJ_KIR_VOID)
    REQUIRE(lanes_ok(type), "lanes of the result");
  switch (inst->op) {
  case PJ_KIR_CONST:
    REQUIRE(type.elem != PJ_KIR_VOID, "type");
    return PJ_STATUS_OK;
  case PJ_KIR_IOTA:
    REQUIRE(type.elem >= PJ_KIR_I8 && type.elem <= PJ_KIR_I64, "type");
    return PJ_STATUS_OK;
  case PJ_KIR_PARAM:
    REQUIRE(type.lanes == 1 && type.elem != PJ_KIR_PTR, "type");
    REQUIRE(inst->imm < k->num_params, "number of a parameter");
    return PJ_STATUS_OK;
  case PJ_KIR_BUFFER:
    REQUIRE(inst->imm < k->num_buffers, "number of a buffer");
    /* fallthrough */
  case PJ_KIR_SCRATCH:
  case PJ_KIR_STACK:
    REQUIRE(is_type(type, PJ_KIR_PTR, 1), "type");
    return PJ_STATUS_OK;
  case PJ_KIR_BEGIN:
  case PJ_KIR_END:
    REQUIRE(is_type(type, PJ_KIR_I64, 1), "type");
    return PJ_STATUS_OK;
  case PJ_KIR_SPLAT:
    REQUIRE(type.lanes > 1 && is_type(pj_kir_typeof(k, inst->args[0]), (PjKirElem)type.elem, 1),
            "types of a splat");
    return PJ_STATUS_OK;
  case PJ_KIR_EXTRACT: {
    PjKirType from = pj_kir_typeof(k, inst->args[0]);
    REQUIRE(from.elem == type.elem && type.lanes == 1 && inst->imm < from.lanes, "lane");
    return PJ_STATUS_OK;
  }
  case PJ_KIR_SHUFFLE: {
    PjKirType a = pj_kir_typeof(k, inst->args[0]);
    REQUIRE(pj_kir_type_eq(a, pj_kir_typeof(k, inst->args[1])) && a.elem == type.elem &&
                a.lanes > 1 && type.lanes > 1 && inst->pattern,
            "types of a shuffle");
    for (int i = 0; i < type.lanes; ++i)
      REQUIRE(inst->pattern[i] < 2 * a.lanes, "lane of a shuffle");
    return PJ_STATUS_OK;
  }
  case PJ_KIR_PTRADD:
    REQUIRE(is_type(type, PJ_KIR_PTR, 1) &&
                is_type(pj_kir_typeof(k, inst->args[0]), PJ_KIR_PTR, 1) &&
                is_type(pj_kir_typeof(k, inst->args[1]), PJ_KIR_I64, 1),
            "types");
    return PJ_STATUS_OK;
  case PJ_KIR_LOAD:
  case PJ_KIR_GATHER:
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
  case PJ_KIR_READ:
  case PJ_KIR_READG:
    return check_access(v, inst);
  case PJ_KIR_CALL: {
    REQUIRE(inst->imm < PJ_KIR_EXTERN_COUNT, "callee");
    const PjKirExternInfo *info = &pj_kir_extern_info[inst->imm];
    REQUIRE(strlen(info->args) == inst->num_args && extern_type(info->result, type), "types");
    for (uint32_t i = 0; i < inst->num_args; ++i)
      REQUIRE(extern_type(info->args[i], pj_kir_typeof(k, inst->args[i])), "argument type");
    return PJ_STATUS_OK;
  }
  case PJ_KIR_RESULT: {
    const PjKirInst *owner = pj_kir_inst(k, inst->args[0]);
    REQUIRE(owner->op == PJ_KIR_FOR || owner->op == PJ_KIR_WHILE || owner->op == PJ_KIR_IF,
            "result of no control operation");
    REQUIRE(owner->block == inst->block, "result in another block");
    const PjKirBlock *block = &k->blocks.data[owner->blocks[owner->op == PJ_KIR_WHILE]];
    const PjKirInst *yield = pj_kir_inst(k, block->insts.data[block->insts.len - 1]);
    REQUIRE(inst->imm < yield->num_args &&
                pj_kir_type_eq(type, pj_kir_typeof(k, yield->args[inst->imm])),
            "type of a result");
    return PJ_STATUS_OK;
  }
  case PJ_KIR_ARG:
    return complain(v, "argument among instructions");
  default:
    return check_lanewise(v, inst);
  }
}

// --------------------------------------------------------------------------------------------------------
// structure

static PjStatus check_block(Verifier *v, uint32_t block, uint32_t parent, PjKirVal owner);

static const PjKirInst *yield_of(const PjKir *k, uint32_t block) {
  const PjKirBlock *b = &k->blocks.data[block];
  const PjKirInst *last = b->insts.len ? pj_kir_inst(k, b->insts.data[b->insts.len - 1]) : NULL;
  return last && last->op == PJ_KIR_YIELD ? last : NULL;
}

static PjStatus check_control(Verifier *v, PjKirVal at, const PjKirInst *inst) {
  const PjKir *k = v->k;
  bool is_for = inst->op == PJ_KIR_FOR, is_if = inst->op == PJ_KIR_IF;
  for (int i = 0; i < 2; ++i) {
    bool wanted = i == 0 || !is_for;
    REQUIRE(wanted ? inst->blocks[i] && inst->blocks[i] < k->blocks.len : !inst->blocks[i],
            "blocks");
  }
  PJ_TRY(check_block(v, inst->blocks[0], inst->block, at));
  if (!is_for)
    PJ_TRY(check_block(v, inst->blocks[1], is_if ? inst->block : inst->blocks[0], at));
  v->at = at;
  const PjKirInst *first = yield_of(k, inst->blocks[0]);
  const PjKirInst *second = is_for ? NULL : yield_of(k, inst->blocks[1]);
  REQUIRE(first && (is_for || second), "a block without yield");
  if (is_if) {
    REQUIRE(is_type(pj_kir_typeof(k, inst->args[0]), PJ_KIR_I1, 1), "type of the condition");
    REQUIRE(first->num_args == second->num_args, "numbers of results");
    for (uint32_t i = 0; i < first->num_args; ++i)
      REQUIRE(pj_kir_type_eq(pj_kir_typeof(k, first->args[i]), pj_kir_typeof(k, second->args[i])),
              "results of several types");
    return PJ_STATUS_OK;
  }
  const PjKirInst *next = is_for ? first : second;
  uint32_t init = is_for ? 3 : 0, n = next->num_args;
  const PjKirBlock *body = &k->blocks.data[inst->blocks[0]];
  REQUIRE(inst->num_args == init + n && body->args.len == n + is_for, "number of carried values");
  for (uint32_t i = 0; i < n; ++i) {
    PjKirType type = pj_kir_typeof(k, body->args.data[i + is_for]);
    REQUIRE(pj_kir_type_eq(type, pj_kir_typeof(k, inst->args[init + i])) &&
                pj_kir_type_eq(type, pj_kir_typeof(k, next->args[i])),
            "types of a carried value");
  }
  for (uint32_t i = 0; is_for && i < 3; ++i)
    REQUIRE(is_type(pj_kir_typeof(k, inst->args[i]), PJ_KIR_I64, 1), "type of a bound");
  if (!is_for)
    REQUIRE(first->num_args == 1 && is_type(pj_kir_typeof(k, first->args[0]), PJ_KIR_I1, 1),
            "type of the condition");
  return PJ_STATUS_OK;
}

static PjStatus check_block(Verifier *v, uint32_t block, uint32_t parent, PjKirVal owner) {
  const PjKir *k = v->k;
  const PjKirBlock *b = &k->blocks.data[block];
  if (b->parent != parent || b->owner != owner ||
      b->depth != (parent ? k->blocks.data[parent].depth + 1 : 0))
    return complain(v, "parent or owner of a block");
  for (uint32_t i = 0; i < b->args.len; ++i) {
    v->at = b->args.data[i];
    const PjKirInst *arg = pj_kir_inst(k, v->at);
    REQUIRE(arg->op == PJ_KIR_ARG && arg->imm == i && arg->block == block && lanes_ok(arg->type),
            "block argument");
    v->defined[v->at] = true;
  }
  for (uint32_t i = 0; i < b->insts.len; ++i) {
    PjKirVal at = v->at = b->insts.data[i];
    REQUIRE(at && at < k->insts.len && !v->defined[at], "an instruction twice");
    const PjKirInst *inst = pj_kir_inst(k, at);
    REQUIRE(inst->op < PJ_KIR_OP_COUNT && inst->block == block, "block of an instruction");
    PJ_TRY(check_operands(v, inst));
    v->defined[at] = true;
    if (inst->op == PJ_KIR_YIELD)
      REQUIRE(owner && i + 1 == b->insts.len, "a yield within a block");
    else if (inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE || inst->op == PJ_KIR_IF)
      PJ_TRY(check_control(v, at, inst));
    else
      PJ_TRY(check_types(v, inst));
  }
  return PJ_STATUS_OK;
}

PjStatus pj_kir_verify(const PjKir *k) {
  Verifier verifier = {.k = k, .defined = pj_calloc(k->insts.len, sizeof(bool))};
  if (!verifier.defined)
    return pj_status_oom();
  PjStatus status = check_block(&verifier, 1, 0, 0);
  pj_free(verifier.defined);
  return status;
}
