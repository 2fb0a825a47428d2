// State of the translation from kernel IR to instructions over virtual registers, and what its
// files share.
//
// A value is a list of parts. A scalar integer or pointer is one general register (narrow ones with
// anything in the bits above) or an immediate; a scalar float one vector register; a vector one
// register per 32 bytes, with AVX-512 per 64, where a shorter one lies in the low bytes of one.
// Constants are operands in memory until an instruction wants a register. A scalar i1 is 0 or 1 in
// a general register. A vector of i1 has as many parts as one of lanes as wide as those of the
// comparison that made it; who wants another width gets a converted copy. What a part is, the
// instruction sets do not agree on (masks.h).
#pragma once
#include <string.h>

#include "emit/x86/mir.h"

enum { X86_MAX_PARTS = 16 };

typedef struct Parts {
  X86Op op[X86_MAX_PARTS];
  int n;
} Parts;

typedef struct Value {
  Parts *parts;   // NULL: not made (yet)
  Parts *halves;  // of f16, rounded to in two registers, before they were joined
  uint8_t mask;   // of a vector of i1: bytes of a lane that it is for
  bool needed;    // somebody wants it in a register
  bool lazy;      // a scalar comparison, made where it is used
  bool splat;     // a scalar float whose register holds it in all lanes
  uint8_t spread; // of a vector: bytes of the lanes that a user makes of its lanes; 0: none does
  uint8_t steps; // of a scalar integer that lies in a vector register (float_bits.c); 0: it doesn't
  uint32_t uses; // by instructions
} Value;

typedef struct Lower {
  X86Fn *f;
  const PjKir *k;
  const struct X86Masks *masks;
  bool avx512, vbmi;
  Value *values; // by PjKirVal
  X86Reg arguments[5];
} Lower;

typedef enum PjX86Argument {
  ARG_BUFFERS,
  ARG_PARAMS,
  ARG_BEGIN,
  ARG_END,
  ARG_SCRATCH
} PjX86Argument;

// --- making instructions (build.c)
static inline bool x86_is_reg(X86Op op) {
  return op.kind == X86_REG;
}
// Notes why the function is left to LLVM; translation goes on and its result is dropped.
void x86_refuse(Lower *l, const char *why);
X86Reg x86_new_reg(Lower *l, X86Class cls);
X86Ins *x86_ins(Lower *l, X86Form form, int size);
uint32_t x86_new_label(Lower *l);
void x86_label(Lower *l, uint32_t label);
bool x86_is_zero(const Lower *l, X86Op op); // a constant of zeros
// |op| itself if it is a register, or a new one with it. |cls|: of immediates and memory.
X86Op x86_in_reg(Lower *l, X86Class cls, X86Op op);
void x86_move(Lower *l, X86Reg d, X86Op a);
// d = a op b, and with an immediate. |a| goes into a register if need be.
X86Op x86_rvm(Lower *l, uint32_t enc, int size, X86Op a, X86Op b);
X86Op x86_rvm_commuting(Lower *l, uint32_t enc, int size, X86Op a, X86Op b);
X86Op x86_rvmi(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, int imm);
X86Op x86_rm(Lower *l, X86Class cls, uint32_t enc, int size, X86Op b);
X86Op x86_rmi(Lower *l, uint32_t enc, int size, X86Op b, int imm);
X86Op x86_mr(Lower *l, X86Class cls, uint32_t enc, int size, X86Op a, int imm); // imm < 0: none
X86Op x86_vmi(Lower *l, uint32_t enc, int ext, int size, X86Op a, int imm);
X86Op x86_blend(Lower *l, uint32_t enc, int size, X86Op no, X86Op yes, X86Op mask);
// AVX-512: any function of three bits, |table| as in ops.h.
X86Op x86_ternary(Lower *l, int size, int table, X86Op c, X86Op a, X86Op b);
X86Op x86_tied(Lower *l, uint32_t enc, int size, X86Op c, X86Op a, X86Op b);
// Into mask registers: a comparison (imm < 0: none), an operation on two of them.
X86Op x86_compare_bits(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, int imm);
X86Op x86_mask_op(Lower *l, uint32_t enc, X86Op a, X86Op b);
// An X86_RM whose operand must be a register.
X86Op x86_from_reg(Lower *l, X86Class cls, uint32_t enc, int size, X86Op b);
// The last instruction made, whose result is |d|, leaves 0 in the lanes that are off.
X86Op x86_zero_where_off(Lower *l, X86Op mask, X86Op d);
X86Op x86_negative(Lower *l, X86Op value);
X86Op x86_alu(Lower *l, int ext, int size, X86Op a, X86Op b);
X86Op x86_shift(Lower *l, int ext, int size, X86Op a, int imm);
X86Op x86_gpr_rm(Lower *l, uint32_t enc, int size, X86Op b);

