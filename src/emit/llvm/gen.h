// State of the translation of one function from kernel IR to LLVM IR.
#pragma once
#include <llvm-c/Core.h>

#include "kernel/kir.h"

// Intrinsics that the emitter uses: INTRINSIC(ENUM, LLVM name)
#define PJ_LLVM_INTRINSICS(X)              \
  X(FMA, "llvm.fma")                       \
  X(FABS, "llvm.fabs")                     \
  X(COPYSIGN, "llvm.copysign")             \
  X(SQRT, "llvm.sqrt")                     \
  X(FLOOR, "llvm.floor")                   \
  X(CEIL, "llvm.ceil")                     \
  X(TRUNC, "llvm.trunc")                   \
  X(ROUNDEVEN, "llvm.roundeven")           \
  X(SMIN, "llvm.smin")                     \
  X(SMAX, "llvm.smax")                     \
  X(UMIN, "llvm.umin")                     \
  X(UMAX, "llvm.umax")                     \
  X(CTLZ, "llvm.ctlz")                     \
  X(CTPOP, "llvm.ctpop")                   \
  X(MASKED_LOAD, "llvm.masked.load")       \
  X(MASKED_STORE, "llvm.masked.store")     \
  X(MASKED_GATHER, "llvm.masked.gather")   \
  X(MASKED_SCATTER, "llvm.masked.scatter") \
  X(SFENCE, "llvm.x86.sse.sfence")

typedef enum PjLlvmIntrinsic {
#define X(ENUM, name) PJ_LLVM_##ENUM,
  PJ_LLVM_INTRINSICS(X)
#undef X
      PJ_LLVM_INTRINSIC_COUNT
} PjLlvmIntrinsic;

typedef struct PjLlvmGen {
  const PjKir *k;
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef builder;
  LLVMValueRef function;
  LLVMBasicBlockRef entry; // allocas, then a branch to the body
  LLVMValueRef *values;    // by PjKirVal
  uint32_t *first_result;  // by PjKirVal: of a control operation, its place in |results|
  LLVMValueRef *results;   // of all control operations
  LLVMTypeRef elems[PJ_KIR_ELEM_COUNT];
  LLVMTypeRef half;
  unsigned invariant_load, nontemporal; // kinds of metadata
  LLVMValueRef empty_node, one_node;
  bool writes_past;           // the caches
  const unsigned *intrinsics; // ids, by PjLlvmIntrinsic
  const char *tune_cpu;       // or NULL
} PjLlvmGen;

// Gives each control operation of |k| its place among the results, and returns how many there are.
size_t pj_llvm_place_results(const PjKir *k, uint32_t *first_result);

// Adds |g->k| to the module as the function |symbol|. All of |g| is set but |function| and |entry|;
// |k| passes the verifier of kernel IR. Errors: INTERNAL (an operation without translation).
PjStatus pj_llvm_function(PjLlvmGen *g, const char *symbol);

// --- shared by the files of this folder
LLVMTypeRef pj_llvm_type(const PjLlvmGen *g, PjKirType type);
static inline LLVMValueRef pj_llvm_arg(const PjLlvmGen *g, const PjKirInst *inst, uint32_t index) {
  return g->values[inst->args[index]];
}
static inline PjKirType pj_llvm_arg_type(const PjLlvmGen *g, const PjKirInst *inst,
                                         uint32_t index) {
  return pj_kir_typeof(g->k, inst->args[index]);
}
// A constant of |type|, |bits| in every lane.
LLVMValueRef pj_llvm_const(const PjLlvmGen *g, PjKirType type, uint64_t bits);
LLVMValueRef pj_llvm_splat(const PjLlvmGen *g, LLVMValueRef scalar, int lanes);
// A call of an intrinsic that is overloaded on |num_types| types.
LLVMValueRef pj_llvm_intrinsic(const PjLlvmGen *g, PjLlvmIntrinsic which, unsigned num_types,
                               LLVMTypeRef *types, unsigned num_args, LLVMValueRef *args);

// The value of an operation that computes; NULL for an operation that is none of these.
LLVMValueRef pj_llvm_value(PjLlvmGen *g, const PjKirInst *inst);
// The value of an operation on memory; a store's is of no use. NULL for an operation that is none
// of these.
LLVMValueRef pj_llvm_memory(PjLlvmGen *g, const PjKirInst *inst);
