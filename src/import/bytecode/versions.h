// StableHLO versions and the operations' spellings in them.
#pragma once
#include "import/import.h"

enum { PJ_VHLO_MAX_ABSENT = 7 };

// A superseded spelling of an operation: the attributes of the current one that it lacks all have
// their defaults.
typedef struct PjVhloOld {
  const char *name; // "gather_v1"
  PjOpKind kind;
  int since, until; // first and last version that has it: major * 1000 + minor
  PjKey absent[PJ_VHLO_MAX_ABSENT];
  uint8_t num_absent;
  bool single;  // takes and gives exactly one value where the current one takes any number
  bool padding; // has an attribute `padding` without meaning
} PjVhloOld;

extern const PjVhloOld pj__vhlo_old[];
extern const size_t pj__vhlo_num_old;

// The superseded operation |name| ("gather_v1"), or NULL.
const PjVhloOld *pj__vhlo_find_old(PjStr name);
// The spelling of |kind| for readers of |version| (major * 1000 + minor): NULL for the current one.
// False when the version has none.
bool pj__vhlo_spelling(PjOpKind kind, int version, const PjVhloOld **out_old);
// First version whose readers know an element type or attribute (major * 1000 + minor).
int pj__vhlo_dtype_since(PjDtype dtype);
static inline int pj__vhlo_number(PjVersion v) {
  return v.major * 1000 + v.minor;
}
