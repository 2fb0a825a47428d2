// Kernel IR to instructions over virtual registers: values, calls, blocks.
#include "emit/x86/masks.h"

// ---- values

void x86_set(Lower *l, PjKirVal v, const Parts *parts) {
  l->values[v].parts = pj_arena_memdup(l->f->arena, parts, sizeof *parts);
}

void x86_set_one(Lower *l, PjKirVal v, X86Op op) {
  Parts parts = {.op = {op}, .n = 1};
  x86_set(l, v, &parts);
}

void x86_set_mask(Lower *l, PjKirVal v, const Parts *parts, int bytes) {
  x86_set(l, v, parts);
  l->values[v].mask = (uint8_t)bytes;
}

static int64_t sign_extended(PjKirElem elem, uint64_t bits) {
  if (elem == PJ_KIR_I1)
    return (int64_t)(bits & 1);
  int unused = 64 - 8 * pj_kir_elem_bytes(elem);
  return elem == PJ_KIR_PTR ? (int64_t)bits : (int64_t)(bits << unused) >> unused;
}

// Constants are made where they are used: they are operands.
static void make_const(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (x86_is_gpr(inst->type)) {
    x86_set_one(l, v, pj_x86_imm(sign_extended((PjKirElem)inst->type.elem, inst->imm)));
    return;
  }
  int bytes = x86_bytes(inst->type);
  if (inst->type.elem == PJ_KIR_I1) {
    Parts parts = {.n = x86_num_parts(l, inst->type.lanes, 1)};
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = l->masks->constant(l, inst->imm & 1);
    x86_set_mask(l, v, &parts, 1);
    return;
  }
  Parts parts = {.n = x86_num_parts(l, inst->type.lanes, bytes)};
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_splat_const(l, bytes, inst->imm);
  x86_set(l, v, &parts);
}

static void make_iota(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->type.lanes == 1) {
    x86_set_one(l, v, pj_x86_imm(0));
    return;
  }
  int bytes = x86_bytes(inst->type), per_part = l->f->vector_bytes / bytes;
  Parts parts = {.n = x86_num_parts(l, inst->type.lanes, bytes)};
  for (int i = 0; i < parts.n; ++i) {
    uint8_t all[64];
    for (int lane = 0; lane < per_part; ++lane) {
      uint64_t number = (uint64_t)(i * per_part + lane);
      memcpy(all + lane * bytes, &number, (size_t)bytes);
    }
    parts.op[i] = x86_pool(l, all);
  }
  x86_set(l, v, &parts);
}

const Parts *x86_parts(Lower *l, PjKirVal v) {
  static const Parts none = {.n = 1};
  if (!l->values[v].parts) { // an operation that was refused
    x86_refuse(l, "an operand is missing");
    return &none;
  }
  return l->values[v].parts;
}

X86Op x86_scalar(Lower *l, PjKirVal v) {
  if (pj_kir_inst(l->k, v)->op == PJ_KIR_STACK)
    return x86_stack_pointer(l, v);
  if (l->values[v].lazy)
    return x86_scalar_lazy(l, v);
  return l->values[v].steps ? x86_bits_in_general(l, v) : x86_parts(l, v)->op[0];
}

Parts x86_mask(Lower *l, PjKirVal v, int bytes) {
  int lanes = pj_kir_typeof(l->k, v).lanes, have = l->values[v].mask;
  uint64_t bits;
  if (pj_kir_inst(l->k, v)->op == PJ_KIR_CONST && pj_kir_is_const(l->k, v, &bits)) {
    Parts parts = {.n = x86_num_parts(l, lanes, bytes)};
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = l->masks->constant(l, bits & 1);
    return parts;
  }
  Parts parts = *x86_parts(l, v);
  if (!have)
    x86_refuse(l, "a mask without width");
  for (; have && have < bytes; have *= 2)
    parts = l->masks->widen(l, &parts, lanes, have);
  for (; have > bytes; have /= 2)
    parts = l->masks->narrow(l, &parts, lanes, have);
  return parts;
}

// ---- what must be made

static void need(Lower *l, PjKirVal v) {
  l->values[v].needed = true;
  ++l->values[v].uses;
}

static bool has_effects(const PjKirInst *inst) {
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
  case PJ_KIR_FOR:
  case PJ_KIR_WHILE:
  case PJ_KIR_IF:
  case PJ_KIR_YIELD:
  case PJ_KIR_CALL:
    return true;
  default:
    return false;
  }
}

