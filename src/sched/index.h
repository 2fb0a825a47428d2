// Indices of loops and of tensors, as generators of kernels compute them.
//
// A kernel's innermost loop runs over |lanes| consecutive numbers at a time. An index (PjIx) is
// therefore the same in all lanes (uniform), grows by a constant from lane to lane (linear),
// differs from lane to lane by numbers known here (as where short rows follow one another within a
// vector), or is anything (a vector). Whatever stays linear with step 1 becomes a contiguous load,
// and what is known lane by lane a few loads whose lanes are picked.
//
// The position of an element in a dense tensor is the sum over pieces of ix * pos. Pieces are the
// factors into which loops cut the tensor's row-major order: often coarser than dimensions (one
// piece for a tensor that is read in order), never finer than the kernel needs.
#pragma once
#include "base/map.h"
#include "kernel/kir.h"

typedef struct PjIx {
  PjKirVal base;       // i64 scalar; 0: zero
  int64_t step;        // from lane to lane
  PjKirVal vec;        // vector of i64 added to both, or 0
  const int64_t *each; // of each lane, added; NULL: nothing. Then |step| is 0. Equal ones of a
                       // builder are the same
} PjIx;

enum { PJ_MAX_PIECES = 32 };

typedef struct PjPiece {
  int64_t pos;    // elements from one index to the next
  int64_t extent; // indices 0 .. extent - 1
  PjIx ix;
} PjPiece;

typedef struct PjIndex {
  int n;
  PjPiece p[PJ_MAX_PIECES]; // in any order; together they cover the tensor, sizes of 1 aside
} PjIndex;

// What index arithmetic needs: the function being built, lanes, and where numbers come from.
typedef struct PjIxBuilder {
  PjKir *k;
  int lanes;
  bool literal;  // numbers become constants; else params, so that equal kernels of other sizes are
                 // equal
  int64_t small; // numbers up to this, and its negative, become constants, too, as where all of a
                 // short loop is written out
  PJ_VEC(uint64_t) params;       // values of the params made so far (of |k->arena|)
  PjMap numbers;                 // params of pj_ix_number by value
  PJ_VEC(const int64_t *) lists; // of numbers of lanes, PJ_KIR_MAX_LANES long
} PjIxBuilder;

// |value| as an i64 scalar: a constant when small or |literal|, else a new param.
PjKirVal pj_ix_number(PjIxBuilder *b, int64_t value);
// A param holding |bits| as scalar |type|, or a constant.
PjKirVal pj_ix_scalar(PjIxBuilder *b, PjKirType type, uint64_t bits);

static inline PjIx pj_ix_uniform(PjKirVal base) {
  return (PjIx){.base = base};
}
static inline bool pj_ix_is_uniform(PjIx a) {
  return !a.vec && !a.each && a.step == 0;
}
static inline bool pj_ix_is_linear(PjIx a) {
  return !a.vec && !a.each;
}
// What lane |l| has more than the base, where there is no |vec|.
static inline int64_t pj_ix_lane(PjIx a, int l) {
  return a.each ? a.each[l] : a.step * l;
}
static inline bool pj_ix_eq(PjIx a, PjIx b) {
  return a.base == b.base && a.step == b.step && a.vec == b.vec && a.each == b.each;
}
PjKirVal pj_ix_base(PjIxBuilder *b, PjIx a); // its uniform part, never 0
// Lane l at |base| + |numbers|[l].
PjIx pj_ix_lanes(PjIxBuilder *b, PjKirVal base, const int64_t *numbers);
PjIx pj_ix_add(PjIxBuilder *b, PjIx a, PjIx c);
PjIx pj_ix_add_number(PjIxBuilder *b, PjIx a, int64_t c);
// The same with a constant, if |c| is not large: for what the code's form decides, as lanes do.
PjIx pj_ix_add_near(PjIxBuilder *b, PjIx a, int64_t c);
PjIx pj_ix_scale(PjIxBuilder *b, PjIx a, int64_t c);
// All lanes as a vector (or the scalar for one lane) of i64.
PjKirVal pj_ix_vector(PjIxBuilder *b, PjIx a);
// From a scalar or vector of i64.
PjIx pj_ix_from(PjIxBuilder *b, PjKirVal v);
// Integers as narrow as the lanes of a register that holds them all, of 32 bits at most: the lanes'
// numbers fit into these, and a mask made of them takes one comparison.
PjKirElem pj_ix_narrow(const PjKirTarget *target, int lanes);
// Sum of ix * pos.
PjIx pj_ix_offset(PjIxBuilder *b, const PjIndex *index);

// Cuts: the positions at which a kernel must be able to tell the index above from the index below,
// as suffix products of the tensor's row-major order. Sorted, each divides the next.
enum {
  PJ_MAX_CUTS = 14,
  PJ_MAX_LOOP_RANK =
      12, // of tensors inside kernels; more dimensions are for routines and the evaluator
};
typedef struct PjCuts {
  int n;
  int64_t at[PJ_MAX_CUTS];
} PjCuts;

// Adds |cut| (ignored when 1 or |count|); false if it does not fit with those there.
bool pj_cuts_add(PjCuts *cuts, int64_t cut, int64_t count);
bool pj_cuts_merge(PjCuts *cuts, const PjCuts *other, int64_t count);
