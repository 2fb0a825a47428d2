// Kernel IR as text of a C-like language: plain C here, OpenCL C and CUDA C by other dialects.
//
// A function becomes one function of the language: scalars are expressions, operations on vectors
// are calls of small inline functions ("f32x8_fadd") that are printed before, those in use only. A
// value that is used once is written where it is used.
#pragma once
#include "kernel/kir.h"

// How one operation is written. In |scalar|, for one lane; and in |vector|, for compilers that know
// operators on whole vectors a.at, b.at, c.at (NULL: lane by lane):
//
//   $a $b $c  operands
//   $1 $2     the first two as signed integers
//   $n        $b as an amount to shift by, below the width
//   $t $s     the result's type, and signed integers of its width
//   $k        a cast to the result's type where arithmetic would widen it, else nothing
//   $x        a cast to 32 bits where a product of narrower ones could overflow, else nothing
//   $f        f for float, nothing for double (of the first operand)
//   $w $m $g  the first operand's width in bits, that minus one, its sign bit
//   $V $S $I  types of vectors: the result, signed and unsigned integers of its width
//   $D        signed integers of the first operand's width
typedef struct PjClikeForm {
  const char *scalar, *vector;
  bool twice; // |scalar| has an operand twice: becomes a function for scalars as well
} PjClikeForm;

// A helper function (or macro) of the language, printed if its name is used.
typedef struct PjClikePiece {
  const char *name, *text;
} PjClikePiece;

typedef struct PjClikeDialect {
  const char *name;
  const char *elems[PJ_KIR_ELEM_COUNT];   // scalar types; integers unsigned
  const char *signeds[PJ_KIR_ELEM_COUNT]; // signed integer types of the same width
  const char *preamble;                   // what every file begins with
  const PjClikeForm *forms;               // by PjKirOp
  const PjClikePiece *pieces; // in order, NULL name at the end; one may use those before it
  const char *function;       // of a helper function, before its type
  const char *signature;      // of a kernel; %s is its name
} PjClikeDialect;

extern const PjClikeDialect pj_clike_c;

// Appends one file of text with |count| functions (finished). Errors: RESOURCE_EXHAUSTED,
// UNIMPLEMENTED (an operation without form in the dialect).
PjStatus pj_clike_emit(const PjClikeDialect *dialect, uint32_t count, const PjKir *const *functions,
                       const char *const *names, PjStrBuf *out);

// Appends the shortest decimal text of a finite or infinite f32 or f64 that a C compiler reads as
// the same number.
void pj_clike_number(PjStrBuf *out, PjKirElem elem, uint64_t bits);
