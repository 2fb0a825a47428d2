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

// The address of a lane if its bit is on, or |aside|.
static X86Op guarded(Lower *l, X86Op on, X86Op bits, int bit, X86Op aside) {
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_CSEL, 8);
  ins->compare = X86_CMP_BIT;
  ins->a = bits;
  ins->b = pj_x86_imm(bit);
  ins->cc = X86_CC_B;
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
    return guarded(l, at, g->scalar, 0, g->aside);
  return guarded(l, at, g->bits[lane / g->per_part], lane % g->per_part * g->bits_per_lane,
                 g->aside);
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

// Its only user is a conversion (convert.c, spread) that reads as many bytes as there are.
static bool stays_in_memory(const Lower *l, PjKirVal v) {
  PjKirType t = pj_kir_typeof(l->k, v);
  int to = l->values[v].spread;
  return to && l->values[v].uses == 1 &&
         x86_part_size(l, t.lanes, to) * x86_num_parts(l, t.lanes, to) == t.lanes * to;
}

static void lower_load(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  int lanes = inst->type.lanes, bytes = x86_bytes(inst->type);
  X86Mem m = access(l, inst->args[0], inst->args[1], bytes);
  m.unwritten = inst->op == PJ_KIR_READ;
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
  if (!mask && stays_in_memory(l, v))
    for (int i = 0; i < out.n; ++i, m.disp += l->f->vector_bytes)
      out.op[i] = x86_memory(l, m);
  else if (!mask)
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

// ---- masks that are known

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
  if ((inst->op != PJ_KIR_ADD && inst->op != PJ_KIR_SUB) ||
      !pj_kir_is_const(k, inst->args[1], &b) || !known_lane(k, inst->args[0], lane, &a))
    return false;
  *out = inst->op == PJ_KIR_ADD ? a + b : a - b;
  *out &= UINT64_MAX >> (64 - 8 * x86_bytes(inst->type));
  return true;
}

// Whether it is known at compile time that |lane| is on, in |*on|: of comparisons of such vectors.
static bool known_mask(const PjKir *k, PjKirVal mask, int lane, bool *on) {
  const PjKirInst *inst = pj_kir_inst(k, mask);
  uint64_t a, b;
  if (inst->op != PJ_KIR_ULT || !known_lane(k, inst->args[0], lane, &a) ||
      !known_lane(k, inst->args[1], lane, &b))
    return false;
  *on = a < b;
  return true;
}

// ---- indices

PjKirVal x86_indices(const PjKir *k, PjKirVal indices, const PjKirInst **out_read) {
  PjKirVal narrow = indices;
  while (pj_kir_inst(k, narrow)->op == PJ_KIR_ZEXT)
    narrow = pj_kir_inst(k, narrow)->args[0];
  const PjKirInst *inst = pj_kir_inst(k, narrow), *wide = pj_kir_inst(k, indices);
  // What is read does not change, so each lane can be fetched where it is wanted: shorter than
  // taking it out of a register.
  bool fetch = inst->op == PJ_KIR_READ && inst->num_args == 2 && inst->type.elem != PJ_KIR_I1 &&
               inst->type.lanes > 1;
  *out_read = fetch ? inst : NULL;
  if (fetch)
    return narrow;
  bool extended = wide->op == PJ_KIR_ZEXT || wide->op == PJ_KIR_SEXT;
  return extended && wide->type.lanes > 1 && pj_kir_typeof(k, wide->args[0]).elem == PJ_KIR_I32
             ? wide->args[0]
             : indices;
}

// Lanes of indices; those of 32 bits come out of a register in pairs. What was taken out last is
// kept, with its number plus 1.
typedef struct Indices {
  const PjKirInst *read; // they are in memory
  const Parts *parts;
  PjKirElem elem;
  bool is_unsigned;
  X86Op chunk, pair;
  int chunk_at, pair_at;
} Indices;