// A conversion to wider lanes reads memory as well as registers.
static void note_spread(Lower *l, const PjKirInst *inst) {
  bool of_ints = inst->op == PJ_KIR_SITOFP || inst->op == PJ_KIR_UITOFP;
  if (!of_ints && inst->op != PJ_KIR_SEXT && inst->op != PJ_KIR_ZEXT && inst->op != PJ_KIR_FPEXT &&
      inst->op != PJ_KIR_F16TOF32)
    return;
  const PjKirInst *from = pj_kir_inst(l->k, inst->args[0]);
  if (from->op != PJ_KIR_READ || from->num_args > 2 || from->type.lanes == 1 ||
      from->type.elem == PJ_KIR_I1 || from->block != inst->block)
    return;
  int bytes = of_ints ? 4 : x86_bytes(inst->type); // integers become ones of 4 bytes before
  if (bytes > x86_bytes(from->type))
    l->values[inst->args[0]].spread = (uint8_t)bytes;
}

static void need_address(Lower *l, PjKirVal ptr, PjKirVal index, int bytes) {
  Address a = x86_address(l->k, ptr, index, bytes);
  need(l, a.ptr);
  if (a.index)
    need(l, a.index);
}

// Operands come before their users, so one walk from behind is enough; what only addresses want is
// not needed.
static void find_needed(Lower *l) {
  for (PjKirVal v = (PjKirVal)l->k->insts.len; v-- > 1;) {
    const PjKirInst *inst = pj_kir_inst(l->k, v);
    if (!has_effects(inst) && !l->values[v].needed)
      continue;
    uint32_t first = 0;
    int left;
    PjKirVal whole = x86_any_of(l->k, v);
    if (!whole)
      whole = x86_rotated(l, v, &left);
    if (whole) {
      need(l, whole);
      continue;
    }
    PjKirVal part_of = x86_below_zero(l->k, v);
    if (!part_of)
      part_of = x86_high_words(l, v);
    if (part_of) {
      need(l, part_of);
      continue;
    }
    X86Scaled scaled;
    if (x86_scaled(l, v, &scaled)) {
      need(l, scaled.of);
      need(l, scaled.number);
      continue;
    }
    X86Extreme extreme;
    if (x86_float_extreme(l, v, &extreme)) {
      need(l, extreme.x);
      need(l, extreme.y);
      continue;
    }
    X86Logic logic;
    if (x86_logic_of_three(l, v, &logic)) {
      for (int i = 0; i < 3; ++i)
        need(l, logic.of[i]);
      continue;
    }
    X86FloatLogic of_float;
    if (x86_logic_of_float(l, v, &of_float)) {
      need(l, of_float.of);
      need(l, of_float.with);
      continue;
    }
    if (inst->op == PJ_KIR_LOAD || inst->op == PJ_KIR_READ) {
      need_address(l, inst->args[0], inst->args[1], x86_bytes(inst->type));
      first = 2;
    } else if (inst->op == PJ_KIR_STORE) {
      need(l, inst->args[0]);
      need_address(l, inst->args[1], inst->args[2], x86_bytes(pj_kir_typeof(l->k, inst->args[0])));
      first = 3;
    }
    bool gathers = inst->op == PJ_KIR_GATHER || inst->op == PJ_KIR_READG;
    if (gathers || inst->op == PJ_KIR_SCATTER) {
      const PjKirInst *read;
      uint32_t at = gathers ? 1 : 2;
      PjKirVal indices = x86_indices(l->k, inst->args[at], &read);
      if (read)
        need_address(l, read->args[0], read->args[1], x86_bytes(read->type));
      else
        need(l, indices);
      for (uint32_t i = 0; i < inst->num_args; ++i)
        if (i != at)
          need(l, inst->args[i]);
      continue;
    }
    PjKirVal by_sign = x86_chosen_by_sign(l, v);
    if (by_sign) {
      need(l, by_sign);
      first = 1;
    }
    note_spread(l, inst);
    bool negated = false; // signs are no matter here
    for (uint32_t i = first; i < inst->num_args; ++i)
      need(l, inst->op == PJ_KIR_FMA ? x86_without_sign(l->k, inst->args[i], &negated)
                                     : inst->args[i]);
  }
}

