// Operations of kernel IR on memory.
//
// Masked accesses, gathers and scatters are LLVM's intrinsics of these names, which keep the order
// of lanes that kernel IR asks for. Where the processor has no such instruction, or where it is
// known to be slow, code generation takes them apart lane by lane.
#ifdef PJ_HAVE_LLVM
#include "emit/llvm/gen.h"

static unsigned elem_align(PjKirType type) {
  return (unsigned)pj_kir_elem_bytes(type.elem);
}

// Address of element |index|, or of several elements if it is a vector.
static LLVMValueRef address(const PjLlvmGen *g, PjKirType type, LLVMValueRef ptr,
                            LLVMValueRef index) {
  return LLVMBuildGEP2(g->builder, g->elems[type.elem], ptr, &index, 1, "");
}

static LLVMValueRef align_of(const PjLlvmGen *g, PjKirType type) {
  return LLVMConstInt(g->elems[PJ_KIR_I32], elem_align(type), 0);
}

static LLVMValueRef all_lanes(const PjLlvmGen *g, int lanes) {
  return pj_llvm_const(g, pj_kir_type(PJ_KIR_I1, lanes), 1);
}

static LLVMTypeRef ptr_vector(const PjLlvmGen *g, int lanes) {
  return LLVMVectorType(g->elems[PJ_KIR_PTR], (unsigned)lanes);
}

// A value that |make| computes where |mask|, a scalar, holds; 0 or nothing elsewhere.
typedef LLVMValueRef Make(PjLlvmGen *g, const PjKirInst *inst);

static LLVMValueRef guarded(PjLlvmGen *g, const PjKirInst *inst, LLVMValueRef mask, Make *make) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(g->builder);
  LLVMBasicBlockRef yes = LLVMAppendBasicBlockInContext(g->context, g->function, "");
  LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(g->context, g->function, "");
  LLVMBuildCondBr(g->builder, mask, yes, after);
  LLVMPositionBuilderAtEnd(g->builder, yes);
  LLVMValueRef value = make(g, inst);
  LLVMBuildBr(g->builder, after);
  LLVMPositionBuilderAtEnd(g->builder, after);
  if (inst->type.elem == PJ_KIR_VOID)
    return value;
  LLVMTypeRef type = pj_llvm_type(g, inst->type);
  LLVMValueRef phi = LLVMBuildPhi(g->builder, type, "");
  LLVMValueRef values[] = {LLVMConstNull(type), value};
  LLVMBasicBlockRef blocks[] = {before, yes};
  LLVMAddIncoming(phi, values, blocks, 2);
  return phi;
}

static LLVMValueRef plain_load(PjLlvmGen *g, const PjKirInst *inst) {
  LLVMValueRef at = address(g, inst->type, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1));
  LLVMValueRef load = LLVMBuildLoad2(g->builder, pj_llvm_type(g, inst->type), at, "");
  LLVMSetAlignment(load, elem_align(inst->type));
  if (inst->op == PJ_KIR_READ)
    LLVMSetMetadata(load, g->invariant_load, g->empty_node);
  return load;
}

static LLVMValueRef load(PjLlvmGen *g, const PjKirInst *inst) {
  if (inst->num_args < 3)
    return plain_load(g, inst);
  LLVMValueRef mask = pj_llvm_arg(g, inst, 2);
  if (inst->type.lanes == 1)
    return guarded(g, inst, mask, plain_load);
  LLVMTypeRef types[] = {pj_llvm_type(g, inst->type), g->elems[PJ_KIR_PTR]};
  LLVMValueRef at = address(g, inst->type, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1));
  LLVMValueRef args[] = {at, align_of(g, inst->type), mask, LLVMConstNull(types[0])};
  return pj_llvm_intrinsic(g, PJ_LLVM_MASKED_LOAD, 2, types, 4, args);
}

