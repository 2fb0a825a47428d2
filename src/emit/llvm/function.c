// One function of kernel IR as a function of LLVM IR: structured control becomes basic blocks,
// carried values phis.
//
// for: the test stands at the end, so that a turn is one branch:      while: the test stands in
// front, and both parts
//                                                                     may hold further control:
//   before: begin < end ? body : after                                  before: br test
//   body:   index = phi, carried = phi; ...                             test:   carried = phi; ...;
//   c ? body : after
//           next < end ? body : after                                   body:   ...; br test
//   after:  results = phi(initial, next)                                after:  results are the
//   carried values
#ifdef PJ_HAVE_LLVM
#include <string.h>

#include "emit/llvm/gen.h"

// The first block of each control operation lies within its parent's, so recursion is as deep as
// loops nest.
static PjStatus translate_block(PjLlvmGen *g, uint32_t block);

// Operands of a block's YIELD, its last instruction.
static const PjKirInst *yield_of(const PjLlvmGen *g, uint32_t block) {
  const PjKirBlock *b = &g->k->blocks.data[block];
  return pj_kir_inst(g->k, b->insts.data[b->insts.len - 1]);
}

static LLVMBasicBlockRef new_block(const PjLlvmGen *g) {
  return LLVMAppendBasicBlockInContext(g->context, g->function, "");
}

static LLVMValueRef new_phi(const PjLlvmGen *g, PjKirType type, LLVMValueRef value,
                            LLVMBasicBlockRef from) {
  LLVMValueRef phi = LLVMBuildPhi(g->builder, pj_llvm_type(g, type), "");
  LLVMAddIncoming(phi, &value, &from, 1);
  return phi;
}

// Where the results of control operation |v| stand; the RESULT instructions that name it read them
// there.
static LLVMValueRef *results_of(const PjLlvmGen *g, PjKirVal v) {
  return g->results + g->first_result[v];
}

static PjStatus translate_for(PjLlvmGen *g, const PjKirInst *inst, LLVMValueRef *results) {
  const PjKirBlock *body = &g->k->blocks.data[inst->blocks[0]];
  LLVMValueRef begin = pj_llvm_arg(g, inst, 0), end = pj_llvm_arg(g, inst, 1);
  LLVMBasicBlockRef before = LLVMGetInsertBlock(g->builder);
  LLVMBasicBlockRef loop = new_block(g), after = new_block(g);
  LLVMBuildCondBr(g->builder, LLVMBuildICmp(g->builder, LLVMIntSLT, begin, end, ""), loop, after);

  LLVMPositionBuilderAtEnd(g->builder, loop);
  for (size_t i = 0; i < body->args.len; ++i) {
    PjKirVal arg = body->args.data[i];
    LLVMValueRef first = i ? pj_llvm_arg(g, inst, (uint32_t)i + 2) : begin;
    g->values[arg] = new_phi(g, pj_kir_typeof(g->k, arg), first, before);
  }
  PJ_TRY(translate_block(g, inst->blocks[0]));
  const PjKirInst *yield = yield_of(g, inst->blocks[0]);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(g->builder);
  LLVMValueRef index = g->values[body->args.data[0]];
  LLVMValueRef next = LLVMBuildNSWAdd(g->builder, index, pj_llvm_arg(g, inst, 2), "");
  LLVMAddIncoming(index, &next, &last, 1);
  for (size_t i = 1; i < body->args.len; ++i) {
    LLVMValueRef value = pj_llvm_arg(g, yield, (uint32_t)i - 1);
    LLVMAddIncoming(g->values[body->args.data[i]], &value, &last, 1);
  }
  LLVMBuildCondBr(g->builder, LLVMBuildICmp(g->builder, LLVMIntSLT, next, end, ""), loop, after);

  LLVMPositionBuilderAtEnd(g->builder, after);
  for (uint32_t i = 0; i + 3 < inst->num_args; ++i) {
    LLVMValueRef value = pj_llvm_arg(g, yield, i);
    LLVMValueRef phi =
        new_phi(g, pj_llvm_arg_type(g, yield, i), pj_llvm_arg(g, inst, i + 3), before);
    LLVMAddIncoming(phi, &value, &last, 1);
    results[i] = phi;
  }
  return NULL;
}

