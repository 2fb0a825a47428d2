// Memory: addresses, loads and stores, masks, gathers and scatters.
//
// Where there is no instruction that leaves lanes out, each lane that is off gets the address of a
// constant 0, or of a place on the stack that nobody reads.
#include "emit/x86/masks.h"

// ---- addresses

Address x86_address(const PjKir *k, PjKirVal ptr, PjKirVal index, int bytes) {
  Address a = {ptr, index, 0};
  uint64_t bits;
  const PjKirInst *p = pj_kir_inst(k, ptr);
  if (p->op == PJ_KIR_PTRADD && pj_kir_is_const(k, p->args[1], &bits) &&
      (int64_t)bits == (int32_t)bits) {
    a.ptr = p->args[0];
    a.disp = (int64_t)bits;
  }
  while (a.index) {
    const PjKirInst *i = pj_kir_inst(k, a.index);
    int64_t number = 0;
    bool sum = i->op == PJ_KIR_ADD &&
               (pj_kir_is_const(k, i->args[0], &bits) || pj_kir_is_const(k, i->args[1], &bits));
    if (!sum && !pj_kir_is_const(k, a.index, &bits))
      break;
    number = (int64_t)bits;
    if (number > INT32_MAX / 16 || number < INT32_MIN / 16 ||
        a.disp + number * bytes > INT32_MAX / 2 || a.disp + number * bytes < INT32_MIN / 2)
      break;
    a.disp += number * bytes;
    if (!sum)
      a.index = 0;
    else
      a.index = pj_kir_inst(k, i->args[1])->op == PJ_KIR_CONST ? i->args[0] : i->args[1];
  }
  return a;
}

static bool is_stack(Lower *l, PjKirVal ptr) {
  return pj_kir_inst(l->k, ptr)->op == PJ_KIR_STACK;
}

static X86Mem access(Lower *l, PjKirVal ptr, PjKirVal index, int bytes) {
  Address a = x86_address(l->k, ptr, index, bytes);
  X86Mem m = {.scale = (uint8_t)x86_log2(bytes), .disp = (int32_t)a.disp};
  if (is_stack(l, a.ptr)) {
    m.frame = true;
    m.disp += (int32_t)x86_parts(l, a.ptr)->op[0].imm;
  } else
    m.base = x86_in_reg(l, X86_GPR, x86_scalar(l, a.ptr)).id;
  if (a.index)
    m.index = x86_in_reg(l, X86_GPR, x86_scalar(l, a.index)).id;
  return m;
}

static X86Op address_of(Lower *l, X86Mem m) {
  X86Op at = x86_memory(l, m);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_LEA, 8);
  ins->enc = 0x8d;
  ins->d = d;
  ins->b = at;
  return pj_x86_reg(d);
}

X86Op x86_stack_pointer(Lower *l, PjKirVal stack) {
  return address_of(l, (X86Mem){.frame = true, .disp = (int32_t)x86_parts(l, stack)->op[0].imm});
}

static X86Op at_pointer(Lower *l, X86Op pointer) {
  return x86_memory(l, (X86Mem){.base = pointer.id});
}

// ---- scalars

static X86Op load_scalar(Lower *l, PjKirElem elem, X86Op at) {
  switch (elem) {
  case PJ_KIR_F32:
    return x86_rm(l, X86_VEC, X86_VMOVSS_LOAD, 16, at);
  case PJ_KIR_F64:
    return x86_rm(l, X86_VEC, X86_VMOVSD_LOAD, 16, at);
  case PJ_KIR_I64:
    return x86_gpr_rm(l, 0x8b, 8, at);
  case PJ_KIR_I32:
    return x86_gpr_rm(l, 0x8b, 4, at);
  default:
    return x86_gpr_rm(l, X86_M0F | (elem == PJ_KIR_I8 ? 0xb6 : 0xb7), 4, at);
  }
}