// --- constants
X86Op x86_pool(Lower *l, const void *bytes); // of a vector
X86Op x86_splat_const(Lower *l, int bytes, uint64_t bits);
X86Op x86_zero(Lower *l);
X86Op x86_memory(Lower *l, X86Mem mem);

// --- types
static inline int x86_bytes(PjKirType t) {
  return pj_kir_elem_bytes((PjKirElem)t.elem);
}
static inline bool x86_is_gpr(PjKirType t) {
  return t.lanes == 1 && !pj_kir_is_float(t);
}
static inline X86Class x86_class(PjKirType t) {
  return x86_is_gpr(t) ? X86_GPR : X86_VEC;
}
static inline int x86_gpr_size(PjKirElem elem) {
  return elem == PJ_KIR_I64 || elem == PJ_KIR_PTR ? 8 : 4;
}
// Parts of |lanes| lanes of |bytes| bytes, and the size of an instruction on one.
static inline int x86_num_parts(const Lower *l, int lanes, int bytes) {
  return lanes * bytes > l->f->vector_bytes ? lanes * bytes / l->f->vector_bytes : 1;
}
static inline int x86_part_size(const Lower *l, int lanes, int bytes) {
  int all = lanes * bytes;
  return all >= l->f->vector_bytes ? l->f->vector_bytes : all >= 32 ? 32 : 16;
}
// What functions need to know of a vector.
typedef struct X86Shape {
  int bytes, size, n, at; // bytes of a lane, of a part; parts; log2 of |bytes|
} X86Shape;
static inline int x86_log2(int bytes) {
  return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}
static inline X86Shape x86_shape(const Lower *l, int lanes, int bytes) {
  return (X86Shape){bytes, x86_part_size(l, lanes, bytes), x86_num_parts(l, lanes, bytes),
                    x86_log2(bytes)};
}
// Of floats: the format, for families of ops.h.
static inline uint32_t x86_packed(PjKirElem elem) {
  return elem == PJ_KIR_F32 ? X86_PS : X86_PD;
}
static inline uint32_t x86_format(PjKirType t) {
  return t.lanes == 1 ? (t.elem == PJ_KIR_F32 ? X86_SS : X86_SD) : x86_packed((PjKirElem)t.elem);
}

// --- values
const Parts *x86_parts(Lower *l, PjKirVal v); // of a value that is no i1
// A scalar integer, pointer or i1, as register or immediate.
X86Op x86_scalar(Lower *l, PjKirVal v);
// A vector of i1 with lanes of |bytes| bytes.
Parts x86_mask(Lower *l, PjKirVal v, int bytes);
void x86_set(Lower *l, PjKirVal v, const Parts *parts);
void x86_set_one(Lower *l, PjKirVal v, X86Op op);
void x86_set_mask(Lower *l, PjKirVal v, const Parts *parts, int bytes);

// --- scalars (scalar.c); operands of |elem|, in registers or immediate
X86Op x86_extend(Lower *l, X86Op op, PjKirElem elem,
                 bool is_signed); // to 32 bits; 64-bit ones stay
