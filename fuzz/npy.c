// The .npy reader must take any bytes; what it accepts must be consistent and readable to the end.
#include <stdlib.h>

#include "npy.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  PjNpy npy;
  PjStatus status = pj_npy_parse(data, size, &npy);
  if (!status) {
    int64_t strides[PJ_NPY_MAX_RANK];
    pj_npy_strides(&npy, strides);
    void *copy = malloc(npy.data_size + 1);
    if (copy)
      pj_npy_copy_elements(&npy, copy);
    free(copy);
  }
  pj_status_free(status);
  return 0;
}