static void store_scalar(Lower *l, PjKirElem elem, X86Op value, X86Op at) {
  bool f32 = elem == PJ_KIR_F32, f64 = elem == PJ_KIR_F64;
  if (f32 || f64)
    value = x86_in_reg(l, X86_VEC, value);
  else if (value.kind == X86_IMM && value.imm != (int32_t)value.imm)
    value = x86_in_reg(l, X86_GPR, value);
  X86Ins *ins =
      x86_ins(l, f32 || f64 ? X86_ST : X86_G_STORE, f32 || f64 ? 16 : pj_kir_elem_bytes(elem));
  ins->enc = f32 ? X86_VMOVSS_STORE : X86_VMOVSD_STORE;
  ins->a = value;
  ins->b = at;
}

// ---- whole vectors

// A part of |size| bytes: 64, 32, 16, 8, 4, 2.
static X86Op load_part(Lower *l, int size, X86Mem m) {
  X86Op at = x86_memory(l, m);
  switch (size) {
  case 8:
    return x86_rm(l, X86_VEC, X86_VMOVQ_LOAD, 16, at);
  case 4:
    return x86_rm(l, X86_VEC, X86_VMOVD, 16, at);
  case 2:
    return x86_rm(l, X86_VEC, X86_VMOVD, 16, x86_gpr_rm(l, X86_M0F | 0xb7, 4, at));
  default:
    return x86_rm(l, X86_VEC, X86_VMOVUPS_LOAD, size, at);
  }
}

static void store_part(Lower *l, int size, X86Op value, X86Mem m, bool past) {
  X86Op at = x86_memory(l, m);
  value = x86_in_reg(l, X86_VEC, value);
  X86Ins *ins = x86_ins(l, X86_ST, size < 16 ? 16 : size);
  ins->enc = size == 2   ? X86_VPEXTRW
             : size == 4 ? X86_VMOVD_TO
             : size == 8 ? X86_VMOVQ_STORE
             : past      ? X86_VMOVNTPS
                         : X86_VMOVUPS_STORE;
  ins->a = value;
  ins->b = at;
  ins->has_imm = size == 2;
}

static int size_in_memory(const Lower *l, int lanes, int bytes) {
  return lanes * bytes > l->f->vector_bytes ? l->f->vector_bytes : lanes * bytes;
}

static Parts load_vector(Lower *l, int lanes, int bytes, X86Mem m) {
  Parts out = {.n = x86_num_parts(l, lanes, bytes)};
  int size = size_in_memory(l, lanes, bytes);
  for (int i = 0; i < out.n; ++i, m.disp += size)
    out.op[i] = load_part(l, size, m);
  return out;
}

// ---- masks

// The address of a lane if it is on, or |aside|.
static X86Op guarded(Lower *l, X86Op on, X86Op bits, int64_t bit, X86Op aside) {
  X86Op test = x86_alu(l, 4, 8, bits, pj_x86_imm(bit));
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_CSEL, 8);
  ins->compare = X86_CMP_TEST;
  ins->a = test;
  ins->cc = X86_CC_NE;
  ins->sel[0] = on;
  ins->sel[1] = aside;
  ins->d = d;
  return pj_x86_reg(d);
}

static X86Op zero_address(Lower *l) {
  X86Op zero = x86_zero(l);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_LEA, 8);
  ins->enc = 0x8d;
  ins->d = d;
  ins->b = zero;
  return pj_x86_reg(d);
}

static X86Op spare_address(Lower *l) {
  X86Mem m = {.frame = true, .disp = (int32_t)l->f->frame_bytes};
  l->f->frame_bytes += 64;
  return address_of(l, m);
}

// Masks lane by lane: bits of all parts, and which bit is a lane's.
typedef struct Guards {
  bool on; // there is a mask
  X86Op bits[X86_MAX_PARTS];
  int per_part, bits_per_lane;
  X86Op scalar; // of a mask of one lane
  X86Op aside;
} Guards;

