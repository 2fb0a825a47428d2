// A whole program as portable C: one source file that needs nothing but libm, and its header.
//
//     // digits.h
//     #define DIGITS_WORKSPACE 123456
//     void digits(const float *in0, int32_t *out0, float *out1, void *workspace);
//
// The program goes through the same passes and the same scheduler as one that is run; its kernels
// are printed by emit/clike, and operations that would call ready kernels become loops (loops.h).
// Memory for temporaries is planned and given by the caller, so the function allocates nothing and
// several threads may call it, each with its own.
#pragma once
#include "ir/ir.h"
#include "kernel/target.h"

typedef struct PjAotOptions {
  const char *name;   // of the function and the start of every other name: a C identifier
  const char *header; // name of the header's file, for the source to include
  const char *origin; // what it was made from, for a comment; may be NULL
  PjIsa isa;          // whose vectors the code is written for; it compiles for any machine
} PjAotOptions;

// Appends the files' text. |module| is verified and numbered, and stays as it is. Needs no guard of
// the caller. Errors: UNIMPLEMENTED naming what cannot be written (custom calls, collectives,
// dynamic shapes), INVALID_ARGUMENT for a name that is no identifier, RESOURCE_EXHAUSTED.
PjStatus pj_aot_write(const PjModule *module, const PjAotOptions *options, PjStrBuf *source,
                      PjStrBuf *header);
