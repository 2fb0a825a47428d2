// Operations of kernel IR that compute: constants, lanes, integers, floats, comparisons,
// conversions.
//
// LLVM's poison is stronger than the "undefined" of kernel IR, which is just some value: a poison
// lane that is masked away by an `and` is poison still. So the results of shifts and
// float-to-integer conversions that may be poison are frozen.
#ifdef PJ_HAVE_LLVM
#include "emit/llvm/gen.h"

LLVMTypeRef pj_llvm_type(const PjLlvmGen *g, PjKirType type) {
  LLVMTypeRef elem = g->elems[type.elem];
  return type.lanes > 1 ? LLVMVectorType(elem, type.lanes) : elem;
}

LLVMValueRef pj_llvm_splat(const PjLlvmGen *g, LLVMValueRef scalar, int lanes) {
  if (lanes == 1)
    return scalar;
  if (LLVMIsConstant(scalar)) {
    LLVMValueRef all[PJ_KIR_MAX_LANES];
    for (int i = 0; i < lanes; ++i)
      all[i] = scalar;
    return LLVMConstVector(all, (unsigned)lanes);
  }
  LLVMTypeRef i32 = g->elems[PJ_KIR_I32];
  LLVMTypeRef vector = LLVMVectorType(LLVMTypeOf(scalar), (unsigned)lanes);
  LLVMValueRef poison = LLVMGetPoison(vector);
  LLVMValueRef first =
      LLVMBuildInsertElement(g->builder, poison, scalar, LLVMConstInt(i32, 0, 0), "");
  return LLVMBuildShuffleVector(g->builder, first, poison,
                                LLVMConstNull(LLVMVectorType(i32, (unsigned)lanes)), "");
}

LLVMValueRef pj_llvm_const(const PjLlvmGen *g, PjKirType type, uint64_t bits) {
  LLVMValueRef scalar;
  switch (type.elem) {
  case PJ_KIR_F32: // by its bits, so that the payload of a NaN survives
    scalar = LLVMConstBitCast(LLVMConstInt(g->elems[PJ_KIR_I32], (uint32_t)bits, 0),
                              g->elems[PJ_KIR_F32]);
    break;
  case PJ_KIR_F64:
    scalar = LLVMConstBitCast(LLVMConstInt(g->elems[PJ_KIR_I64], bits, 0), g->elems[PJ_KIR_F64]);
    break;
  case PJ_KIR_PTR:
    scalar = LLVMConstIntToPtr(LLVMConstInt(g->elems[PJ_KIR_I64], bits, 0), g->elems[PJ_KIR_PTR]);
    break;
  default:
    scalar = LLVMConstInt(g->elems[type.elem], bits, 0);
  }
  return pj_llvm_splat(g, scalar, type.lanes);
}

LLVMValueRef pj_llvm_intrinsic(const PjLlvmGen *g, PjLlvmIntrinsic which, unsigned num_types,
                               LLVMTypeRef *types, unsigned num_args, LLVMValueRef *args) {
  unsigned id = g->intrinsics[which];
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(g->module, id, types, num_types);
  LLVMTypeRef type = LLVMIntrinsicGetType(g->context, id, types, num_types);
  return LLVMBuildCall2(g->builder, type, callee, args, num_args, "");
}

// An intrinsic whose operands and result are all of the instruction's type.
static LLVMValueRef same_intrinsic(const PjLlvmGen *g, const PjKirInst *inst,
                                   PjLlvmIntrinsic which) {
  LLVMTypeRef type = pj_llvm_type(g, inst->type);
  LLVMValueRef args[3];
  for (uint32_t i = 0; i < inst->num_args && i < 3; ++i)
    args[i] = pj_llvm_arg(g, inst, i);
  return pj_llvm_intrinsic(g, which, 1, &type, inst->num_args, args);
}