// Lane |i| of the vector |index| of i64. |narrow|: what that is zero-extended from, or NULL; its
// lanes leave the vector registers in pairs.
static LLVMValueRef lane_index(PjLlvmGen *g, LLVMValueRef index, LLVMValueRef narrow, unsigned i) {
  LLVMTypeRef i32 = g->elems[PJ_KIR_I32], i64 = g->elems[PJ_KIR_I64];
  if (!narrow)
    return LLVMBuildExtractElement(g->builder, index, LLVMConstInt(i32, i, 0), "");
  LLVMTypeRef pairs = LLVMVectorType(i64, LLVMGetVectorSize(LLVMTypeOf(narrow)) / 2);
  LLVMValueRef both = LLVMBuildBitCast(g->builder, narrow, pairs, "");
  both = LLVMBuildExtractElement(g->builder, both, LLVMConstInt(i32, i / 2, 0), "");
  return i % 2 ? LLVMBuildLShr(g->builder, both, LLVMConstInt(i64, 32, 0), "")
               : LLVMBuildZExt(g->builder, LLVMBuildTrunc(g->builder, both, i32, ""), i64, "");
}

// Lane by lane: an instruction that gathers takes longer than as many loads.
static LLVMValueRef load_lanes(PjLlvmGen *g, const PjKirInst *inst) {
  const PjKirType one = pj_kir_type(inst->type.elem, 1);
  const PjKirInst *indices = pj_kir_inst(g->k, inst->args[1]);
  const bool zext =
      indices->op == PJ_KIR_ZEXT && pj_kir_typeof(g->k, indices->args[0]).elem == PJ_KIR_I32;
  LLVMValueRef ptr = pj_llvm_arg(g, inst, 0), index = pj_llvm_arg(g, inst, 1);
  LLVMValueRef narrow = zext ? pj_llvm_arg(g, indices, 0) : NULL;
  LLVMValueRef all = LLVMGetPoison(pj_llvm_type(g, inst->type));
  for (unsigned i = 0; i < inst->type.lanes; i++) {
    LLVMValueRef at = address(g, one, ptr, lane_index(g, index, narrow, i));
    LLVMValueRef x = LLVMBuildLoad2(g->builder, pj_llvm_type(g, one), at, "");
    LLVMSetAlignment(x, elem_align(one));
    if (inst->op == PJ_KIR_READG)
      LLVMSetMetadata(x, g->invariant_load, g->empty_node);
    LLVMValueRef lane = LLVMConstInt(g->elems[PJ_KIR_I32], i, 0);
    all = LLVMBuildInsertElement(g->builder, all, x, lane, "");
  }
  return all;
}

static LLVMValueRef gather(PjLlvmGen *g, const PjKirInst *inst) {
  if (inst->type.lanes == 1)
    return inst->num_args < 3 ? plain_load(g, inst)
                              : guarded(g, inst, pj_llvm_arg(g, inst, 2), plain_load);
  if (inst->num_args < 3)
    return load_lanes(g, inst);
  LLVMTypeRef types[] = {pj_llvm_type(g, inst->type), ptr_vector(g, inst->type.lanes)};
  LLVMValueRef at = address(g, inst->type, pj_llvm_arg(g, inst, 0), pj_llvm_arg(g, inst, 1));
  LLVMValueRef mask = inst->num_args < 3 ? all_lanes(g, inst->type.lanes) : pj_llvm_arg(g, inst, 2);
  LLVMValueRef args[] = {at, align_of(g, inst->type), mask, LLVMConstNull(types[0])};
  return pj_llvm_intrinsic(g, PJ_LLVM_MASKED_GATHER, 2, types, 4, args);
}

// Past the caches; what is less than a register goes the usual way.
static void write_past(PjLlvmGen *g, LLVMValueRef store, PjKirType type) {
  unsigned bytes = elem_align(type) * type.lanes;
  LLVMSetAlignment(store, bytes < 64 ? bytes : 64);
  if (bytes < 16 || g->k->target->isa == PJ_ISA_NEON)
    return;
  LLVMSetMetadata(store, g->nontemporal, g->one_node);
  g->writes_past = true;
}

