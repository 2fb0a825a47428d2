// A module's structural fingerprint: equal for programs that differ only in source locations and in
// the names of values, which the IR does not keep. For cache keys and PJRT's executable
// fingerprints; not against attackers.
#pragma once
#include "ir/ir.h"

typedef struct PjFingerprint {
  uint64_t high, low;
} PjFingerprint;

// Hashes operations, types, attributes, constants, and the names of the module and its functions.
// The module must have been numbered (pj_module_number). Allocates nothing; time is linear in the
// printed size. Stable across processes and machines of one version of the library.
PjFingerprint pj_module_fingerprint(const PjModule *module);

// 32 lower-case hexadecimal digits and a NUL.
void pj_fingerprint_text(PjFingerprint fingerprint, char out[33]);
