// Instructions over virtual registers: what kernel IR becomes before registers are given.
//
// An instruction has one result at most, and names its encoding itself, so there is no table of
// instructions: the form says which operand goes into which field. Code is one list of instructions
// with labels in it. What runs rarely is a run of it from one label to the next, which only jumps
// reach. Loops are intervals of it, and each register that a loop carries is written in
// three places only: before the loop, at its end, and never elsewhere; that is all that liveness
// needs to know (alloc.c).
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "emit/x86/ops.h"
#include "kernel/kir.h"

// General registers, vectors (or scalar floats), masks of AVX-512: a bit per lane.
typedef enum X86Class { X86_GPR, X86_VEC, X86_MASK, X86_NUM_CLASSES } X86Class;
typedef uint32_t X86Reg; // virtual; 0: none

typedef enum X86Kind { X86_NONE, X86_REG, X86_MEM, X86_POOL, X86_IMM } X86Kind;

// An operand. |id|: register, place in |mems|, place in |pool|.
typedef struct X86Op {
  X86Kind kind;
  uint32_t id;
  int64_t imm;
} X86Op;

typedef struct X86Mem {
  X86Reg base, index; // index 0: none; base 0 with |frame|: the stack area
  uint8_t scale;      // log2
  bool frame;
  bool unwritten; // by this function
  int32_t disp;
} X86Mem;

typedef enum X86Form {
  // VEX or EVEX; |size| is the vector's length in bytes, 16, 32 or 64 (scalars: 16)
  X86_RVM,  // reg d, vvvv a, r/m b [, imm]
  X86_RM,   // reg d, r/m b [, imm]
  X86_MR,   // r/m d, reg a [, imm]: d is another register
  X86_ST,   // r/m b (memory), reg a [, imm]
  X86_VMI,  // vvvv d, r/m a (register), |ext| in reg, imm
  X86_RVMR, // reg d, vvvv a, r/m b, c in the immediate
  X86_FMA,  // d = a * b + c, one of the three forms of it; |enc| that of form 132
  X86_TIED, // d = c, then reg d, vvvv a, r/m b
  X86_ZERO, // d = 0
  X86_RMV,  // reg d, r/m a, vvvv b (shlx and the like)
  // general registers; |size| is 4 or 8 (1, 2: only for memory operands)
  X86_G_MOV,   // d = b (register, memory or immediate)
  X86_G_LOAD,  // d = b (memory) by |enc|, which may extend
  X86_G_STORE, // b (memory) = a, |size| bytes
  X86_G_ALU,   // d = a |ext| b; ext as in opcode 81: add 0, or 1, and 4, sub 5, xor 6
  X86_G_RM,    // reg d, r/m b, opcode |enc| (movzx, movsx, lzcnt, popcnt)
  X86_G_IMUL,  // d = a * b
  X86_G_LEA,   // d = address b
  X86_G_SHIFT, // d = a shifted by imm; |ext|: shl 4, shr 5, sar 7
  X86_G_NEG,   // d = -a
  X86_G_DIV,   // d = a / b or a % b; |ext|: div 6, idiv 7; imm 1: the remainder. Needs rax and rdx
  X86_G_MULH,  // d = high half of a * b, unsigned. Needs rax and rdx
  // flags: each is a comparison and its consumer at once, so that nothing comes between
  X86_G_SETCC, // d = cmp(a, b) |cc| as 0 or 1
  X86_G_CSEL,  // d = test (cmp(a, b) |cc|) ? sel[0] : sel[1]
  X86_JCC,     // jump to |label| if cmp(a, b) |cc|; |compare| says what compares
  // the rest
  X86_MOVE,  // d = a, of d's class
  X86_JUMP,  // to |label|
  X86_LABEL, // |label|
  X86_LOOP,  // a loop begins here: label |label| for its back edge, aligned
  X86_ENTRY, // d is the |imm|th argument of the function
  X86_CALL,  // d = function |imm| (extern) of args
  X86_RET,
} X86Form;

typedef enum X86Compare {
  X86_CMP_INT, // cmp a, b of |size| bytes
  X86_CMP_F32, // vucomiss a, b
  X86_CMP_F64,
  X86_CMP_TEST, // test a, a
  X86_CMP_BIT,  // bit b (immediate) of a; "below" is set
} X86Compare;

// Condition codes as in the opcodes.
enum {
  X86_CC_B = 2,
  X86_CC_AE = 3,
  X86_CC_E = 4,
  X86_CC_NE = 5,
  X86_CC_BE = 6,
  X86_CC_A = 7,
  X86_CC_P = 10,
  X86_CC_NP = 11,
  X86_CC_L = 12,
  X86_CC_GE = 13,
  X86_CC_LE = 14,
  X86_CC_G = 15,
};