X86Op x86_scalar_int(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b);
X86Op x86_product(Lower *l, int size, X86Op a, X86Op b);
X86Op x86_scalar_convert(Lower *l, PjKirOp op, PjKirElem from, PjKirElem to, X86Op a);
// A comparison, made at once: 0 or 1.
X86Op x86_scalar_compare(Lower *l, const PjKirInst *inst);
// Jumps to |label| if |condition| is |when|.
void x86_branch(Lower *l, PjKirVal condition, bool when, uint32_t label);
X86Op x86_scalar_select(Lower *l, PjKirVal v);
// The value by whose sign the select |v| of numbers as wide chooses, or 0: its bits are compared
// where they are; blends of AVX2 look at nothing else. Of scalars floats alone, which need not go
// to a general register.
PjKirVal x86_chosen_by_sign(const Lower *l, PjKirVal v);
X86Op x86_choose_by_sign(Lower *l, X86Shape s, X86Op of, X86Op yes, X86Op no); // a part
// Is it a comparison that its user can make?
bool x86_is_comparison(const PjKirInst *inst);
// Whether |v| is an and, or, xor of two comparisons of floats of one type, which are left to their
// users.
bool x86_joins_comparisons(const Lower *l, PjKirVal v);
X86Op x86_scalar_lazy(Lower *l, PjKirVal v); // a value that is, in a general register

// --- division (divide.c)
void x86_lower_division(Lower *l, PjKirVal v);
X86Op x86_divide(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b);
X86Op x86_high_product(Lower *l, int size, X86Op a, X86Op b); // without signs

// --- vectors (vector.c, convert.c, lanes.c); false: not one of theirs
bool x86_lower_vector(Lower *l, PjKirVal v);
bool x86_lower_convert(Lower *l, PjKirVal v);
bool x86_lower_lanes(Lower *l, PjKirVal v);
bool x86_lower_float(Lower *l, PjKirVal v); // scalars too
// |v| without the FNEGs that made it, which change |negated|: operands of FMA need none.
PjKirVal x86_without_sign(const PjKir *k, PjKirVal v, bool *negated);

// The least or the greater of two integers.
X86Op x86_extreme(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b);
Parts x86_widen(Lower *l, const Parts *from, int lanes, int bytes,
                bool is_signed); // to twice the bytes
Parts x86_narrow(Lower *l, const Parts *from, int lanes, int bytes,
                 bool saturated); // to half; saturated: no bits are lost
// Bytes [16 i, 16 i + 16) of a part.
X86Op x86_chunk(Lower *l, X86Op part, int i);
// Two pieces of |size| bytes, one behind the other.
X86Op x86_join(Lower *l, int size, X86Op low, X86Op high);
// AVX-512 (permute.c): a part of |lanes| lanes of |unit| bytes, 2 or 4, or 1 with VBMI. |want|: for
// each the lane of all sources in a row, X86_ANY_LANE: whatever.
enum { X86_ANY_LANE = -1 };
X86Op x86_permute(Lower *l, const X86Op *sources, const int16_t *want, int lanes, int unit);
X86Op x86_extract(Lower *l, const Parts *from, PjKirElem elem, int lane); // a scalar
// Vectors of scalars, in registers or in memory, which are asked for one by one, in order.
typedef X86Op X86LaneOf(Lower *l, void *context, int lane);
Parts x86_build_of(Lower *l, PjKirElem elem, int lanes, X86LaneOf *of, void *context);
Parts x86_build(Lower *l, PjKirElem elem, int lanes, X86Op *scalars);
X86Op x86_broadcast(Lower *l, PjKirElem elem, int size, X86Op scalar); // a part
// Applies |op| lane by lane.
Parts x86_scalarize(Lower *l, const PjKirInst *inst);

// --- AVX2's missing conversions (convert_wide.c), of parts
X86Op x86_u32_to_f32(Lower *l, int size, X86Op a);
X86Op x86_u32_in_64_to_f64(Lower *l, int size, X86Op a); // lanes of 8 bytes below 2^32
X86Op x86_int64_to_f64(Lower *l, int size, X86Op a, bool is_signed);
// Another integer, whose double rounds to f32 as |a| does.
X86Op x86_int64_for_f32(Lower *l, int size, X86Op a, bool is_signed);
X86Op x86_f32_to_u32(Lower *l, int size, X86Op a);
X86Op x86_f64_to_u32_in_64(Lower *l, int size, X86Op a); // with other bits in the upper half
X86Op x86_f64_to_int64(Lower *l, int size, X86Op a);     // of either sign