static Guards guards_of(Lower *l, PjKirVal mask, int lanes, X86Op aside) {
  Guards g = {.on = mask != 0, .aside = aside};
  if (!mask)
    return g;
  if (lanes == 1) {
    g.scalar = x86_in_reg(l, X86_GPR, x86_scalar(l, mask));
    return g;
  }
  int bytes = l->values[mask].mask ? l->values[mask].mask : 4;
  Parts parts = x86_mask(l, mask, bytes);
  g.per_part = l->f->vector_bytes / bytes;
  g.bits_per_lane = l->masks->bits_per_lane(bytes);
  for (int i = 0; i < parts.n; ++i)
    g.bits[i] = l->masks->bits(l, x86_shape(l, lanes, bytes), parts.op[i]);
  return g;
}

static X86Op guard(Lower *l, const Guards *g, int lane, X86Mem m) {
  X86Op at = address_of(l, m);
  if (!g->on)
    return at;
  if (g->scalar.kind != X86_NONE)
    return guarded(l, at, g->scalar, 1, g->aside);
  return guarded(l, at, g->bits[lane / g->per_part],
                 (int64_t)(1ull << (lane % g->per_part * g->bits_per_lane)), g->aside);
}

static X86Mem lane_of(X86Mem m, int lane, int bytes) {
  m.disp += lane * bytes;
  return m;
}

// ---- loads and stores

// A scalar float that goes into all lanes of a vector next is loaded into all of them at once.
static bool is_splat_next(const Lower *l, PjKirVal v, PjKirElem elem) {
  if ((elem != PJ_KIR_F32 && elem != PJ_KIR_F64) || v + 1 >= l->k->insts.len)
    return false;
  const PjKirInst *next = pj_kir_inst(l->k, v + 1);
  return next->op == PJ_KIR_SPLAT && next->args[0] == v && next->type.lanes > 1;
}

static void lower_load(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  int lanes = inst->type.lanes, bytes = x86_bytes(inst->type);
  X86Mem m = access(l, inst->args[0], inst->args[1], bytes);
  PjKirVal mask = inst->num_args > 2 ? inst->args[2] : 0;
  if (!mask && lanes == 1) {
    l->values[v].splat = is_splat_next(l, v, elem);
    x86_set_one(l, v,
                l->values[v].splat
                    ? x86_rm(l, X86_VEC, bytes == 4 ? X86_VBROADCASTSS : X86_VBROADCASTSD,
                             l->f->vector_bytes, x86_memory(l, m))
                    : load_scalar(l, elem, x86_memory(l, m)));
    return;
  }
  Parts out = {.n = x86_num_parts(l, lanes, bytes)};
  if (!mask)
    out = load_vector(l, lanes, bytes, m);
  else if (lanes > 1 && l->masks->can_access(lanes, bytes)) {
    Parts on = x86_mask(l, mask, bytes);
    X86Shape s = x86_shape(l, lanes, bytes);
    for (int i = 0; i < out.n; ++i, m.disp += s.size)
      out.op[i] = l->masks->load(l, s, lanes, on.op[i], x86_memory(l, m));
  } else {
    Guards g = guards_of(l, mask, lanes, zero_address(l));
    X86Op scalars[PJ_KIR_MAX_LANES];
    for (int lane = 0; lane < lanes; ++lane)
      scalars[lane] =
          load_scalar(l, elem, at_pointer(l, guard(l, &g, lane, lane_of(m, lane, bytes))));
    if (lanes == 1) {
      x86_set_one(l, v, scalars[0]);
      return;
    }
    out = x86_build(l, elem, lanes, scalars);
  }
  x86_set(l, v, &out);
}

