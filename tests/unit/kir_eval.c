#include "kir_eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ir/float_bits.h"

static int width(PjKirType t) {
  return t.elem == PJ_KIR_I1 ? 1 : 8 * pj_kir_elem_bytes((PjKirElem)t.elem);
}

static uint64_t cut(PjKirType t, uint64_t bits) {
  return width(t) < 64 ? bits & ((1ull << width(t)) - 1) : bits;
}

static int64_t to_signed(PjKirType t, uint64_t bits) {
  return (int64_t)(bits << (64 - width(t))) >> (64 - width(t));
}

static double to_float(PjKirType t, uint64_t bits) {
  return pj_float_from_bits(t.elem == PJ_KIR_F32 ? PJ_DT_F32 : PJ_DT_F64, bits);
}

static uint64_t f32_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static uint64_t f64_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  return bits;
}

static uint64_t int_lane(PjKirOp op, PjKirType t, uint64_t a, uint64_t b) {
  int64_t x = to_signed(t, a), y = to_signed(t, b);
  switch (op) {
  case PJ_KIR_ADD:
    return a + b;
  case PJ_KIR_SUB:
    return a - b;
  case PJ_KIR_MUL:
    return a * b;
  case PJ_KIR_UMULH:
    return (uint64_t)((unsigned __int128)a * b >> width(t));
  case PJ_KIR_UDIV:
    return a / b;
  case PJ_KIR_SDIV:
    return (uint64_t)(x / y);
  case PJ_KIR_UREM:
    return a % b;
  case PJ_KIR_SREM:
    return (uint64_t)(x % y);
  case PJ_KIR_SMIN:
    return x < y ? a : b;
  case PJ_KIR_SMAX:
    return x > y ? a : b;
  case PJ_KIR_UMIN:
    return a < b ? a : b;
  case PJ_KIR_UMAX:
    return a > b ? a : b;
  case PJ_KIR_AND:
    return a & b;
  case PJ_KIR_OR:
    return a | b;
  case PJ_KIR_XOR:
    return a ^ b;
  case PJ_KIR_SHL:
    return a << b;
  case PJ_KIR_LSHR:
    return a >> b;
  case PJ_KIR_ASHR:
    return (uint64_t)(x >> b);
  case PJ_KIR_EQ:
    return a == b;
  case PJ_KIR_NE:
    return a != b;
  case PJ_KIR_SLT:
    return x < y;
  case PJ_KIR_SLE:
    return x <= y;
  case PJ_KIR_ULT:
    return a < b;
  case PJ_KIR_ULE:
    return a <= b;
  case PJ_KIR_POPCNT: {
    uint64_t count = 0;
    for (; a; a >>= 1)
      count += a & 1;
    return count;
  }
  case PJ_KIR_CTLZ: {
    uint64_t count = 0;
    for (int bit = width(t) - 1; bit >= 0 && !(a >> bit & 1); --bit)
      ++count;
    return count;
  }
  default:
    fprintf(stderr, "kir_eval: %s\n", pj_kir_op_info[op].text);
    abort();
  }
}

static uint64_t f32_lane(PjKirOp op, float a, float b, float c) {
  switch (op) {
  case PJ_KIR_FADD:
    return f32_bits(a + b);
  case PJ_KIR_FSUB:
    return f32_bits(a - b);
  case PJ_KIR_FMUL:
    return f32_bits(a * b);
  case PJ_KIR_FDIV:
    return f32_bits(a / b);
  case PJ_KIR_FMA:
    return f32_bits(fmaf(a, b, c));
  case PJ_KIR_FSQRT:
    return f32_bits(sqrtf(a));
  case PJ_KIR_FLOOR:
    return f32_bits(floorf(a));
  case PJ_KIR_CEIL:
    return f32_bits(ceilf(a));
  case PJ_KIR_FTRUNC:
    return f32_bits(truncf(a));
  default:
    return f32_bits(nearbyintf(a));
  }
}

static uint64_t f64_lane(PjKirOp op, double a, double b, double c) {
  switch (op) {
  case PJ_KIR_FADD:
    return f64_bits(a + b);
  case PJ_KIR_FSUB:
    return f64_bits(a - b);
  case PJ_KIR_FMUL:
    return f64_bits(a * b);
  case PJ_KIR_FDIV:
    return f64_bits(a / b);
  case PJ_KIR_FMA:
    return f64_bits(fma(a, b, c));
  case PJ_KIR_FSQRT:
    return f64_bits(sqrt(a));
  case PJ_KIR_FLOOR:
    return f64_bits(floor(a));
  case PJ_KIR_CEIL:
    return f64_bits(ceil(a));
  case PJ_KIR_FTRUNC:
    return f64_bits(trunc(a));
  default:
    return f64_bits(nearbyint(a));
  }
}

