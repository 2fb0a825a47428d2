// The arrays that a program gets: from files, or generated.
#pragma once
#include "base/str.h"
#include "npy.h"
#include "pjrt/pjrt.h"

typedef struct PjInput {
  char *path;         // of its file, for messages; NULL: generated. Owned
  const char *member; // its name in an archive, inside |path|; NULL without
  PJRT_Buffer_Type type;
  size_t element_size; // bytes of an element in the file
  size_t rank;
  int64_t dims[PJ_NPY_MAX_RANK], strides[PJ_NPY_MAX_RANK];
  bool strided;     // |strides| say in bytes where elements lie; else dense and row-major
  const void *data; // in host form, inside |memory|
  size_t size;      // bytes
  char *memory;     // owned
  bool donated;     // every run takes the array away
} PjInput;

typedef struct PjInputs {
  size_t count;
  PjInput *items;
} PjInputs;

// Reads the arrays of |files|, in their order: .npy files, and .npz archives for all of their
// members, in the archive's order, or in that of the parameters where all inputs come from archives
// and are called as parameters are. A name that does not exist as it stands may end in :TYPE, the
// element type of raw bytes. Where |signature| is not NULL each is compared with its parameter,
// which also gives raw bytes their type; parameters of types without a name (quantised) are left to
// the plugin. Errors: INVALID_ARGUMENT for what does not fit or is no array, NOT_FOUND, and what
// reading files gives. To be freed after a failure too.
PjStatus pj_inputs_read(char *const *files, size_t num_files, const PjhSignature *signature,
                        PjInputs *out);
// Generates an array for each parameter: the same numbers for the same program, floats in [0, 1),
// integers from 0 to 3. Errors: UNIMPLEMENTED for parameters that no array can be made for (of
// dynamic shape, say), RESOURCE_EXHAUSTED. To be freed after a failure too.
PjStatus pj_inputs_generate(const PjhSignature *signature, PjInputs *out);
// Reads the parameters of |program|, then |files|, or generates when there are none. Errors: also
// INVALID_ARGUMENT for a program that cannot be read.
PjStatus pj_inputs_make(PjStr program, char *const *files, size_t num_files, PjInputs *out);
void pj_inputs_free(PjInputs *inputs);

// Copies to |device| those that are not in |buffers| (one place each, NULL at first), or that a run
// has taken. What was made is there after a failure too.
PjStatus pj_inputs_send(const PjInputs *inputs, PjhClient *client, size_t device,
                        PjhBuffer **buffers);
