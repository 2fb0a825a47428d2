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

enum { PJ_AOT_MAX_NAME = 100 };

typedef struct PjAotOptions {
  const char *name;   // of the function and the start of every other name: see pj_aot_is_name
  const char *header; // name of the header's file, for the source to include
  const char *origin; // what it was made from, for a comment; may be NULL
  PjIsa isa;          // whose vectors the code is written for; it compiles for any machine
  bool weights;       // large constants are not in the source but in a file, and an argument
} PjAotOptions;

typedef struct PjAotFiles {
  PjStrBuf source, header;
  PjStrBuf weights; // with the option
} PjAotFiles;

// True for what may be the name of the function: letters, digits and underscores, a letter first,
// no _t at the end, no word of C or C++ and no usual function of theirs.
bool pj_aot_is_name(const char *name);
bool pj_aot_is_name_char(char c);

// Appends the files' contents, which the caller frees, also after a failure. |module| is verified
// and numbered, and stays as it is. Needs no guard of the caller. Threads: any.
// Errors: UNIMPLEMENTED naming what cannot be written (custom calls, collectives, dynamic shapes),
// INVALID_ARGUMENT for a name that is none, RESOURCE_EXHAUSTED.
PjStatus pj_aot_write(const PjModule *module, const PjAotOptions *options, PjAotFiles *out);
void pj_aot_files_free(PjAotFiles *files);