static uint64_t float_lane(PjKirOp op, PjKirType t, uint64_t a, uint64_t b, uint64_t c) {
  double x = to_float(t, a), y = to_float(t, b), z = to_float(t, c);
  uint64_t sign = 1ull << (width(t) - 1);
  switch (op) {
  case PJ_KIR_FMIN:
    return x < y ? a : b;
  case PJ_KIR_FMAX:
    return x > y ? a : b;
  case PJ_KIR_FNEG:
    return a ^ sign;
  case PJ_KIR_FABS:
    return a & ~sign;
  case PJ_KIR_COPYSIGN:
    return (a & ~sign) | (b & sign);
  case PJ_KIR_FEQ:
    return x == y;
  case PJ_KIR_FNE:
    return x != y;
  case PJ_KIR_FLT:
    return x < y;
  case PJ_KIR_FLE:
    return x <= y;
  case PJ_KIR_UNO:
    return isnan(x) || isnan(y);
  default:
    return t.elem == PJ_KIR_F32 ? f32_lane(op, (float)x, (float)y, (float)z)
                                : f64_lane(op, x, y, z);
  }
}

static uint64_t float_to(PjKirType t, double value) {
  return pj_float_to_bits(t.elem == PJ_KIR_F32 ? PJ_DT_F32 : PJ_DT_F64, value);
}

static uint64_t cast_lane(PjKirOp op, PjKirType from, PjKirType to, uint64_t a) {
  int64_t x = to_signed(from, a);
  bool narrow = to.elem == PJ_KIR_F32;
  switch (op) {
  case PJ_KIR_SEXT:
    return (uint64_t)x;
  case PJ_KIR_ZEXT:
  case PJ_KIR_TRUNC:
  case PJ_KIR_BITCAST:
    return a;
  case PJ_KIR_SITOFP:
    return narrow ? f32_bits((float)x) : f64_bits((double)x);
  case PJ_KIR_UITOFP:
    return narrow ? f32_bits((float)a) : f64_bits((double)a);
  case PJ_KIR_FPTOSI:
    return (uint64_t)(int64_t)to_float(from, a);
  case PJ_KIR_FPTOUI:
    return (uint64_t)to_float(from, a);
  case PJ_KIR_FPEXT:
  case PJ_KIR_FPTRUNC:
    return float_to(to, to_float(from, a));
  case PJ_KIR_F16TOF32:
    return float_to(to, pj_float_from_bits(PJ_DT_F16, a));
  default:
    return pj_float_to_bits(PJ_DT_F16, to_float(from, a));
  }
}

static uint64_t lane_of(PjKirOp op, PjKirType result, const PjKirType *types, const KirLanes *args,
                        int l) {
  uint64_t a = args[0].lane[l];
  if (op == PJ_KIR_SELECT)
    return args[0].lane[types[0].lanes == 1 ? 0 : l] ? args[1].lane[l] : args[2].lane[l];
  if (op >= PJ_KIR_SEXT && op <= PJ_KIR_F32TOF16)
    return cast_lane(op, types[0], result, a);
  int n = pj_kir_op_info[op].operands;
  uint64_t b = n > 1 ? args[1].lane[l] : 0, c = n > 2 ? args[2].lane[l] : 0;
  return pj_kir_is_float(types[0]) ? float_lane(op, types[0], a, b, c)
                                   : int_lane(op, types[0], a, b);
}

KirLanes kir_eval_op(PjKirOp op, PjKirType result, uint64_t imm, const uint8_t *pattern,
                     const PjKirType *types, const KirLanes *args) {
  KirLanes out = {{0}};
  for (int l = 0; l < result.lanes; ++l) {
    switch (op) {
    case PJ_KIR_CONST:
      out.lane[l] = imm;
      break;
    case PJ_KIR_IOTA:
      out.lane[l] = (uint64_t)l;
      break;
    case PJ_KIR_SPLAT:
      out.lane[l] = args[0].lane[0];
      break;
    case PJ_KIR_EXTRACT:
      out.lane[l] = args[0].lane[imm];
      break;
    case PJ_KIR_SHUFFLE:
      out.lane[l] = args[pattern[l] >= types[0].lanes].lane[pattern[l] % types[0].lanes];
      break;
    case PJ_KIR_PTRADD:
      out.lane[l] = args[0].lane[0] + args[1].lane[0];
      break;
    default:
      out.lane[l] = lane_of(op, result, types, args, l);
    }
    out.lane[l] = cut(result, out.lane[l]);
  }
  return out;
}