typedef struct X86Ins {
  uint8_t form; // X86Form
  uint8_t size;
  uint8_t ext, cc, compare;
  bool has_imm, commutes;
  bool in_reg;  // RM: b has no form in memory
  bool zeroing; // lanes off get 0; else they keep d's
  bool rare;    // stands, with its neighbours, behind the rest of the function (encode.c)
  uint32_t enc;
  X86Reg d;
  X86Reg mask; // RVM, RM, ST, TIED: the lanes that are written; 0: all
  X86Op a, b, c;
  int32_t imm;
  uint32_t label;
  X86Op sel[2];     // G_CSEL
  X86Op *call_args; // CALL
  uint32_t num_call_args;
  uint32_t loop;     // LOOP: which
  uint32_t loop_end; // the jump back of a loop: which, plus 1
} X86Ins;

typedef struct X86Range {
  uint32_t begin, end; // positions; two per instruction: reads at 2i, writes at 2i + 1
} X86Range;

enum { X86_NOWHERE = 0xff, X86_ON_STACK = 0xfe };
// Set aside, with the next ones, in functions that have registers on the stack.
enum { X86_SCRATCH_GPR = 10, X86_SCRATCH_VEC = 14, X86_SCRATCH_MASK = 6 };

typedef struct X86VReg {
  uint8_t cls;        // X86Class
  uint8_t phys;       // 0 to 31, or X86_ON_STACK; set by alloc.c
  uint32_t slot;      // on the stack, in units of a vector or of 8 bytes
  X86Reg hint;        // would like the same register
  uint8_t fixed_hint; // would like this machine register, plus 1
  bool hint_is_firm;
  bool early;        // its instruction writes it before all operands are read
  uint32_t constant; // it always holds this place of the pool, less 1; 0: none
  float weight;
  PJ_VEC(X86Range) ranges; // sorted
} X86VReg;

// A loop: up to instruction |end|, its jump back. |carried|: the registers that it writes again
// there.
typedef struct X86Loop {
  uint32_t end;
  uint32_t num_carried;
  X86Reg *carried;
} X86Loop;

typedef struct X86PoolEntry {
  uint8_t bytes[64]; // as many as a vector has; zeros above
} X86PoolEntry;

typedef struct X86Fn {
  PjArena *arena;
  int vector_bytes; // 32: AVX2; 64: AVX-512
  PJ_VEC(X86Ins) code;
  PJ_VEC(X86VReg) vregs; // 0 unused
  PJ_VEC(X86Mem) mems;
  PJ_VEC(X86PoolEntry) pool;
  PJ_VEC(X86Loop) loops;
  uint32_t num_labels;
  uint32_t frame_bytes; // of KIR's STACK, 64-byte units
  bool uses_rax_rdx;    // for division and products
  X86Reg divides;       // alive where these are (alloc.c)
  bool uses_calls;
  bool writes_past;    // the caches: others see it all after a fence only
  const char *refused; // why it cannot be compiled here
  // --- after allocation
  uint32_t num_slots[X86_NUM_CLASSES];
  bool spills;
} X86Fn;

// All but the bytes: instructions and registers for |k| in |f|, of which |arena| is set; unless
// |f->refused|.
void pj_x86_choose(X86Fn *f, const PjKir *k);
// Translates |k| into |f|, of which |arena| is set; |f->refused| says why not.
void pj_x86_lower(X86Fn *f, const PjKir *k);
// Loads constants that loops use into registers before them (constants.c).
void pj_x86_place_constants(X86Fn *f);
// Lets instructions read memory that was loaded for them alone (fold.c).
void pj_x86_fold_loads(X86Fn *f);
// After an allocation with registers on the stack: copies them for loops, so that another one can
// do better (split.c).
void pj_x86_split(X86Fn *f, int round);
// Gives each virtual register a place. Needs |code| complete.
void pj_x86_allocate(X86Fn *f);
// Bytes of the function, in |out| (arena). After allocation.
typedef struct X86Bytes {
  uint8_t *data;
  size_t len, cap;
} X86Bytes;
void pj_x86_encode(X86Fn *f, X86Bytes *out);

static inline X86Op pj_x86_reg(X86Reg r) {
  return (X86Op){X86_REG, r, 0};
}
static inline X86Op pj_x86_imm(int64_t value) {
  return (X86Op){X86_IMM, 0, value};
}
static inline bool x86_in_register(const X86VReg *v) {
  return v->phys < X86_ON_STACK;
}
// Of the bytes that an instruction on |size| bytes reads of its operand in memory.
static inline int x86_log2_of_memory(uint32_t enc, int size) {
  int field = enc >> 16 & 15;
  return field >= 8 ? field - 8 : (size == 64 ? 6 : size == 32 ? 5 : 4) - field;
}
// May it be an immediate?
static inline bool x86_fits32(int64_t value) {
  return value == (int32_t)value;
}
