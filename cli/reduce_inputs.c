// See reduce_inputs.h.
#include "reduce_inputs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

// Whether |from| can be cut to the shape of |to|.
static bool is_part(const PjInput *to, const PjInput *from) {
  bool fits = to->type == from->type && to->rank == from->rank;
  for (size_t i = 0; fits && i < to->rank; i++)
    fits = to->dims[i] <= from->dims[i];
  return fits;
}

// Copies the elements of |from| with the least indices into |to|, which is dense and row-major.
static void copy_part(PjInput *to, const PjInput *from) {
  int64_t strides[PJ_NPY_MAX_RANK], index[PJ_NPY_MAX_RANK] = {0};
  size_t element = pjh_type_host_size(to->type);
  int64_t stride = (int64_t)element;
  for (size_t i = to->rank; i-- > 0; stride *= from->dims[i])
    strides[i] = from->strided ? from->strides[i] : stride;
  const char *source = from->data;
  for (size_t at = 0; at < to->size; at += element) {
    memcpy(to->memory + at, source, element);
    for (size_t i = to->rank; i-- > 0;) {
      source += strides[i];
      if (++index[i] < to->dims[i])
        break;
      source -= strides[i] * index[i];
      index[i] = 0;
    }
  }
}

PjStatus pj_inputs_derive(PjStr program, const PjInputs *given, const int64_t *from,
                          PjInputs *out) {
  PJ_TRY(pj_inputs_make(program, NULL, 0, out));
  for (size_t i = 0; given && i < out->count; i++) {
    int64_t source = from ? from[i] : (int64_t)i;
    if (source >= 0 && (size_t)source < given->count &&
        is_part(&out->items[i], &given->items[source]))
      copy_part(&out->items[i], &given->items[source]);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_inputs_write(const PjInputs *inputs, const char *prefix) {
  for (size_t i = 0; i < inputs->count; i++) {
    const PjInput *input = &inputs->items[i];
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%zu.npy", prefix, i);
    PJ_FAIL_IF(n < 0 || (size_t)n >= sizeof path, INVALID_ARGUMENT,
               "--save-inputs: the path is too long");
    PJ_TRY(pj_npy_write(path, input->type, input->dims, input->rank, input->data, input->size));
  }
  return PJ_STATUS_OK;
}
