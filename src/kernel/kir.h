// Kernel IR: one function over typed scalars and vectors, in SSA form with structured control.
//
// Generators (src/kernel, src/sched) build it, emitters (src/emit) print it as target code. A
// function computes elements [begin, end) of its outer loop; the run-time calls it for several
// ranges at a time:
//
//     void kernel(void *const *buffers, const uint64_t *params, int64_t begin, int64_t end,
//                 void *scratch)
//
// Sizes, strides and scalar constants that vary are params, so that functions which differ in
// nothing else are equal and are compiled once (pj_kir_hash).
//
// The builder shares equal pure values, folds constants and puts each pure value into the outermost
// block in which its operands exist: common subexpressions and loop invariants never reach an
// emitter. Exceptions: the branches of an IF keep their vector and float work, reads and divisions
// stay in the block at hand (kir.c says why). It owns nothing: all memory is of the arena, under
// whose guard it runs. A PjKir is immutable once pj_kir_finish has been called, and may then be
// read by any thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "kernel/target.h"

// Elements of registers and of memory. Narrower ones of the IR (i2, i4, f8 ...) lie in i8, f16 and
// bf16 in i16, predicates in i8; kernel/convert.h makes values of them.
typedef enum PjKirElem {
  PJ_KIR_VOID,
  PJ_KIR_I1, // masks; never in memory
  PJ_KIR_I8,
  PJ_KIR_I16,
  PJ_KIR_I32,
  PJ_KIR_I64,
  PJ_KIR_F32,
  PJ_KIR_F64,
  PJ_KIR_PTR, // scalar only; never in memory
  PJ_KIR_ELEM_COUNT
} PjKirElem;

enum { PJ_KIR_MAX_LANES = 64 }; // lanes are powers of two

typedef struct PjKirType {
  uint8_t elem;  // PjKirElem
  uint8_t lanes; // 1: scalar
} PjKirType;

#define PJ_KIR_T(elem_, lanes_) ((PjKirType){PJ_KIR_##elem_, (uint8_t)(lanes_)})
static inline PjKirType pj_kir_type(PjKirElem elem, int lanes) {
  return (PjKirType){(uint8_t)elem, (uint8_t)lanes};
}
static inline bool pj_kir_type_eq(PjKirType a, PjKirType b) {
  return a.elem == b.elem && a.lanes == b.lanes;
}
int pj_kir_elem_bytes(PjKirElem elem); // 1 for I1
static inline bool pj_kir_is_float(PjKirType t) {
  return t.elem == PJ_KIR_F32 || t.elem == PJ_KIR_F64;
}

typedef enum PjKirOp {
#define KIR(ENUM, text, operands, result, flags) PJ_KIR_##ENUM,
#include "kernel/kir.def"
#undef KIR
  PJ_KIR_OP_COUNT
} PjKirOp;

typedef enum PjKirExtern {
#define EXTERN(ENUM, name, result, args) PJ_KIR_EXTERN_##ENUM,
#include "kernel/kir_extern.def"
#undef EXTERN
  PJ_KIR_EXTERN_COUNT
} PjKirExtern;

typedef struct PjKirOpInfo {
  const char *text;
  int8_t operands; // -1: any
  bool pure, commutes;
} PjKirOpInfo;
extern const PjKirOpInfo pj_kir_op_info[PJ_KIR_OP_COUNT];

typedef struct PjKirExternInfo {
  const char *name;
  char result;
  const char *args;
} PjKirExternInfo;
extern const PjKirExternInfo pj_kir_extern_info[PJ_KIR_EXTERN_COUNT];

typedef uint32_t PjKirVal; // index of the instruction that makes it; 0: none

typedef struct PjKirInst {
  uint8_t op; // PjKirOp
  PjKirType type;
  uint8_t alias;  // of memory accesses: a number, distinct ones never meet; 0: may meet any
  uint32_t block; // that holds it
  uint32_t num_args;
  PjKirVal *args;
  uint64_t imm;           // IF: the part that runs rarely, 1: then, 2: else; 0: none
  const uint8_t *pattern; // SHUFFLE: lanes of the result's type
  uint32_t blocks[2];     // FOR: body; WHILE: condition and body; IF: then and else
} PjKirInst;

typedef struct PjKirBlock {
  // The block that holds the control operation; the function's body is block 1 with parent 0. The
  // body of a WHILE lies in its condition: it sees the condition's arguments (it has none of its
  // own) and values.
  uint32_t parent;
  uint32_t depth;
  PjKirVal owner;        // control operation; 0 for the function's body and while it is being built
  PJ_VEC(PjKirVal) args; // ARG instructions
  PJ_VEC(PjKirVal) insts; // in order, the last one a YIELD except in the function's body
} PjKirBlock;