static void lower_call(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  X86Op *args = pj_arena_calloc(l->f->arena, inst->num_args, sizeof *args);
  for (uint32_t i = 0; i < inst->num_args; ++i)
    args[i] = x86_is_gpr(pj_kir_typeof(l->k, inst->args[i])) ? x86_scalar(l, inst->args[i])
                                                             : x86_parts(l, inst->args[i])->op[0];
  X86Reg d = inst->type.elem == PJ_KIR_VOID ? 0 : x86_new_reg(l, x86_class(inst->type));
  X86Ins *ins = x86_ins(l, X86_CALL, 0);
  ins->d = d;
  ins->imm = (int32_t)inst->imm;
  ins->call_args = args;
  ins->num_call_args = inst->num_args;
  if (d) {
    x86_set_one(l, v, pj_x86_reg(d));
    l->f->vregs.data[d].early = false;
  }
  l->f->uses_calls = true;
}

// ---- instructions

static X86Op argument(const Lower *l, PjX86Argument which) {
  return pj_x86_reg(l->arguments[which]);
}

static void lower_param(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  X86Op at =
      x86_memory(l, (X86Mem){.base = l->arguments[ARG_PARAMS], .disp = (int32_t)inst->imm * 8});
  if (inst->imm > 1 << 20)
    x86_refuse(l, "a parameter too far");
  X86Op out;
  switch (inst->type.elem) {
  case PJ_KIR_F32:
    out = x86_rm(l, X86_VEC, X86_VMOVSS_LOAD, 16, at);
    break;
  case PJ_KIR_F64:
    out = x86_rm(l, X86_VEC, X86_VMOVSD_LOAD, 16, at);
    break;
  case PJ_KIR_I64:
    out = x86_gpr_rm(l, 0x8b, 8, at);
    break;
  case PJ_KIR_I32:
    out = x86_gpr_rm(l, 0x8b, 4, at);
    break;
  case PJ_KIR_I1:
    out = x86_alu(l, 4, 4, x86_gpr_rm(l, X86_M0F | 0xb6, 4, at), pj_x86_imm(1));
    break;
  default:
    out = x86_gpr_rm(l, X86_M0F | (inst->type.elem == PJ_KIR_I8 ? 0xb6 : 0xb7), 4, at);
  }
  x86_set_one(l, v, out);
}

// A scalar comparison whose users can make it themselves is left to them, and so is what joins two
// of floats.
static bool stays_lazy(const Lower *l, PjKirVal v) {
  return (x86_is_comparison(pj_kir_inst(l->k, v)) && l->values[v].uses <= 2) ||
         (x86_joins_comparisons(l, v) && l->values[v].uses == 1);
}

static void lower_scalar(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  if (l->values[v].steps) {
    x86_lower_float_bits(l, v);
    return;
  }
  if (inst->op == PJ_KIR_SELECT) {
    x86_set_one(l, v, x86_scalar_select(l, v));
    return;
  }
  if (inst->op >= PJ_KIR_EQ && inst->op <= PJ_KIR_UNO) {
    x86_set_one(l, v, x86_scalar_compare(l, inst));
    return;
  }
  if (inst->op >= PJ_KIR_SEXT && inst->op <= PJ_KIR_F32TOF16) {
    PjKirElem from = (PjKirElem)pj_kir_typeof(l->k, inst->args[0]).elem;
    if (l->values[inst->args[0]].steps && pj_kir_is_float(inst->type)) {
      x86_set_one(l, v, x86_float_of_bits(l, inst));
      return;
    }
    X86Op a = x86_is_gpr(pj_kir_typeof(l->k, inst->args[0])) ? x86_scalar(l, inst->args[0])
                                                             : x86_parts(l, inst->args[0])->op[0];
    x86_set_one(l, v, x86_scalar_convert(l, (PjKirOp)inst->op, from, elem, a));
    return;
  }
  if (inst->op >= PJ_KIR_UDIV && inst->op <= PJ_KIR_SREM) {
    x86_lower_division(l, v);
    return;
  }
  if (inst->op < PJ_KIR_ADD || inst->op > PJ_KIR_POPCNT) {
    x86_refuse(l, pj_kir_op_info[inst->op].text);
    return;
  }
  X86Op a = x86_scalar(l, inst->args[0]);
  X86Op b = inst->num_args > 1 ? x86_scalar(l, inst->args[1]) : pj_x86_imm(0);
  x86_set_one(l, v, x86_scalar_int(l, (PjKirOp)inst->op, elem, a, b));
}