static void lower_store(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  PjKirElem elem = (PjKirElem)t.elem;
  int lanes = t.lanes, bytes = x86_bytes(t);
  X86Mem m = access(l, inst->args[1], inst->args[2], bytes);
  PjKirVal mask = inst->num_args > 3 ? inst->args[3] : 0;
  if (lanes == 1) {
    X86Op value = x86_is_gpr(t) ? x86_scalar(l, inst->args[0]) : x86_parts(l, inst->args[0])->op[0];
    if (mask) {
      Guards g = guards_of(l, mask, 1, spare_address(l));
      store_scalar(l, elem, value, at_pointer(l, guard(l, &g, 0, m)));
    } else
      store_scalar(l, elem, value, x86_memory(l, m));
    return;
  }
  const Parts *parts = x86_parts(l, inst->args[0]);
  if (!mask) {
    l->f->writes_past |= inst->imm;
    int size = size_in_memory(l, lanes, bytes);
    for (int i = 0; i < parts->n; ++i, m.disp += size)
      store_part(l, size, parts->op[i], m, inst->imm);
  } else if (l->masks->can_access(lanes, bytes)) {
    Parts on = x86_mask(l, mask, bytes);
    X86Shape s = x86_shape(l, lanes, bytes);
    for (int i = 0; i < parts->n; ++i, m.disp += s.size)
      l->masks->store(l, s, lanes, on.op[i], parts->op[i], x86_memory(l, m));
  } else {
    Guards g = guards_of(l, mask, lanes, spare_address(l));
    for (int lane = 0; lane < lanes; ++lane)
      store_scalar(l, elem, x86_extract(l, parts, elem, lane),
                   at_pointer(l, guard(l, &g, lane, lane_of(m, lane, bytes))));
  }
}

// ---- gathers and scatters

// Memory of the lane whose index is lane |lane| of |indices|.
static X86Mem indexed(Lower *l, X86Mem base, const Parts *indices, PjKirType t, int lane) {
  X86Op index = x86_extract(l, indices, (PjKirElem)t.elem, lane);
  if (t.elem == PJ_KIR_I32)
    index = x86_gpr_rm(l, 0x63, 8, index);
  base.index = index.id;
  return base;
}

// Lane |lane| of a vector of integers made of constants and lane numbers, as the masks of edges
// are.
static bool known_lane(const PjKir *k, PjKirVal v, int lane, uint64_t *out) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  uint64_t a, b;
  if (pj_kir_is_const(k, v, out))
    return true;
  if (inst->op == PJ_KIR_IOTA) {
    *out = (uint64_t)lane;
    return true;
  }
  if (inst->op != PJ_KIR_ADD || inst->type.elem != PJ_KIR_I64 ||
      !pj_kir_is_const(k, inst->args[1], &b) || !known_lane(k, inst->args[0], lane, &a))
    return false;
  *out = a + b;
  return true;
}

// Whether it is known at compile time that |lane| is on, in |*on|: of comparisons of such vectors.
static bool known_mask(const PjKir *k, PjKirVal mask, int lane, bool *on) {
  const PjKirInst *inst = pj_kir_inst(k, mask);
  uint64_t a, b;
  if (inst->op != PJ_KIR_ULT || pj_kir_typeof(k, inst->args[0]).elem != PJ_KIR_I64 ||
      !known_lane(k, inst->args[0], lane, &a) || !known_lane(k, inst->args[1], lane, &b))
    return false;
  *on = a < b;
  return true;
}

// The read of whole numbers that widened, without their sign, are |indices|; else NULL. What is
// read does not change, so each lane can be fetched where it is wanted: shorter than taking it out
// of a register.
static const PjKirInst *indices_in_memory(const PjKir *k, PjKirVal indices) {
  const PjKirInst *inst = pj_kir_inst(k, indices);
  while (inst->op == PJ_KIR_ZEXT)
    inst = pj_kir_inst(k, inst->args[0]);
  return inst->op == PJ_KIR_READ && inst->num_args == 2 && inst->type.elem != PJ_KIR_I1 ? inst
                                                                                        : NULL;
}

static X86Mem indexed_from(Lower *l, X86Mem base, const PjKirInst *read, int lane) {
  const PjKirElem elem = (PjKirElem)read->type.elem;
  X86Mem m = access(l, read->args[0], read->args[1], pj_kir_elem_bytes(elem));
  m.disp += lane * pj_kir_elem_bytes(elem);
  base.index = load_scalar(l, elem, x86_memory(l, m)).id;
  return base;
}