static LLVMValueRef plain_store(PjLlvmGen *g, const PjKirInst *inst) {
  PjKirType type = pj_llvm_arg_type(g, inst, 0);
  LLVMValueRef at = address(g, type, pj_llvm_arg(g, inst, 1), pj_llvm_arg(g, inst, 2));
  LLVMValueRef store = LLVMBuildStore(g->builder, pj_llvm_arg(g, inst, 0), at);
  LLVMSetAlignment(store, elem_align(type));
  if (inst->op == PJ_KIR_STORE && inst->imm)
    write_past(g, store, type);
  return store;
}

static LLVMValueRef store(PjLlvmGen *g, const PjKirInst *inst) {
  if (inst->num_args < 4)
    return plain_store(g, inst);
  PjKirType type = pj_llvm_arg_type(g, inst, 0);
  LLVMValueRef mask = pj_llvm_arg(g, inst, 3);
  if (type.lanes == 1)
    return guarded(g, inst, mask, plain_store);
  LLVMTypeRef types[] = {pj_llvm_type(g, type), g->elems[PJ_KIR_PTR]};
  LLVMValueRef at = address(g, type, pj_llvm_arg(g, inst, 1), pj_llvm_arg(g, inst, 2));
  LLVMValueRef args[] = {pj_llvm_arg(g, inst, 0), at, align_of(g, type), mask};
  return pj_llvm_intrinsic(g, PJ_LLVM_MASKED_STORE, 2, types, 4, args);
}

static LLVMValueRef scatter(PjLlvmGen *g, const PjKirInst *inst) {
  PjKirType type = pj_llvm_arg_type(g, inst, 0);
  if (type.lanes == 1)
    return inst->num_args < 4 ? plain_store(g, inst)
                              : guarded(g, inst, pj_llvm_arg(g, inst, 3), plain_store);
  LLVMTypeRef types[] = {pj_llvm_type(g, type), ptr_vector(g, type.lanes)};
  LLVMValueRef at = address(g, type, pj_llvm_arg(g, inst, 1), pj_llvm_arg(g, inst, 2));
  LLVMValueRef mask = inst->num_args < 4 ? all_lanes(g, type.lanes) : pj_llvm_arg(g, inst, 3);
  LLVMValueRef args[] = {pj_llvm_arg(g, inst, 0), at, align_of(g, type), mask};
  return pj_llvm_intrinsic(g, PJ_LLVM_MASKED_SCATTER, 2, types, 4, args);
}

// On the entry block's stack, so that a loop around it does not grow the frame.
static LLVMValueRef stack(PjLlvmGen *g, const PjKirInst *inst) {
  LLVMBasicBlockRef here = LLVMGetInsertBlock(g->builder);
  LLVMPositionBuilderAtEnd(g->builder, g->entry);
  LLVMTypeRef bytes = LLVMArrayType2(g->elems[PJ_KIR_I8], inst->imm);
  LLVMValueRef at = LLVMBuildAlloca(g->builder, bytes, "");
  LLVMSetAlignment(at, 64);
  LLVMPositionBuilderAtEnd(g->builder, here);
  return at;
}

LLVMValueRef pj_llvm_memory(PjLlvmGen *g, const PjKirInst *inst) {
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_PTRADD: {
    LLVMValueRef bytes = pj_llvm_arg(g, inst, 1);
    return LLVMBuildGEP2(g->builder, g->elems[PJ_KIR_I8], pj_llvm_arg(g, inst, 0), &bytes, 1, "");
  }
  case PJ_KIR_LOAD:
  case PJ_KIR_READ:
    return load(g, inst);
  case PJ_KIR_GATHER:
  case PJ_KIR_READG:
    return gather(g, inst);
  case PJ_KIR_STORE:
    return store(g, inst);
  case PJ_KIR_SCATTER:
    return scatter(g, inst);
  case PJ_KIR_STACK:
    return stack(g, inst);
  default:
    return NULL;
  }
}
#endif
