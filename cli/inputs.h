// The inputs of a program whose results do not matter: given as files, or generated.
#pragma once
#include "base/str.h"
#include "npy.h"
#include "pjrt/pjrt.h"

typedef struct PjInput {
  PJRT_Buffer_Type type;
  size_t rank;
  int64_t dims[PJ_NPY_MAX_RANK];
  void *data; // dense, row-major, in host form
  size_t size;
  bool donated; // every run takes the array away
} PjInput;

typedef struct PjInputs {
  size_t count;
  PjInput *items;
} PjInputs;

// Reads the parameters of |program| and makes an input for each: of |files| (.npy, |num_files| of
// them) in their order, or, when there are none, generated: the same numbers for the same program,
// floats in [0, 1), integers from 0 to 3. Errors: INVALID_ARGUMENT for a program that cannot be
// read, and for files that do not fit it; UNIMPLEMENTED for parameters that no array can be made
// for (of dynamic shape, say); what reading files gives.
PjStatus pj_inputs_make(PjStr program, char *const *files, size_t num_files, PjInputs *out);
void pj_inputs_free(PjInputs *inputs);

// Copies to |device| those that are not in |buffers| (one place each, NULL at first), or that a run
// has taken. What was made is there after a failure too.
PjStatus pj_inputs_send(const PjInputs *inputs, PjhClient *client, size_t device,
                        PjhBuffer **buffers);
