// What the files that turn instructions into bytes share: operand.c, encode_vector.c,
// encode_scalar.c, frame.c and encode.c.
//
// What stands on the stack is a memory operand where the form has room for one, and goes through
// the registers that alloc.c set aside where not. Constants lie behind the code and are reached
// relative to the instruction pointer.
//
// Frame, if there is one: rsp is aligned to 64. From rsp upwards: the memory of STACK, vectors,
// general registers and masks, the caller's rsp, what a call saves, arguments of a call.
#pragma once
#include "emit/x86/mir.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9 };

typedef enum RmKind { RM_REG, RM_MEM, RM_RIP } RmKind;

typedef struct Rm {
  RmKind kind;
  int reg;         // RM_REG
  int base, index; // RM_MEM; index -1: none
  int scale;
  int32_t disp;
  uint32_t pool; // RM_RIP
} Rm;

typedef struct Fixup {
  size_t at, end;  // of the 4 bytes; of the instruction
  uint32_t target; // label or constant
} Fixup;

typedef struct Enc {
  X86Fn *f;
  X86Bytes *out;
  size_t *labels;
  PJ_VEC(Fixup) jumps;
  PJ_VEC(Fixup) constants;
  bool framed, wide;   // it has a frame; it writes upper halves of vector registers
  uint16_t pushed;     // registers saved on entry
  const X86Ins *flags; // whose comparison they still hold
  int32_t vec_at, gpr_at, mask_at, caller_at, save_at, argument_at, frame_bytes;
} Enc;

static inline bool enc_fits8(int64_t value) {
  return value == (int8_t)value;
}

// ---- bytes (operand.c)
void enc_byte(Enc *e, int value);
void enc_word32(Enc *e, int32_t value);
// A vector instruction on |size| bytes, or one on masks. |enc|: as in ops.h; |tail|: bytes of the
// instruction after the operand.
void enc_vector(Enc *e, uint32_t enc, int size, int reg, int vvvv, const Rm *rm, int tail);
// Which lanes it writes: those of mask register |k|, 0: all; the others get 0, or stay.
typedef struct EncLanes {
  int k;
  bool zeroing;
} EncLanes;
void enc_masked(Enc *e, uint32_t enc, int size, EncLanes lanes, int reg, int vvvv, const Rm *rm,
                int tail);
// An instruction on general registers. |enc|: opcode, and its map (0: one byte) and prefix.
// |byte_op|: its r/m is a byte.
void enc_legacy(Enc *e, uint32_t enc, int size, int reg, const Rm *rm, bool byte_op, int tail);

// ---- operands
X86VReg *enc_vreg(const Enc *e, X86Reg r);
Rm enc_slot(const Enc *e, const X86VReg *v); // its place on the stack
Rm enc_reg_rm(int reg);
int enc_phys(const Enc *e, X86Op op); // -1: it is in no register
Rm enc_rm_of(Enc *e, X86Op op);
// A vector or general register with the operand in it; |scratch| if it is on the stack.
int enc_vec_in(Enc *e, X86Op op, int scratch);
int enc_gpr_in(Enc *e, X86Op op, int scratch);
int enc_mask_in(Enc *e, X86Op op, int scratch);
// Likewise, of whatever class it is; |which| of the class's two scratch registers: 0, 1.
int enc_any_in(Enc *e, X86Op op, int which);
EncLanes enc_lanes_of(Enc *e, const X86Ins *ins);
// The register in which an instruction leaves |d|; then enc_finish, which takes it to the stack if
// |d| lives there.
int enc_out_reg(const Enc *e, X86Reg d);
void enc_finish(Enc *e, X86Reg d);

// ---- moves
void enc_load_gpr(Enc *e, int reg, const Rm *rm);
void enc_move_gpr(Enc *e, int to, int from);
void enc_immediate(Enc *e, int reg, int64_t value);
void enc_zero_vec(Enc *e, int reg);
void enc_load_vec(Enc *e, int reg, const Rm *rm); // whole
void enc_store_vec(Enc *e, int reg, const Rm *rm);
void enc_gpr_from(Enc *e, int to, X86Op op);
void enc_move_vec(Enc *e, int to, int from);
void enc_vec_from(Enc *e, int to, X86Op op);
void enc_move(Enc *e, const X86Ins *ins);

// ---- vector instructions (encode_vector.c), by form
void enc_rvm(Enc *e, const X86Ins *ins);
void enc_rm_form(Enc *e, const X86Ins *ins);
void enc_mr_form(Enc *e, const X86Ins *ins);
void enc_store(Enc *e, const X86Ins *ins);
void enc_vmi(Enc *e, const X86Ins *ins);
void enc_rvmr(Enc *e, const X86Ins *ins);
void enc_fma_form(Enc *e, const X86Ins *ins);
void enc_tied(Enc *e, const X86Ins *ins);

// ---- general registers, comparisons, jumps (encode_scalar.c)
void enc_alu(Enc *e, const X86Ins *ins);
void enc_alu_imm(Enc *e, int ext, int size, const Rm *rm, int64_t imm);
void enc_imul(Enc *e, const X86Ins *ins);
void enc_unary_gpr(Enc *e, const X86Ins *ins);
void enc_gpr_rm(Enc *e, const X86Ins *ins);
void enc_gpr_store(Enc *e, const X86Ins *ins);
void enc_divide(Enc *e, const X86Ins *ins);
void enc_high_product(Enc *e, const X86Ins *ins);
void enc_set_cc(Enc *e, const X86Ins *ins);
void enc_choose(Enc *e, const X86Ins *ins);
void enc_jump(Enc *e, const X86Ins *ins);
void enc_align(Enc *e, size_t bytes); // with instructions that do nothing

// ---- calls, entry and exit (frame.c)
void enc_lay_out_frame(Enc *e);
void enc_enter(Enc *e);
void enc_leave(Enc *e);
// The function's arguments, from where the caller puts them to their registers, all at once.
// Returns the number of instructions that are done with that.
uint32_t enc_take_arguments(Enc *e);
void enc_call(Enc *e, const X86Ins *ins, uint32_t number);