static void lower_gather(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  int lanes = inst->type.lanes;
  X86Mem base = access(l, inst->args[0], 0, x86_bytes(inst->type));
  PjKirType index_type = pj_kir_typeof(l->k, inst->args[1]);
  const PjKirInst *read = indices_in_memory(l->k, inst->args[1]);
  const Parts *indices = read ? NULL : x86_parts(l, inst->args[1]);
  PjKirVal mask = inst->num_args > 2 ? inst->args[2] : 0;
  bool on, known = mask && known_mask(l->k, mask, 0, &on);
  Guards g = {0};
  if (mask && !known)
    g = guards_of(l, mask, lanes, zero_address(l));
  X86Op scalars[PJ_KIR_MAX_LANES];
  for (int lane = 0; lane < lanes; ++lane) {
    if (known && known_mask(l->k, mask, lane, &on) && !on) {
      scalars[lane] = load_scalar(l, elem, x86_zero(l));
      continue;
    }
    X86Mem m =
        read ? indexed_from(l, base, read, lane) : indexed(l, base, indices, index_type, lane);
    scalars[lane] = load_scalar(
        l, elem, mask && !known ? at_pointer(l, guard(l, &g, lane, m)) : x86_memory(l, m));
  }
  Parts out = x86_build(l, elem, lanes, scalars);
  x86_set(l, v, &out);
}

static void lower_scatter(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  X86Mem base = access(l, inst->args[1], 0, x86_bytes(t));
  PjKirType index_type = pj_kir_typeof(l->k, inst->args[2]);
  const Parts *indices = x86_parts(l, inst->args[2]), *values = x86_parts(l, inst->args[0]);
  PjKirVal mask = inst->num_args > 3 ? inst->args[3] : 0;
  Guards g = guards_of(l, mask, t.lanes, mask ? spare_address(l) : (X86Op){0});
  for (int lane = 0; lane < t.lanes; ++lane) {
    X86Mem m = indexed(l, base, indices, index_type, lane);
    X86Op value = x86_extract(l, values, (PjKirElem)t.elem, lane);
    store_scalar(l, (PjKirElem)t.elem, value,
                 mask ? at_pointer(l, guard(l, &g, lane, m)) : x86_memory(l, m));
  }
}

// The offset of a STACK's memory from the frame's start is an immediate; as a pointer it is made
// where it is wanted.
static void lower_stack(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->imm > 1 << 20 || l->f->frame_bytes > 1 << 20) {
    x86_refuse(l, "a large stack");
    return;
  }
  x86_set_one(l, v, pj_x86_imm(l->f->frame_bytes));
  l->f->frame_bytes += (uint32_t)(inst->imm + 63) & ~63u;
}

static void lower_ptradd(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (is_stack(l, inst->args[0])) {
    X86Mem m = {.frame = true, .disp = (int32_t)x86_parts(l, inst->args[0])->op[0].imm};
    m.index = x86_in_reg(l, X86_GPR, x86_scalar(l, inst->args[1])).id;
    x86_set_one(l, v, address_of(l, m));
    return;
  }
  x86_set_one(l, v, x86_alu(l, 0, 8, x86_scalar(l, inst->args[0]), x86_scalar(l, inst->args[1])));
}

bool x86_lower_memory(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_LOAD:
  case PJ_KIR_READ:
    lower_load(l, v);
    return true;
  case PJ_KIR_STORE:
    lower_store(l, v);
    return true;
  case PJ_KIR_GATHER:
  case PJ_KIR_READG:
    lower_gather(l, v);
    return true;
  case PJ_KIR_SCATTER:
    lower_scatter(l, v);
    return true;
  case PJ_KIR_STACK:
    lower_stack(l, v);
    return true;
  case PJ_KIR_PTRADD:
    lower_ptradd(l, v);
    return true;
  default:
    return false;
  }
}