static PjStatus translate_while(PjLlvmGen *g, const PjKirInst *inst, LLVMValueRef *results) {
  const PjKirBlock *test = &g->k->blocks.data[inst->blocks[0]];
  LLVMBasicBlockRef before = LLVMGetInsertBlock(g->builder);
  LLVMBasicBlockRef head = new_block(g), loop = new_block(g), after = new_block(g);
  LLVMBuildBr(g->builder, head);

  LLVMPositionBuilderAtEnd(g->builder, head);
  for (uint32_t i = 0; i < inst->num_args; ++i) {
    PjKirVal arg = test->args.data[i];
    results[i] = new_phi(g, pj_kir_typeof(g->k, arg), pj_llvm_arg(g, inst, i), before);
    g->values[arg] = results[i];
  }
  PJ_TRY(translate_block(g, inst->blocks[0]));
  LLVMBuildCondBr(g->builder, pj_llvm_arg(g, yield_of(g, inst->blocks[0]), 0), loop, after);

  LLVMPositionBuilderAtEnd(g->builder, loop);
  PJ_TRY(translate_block(g, inst->blocks[1]));
  const PjKirInst *yield = yield_of(g, inst->blocks[1]);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(g->builder);
  for (uint32_t i = 0; i < inst->num_args; ++i) {
    LLVMValueRef value = pj_llvm_arg(g, yield, i);
    LLVMAddIncoming(results[i], &value, &last, 1);
  }
  LLVMBuildBr(g->builder, head);
  LLVMPositionBuilderAtEnd(g->builder, after);
  return NULL;
}

static PjStatus translate_if(PjLlvmGen *g, const PjKirInst *inst, LLVMValueRef *results) {
  LLVMBasicBlockRef sides[2] = {new_block(g), new_block(g)}, last[2], after = new_block(g);
  LLVMBuildCondBr(g->builder, pj_llvm_arg(g, inst, 0), sides[0], sides[1]);
  for (int side = 0; side < 2; ++side) {
    LLVMPositionBuilderAtEnd(g->builder, sides[side]);
    PJ_TRY(translate_block(g, inst->blocks[side]));
    last[side] = LLVMGetInsertBlock(g->builder);
    LLVMBuildBr(g->builder, after);
  }
  LLVMPositionBuilderAtEnd(g->builder, after);
  const PjKirInst *then = yield_of(g, inst->blocks[0]), *other = yield_of(g, inst->blocks[1]);
  for (uint32_t i = 0; i < then->num_args; ++i) {
    LLVMValueRef value = pj_llvm_arg(g, other, i);
    LLVMValueRef phi = new_phi(g, pj_llvm_arg_type(g, then, i), pj_llvm_arg(g, then, i), last[0]);
    LLVMAddIncoming(phi, &value, &last[1], 1);
    results[i] = phi;
  }
  return NULL;
}

static LLVMTypeRef type_of_letter(const PjLlvmGen *g, char letter) {
  switch (letter) {
  case 'p':
    return g->elems[PJ_KIR_PTR];
  case 'l':
    return g->elems[PJ_KIR_I64];
  case 'i':
    return g->elems[PJ_KIR_I32];
  case 'f':
    return g->elems[PJ_KIR_F32];
  case 'd':
    return g->elems[PJ_KIR_F64];
  default:
    return g->elems[PJ_KIR_VOID];
  }
}

static LLVMValueRef call(PjLlvmGen *g, const PjKirInst *inst) {
  const PjKirExternInfo *callee = &pj_kir_extern_info[inst->imm];
  LLVMTypeRef types[8];
  LLVMValueRef args[8];
  unsigned count = (unsigned)strlen(callee->args);
  for (unsigned i = 0; i < count; ++i) {
    types[i] = type_of_letter(g, callee->args[i]);
    args[i] = pj_llvm_arg(g, inst, i);
  }
  LLVMTypeRef type = LLVMFunctionType(type_of_letter(g, callee->result), types, count, 0);
  LLVMValueRef function = LLVMGetNamedFunction(g->module, callee->name);
  if (!function)
    function = LLVMAddFunction(g->module, callee->name, type);
  return LLVMBuildCall2(g->builder, type, function, args, count, "");
}

