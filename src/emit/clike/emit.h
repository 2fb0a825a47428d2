// Shared by the files of the C-like emitter.
#pragma once
#include "base/map.h"
#include "emit/clike/clike.h"

// One emission; everything in |arena|, but for the buffers, which pj_clike_emit frees.
typedef struct PjClike {
  const PjClikeDialect *dialect;
  PjArena *arena;
  PjStrBuf body;    // functions
  PjStrBuf helpers; // what they call
  PjStrBuf types;   // of vectors
  PjStrBuf scratch; // for one expression
  PjMap known;      // names of types and helpers that were printed (by hash)
  bool unsupported;
} PjClike;

// "f32x8", or the dialect's name of a scalar type. Vector types are printed when first asked for.
const char *pj_clike__type(PjClike *c, PjKirType type);
// "f32x8", "f32": for names of helpers.
const char *pj_clike__label(PjClike *c, PjKirType type);
// A form with operands put in. |types|: of the operands; |signeds| [2]: the first two as signed
// integers, or NULL.
const char *pj_clike__expand(PjClike *c, const char *form, PjKirType result, const PjKirType *types,
                             const char *const *operands, const char *const *signeds,
                             const char *amount);
// The form of |op| for these types, masks and bits included.
PjClikeForm pj_clike__form(PjClike *c, PjKirOp op, PjKirType result, PjKirType first);
// Names of helper functions, printed when first asked for.
const char *pj_clike__lanewise(PjClike *c, PjKirOp op, PjKirType result, uint32_t n,
                               const PjKirType *types);
const char *pj_clike__splat(PjClike *c, PjKirType type);
// Accesses: of |op| READ/LOAD, READG/GATHER, STORE, SCATTER.
const char *pj_clike__access(PjClike *c, PjKirOp op, PjKirType value, PjKirType index, bool masked);
