// The signature of a program: what its parameters and results are, and what the host said about
// each.
#pragma once
#include "device/device.h"
#include "ir/ir.h"
#include "runtime/compile_options.h"
#include "runtime/shape.h"

typedef struct PjSlot {
  const PjShape *shape; // of the part on one device; of a dynamic result, with its bounds as sizes
  PjMemoryKind memory_kind; // where the host wants it
  bool donated;             // parameter: its memory may be reused
  int alias;                // parameter: the result that reuses it, or -1
  PjStrBuf sharding;        // OpSharding proto; empty: replicated
} PjSlot;

typedef struct PjSignature {
  uint32_t num_params, num_results; // results are flat: tuples are taken apart
  PjSlot *params, *results;
  bool dynamic; // the sizes of some results are known once they are computed
} PjSignature;

// Reads the entry function of |module|. Free with pj_signature_clear, on error too.
// Runs under the guard of the module's arena. Errors: INVALID_ARGUMENT for types that are unfit or
// dynamic (but for results of bounded sizes) and for attributes that make no sense.
PjStatus pj_signature_read(const PjModule *module, const PjCompileOptions *options,
                           PjSignature *out);
void pj_signature_clear(PjSignature *signature);