// -------------------------------------------------------------------------------------------------------
// functions

typedef struct Machine {
  const PjKir *k;
  KirLanes *values;
  void *const *buffers;
  const uint64_t *params;
  int64_t begin, end;
  void *scratch;
  void **stacks; // STACK memory by instruction
} Machine;

static void run_block(Machine *m, uint32_t block);

static char *element(const Machine *m, const PjKirInst *inst, uint32_t ptr, PjKirType value,
                     int lane) {
  PjKirType index = pj_kir_typeof(m->k, inst->args[ptr + 1]);
  const KirLanes *at = &m->values[inst->args[ptr + 1]];
  int64_t i = index.lanes == 1 && value.lanes > 1 ? (int64_t)at->lane[0] + lane
                                                  : to_signed(index, at->lane[lane]);
  return (char *)(uintptr_t)m->values[inst->args[ptr]].lane[0] +
         i * pj_kir_elem_bytes((PjKirElem)value.elem);
}

static bool lane_on(const Machine *m, const PjKirInst *inst, uint32_t ptr, int lane) {
  return inst->num_args <= ptr + 2 || m->values[inst->args[ptr + 2]].lane[lane];
}

static void load(Machine *m, PjKirVal v, const PjKirInst *inst) {
  for (int l = 0; l < inst->type.lanes; ++l) {
    m->values[v].lane[l] = 0;
    if (lane_on(m, inst, 0, l))
      memcpy(&m->values[v].lane[l], element(m, inst, 0, inst->type, l),
             (size_t)pj_kir_elem_bytes((PjKirElem)inst->type.elem));
  }
}

static void store(Machine *m, const PjKirInst *inst) {
  PjKirType type = pj_kir_typeof(m->k, inst->args[0]);
  for (int l = 0; l < type.lanes; ++l)
    if (lane_on(m, inst, 1, l))
      memcpy(element(m, inst, 1, type, l), &m->values[inst->args[0]].lane[l],
             (size_t)pj_kir_elem_bytes((PjKirElem)type.elem));
}

