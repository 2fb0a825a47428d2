// Calls, entry to and exit from a function, as bytes.
#include "emit/extern.h"
#include "emit/x86/encode.h"

// Places of what a call saves: vectors, general registers, masks.
enum { GPRS_AT = 32 * 64, MASKS_AT = GPRS_AT + 16 * 8, SAVED_BYTES = MASKS_AT + 8 * 8 };
enum { ARGUMENT_BYTES = 16, ARGUMENTS_BYTES = 8 * ARGUMENT_BYTES };

// ---- calls

static bool lives_across(const X86VReg *v, uint32_t ins) {
  for (size_t i = 0; i < v->ranges.len; ++i)
    if (v->ranges.data[i].begin <= 2 * ins && v->ranges.data[i].end > 2 * ins + 1)
      return true;
  return false;
}

static Rm frame_rm(int32_t at) {
  return (Rm){RM_MEM, 0, RSP, -1, 0, at, 0};
}

// Saves or restores every register that must survive instruction |number|.
static void save_registers(Enc *e, uint32_t number, bool restore) {
  for (X86Reg r = 1; r < e->f->vregs.len; ++r) {
    const X86VReg *v = enc_vreg(e, r);
    if (!x86_in_register(v) || !lives_across(v, number))
      continue;
    int at = v->cls == X86_VEC   ? v->phys * e->f->vector_bytes
             : v->cls == X86_GPR ? GPRS_AT + v->phys * 8
                                 : MASKS_AT + v->phys * 8;
    Rm rm = frame_rm(e->save_at + at);
    if (v->constant && !restore)
      continue;
    if (v->constant)
      rm = enc_rm_of(e, (X86Op){X86_POOL, v->constant - 1, 0});
    if (v->cls == X86_GPR)
      enc_legacy(e, restore ? 0x8b : 0x89, 8, v->phys, &rm, false, 0);
    else if (v->cls == X86_MASK)
      enc_vector(e, restore ? X86_KMOVQ : X86_KMOVQ_STORE, 16, v->phys, 0, &rm, 0);
    else if (restore)
      enc_load_vec(e, v->phys, &rm);
    else
      enc_store_vec(e, v->phys, &rm);
  }
}

// Whether all arguments are floats, and none lies where another one belongs.
static bool floats_move_freely(const Enc *e, const X86Ins *ins) {
  const PjKirExternInfo *callee = &pj_kir_extern_info[ins->imm];
  for (uint32_t i = 0; i < ins->num_call_args; ++i) {
    const X86Op op = ins->call_args[i];
    const int at = enc_phys(e, op);
    if ((callee->args[i] != 'f' && callee->args[i] != 'd') ||
        (op.kind != X86_REG && op.kind != X86_POOL) ||
        (at >= 0 && at < (int)ins->num_call_args && at != (int)i))
      return false;
  }
  return true;
}

// Else arguments go to memory first and from there to where they belong, so that none is in
// another's way.
static void pass_by_memory(Enc *e, const X86Ins *ins) {
  static const int gprs[] = {RDI, RSI, RDX, RCX, R8, R9};
  const PjKirExternInfo *callee = &pj_kir_extern_info[ins->imm];
  for (int scratch = 0; scratch < 2; ++scratch) // those that need a register of their own come last
    for (uint32_t i = 0; i < ins->num_call_args; ++i) {
      Rm to = frame_rm(e->argument_at + (int32_t)i * ARGUMENT_BYTES);
      bool vec = callee->args[i] == 'f' || callee->args[i] == 'd';
      int reg = enc_phys(e, ins->call_args[i]);
      if ((reg < 0) != scratch)
        continue;
      if (vec && scratch)
        enc_vec_from(e, reg = X86_SCRATCH_VEC + 1, ins->call_args[i]);
      else if (scratch)
        enc_gpr_from(e, reg = X86_SCRATCH_GPR + 1, ins->call_args[i]);
      if (vec)
        enc_vector(e, X86_VMOVUPS_STORE, 16, reg, 0, &to, 0);
      else
        enc_legacy(e, 0x89, 8, reg, &to, false, 0);
    }
  int num_gprs = 0, num_vecs = 0;
  for (uint32_t i = 0; i < ins->num_call_args; ++i) {
    Rm from = frame_rm(e->argument_at + (int32_t)i * ARGUMENT_BYTES);
    if (callee->args[i] == 'f' || callee->args[i] == 'd')
      enc_vector(e, X86_VMOVUPS_LOAD, 16, num_vecs++, 0, &from, 0);
    else
      enc_load_gpr(e, gprs[num_gprs++], &from);
  }
}

void enc_call(Enc *e, const X86Ins *ins, uint32_t number) {
  const PjKirExternInfo *callee = &pj_kir_extern_info[ins->imm];
  save_registers(e, number, false);
  if (floats_move_freely(e, ins))
    for (uint32_t i = 0; i < ins->num_call_args; ++i)
      enc_vec_from(e, (int)i, ins->call_args[i]);
  else
    pass_by_memory(e, ins);
  enc_byte(e, 0xc5); // vzeroupper: what is called may use the old encodings
  enc_byte(e, 0xf8);
  enc_byte(e, 0x77);
  enc_immediate(e, RAX, (int64_t)(uintptr_t)pj_emit_extern((PjKirExtern)ins->imm));
  Rm target = enc_reg_rm(RAX);
  enc_legacy(e, 0xff, 4, 2, &target, false, 0);
  bool vec = callee->result == 'f' || callee->result == 'd';
  Rm result = frame_rm(e->argument_at);
  if (ins->d && vec && x86_in_register(enc_vreg(e, ins->d))) { // nothing to restore lies there
    enc_move_vec(e, enc_out_reg(e, ins->d), 0);
    save_registers(e, number, true);
    return;
  }
  if (ins->d && vec)
    enc_vector(e, X86_VMOVUPS_STORE, 16, 0, 0, &result, 0);
  else if (ins->d)
    enc_legacy(e, 0x89, 8, RAX, &result, false, 0);
  save_registers(e, number, true);
  if (!ins->d)
    return;
  if (vec)
    enc_vector(e, X86_VMOVUPS_LOAD, 16, enc_out_reg(e, ins->d), 0, &result, 0);
  else
    enc_load_gpr(e, enc_out_reg(e, ins->d), &result);
  enc_finish(e, ins->d);
}

