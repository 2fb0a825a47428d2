// Shared by the files of the builder (kir*.c); nobody else includes it.
#pragma once
#include "kernel/kir.h"

typedef enum PjKirBlockKind {
  PJ_KIR_BLOCK_BODY, // of the function
  PJ_KIR_BLOCK_FOR,
  PJ_KIR_BLOCK_SURE, // of a FOR that turns at least once
  PJ_KIR_BLOCK_TEST, // of a WHILE
  PJ_KIR_BLOCK_WHILE,
  PJ_KIR_BLOCK_IF,
} PjKirBlockKind;

// The element(s) that are known to lie at |ptr|[|index|].
typedef struct PjKirRecent {
  PjKirVal ptr, index, value;
  uint8_t alias;
  bool stored; // not just loaded: memory may not have it yet
} PjKirRecent;

// A control operation that is being built.
typedef struct PjKirOpen {
  PjKirOp op;
  uint32_t blocks[2];
  uint32_t num_operands; // of the control operation
  PjKirVal *operands;
  PjKirVal condition; // of a WHILE
  uint64_t rare;      // of an IF: its imm
  uint32_t num_then;
  PjKirVal *then_values;
  PjKirRecent *recent; // what was known where it begins
  uint32_t num_recent;
  uint64_t writes;
} PjKirOpen;

typedef struct PjKirSlot {
  uint64_t hash;
  PjKirVal value; // 0: empty
} PjKirSlot;

enum { PJ_KIR_RECENT = 48 };

// What the builder knows beyond the function itself.
typedef struct PjKirTable {
  PjKirSlot *slots; // open addressing, |cap| is a power of two
  size_t len, cap;
  PJ_VEC(uint32_t) path;             // open blocks by depth
  PJ_VEC(uint8_t) kinds;             // of blocks
  PJ_VEC(PjKirOpen) open;            // control operations, the innermost last
  PjKirRecent recent[PJ_KIR_RECENT]; // of the block at hand, the oldest first
  uint32_t num_recent;
  uint64_t writes;                    // so far, to anywhere
  PJ_VEC(struct PjKirRange *) ranges; // by value, of those asked for (kir_range.c)
  bool finished;
} PjKirTable;

// --- kir_memory.c; all of the alias number at hand
void pj_kir__forget(PjKir *k);
// What is known as |open| begins, kept; and known again, in a branch or behind branches that wrote
// nothing.
void pj_kir__keep_recent(PjKir *k, PjKirOpen *open);
void pj_kir__restore_recent(PjKir *k, const PjKirOpen *open);
// The value of |type| at a place, or 0 where it is not known.
PjKirVal pj_kir__recall(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index);
// The same of a load under a mask.
PjKirVal pj_kir__recall_some(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index, PjKirVal mask);
void pj_kir__remember(PjKir *k, PjKirVal ptr, PjKirVal index, PjKirVal value, bool stored);
// Something of |type| is written there; |index| 0: somewhere.
void pj_kir__overwrite(PjKir *k, PjKirVal ptr, PjKirVal index, PjKirType type);

// --- kir_decided.c
// 1 or 0 where the control operations around the block at hand decide the scalar condition |v|,
// else -1.
int pj_kir__decided(const PjKir *k, PjKirVal v);
// The comparison that holds where |op| does not, of the operands in turned order if |turned|: not
// a < b is b <= a. Of floats only = and != have one, others are false for NaN both ways. CONST:
// none.
PjKirOp pj_kir__opposite(PjKirOp op, bool *turned);

// --- kir_range.c
// |v| is a / b, computed in another way.
void pj_kir__assume_quotient(PjKir *k, PjKirVal v, PjKirVal a, PjKirVal b);

// --- kir_divide.c
// a / b by two products where that gives the same bits; 0 where it may not, or costs no less.
PjKirVal pj_kir__divide(PjKir *k, PjKirVal a, PjKirVal b);
// Whether fma(x, h, x l) is x / c rounded for every x of 24 bits, where h = 1 / c and l = 1 / c -
// h, both rounded, and nothing overflows or is subnormal. |c|: 24 bits, the highest of them set.
bool pj_kir__products_divide(uint32_t c);

// The value of |inst|: an equal one that is in scope, or a new instruction in the outermost block
// that may hold it. Copies |inst->args|.
PjKirVal pj_kir__value(PjKir *k, const PjKirInst *inst);
// A new instruction at the end of |block|.
PjKirVal pj_kir__append(PjKir *k, uint32_t block, const PjKirInst *inst);

// Identities: a simpler value equal to |op| of the operands (of equal lanes, in canonical order),
// or 0.
PjKirVal pj_kir__simplify(PjKir *k, PjKirOp op, PjKirType type, const PjKirVal *args);
// Bits of one lane of |op| applied to constants; |from| is the element of the first operand that is
// not a mask, |to| the result's. False if it cannot be told here what the run time gives (a NaN,
// what kir.def calls undefined).
bool pj_kir__fold(PjKirOp op, PjKirElem from, PjKirElem to, const uint64_t *args, uint64_t *out);

// Any operation that works lane by lane: constants folded, simplified, uniform lanes computed once.
PjKirVal pj_kir__lanewise(PjKir *k, PjKirOp op, PjKirType type, uint32_t n, const PjKirVal *args);

static inline uint64_t pj_kir__mask(PjKirElem elem) {
  int bits = elem == PJ_KIR_I1 ? 1 : pj_kir_elem_bytes(elem) * 8;
  return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}
static inline int64_t pj_kir__signed(PjKirElem elem, uint64_t bits) {
  int unused = 64 - (elem == PJ_KIR_I1 ? 1 : pj_kir_elem_bytes(elem) * 8);
  return (int64_t)(bits << unused) >> unused;
}
static inline bool pj_kir__is_int(PjKirElem elem) {
  return elem >= PJ_KIR_I8 && elem <= PJ_KIR_I64;
}
// True for calls whose result depends on their arguments only.
bool pj_kir__pure_call(PjKirExtern callee);