static Indices indices_of(Lower *l, PjKirVal indices) {
  Indices x = {0};
  PjKirVal from = x86_indices(l->k, indices, &x.read);
  x.elem = (PjKirElem)pj_kir_typeof(l->k, from).elem;
  x.is_unsigned = from != indices && pj_kir_inst(l->k, indices)->op == PJ_KIR_ZEXT;
  if (!x.read)
    x.parts = x86_parts(l, from);
  return x;
}

static X86Op index_in_register(Lower *l, Indices *x, int lane) {
  int bytes = pj_kir_elem_bytes(x->elem), per_part = l->f->vector_bytes / bytes;
  int at = lane % per_part * bytes;
  int chunk = lane * bytes / 16 + 1, pair = lane * bytes / 8 + 1;
  if (x->chunk_at != chunk)
    x->chunk = x86_chunk(l, x->parts->op[lane / per_part], at / 16);
  if (x->pair_at != pair)
    x->pair = at % 16 >= 8 ? x86_mr(l, X86_GPR, X86_VPEXTRQ, 16, x->chunk, 1)
                           : x86_mr(l, X86_GPR, X86_VMOVQ_TO, 16, x->chunk, -1);
  x->chunk_at = chunk;
  x->pair_at = pair;
  if (x->elem == PJ_KIR_I64)
    return x->pair;
  if (at % 8) // shr or sar
    return x86_shift(l, x->is_unsigned ? 5 : 7, 8, x->pair, 32);
  return x->is_unsigned ? x86_gpr_rm(l, 0x8b, 4, x->pair) : x86_gpr_rm(l, 0x63, 8, x->pair);
}

// Memory of the element that the lane's index says.
static X86Mem indexed(Lower *l, X86Mem base, Indices *x, int lane) {
  if (x->read) {
    X86Mem m = lane_of(access(l, x->read->args[0], x->read->args[1], pj_kir_elem_bytes(x->elem)),
                       lane, pj_kir_elem_bytes(x->elem));
    X86Op index = load_scalar(l, x->elem, x86_memory(l, m));
    if (x->elem == PJ_KIR_I32 && !x->is_unsigned)
      index = x86_gpr_rm(l, 0x63, 8, index);
    base.index = index.id;
  } else
    base.index = index_in_register(l, x, lane).id;
  return base;
}

// ---- gathers and scatters

typedef struct Gather {
  X86Mem base;
  Indices indices;
  PjKirVal mask;
  bool known; // at compile time, which lanes are on
  Guards guards;
} Gather;

static X86Op gathered(Lower *l, void *context, int lane) {
  Gather *g = context;
  bool on = true;
  if (g->known && known_mask(l->k, g->mask, lane, &on) && !on)
    return x86_zero(l);
  X86Mem m = indexed(l, g->base, &g->indices, lane);
  return g->mask && !g->known ? at_pointer(l, guard(l, &g->guards, lane, m)) : x86_memory(l, m);
}

static void lower_gather(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  int lanes = inst->type.lanes;
  bool on;
  Gather g = {.base = access(l, inst->args[0], 0, x86_bytes(inst->type)),
              .indices = indices_of(l, inst->args[1]),
              .mask = inst->num_args > 2 ? inst->args[2] : 0};
  g.known = g.mask && known_mask(l->k, g.mask, 0, &on);
  if (g.mask && !g.known)
    g.guards = guards_of(l, g.mask, lanes, zero_address(l));
  Parts out = x86_build_of(l, elem, lanes, gathered, &g);
  x86_set(l, v, &out);
}

static void lower_scatter(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  X86Mem base = access(l, inst->args[1], 0, x86_bytes(t));
  Indices indices = indices_of(l, inst->args[2]);
  const Parts *values = x86_parts(l, inst->args[0]);
  PjKirVal mask = inst->num_args > 3 ? inst->args[3] : 0;
  Guards g = guards_of(l, mask, t.lanes, mask ? spare_address(l) : (X86Op){0});
  for (int lane = 0; lane < t.lanes; ++lane) {
    X86Mem m = indexed(l, base, &indices, lane);
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
