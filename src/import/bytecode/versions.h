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
enum { PJ_VHLO_MAX_KEYS = 24 };

// Inherent attributes of a spelling in the order of the file, which is by name.
typedef struct PjVhloKeys {
  uint8_t count;
  uint8_t keys[PJ_VHLO_MAX_KEYS]; // PjKey
  int8_t slots[PJ_VHLO_MAX_KEYS]; // where they stand in PjOp.attrs; -1: nowhere (a `padding`
                                  // without meaning)
} PjVhloKeys;

void pj__vhlo_keys(PjOpKind kind, const PjVhloOld *old, PjVhloKeys *out);

// First version whose readers know an element type (major * 1000 + minor).
int pj__vhlo_dtype_since(PjDtype dtype);
static inline int pj__vhlo_number(PjVersion v) {
  return v.major * 1000 + v.minor;
}