typedef struct PjKir {
  PjArena *arena;
  const PjKirTarget *target;
  const char *name;                 // for dumps
  PJ_VEC(PjKirInst) insts;          // insts.data[0] is unused
  PJ_VEC(PjKirBlock) blocks;        // blocks.data[0] is unused, blocks.data[1] is the body
  uint32_t num_buffers, num_params; // highest index used + 1
  // --- building
  uint32_t current; // block at hand
  uint8_t alias;    // given to the next memory accesses
  bool always; // and: reads may run whatever the program does, so they leave loops and branches
  bool alone;  // and: functions are of one number, wherever it is computed (math_alone.c)
  bool past;   // and: whole vectors are stored past the caches (kir.def, STORE)
  struct PjKirTable *table; // of pure values
} PjKir;

PjKir *pj_kir_create(PjArena *arena, const PjKirTarget *target, const char *name);
// Ends building: drops values that nobody uses, and carried values and loops that nobody needs.
// Instructions and blocks are numbered anew, in the order of printing (all that an instruction uses
// but yields' loops comes before it; RESULTs directly follow their operation, those not needed are
// missing), so values handed out before mean nothing after. Idempotent.
void pj_kir_finish(PjKir *k);

static inline const PjKirInst *pj_kir_inst(const PjKir *k, PjKirVal v) {
  return &k->insts.data[v];
}
static inline PjKirType pj_kir_typeof(const PjKir *k, PjKirVal v) {
  return k->insts.data[v].type;
}
// True and the bits of one lane if |v| is a constant, or the splat of one.
bool pj_kir_is_const(const PjKir *k, PjKirVal v, uint64_t *out_bits);

// --- values. Where two operands must have equal lanes, a scalar is splatted to the other's.
PjKirVal pj_kir_const(PjKir *k, PjKirType type,
                      uint64_t bits); // bits above the element's width are dropped
PjKirVal pj_kir_float(PjKir *k, PjKirType type, double value); // f32 or f64, rounded to the type
PjKirVal pj_kir_i64(PjKir *k, int64_t value);                  // a scalar
PjKirVal pj_kir_iota(PjKir *k, PjKirType type);
PjKirVal pj_kir_buffer(PjKir *k, uint32_t index);
PjKirVal pj_kir_param(PjKir *k, PjKirType type, uint32_t index); // a scalar type
PjKirVal pj_kir_begin(PjKir *k);
PjKirVal pj_kir_end(PjKir *k);
PjKirVal pj_kir_scratch(PjKir *k);
PjKirVal pj_kir_stack(PjKir *k, uint64_t bytes);

PjKirVal pj_kir_splat(PjKir *k, PjKirVal v, int lanes); // |v| itself if it has the lanes already
PjKirVal pj_kir_extract(PjKir *k, PjKirVal v, int lane);
PjKirVal pj_kir_shuffle(PjKir *k, PjKirVal a, PjKirVal b, int lanes, const uint8_t *pattern);
PjKirVal pj_kir_half(PjKir *k, PjKirVal v, int which); // lower (0) or upper (1) half of the lanes
PjKirVal pj_kir_join(PjKir *k, PjKirVal low, PjKirVal high); // twice the lanes

// Operations of kir.def whose result is |same| or |mask|.
PjKirVal pj_kir_1(PjKir *k, PjKirOp op, PjKirVal a);
PjKirVal pj_kir_2(PjKir *k, PjKirOp op, PjKirVal a, PjKirVal b);
PjKirVal pj_kir_fma(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c);
// a * b + c: one rounding where the target has it in hardware, two where not. For expansions that
// allow both.
PjKirVal pj_kir_muladd(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c);
PjKirVal pj_kir_select(PjKir *k, PjKirVal mask, PjKirVal a, PjKirVal b);
PjKirVal pj_kir_not(PjKir *k, PjKirVal a);
// Conversions of kir.def to |elem|, lanes unchanged.
PjKirVal pj_kir_cast(PjKir *k, PjKirOp op, PjKirElem elem, PjKirVal a);
PjKirVal pj_kir_bitcast(PjKir *k, PjKirElem elem, PjKirVal a);
// All lanes combined by |op| in a fixed tree (upper half onto lower half): a scalar.
PjKirVal pj_kir_reduce_lanes(PjKir *k, PjKirOp op, PjKirVal v);

#define PJ_KIR_SHORTHAND_2(name, OP)                                       \
  static inline PjKirVal pj_kir_##name(PjKir *k, PjKirVal a, PjKirVal b) { \
    return pj_kir_2(k, PJ_KIR_##OP, a, b);                                 \
  }