// ---- entry and exit

static const int saved_order[] = {RBX, 12, 13, 14, 15, RBP};

static void push_pop(Enc *e, int opcode, int reg) {
  if (reg >= 8)
    enc_byte(e, 0x41);
  enc_byte(e, opcode | (reg & 7));
}

void enc_lay_out_frame(Enc *e) {
  const X86Fn *f = e->f;
  int32_t at = (int32_t)f->frame_bytes;
  e->vec_at = at;
  at += (int32_t)f->num_slots[X86_VEC] * f->vector_bytes;
  e->gpr_at = at;
  at += (int32_t)f->num_slots[X86_GPR] * 8;
  e->mask_at = at;
  at += (int32_t)f->num_slots[X86_MASK] * 8;
  e->framed = at > 0 || f->uses_calls;
  e->caller_at = at;
  at += e->framed ? 8 : 0;
  at = (at + 63) & ~63;
  e->save_at = at;
  e->argument_at = at + SAVED_BYTES;
  if (f->uses_calls)
    at += SAVED_BYTES + ARGUMENTS_BYTES;
  e->frame_bytes = (at + 63) & ~63;
}

void enc_enter(Enc *e) {
  const X86Fn *f = e->f;
  for (X86Reg r = 1; r < f->vregs.len; ++r)
    if (f->vregs.data[r].cls == X86_GPR && x86_in_register(&f->vregs.data[r]))
      e->pushed |= (uint16_t)(1u << f->vregs.data[r].phys);
  if (f->spills) // the scratch registers need no saving: r10 and r11
    e->pushed &= (uint16_t) ~(3u << X86_SCRATCH_GPR);
  for (size_t i = 0; i < sizeof saved_order / sizeof *saved_order; ++i)
    if (e->pushed >> saved_order[i] & 1)
      push_pop(e, 0x50, saved_order[i]);
  if (!e->framed)
    return;
  Rm rsp = enc_reg_rm(RSP), caller = frame_rm(e->caller_at);
  enc_move_gpr(e, X86_SCRATCH_GPR + 1, RSP); // which no argument is in
  enc_alu_imm(e, 5, 8, &rsp, e->frame_bytes);
  enc_alu_imm(e, 4, 8, &rsp, -64);
  enc_legacy(e, 0x89, 8, X86_SCRATCH_GPR + 1, &caller, false, 0);
}

void enc_leave(Enc *e) {
  if (e->f->writes_past) { // sfence
    enc_byte(e, 0x0f);
    enc_byte(e, 0xae);
    enc_byte(e, 0xf8);
  }
  if (e->wide) {
    enc_byte(e, 0xc5);
    enc_byte(e, 0xf8);
    enc_byte(e, 0x77);
  }
  Rm caller = frame_rm(e->caller_at);
  if (e->framed)
    enc_load_gpr(e, RSP, &caller);
  for (size_t i = sizeof saved_order / sizeof *saved_order; i-- > 0;)
    if (e->pushed >> saved_order[i] & 1)
      push_pop(e, 0x58, saved_order[i]);
  enc_byte(e, 0xc3);
}

// The function's arguments, from where the caller puts them to their registers, all at once.
uint32_t enc_take_arguments(Enc *e) {
  static const int places[] = {RDI, RSI, RDX, RCX, R8};
  int from[5], to[5];
  int count = 0;
  uint32_t i = 0;
  for (; i < e->f->code.len && e->f->code.data[i].form == X86_ENTRY; ++i) {
    const X86Ins *ins = &e->f->code.data[i];
    const X86VReg *v = enc_vreg(e, ins->d);
    if (v->phys == X86_ON_STACK) {
      Rm rm = enc_slot(e, v);
      enc_legacy(e, 0x89, 8, places[ins->imm], &rm, false, 0);
    } else if (x86_in_register(v)) {
      from[count] = places[ins->imm];
      to[count++] = v->phys;
    }
  }
  while (count) {
    int free = -1; // a move whose target no other one still needs
    for (int m = 0; m < count && free < 0; ++m) {
      free = m;
      for (int n = 0; n < count; ++n)
        if (n != m && from[n] == to[m])
          free = -1;
    }
    if (free >= 0) {
      enc_move_gpr(e, to[free], from[free]);
      from[free] = from[--count];
      to[free] = to[count];
      continue;
    }
    Rm rm = enc_reg_rm(from[0]); // a ring: exchange, after which the value for to[0] is there
    enc_legacy(e, 0x87, 8, to[0], &rm, false, 0);
    for (int n = 1; n < count; ++n)
      from[n] = from[n] == to[0] ? from[0] : from[n] == from[0] ? to[0] : from[n];
    from[0] = from[--count];
    to[0] = to[count];
  }
  return i;
}