static void lower_inst(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (!has_effects(inst) && !l->values[v].needed && inst->op != PJ_KIR_STACK)
    return;
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_CONST:
    make_const(l, v);
    return;
  case PJ_KIR_IOTA:
    make_iota(l, v);
    return;
  case PJ_KIR_BUFFER:
    if (inst->imm > 1 << 20)
      x86_refuse(l, "a buffer too far");
    x86_set_one(l, v,
                x86_gpr_rm(l, 0x8b, 8,
                           x86_memory(l, (X86Mem){.base = l->arguments[ARG_BUFFERS],
                                                  .disp = (int32_t)inst->imm * 8})));
    return;
  case PJ_KIR_PARAM:
    lower_param(l, v);
    return;
  case PJ_KIR_BEGIN:
    x86_set_one(l, v, argument(l, ARG_BEGIN));
    return;
  case PJ_KIR_END:
    x86_set_one(l, v, argument(l, ARG_END));
    return;
  case PJ_KIR_SCRATCH:
    x86_set_one(l, v, argument(l, ARG_SCRATCH));
    return;
  case PJ_KIR_RESULT:
  case PJ_KIR_YIELD:
  case PJ_KIR_ARG:
    return;
  case PJ_KIR_FOR:
    x86_lower_for(l, v);
    return;
  case PJ_KIR_WHILE:
    x86_lower_while(l, v);
    return;
  case PJ_KIR_IF:
    x86_lower_if(l, v);
    return;
  case PJ_KIR_CALL:
    lower_call(l, v);
    return;
  default:
    break;
  }
  if (stays_lazy(l, v)) {
    l->values[v].lazy = true;
    return;
  }
  PjKirVal mask = x86_any_of(l->k, v);
  if (mask) {
    x86_set_one(l, v, x86_any_lane(l, (PjKirOp)inst->op, mask));
    return;
  }
  int left;
  PjKirVal rotated = x86_rotated(l, v, &left);
  if (rotated) {
    x86_lower_rotation(l, v, rotated, left);
    return;
  }
  X86Scaled scaled;
  if (x86_scaled(l, v, &scaled)) {
    x86_lower_scaled(l, v, &scaled);
    return;
  }
  X86Extreme extreme;
  if (x86_float_extreme(l, v, &extreme)) {
    x86_lower_extreme(l, v, &extreme);
    return;
  }
  X86Logic logic;
  if (x86_logic_of_three(l, v, &logic)) {
    x86_lower_logic(l, v, &logic);
    return;
  }
  X86FloatLogic of_float;
  if (x86_logic_of_float(l, v, &of_float)) {
    x86_lower_float_logic(l, v, &of_float);
    return;
  }
  if (x86_lower_memory(l, v) || x86_lower_lanes(l, v) || x86_lower_float(l, v))
    return;
  bool from_scalar = !inst->num_args || pj_kir_typeof(l->k, inst->args[0]).lanes == 1;
  if (inst->type.lanes == 1 && from_scalar)
    lower_scalar(l, v);
  else if (!x86_lower_vector(l, v) && !x86_lower_convert(l, v))
    x86_refuse(l, pj_kir_op_info[inst->op].text);
}

void x86_lower_block(Lower *l, uint32_t block) {
  const PjKirBlock *b = &l->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len && !l->f->refused; ++i)
    lower_inst(l, b->insts.data[i]);
}

static void enter(Lower *l) {
  static const uint8_t places[] = {7, 6, 2, 1, 8}; // rdi, rsi, rdx, rcx, r8
  for (int i = 0; i < 5; ++i) {
    X86Reg d = l->arguments[i] = x86_new_reg(l, X86_GPR);
    l->f->vregs.data[d].fixed_hint = places[i] + 1;
    X86Ins *ins = x86_ins(l, X86_ENTRY, 8);
    ins->d = d;
    ins->imm = i;
  }
}

void pj_x86_lower(X86Fn *f, const PjKir *k) {
  Lower *l = PJ_NEW(f->arena, Lower);
  l->f = f;
  l->k = k;
  f->vector_bytes = k->target->vector_bytes;
  l->avx512 = k->target->isa == PJ_ISA_AVX512;
  l->vbmi = l->avx512 && k->target->bytes_move;
  l->masks = l->avx512 ? &x86_mask_bits : &x86_mask_lanes;
  l->values = pj_arena_calloc(f->arena, k->insts.len, sizeof *l->values);
  PJ_RESERVE(f->arena, &f->vregs);
  f->vregs.len = 1;
  x86_find_float_bits(l);
  find_needed(l);
  enter(l);
  x86_lower_block(l, 1);
  x86_ins(l, X86_RET, 0);
}