static void call(Machine *m, PjKirVal v, const PjKirInst *inst) {
  uint64_t a[3] = {0};
  for (uint32_t i = 0; i < inst->num_args && i < 3; ++i)
    a[i] = m->values[inst->args[i]].lane[0];
  void *to = (void *)(uintptr_t)a[0], *from = (void *)(uintptr_t)a[1];
  PjKirType f32 = PJ_KIR_T(F32, 1), f64 = PJ_KIR_T(F64, 1);
  switch (inst->imm) {
  case PJ_KIR_EXTERN_MEMCPY:
    memcpy(to, from, a[2]);
    break;
  case PJ_KIR_EXTERN_MEMMOVE:
    memmove(to, from, a[2]);
    break;
  case PJ_KIR_EXTERN_MEMSET:
    memset(to, (int)a[1], a[2]);
    break;
  case PJ_KIR_EXTERN_FMOD:
    a[0] = f64_bits(fmod(to_float(f64, a[0]), to_float(f64, a[1])));
    break;
  case PJ_KIR_EXTERN_FMODF:
    a[0] = f32_bits(fmodf((float)to_float(f32, a[0]), (float)to_float(f32, a[1])));
    break;
#define CALL_1(ENUM, name)                                \
  case PJ_KIR_EXTERN_##ENUM:                              \
    a[0] = f64_bits(name(to_float(f64, a[0])));           \
    break;                                                \
  case PJ_KIR_EXTERN_##ENUM##F:                           \
    a[0] = f32_bits(name##f((float)to_float(f32, a[0]))); \
    break;
    CALL_1(SIN, sin)
    CALL_1(COS, cos)
    CALL_1(TAN, tan)
#undef CALL_1
  default:
    abort();
  }
  m->values[v].lane[0] = a[0];
}

// The values that |block| yields become those of |targets| all at once.
static void take_yields(Machine *m, uint32_t block, const PjKirVal *targets) {
  const PjKirBlock *b = &m->k->blocks.data[block];
  const PjKirInst *yield = pj_kir_inst(m->k, b->insts.data[b->insts.len - 1]);
  KirLanes *next = calloc(yield->num_args + 1, sizeof *next);
  for (uint32_t i = 0; i < yield->num_args; ++i)
    next[i] = m->values[yield->args[i]];
  for (uint32_t i = 0; i < yield->num_args; ++i)
    m->values[targets[i]] = next[i];
  free(next);
}

static void control(Machine *m, const PjKirInst *inst) {
  const PjKirBlock *block = &m->k->blocks.data[inst->blocks[0]];
  const PjKirVal *args = block->args.data;
  if (inst->op == PJ_KIR_IF) { // Its yields are read by the results.
    run_block(m, m->values[inst->args[0]].lane[0] ? inst->blocks[0] : inst->blocks[1]);
    return;
  }
  bool is_for = inst->op == PJ_KIR_FOR;
  for (uint32_t i = is_for ? 3 : 0; i < inst->num_args; ++i)
    m->values[args[is_for ? i - 2 : i]] = m->values[inst->args[i]];
  if (is_for) {
    int64_t end = (int64_t)m->values[inst->args[1]].lane[0],
            step = (int64_t)m->values[inst->args[2]].lane[0];
    for (int64_t i = (int64_t)m->values[inst->args[0]].lane[0]; i < end; i += step) {
      m->values[args[0]].lane[0] = (uint64_t)i;
      run_block(m, inst->blocks[0]);
      take_yields(m, inst->blocks[0], args + 1);
    }
    return;
  }
  const PjKirInst *test = pj_kir_inst(m->k, block->insts.data[block->insts.len - 1]);
  for (;;) {
    run_block(m, inst->blocks[0]);
    if (!m->values[test->args[0]].lane[0])
      return;
    run_block(m, inst->blocks[1]);
    take_yields(m, inst->blocks[1], args);
  }
}

static void result(Machine *m, PjKirVal v, const PjKirInst *inst) {
  const PjKirInst *owner = pj_kir_inst(m->k, inst->args[0]);
  uint32_t which = owner->op == PJ_KIR_IF && !m->values[owner->args[0]].lane[0];
  const PjKirBlock *block = &m->k->blocks.data[owner->blocks[which]];
  if (owner->op == PJ_KIR_IF)
    m->values[v] =
        m->values[pj_kir_inst(m->k, block->insts.data[block->insts.len - 1])->args[inst->imm]];
  else
    m->values[v] = m->values[block->args.data[inst->imm + (owner->op == PJ_KIR_FOR)]];
}

static void run_inst(Machine *m, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(m->k, v);
  uint64_t *scalar = &m->values[v].lane[0];
  switch (inst->op) {
  case PJ_KIR_BUFFER:
    *scalar = (uintptr_t)m->buffers[inst->imm];
    return;
  case PJ_KIR_PARAM:
    *scalar = cut(inst->type, m->params[inst->imm]);
    return;
  case PJ_KIR_BEGIN:
    *scalar = (uint64_t)m->begin;
    return;
  case PJ_KIR_END:
    *scalar = (uint64_t)m->end;
    return;
  case PJ_KIR_SCRATCH:
    *scalar = (uintptr_t)m->scratch;
    return;
  case PJ_KIR_STACK:
    m->stacks[v] = realloc(m->stacks[v], inst->imm ? inst->imm : 1);
    *scalar = (uintptr_t)m->stacks[v];
    return;
  case PJ_KIR_LOAD:
  case PJ_KIR_GATHER:
  case PJ_KIR_READ:
  case PJ_KIR_READG:
    load(m, v, inst);
    return;
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
    store(m, inst);
    return;
  case PJ_KIR_FOR:
  case PJ_KIR_WHILE:
  case PJ_KIR_IF:
    control(m, inst);
    return;
  case PJ_KIR_RESULT:
    result(m, v, inst);
    return;
  case PJ_KIR_YIELD:
    return;
  case PJ_KIR_CALL:
    call(m, v, inst);
    return;
  default:
    break;
  }
  PjKirType types[3];
  KirLanes args[3];
  for (uint32_t i = 0; i < inst->num_args && i < 3; ++i) {
    types[i] = pj_kir_typeof(m->k, inst->args[i]);
    args[i] = m->values[inst->args[i]];
  }
  m->values[v] = kir_eval_op((PjKirOp)inst->op, inst->type, inst->imm, inst->pattern, types, args);
}

static void run_block(Machine *m, uint32_t block) {
  const PjKirBlock *b = &m->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len; ++i)
    run_inst(m, b->insts.data[i]);
}

void kir_eval(const PjKir *k, void *const *buffers, const uint64_t *params, int64_t begin,
              int64_t end, void *scratch) {
  Machine m = {
      .k = k, .buffers = buffers, .params = params, .begin = begin, .end = end, .scratch = scratch};
  m.values = calloc(k->insts.len, sizeof *m.values);
  m.stacks = calloc(k->insts.len, sizeof *m.stacks);
  run_block(&m, 1);
  for (size_t i = 0; i < k->insts.len; ++i)
    free(m.stacks[i]);
  free(m.stacks);
  free(m.values);
}
