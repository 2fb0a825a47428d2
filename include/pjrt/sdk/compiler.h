/* SDK, level (b): a compiler. It gets a verified program (ir.h) and makes an executable of it,
 * which runs on arrays.
 *
 * A compiler need not be complete: a program that it refuses with UNIMPLEMENTED is compiled and run
 * by libpjrt, and within a program it can leave operations to the evaluator (evaluate.h). Programs
 * for several devices go to libpjrt at once.
 */
#ifndef PJRT_SDK_COMPILER_H
#define PJRT_SDK_COMPILER_H

#include "pjrt/sdk/device.h"
#include "pjrt/sdk/ir.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defined by the vendor. Immutable once made: several threads run it at once. */
typedef struct PjsExecutable PjsExecutable;

/* What the compiler is given. */
typedef enum PjsForm {
  PJS_FORM_VERIFIED, /* the host's program */
  /* A smaller one with the same results: calls inlined, loops and constants simplified, batch
   * normalisations, legacy and broadcasting operations taken apart, nothing unused. What
   * doc/new-device.md lists. */
  PJS_FORM_SIMPLIFIED,
} PjsForm;

typedef struct PjsCompileOptions {
  size_t struct_size;
  int optimization_level; /* as the host asks; 0: it did not */
} PjsCompileOptions;

/* An array of a run, row-major and dense. Elements narrower than a byte take one byte each. */
typedef struct PjsArray {
  PJRT_Buffer_Type element; /* TOKEN: no array */
  int rank;
  const int64_t *dims;
  size_t bytes;
  void *host;         /* where the host reads and writes it, or NULL: it cannot */
  PjsAddress address; /* in the device's memory; 0: in the host's */
} PjsArray;

typedef struct PjsRun {
  size_t struct_size;
  PjsDriver *driver; /* NULL: the platform has no device of its own */
  int device;
  uint32_t num_inputs, num_outputs;
  const PjsArray *inputs; /* as the entry's arguments */
  const PjsArray
      *outputs; /* as the entry's results, tuples taken apart; with memory, contents undefined */
  const bool
      *given_up; /* per input: the host does not need it any more, and it may be overwritten */
} PjsRun;

typedef struct PjsBytes {
  void *data; /* from malloc; libpjrt frees it */
  size_t size;
} PjsBytes;

typedef struct PjsCompilerOps {
  size_t struct_size; /* sizeof(PjsCompilerOps) */
  PjsForm form;

  /* Makes an executable. Errors: UNIMPLEMENTED for a program to leave to libpjrt; others fail the
   * host's call. */
  PjsError *(*compile)(const PjsModule *module, const PjsCompileOptions *options,
                       PjsExecutable **out);
  void (*destroy)(PjsExecutable *executable);
  /* Begins a run and returns; |done| is told when the outputs are there. |run| stays until then. */
  void (*run)(const PjsExecutable *executable, const PjsRun *run, PjsDone *done);

  /* Optional, both or none (NULL: what a host stores is the program, which is compiled again). The
   * executable as bytes, and back, for the same module and options. Bytes come from a file: they
   * may be damaged or of another version of you, which is UNIMPLEMENTED or FAILED_PRECONDITION, and
   * the program is compiled again. */
  PjsError *(*serialize)(const PjsExecutable *executable, PjsBytes *out);
  PjsError *(*deserialize)(const PjsModule *module, const PjsCompileOptions *options,
                           const void *data, size_t size, PjsExecutable **out);
} PjsCompilerOps;

#ifdef __cplusplus
}
#endif

#endif