static LLVMValueRef binary(const PjLlvmGen *g, const PjKirInst *inst, LLVMOpcode op) {
  return LLVMBuildBinOp(g->builder, op, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1), "");
}

static LLVMValueRef shift(const PjLlvmGen *g, const PjKirInst *inst, LLVMOpcode op) {
  LLVMValueRef result = binary(g, inst, op);
  uint64_t amount;
  if (pj_kir_is_const(g->k, inst->args[1], &amount) &&
      amount < (uint64_t)pj_kir_elem_bytes(inst->type.elem) * 8)
    return result;
  return LLVMBuildFreeze(g->builder, result, "");
}

static LLVMValueRef compare(const PjLlvmGen *g, const PjKirInst *inst, LLVMIntPredicate how) {
  return LLVMBuildICmp(g->builder, how, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1), "");
}

static LLVMValueRef float_compare(const PjLlvmGen *g, const PjKirInst *inst,
                                  LLVMRealPredicate how) {
  return LLVMBuildFCmp(g->builder, how, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1), "");
}

// An ordered comparison and a choice: what minps and maxps do.
static LLVMValueRef float_pick(const PjLlvmGen *g, const PjKirInst *inst, LLVMRealPredicate how) {
  return LLVMBuildSelect(g->builder, float_compare(g, inst, how), pj_llvm_arg(g, inst, 0),
                         pj_llvm_arg(g, inst, 1), "");
}

static LLVMValueRef cast(const PjLlvmGen *g, const PjKirInst *inst, LLVMOpcode op) {
  return LLVMBuildCast(g->builder, op, pj_llvm_arg(g, inst, 0), pj_llvm_type(g, inst->type), "");
}

// The upper half of a product of twice the width; code generation finds the instruction for it.
static LLVMValueRef high_product(const PjLlvmGen *g, const PjKirInst *inst) {
  unsigned bits = (unsigned)pj_kir_elem_bytes(inst->type.elem) * 8;
  LLVMTypeRef wide = LLVMIntTypeInContext(g->context, bits * 2);
  LLVMValueRef amount = LLVMConstInt(wide, bits, 0);
  if (inst->type.lanes > 1)
    wide = LLVMVectorType(wide, inst->type.lanes);
  LLVMValueRef a = LLVMBuildZExt(g->builder, pj_llvm_arg(g, inst, 0), wide, "");
  LLVMValueRef b = LLVMBuildZExt(g->builder, pj_llvm_arg(g, inst, 1), wide, "");
  LLVMValueRef product = LLVMBuildMul(g->builder, a, b, "");
  LLVMValueRef high =
      LLVMBuildLShr(g->builder, product, pj_llvm_splat(g, amount, inst->type.lanes), "");
  return LLVMBuildTrunc(g->builder, high, pj_llvm_type(g, inst->type), "");
}

static LLVMValueRef iota(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMValueRef lanes[PJ_KIR_MAX_LANES];
  for (unsigned i = 0; i < inst->type.lanes; ++i)
    lanes[i] = LLVMConstInt(g->elems[inst->type.elem], i, 0);
  return inst->type.lanes == 1 ? lanes[0] : LLVMConstVector(lanes, inst->type.lanes);
}

static LLVMValueRef lane_number(const PjLlvmGen *g, unsigned lane) {
  return LLVMConstInt(g->elems[PJ_KIR_I32], lane, 0);
}