PJ_KIR_SHORTHAND_2(add, ADD)
PJ_KIR_SHORTHAND_2(sub, SUB)
PJ_KIR_SHORTHAND_2(mul, MUL)
PJ_KIR_SHORTHAND_2(and, AND)
PJ_KIR_SHORTHAND_2(or, OR)
PJ_KIR_SHORTHAND_2(xor, XOR)
PJ_KIR_SHORTHAND_2(shl, SHL)
PJ_KIR_SHORTHAND_2(lshr, LSHR)
PJ_KIR_SHORTHAND_2(ashr, ASHR)
PJ_KIR_SHORTHAND_2(fadd, FADD)
PJ_KIR_SHORTHAND_2(fsub, FSUB)
PJ_KIR_SHORTHAND_2(fmul, FMUL)
PJ_KIR_SHORTHAND_2(fdiv, FDIV)
PJ_KIR_SHORTHAND_2(eq, EQ)
PJ_KIR_SHORTHAND_2(ne, NE)
PJ_KIR_SHORTHAND_2(slt, SLT)
PJ_KIR_SHORTHAND_2(feq, FEQ)
PJ_KIR_SHORTHAND_2(flt, FLT)
PJ_KIR_SHORTHAND_2(fle, FLE)
#undef PJ_KIR_SHORTHAND_2

// --- memory. |mask| 0: all lanes. |readonly|: nothing in the function writes there, so the load
// may be shared and moved.
PjKirVal pj_kir_ptradd(PjKir *k, PjKirVal ptr, PjKirVal bytes);
// Of two values in scope: whether |a| is made further out than |b|, as what a loop does not change.
bool pj_kir_is_from_outside(const PjKir *k, PjKirVal a, PjKirVal b);
PjKirVal pj_kir_load(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index, PjKirVal mask,
                     bool readonly);
PjKirVal pj_kir_gather(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal indices, PjKirVal mask,
                       bool readonly);
void pj_kir_store(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal index, PjKirVal mask);
// |value| lies at that place already, as nothing in the block at hand has shown so far: a loop
// carries it.
void pj_kir_known(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal index);
void pj_kir_scatter(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal indices, PjKirVal mask);

// --- control. |n| carried values; |args|, |results| receive n values.
// for (index = begin; index < end; index += step): returns the index.
PjKirVal pj_kir_for_begin(PjKir *k, PjKirVal begin, PjKirVal end, PjKirVal step, uint32_t n,
                          const PjKirVal *init, PjKirVal *args);
// The loop just begun turns at least once: what it reads, or divides, in every turn may precede it.
void pj_kir_for_sure(PjKir *k);
void pj_kir_for_end(PjKir *k, uint32_t n, const PjKirVal *next, PjKirVal *results);
// while: begin, the condition, test, the body, end. Results are the values for which the condition
// failed.
void pj_kir_while_begin(PjKir *k, uint32_t n, const PjKirVal *init, PjKirVal *args);
void pj_kir_while_test(PjKir *k, PjKirVal condition);
void pj_kir_while_end(PjKir *k, uint32_t n, const PjKirVal *next, PjKirVal *results);
// if: begin, then-part, else, else-part, end.
void pj_kir_if_begin(PjKir *k, PjKirVal condition);
// The part at hand runs rarely: code is laid out, and registers are given, for the other one.
void pj_kir_if_rare(PjKir *k);
void pj_kir_if_else(PjKir *k, uint32_t n, const PjKirVal *then_values);
void pj_kir_if_end(PjKir *k, uint32_t n, const PjKirVal *else_values, PjKirVal *results);

PjKirVal pj_kir_call(PjKir *k, PjKirExtern callee, uint32_t n,
                     const PjKirVal *args); // 0 for functions without result

// The finished function |k| with all its stores through the caches; |k| itself if they are.
const PjKir *pj_kir_through_caches(const PjKir *k);

// --- looking at it (after pj_kir_finish)
// Readable text, one instruction a line, numbered in order. Equal text means equal functions.
void pj_kir_print(const PjKir *k, PjStrBuf *out);
// Types, operands in scope, blocks well formed. INTERNAL, naming the instruction, if not.
PjStatus pj_kir_verify(const PjKir *k);
// A 128-bit hash of everything that decides the code, target included, name excluded.
void pj_kir_hash(const PjKir *k, uint64_t out[2]);
// Number of instructions, for budgets.
static inline uint32_t pj_kir_size(const PjKir *k) {
  return (uint32_t)k->insts.len;
}
