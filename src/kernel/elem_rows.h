// How the files elem*.c fit together: each offers rows for the operations on one class of types;
// elem.c chooses.
#pragma once
#include "kernel/elem.h"

// What elem.c does to results.
typedef enum PjElemRounding {
  PJ_ELEM_ROUND, // to the type
  PJ_ELEM_WHOLE, // only to formats of 8 bits and less, some of which have no integers, zeros or
                 // signs
  PJ_ELEM_EXACT, // not at all: one of the operands, or a mask
} PjElemRounding;

// Operations on one real type, in registers.
typedef struct PjElemReal {
  PjKirVal (*unary)(PjKir *k, PjDtype dtype, PjKirVal x);
  PjKirVal (*binary)(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y);
  PjKirVal (*function)(PjKir *k, PjKirVal x); // of kernel/math.h
  PjKirVal (*function2)(PjKir *k, PjKirVal x, PjKirVal y);
  PjElemRounding rounding;
} PjElemReal;
const PjElemReal *pj_elem__float(PjOpKind kind);
const PjElemReal *pj_elem__int(PjOpKind kind);
const PjElemReal *pj_elem__pred(PjOpKind kind);

typedef struct PjElemComplex {
  PjElem (*unary)(PjKir *k, PjElem x);
  PjElem (*binary)(PjKir *k, PjElem x, PjElem y);
} PjElemComplex;
const PjElemComplex *pj_elem__complex(PjOpKind kind, PjDtype dtype);

PjKirVal pj_elem__compare(PjKir *k, PjDtype dtype, int64_t direction, bool total_order, PjElem x,
                          PjElem y);
PjKirVal pj_elem__minimum(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y);
PjKirVal pj_elem__maximum(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y);