static LLVMValueRef shuffle(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMValueRef a = pj_llvm_arg(g, inst, 0), b = pj_llvm_arg(g, inst, 1);
  unsigned from = pj_llvm_arg_type(g, inst, 0).lanes, lanes = inst->type.lanes;
  if (lanes == 1) { // scalars are no vectors of one lane for LLVM
    unsigned lane = inst->pattern[0];
    LLVMValueRef side = lane < from ? a : b;
    return from == 1 ? side
                     : LLVMBuildExtractElement(g->builder, side, lane_number(g, lane % from), "");
  }
  if (from == 1) {
    LLVMValueRef vector = LLVMGetPoison(pj_llvm_type(g, inst->type));
    for (unsigned i = 0; i < lanes; ++i)
      vector = LLVMBuildInsertElement(g->builder, vector, inst->pattern[i] ? b : a,
                                      lane_number(g, i), "");
    return vector;
  }
  LLVMValueRef pattern[PJ_KIR_MAX_LANES];
  for (unsigned i = 0; i < lanes; ++i)
    pattern[i] = lane_number(g, inst->pattern[i]);
  return LLVMBuildShuffleVector(g->builder, a, b, LLVMConstVector(pattern, lanes), "");
}

static LLVMValueRef param(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMValueRef slot = LLVMConstInt(g->elems[PJ_KIR_I64], inst->imm * 8, 0);
  LLVMValueRef at =
      LLVMBuildGEP2(g->builder, g->elems[PJ_KIR_I8], LLVMGetParam(g->function, 1), &slot, 1, "");
  LLVMTypeRef type = g->elems[inst->type.elem == PJ_KIR_I1 ? PJ_KIR_I8 : inst->type.elem];
  LLVMValueRef load = LLVMBuildLoad2(g->builder, type, at, "");
  LLVMSetAlignment(load, (unsigned)pj_kir_elem_bytes(inst->type.elem));
  LLVMSetMetadata(load, g->invariant_load, g->empty_node);
  return inst->type.elem == PJ_KIR_I1 ? LLVMBuildTrunc(g->builder, load, g->elems[PJ_KIR_I1], "")
                                      : load;
}

static LLVMValueRef buffer(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMValueRef index = LLVMConstInt(g->elems[PJ_KIR_I64], inst->imm, 0);
  LLVMValueRef at =
      LLVMBuildGEP2(g->builder, g->elems[PJ_KIR_PTR], LLVMGetParam(g->function, 0), &index, 1, "");
  LLVMValueRef load = LLVMBuildLoad2(g->builder, g->elems[PJ_KIR_PTR], at, "");
  LLVMSetMetadata(load, g->invariant_load, g->empty_node);
  return load;
}

// f16 by LLVM's type where the processor converts it; x86-64 without F16C would call a function of
// compiler-rt.
static bool has_f16(const PjLlvmGen *g) {
  return g->k->target->isa != PJ_ISA_SSE;
}

typedef struct Int {
  const PjLlvmGen *g;
  PjKirType type; // of 32 bits
} Int;
static LLVMValueRef bits(Int t, uint32_t value) {
  return pj_llvm_const(t.g, t.type, value);
}
static LLVMValueRef op(Int t, LLVMOpcode code, LLVMValueRef a, LLVMValueRef b) {
  return LLVMBuildBinOp(t.g->builder, code, a, b, "");
}
static LLVMValueRef pick(Int t, LLVMIntPredicate how, LLVMValueRef a, uint32_t b, LLVMValueRef yes,
                         LLVMValueRef no) {
  return LLVMBuildSelect(t.g->builder, LLVMBuildICmp(t.g->builder, how, a, bits(t, b), ""), yes, no,
                         "");
}