static PjStatus translate_inst(PjLlvmGen *g, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(g->k, v);
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_YIELD: // read by its control operation
    return NULL;
  case PJ_KIR_RESULT:
    g->values[v] = results_of(g, inst->args[0])[inst->imm];
    return NULL;
  case PJ_KIR_FOR:
    return translate_for(g, inst, results_of(g, v));
  case PJ_KIR_WHILE:
    return translate_while(g, inst, results_of(g, v));
  case PJ_KIR_IF:
    return translate_if(g, inst, results_of(g, v));
  case PJ_KIR_CALL:
    g->values[v] = call(g, inst);
    return NULL;
  default:
    g->values[v] = pj_llvm_value(g, inst);
    if (!g->values[v])
      g->values[v] = pj_llvm_memory(g, inst);
    PJ_FAIL_IF(!g->values[v], INTERNAL, "value %u: operation %u has no translation to LLVM IR", v,
               inst->op);
    return NULL;
  }
}

static PjStatus translate_block(PjLlvmGen *g, uint32_t block) {
  const PjKirBlock *b = &g->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len; ++i)
    PJ_TRY(translate_inst(g, b->insts.data[i]));
  return NULL;
}

size_t pj_llvm_place_results(const PjKir *k, uint32_t *first_result) {
  size_t count = 0;
  for (size_t v = 1; v < k->insts.len; ++v) {
    const PjKirInst *inst = pj_kir_inst(k, (PjKirVal)v);
    first_result[v] = (uint32_t)count;
    if (inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE)
      count += inst->num_args;
    else if (inst->op == PJ_KIR_IF) {
      const PjKirBlock *then = &k->blocks.data[inst->blocks[0]];
      count += pj_kir_inst(k, then->insts.data[then->insts.len - 1])->num_args;
    }
  }
  return count;
}

static void add_attribute(const PjLlvmGen *g, const char *key, const char *value) {
  LLVMAttributeRef attribute = LLVMCreateStringAttribute(g->context, key, (unsigned)strlen(key),
                                                         value, (unsigned)strlen(value));
  LLVMAddAttributeAtIndex(g->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

static void add_function(PjLlvmGen *g, const char *symbol) {
  LLVMTypeRef ptr = g->elems[PJ_KIR_PTR], i64 = g->elems[PJ_KIR_I64];
  LLVMTypeRef params[] = {ptr, ptr, i64, i64, ptr};
  LLVMTypeRef type = LLVMFunctionType(g->elems[PJ_KIR_VOID], params, 5, 0);
  g->function = LLVMAddFunction(g->module, symbol, type);
  unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
  LLVMAddAttributeAtIndex(g->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(g->context, nounwind, 0));
  add_attribute(g, "no-builtins", "");
  if (g->tune_cpu && *g->tune_cpu)
    add_attribute(g, "tune-cpu", g->tune_cpu);
  if (g->k->target->bytes_move)
    add_attribute(g, "target-features", "+avx512vbmi"); // more than the machine's
  if (g->k->target->vector_bytes == 64)
    add_attribute(g, "prefer-vector-width", "512");
}

PjStatus pj_llvm_function(PjLlvmGen *g, const char *symbol) {
  add_function(g, symbol);
  g->entry = new_block(g);
  LLVMBasicBlockRef body = new_block(g);
  LLVMPositionBuilderAtEnd(g->builder, body);
  PJ_TRY(translate_block(g, 1));
  if (g->writes_past) // others see it all after a fence only
    pj_llvm_intrinsic(g, PJ_LLVM_SFENCE, 0, NULL, 0, NULL);
  LLVMBuildRetVoid(g->builder);
  LLVMPositionBuilderAtEnd(g->builder, g->entry); // now that all allocas stand in it
  LLVMBuildBr(g->builder, body);
  return NULL;
}
#endif