// --- rotations (rotate.c)
// What |v|, an "or" of two shifts, turns to the left by |*left| bits, where there is an instruction
// for it; 0: it does no such thing.
PjKirVal x86_rotated(const Lower *l, PjKirVal v, int *left);
void x86_lower_rotation(Lower *l, PjKirVal v, PjKirVal of, int left);

// --- functions of three bits (logic.c)
typedef struct X86Logic {
  PjKirVal of[3];
  int table; // as of VPTERNLOGD
} X86Logic;
// Whether |v| is a bitwise operation on vectors with another in it that has no other reader, and
// there is one instruction for both.
bool x86_logic_of_three(const Lower *l, PjKirVal v, X86Logic *out);
void x86_lower_logic(Lower *l, PjKirVal v, const X86Logic *logic);
typedef struct X86FloatLogic {
  PjKirOp op;
  PjKirVal of, with; // a float; another or an integer
} X86FloatLogic;
// Whether |v| is a single float that is made of another's bits by a bitwise operation that has no
// other reader.
bool x86_logic_of_float(const Lower *l, PjKirVal v, X86FloatLogic *out);
void x86_lower_float_logic(Lower *l, PjKirVal v, const X86FloatLogic *logic);

// --- bits of single floats (float_bits.c)
// Finds the integers that lie in vector registers, and is called before any other question is
// asked.
void x86_find_float_bits(Lower *l);
void x86_lower_float_bits(Lower *l, PjKirVal v);          // such an integer
X86Op x86_float_of_bits(Lower *l, const PjKirInst *inst); // a float that is made of one
X86Op x86_bits_in_general(Lower *l, PjKirVal v);          // a copy for other users
X86Op x86_shift_lanes(Lower *l, X86Shape s, PjKirOp op, X86Op a, int amount); // vector.c

// Whose upper 16 bits of 32 |v| is, where they are taken as they lie; 0: of nothing (convert.c).
PjKirVal x86_high_words(const Lower *l, PjKirVal v);
// What |v| is the negative magnitude of; 0: of nothing.
PjKirVal x86_below_zero(const PjKir *k, PjKirVal v);

// --- products with powers of two (scale.c)
typedef struct X86Scaled {
  PjKirVal of, number; // |of| 2^|number|
} X86Scaled;
bool x86_scaled(const Lower *l, PjKirVal v, X86Scaled *out);
void x86_lower_scaled(Lower *l, PjKirVal v, const X86Scaled *scaled);

// --- extremes of floats (float_extreme.c)
typedef struct X86Extreme {
  PjKirVal x, y;
  bool largest;
} X86Extreme;
bool x86_float_extreme(const Lower *l, PjKirVal v, X86Extreme *out);
void x86_lower_extreme(Lower *l, PjKirVal v, const X86Extreme *extreme);

// --- masks as a whole (mask_any.c)
// The mask of which |v|, a scalar "or" or "and", says whether any lane is on, or whether all are;
// 0: it says no such thing.
PjKirVal x86_any_of(const PjKir *k, PjKirVal v);
X86Op x86_any_lane(Lower *l, PjKirOp op, PjKirVal mask); // 0 or 1

// --- control (control.c)
void x86_lower_for(Lower *l, PjKirVal v);
void x86_lower_while(Lower *l, PjKirVal v);
void x86_lower_if(Lower *l, PjKirVal v);
void x86_lower_block(Lower *l, uint32_t block); // lower.c

// --- memory (memory.c)
bool x86_lower_memory(Lower *l, PjKirVal v);
// Where the indices of a gather or scatter come from: before they were widened, which is done lane
// by lane; in memory, if |*out_read| (else NULL).
PjKirVal x86_indices(const PjKir *k, PjKirVal indices, const PjKirInst **out_read);
X86Op x86_stack_pointer(Lower *l,
                        PjKirVal stack); // of a STACK, whose value is its offset in the frame
// The address of element |index| behind |ptr|, taken apart: values that are needed and bytes that
// are added.
typedef struct Address {
  PjKirVal ptr, index; // 0: none
  int64_t disp;
} Address;
Address x86_address(const PjKir *k, PjKirVal ptr, PjKirVal index, int bytes);