// The exponent is rebased by a multiplication, which is exact and makes subnormals normal;
// infinities and NaNs get the largest exponent by hand.
static LLVMValueRef f16_to_f32(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMTypeRef f32 = pj_llvm_type(g, inst->type);
  if (has_f16(g)) {
    LLVMTypeRef half = inst->type.lanes > 1 ? LLVMVectorType(g->half, inst->type.lanes) : g->half;
    LLVMValueRef h = LLVMBuildBitCast(g->builder, pj_llvm_arg(g, inst, 0), half, "");
    return LLVMBuildFPExt(g->builder, h, f32, "");
  }
  Int t = {g, pj_kir_type(PJ_KIR_I32, inst->type.lanes)};
  LLVMTypeRef i32 = pj_llvm_type(g, t.type);
  LLVMValueRef h = LLVMBuildZExt(g->builder, pj_llvm_arg(g, inst, 0), i32, "");
  LLVMValueRef sign = op(t, LLVMShl, op(t, LLVMAnd, h, bits(t, 0x8000)), bits(t, 16));
  LLVMValueRef magnitude = op(t, LLVMAnd, h, bits(t, 0x7fff));
  LLVMValueRef shifted = op(t, LLVMShl, magnitude, bits(t, 13));
  LLVMValueRef scale = pj_llvm_const(g, inst->type, 0x77800000); // 2^112
  LLVMValueRef scaled =
      LLVMBuildFMul(g->builder, LLVMBuildBitCast(g->builder, shifted, f32, ""), scale, "");
  LLVMValueRef finite = LLVMBuildBitCast(g->builder, scaled, i32, "");
  LLVMValueRef special = op(t, LLVMOr, shifted, bits(t, 0x7f800000));
  LLVMValueRef quiet = op(t, LLVMOr, special, bits(t, 0x00400000));
  special = pick(t, LLVMIntUGT, magnitude, 0x7c00, quiet, special);
  LLVMValueRef out = pick(t, LLVMIntUGE, magnitude, 0x7c00, special, finite);
  return LLVMBuildBitCast(g->builder, op(t, LLVMOr, out, sign), f32, "");
}

// Normal results are rounded by adding just under half of the last place to the integer; subnormal
// ones by a float addition that aligns their last place with that of the sum.
static LLVMValueRef f32_to_f16(const PjLlvmGen *g, const PjKirInst *inst) {
  LLVMTypeRef i16 = pj_llvm_type(g, inst->type);
  LLVMValueRef x = pj_llvm_arg(g, inst, 0);
  if (has_f16(g)) {
    LLVMTypeRef half = inst->type.lanes > 1 ? LLVMVectorType(g->half, inst->type.lanes) : g->half;
    return LLVMBuildBitCast(g->builder, LLVMBuildFPTrunc(g->builder, x, half, ""), i16, "");
  }
  Int t = {g, pj_kir_type(PJ_KIR_I32, inst->type.lanes)};
  LLVMTypeRef i32 = pj_llvm_type(g, t.type);
  LLVMTypeRef f32 = pj_llvm_type(g, pj_kir_type(PJ_KIR_F32, inst->type.lanes));
  LLVMValueRef u = LLVMBuildBitCast(g->builder, x, i32, "");
  LLVMValueRef sign = op(t, LLVMLShr, op(t, LLVMAnd, u, bits(t, 0x80000000)), bits(t, 16));
  LLVMValueRef magnitude = op(t, LLVMAnd, u, bits(t, 0x7fffffff));
  LLVMValueRef odd = op(t, LLVMAnd, op(t, LLVMLShr, magnitude, bits(t, 13)), bits(t, 1));
  LLVMValueRef normal =
      op(t, LLVMAdd, magnitude, bits(t, 0xc8000fff)); // exponent less 112, half less one
  normal = op(t, LLVMLShr, op(t, LLVMAdd, normal, odd), bits(t, 13));
  LLVMValueRef half_f = pj_llvm_const(g, pj_kir_type(PJ_KIR_F32, inst->type.lanes), 0x3f000000);
  LLVMValueRef sum =
      LLVMBuildFAdd(g->builder, LLVMBuildBitCast(g->builder, magnitude, f32, ""), half_f, "");
  LLVMValueRef small =
      op(t, LLVMSub, LLVMBuildBitCast(g->builder, sum, i32, ""), bits(t, 0x3f000000));
  LLVMValueRef nan = op(t, LLVMAnd, op(t, LLVMLShr, magnitude, bits(t, 13)), bits(t, 0x3ff));
  nan = op(t, LLVMOr, nan, bits(t, 0x7e00));
  LLVMValueRef out = pick(t, LLVMIntULT, magnitude, 0x38800000, small, normal);
  out = pick(t, LLVMIntUGE, magnitude, 0x47800000, bits(t, 0x7c00), out);
  out = pick(t, LLVMIntUGT, magnitude, 0x7f800000, nan, out);
  return LLVMBuildTrunc(g->builder, op(t, LLVMOr, out, sign), i16, "");
}

LLVMValueRef pj_llvm_value(PjLlvmGen *g, const PjKirInst *inst) {
  LLVMBuilderRef b = g->builder;
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_CONST:
    return pj_llvm_const(g, inst->type, inst->imm);
  case PJ_KIR_IOTA:
    return iota(g, inst);
  case PJ_KIR_BUFFER:
    return buffer(g, inst);
  case PJ_KIR_PARAM:
    return param(g, inst);
  case PJ_KIR_BEGIN:
    return LLVMGetParam(g->function, 2);
  case PJ_KIR_END:
    return LLVMGetParam(g->function, 3);
  case PJ_KIR_SCRATCH:
    return LLVMGetParam(g->function, 4);
  case PJ_KIR_SPLAT:
    return pj_llvm_splat(g, pj_llvm_arg(g, inst, 0), inst->type.lanes);
  case PJ_KIR_EXTRACT:
    if (pj_llvm_arg_type(g, inst, 0).lanes == 1)
      return pj_llvm_arg(g, inst, 0);
    return LLVMBuildExtractElement(b, pj_llvm_arg(g, inst, 0), lane_number(g, (unsigned)inst->imm),
                                   "");
  case PJ_KIR_SHUFFLE:
    return shuffle(g, inst);
  case PJ_KIR_ADD:
    return binary(g, inst, LLVMAdd);
  case PJ_KIR_SUB:
    return binary(g, inst, LLVMSub);
  case PJ_KIR_MUL:
    return binary(g, inst, LLVMMul);
  case PJ_KIR_UMULH:
    return high_product(g, inst);
  case PJ_KIR_UDIV:
    return binary(g, inst, LLVMUDiv);
  case PJ_KIR_SDIV:
    return binary(g, inst, LLVMSDiv);
  case PJ_KIR_UREM:
    return binary(g, inst, LLVMURem);
  case PJ_KIR_SREM:
    return binary(g, inst, LLVMSRem);
  case PJ_KIR_SMIN:
    return same_intrinsic(g, inst, PJ_LLVM_SMIN);
  case PJ_KIR_SMAX:
    return same_intrinsic(g, inst, PJ_LLVM_SMAX);
  case PJ_KIR_UMIN:
    return same_intrinsic(g, inst, PJ_LLVM_UMIN);
  case PJ_KIR_UMAX:
    return same_intrinsic(g, inst, PJ_LLVM_UMAX);
  case PJ_KIR_AND:
    return binary(g, inst, LLVMAnd);
  case PJ_KIR_OR:
    return binary(g, inst, LLVMOr);
  case PJ_KIR_XOR:
    return binary(g, inst, LLVMXor);
  case PJ_KIR_SHL:
    return shift(g, inst, LLVMShl);
  case PJ_KIR_LSHR:
    return shift(g, inst, LLVMLShr);
  case PJ_KIR_ASHR:
    return shift(g, inst, LLVMAShr);
  case PJ_KIR_CTLZ: {
    LLVMTypeRef type = pj_llvm_type(g, inst->type);
    LLVMValueRef args[] = {pj_llvm_arg(g, inst, 0), LLVMConstInt(g->elems[PJ_KIR_I1], 0, 0)};
    return pj_llvm_intrinsic(g, PJ_LLVM_CTLZ, 1, &type, 2, args);
  }
  case PJ_KIR_POPCNT:
    return same_intrinsic(g, inst, PJ_LLVM_CTPOP);
  case PJ_KIR_FADD:
    return binary(g, inst, LLVMFAdd);
  case PJ_KIR_FSUB:
    return binary(g, inst, LLVMFSub);
  case PJ_KIR_FMUL:
    return binary(g, inst, LLVMFMul);
  case PJ_KIR_FDIV:
    return binary(g, inst, LLVMFDiv);
  case PJ_KIR_FMA:
    return same_intrinsic(g, inst, PJ_LLVM_FMA);
  case PJ_KIR_FMIN:
    return float_pick(g, inst, LLVMRealOLT);
  case PJ_KIR_FMAX:
    return float_pick(g, inst, LLVMRealOGT);
  case PJ_KIR_FNEG:
    return LLVMBuildFNeg(b, pj_llvm_arg(g, inst, 0), "");
  case PJ_KIR_FABS:
    return same_intrinsic(g, inst, PJ_LLVM_FABS);
  case PJ_KIR_COPYSIGN:
    return same_intrinsic(g, inst, PJ_LLVM_COPYSIGN);
  case PJ_KIR_FSQRT:
    return same_intrinsic(g, inst, PJ_LLVM_SQRT);
  case PJ_KIR_FLOOR:
    return same_intrinsic(g, inst, PJ_LLVM_FLOOR);
  case PJ_KIR_CEIL:
    return same_intrinsic(g, inst, PJ_LLVM_CEIL);
  case PJ_KIR_FTRUNC:
    return same_intrinsic(g, inst, PJ_LLVM_TRUNC);
  case PJ_KIR_RINT:
    return same_intrinsic(g, inst, PJ_LLVM_ROUNDEVEN);
  case PJ_KIR_EQ:
    return compare(g, inst, LLVMIntEQ);
  case PJ_KIR_NE:
    return compare(g, inst, LLVMIntNE);
  case PJ_KIR_SLT:
    return compare(g, inst, LLVMIntSLT);
  case PJ_KIR_SLE:
    return compare(g, inst, LLVMIntSLE);
  case PJ_KIR_ULT:
    return compare(g, inst, LLVMIntULT);
  case PJ_KIR_ULE:
    return compare(g, inst, LLVMIntULE);
  case PJ_KIR_FEQ:
    return float_compare(g, inst, LLVMRealOEQ);
  case PJ_KIR_FNE:
    return float_compare(g, inst, LLVMRealUNE);
  case PJ_KIR_FLT:
    return float_compare(g, inst, LLVMRealOLT);
  case PJ_KIR_FLE:
    return float_compare(g, inst, LLVMRealOLE);
  case PJ_KIR_UNO:
    return float_compare(g, inst, LLVMRealUNO);
  case PJ_KIR_SELECT:
    return LLVMBuildSelect(b, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1),
                           pj_llvm_arg(g, inst, 2), "");
  case PJ_KIR_SEXT:
    return cast(g, inst, LLVMSExt);
  case PJ_KIR_ZEXT:
    return cast(g, inst, LLVMZExt);
  case PJ_KIR_TRUNC:
    return cast(g, inst, LLVMTrunc);
  case PJ_KIR_SITOFP:
    return cast(g, inst, LLVMSIToFP);
  case PJ_KIR_UITOFP:
    return cast(g, inst, LLVMUIToFP);
  case PJ_KIR_FPTOSI:
    return LLVMBuildFreeze(b, cast(g, inst, LLVMFPToSI), "");
  case PJ_KIR_FPTOUI:
    return LLVMBuildFreeze(b, cast(g, inst, LLVMFPToUI), "");
  case PJ_KIR_FPEXT:
    return cast(g, inst, LLVMFPExt);
  case PJ_KIR_FPTRUNC:
    return cast(g, inst, LLVMFPTrunc);
  case PJ_KIR_BITCAST:
    return cast(g, inst, LLVMBitCast);
  case PJ_KIR_F16TOF32:
    return f16_to_f32(g, inst);
  case PJ_KIR_F32TOF16:
    return f32_to_f16(g, inst);
  default:
    return NULL;
  }
}
#endif
