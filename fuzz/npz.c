// The .npz reader must take any bytes; every member that it lists is either read whole or refused.
#include <stdint.h>

#include "base/alloc.h"
#include "npz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  PjNpz npz;
  PjStatus status = pj_npz_open((const char *)data, size, &npz);
  pj_status_free(status);
  for (size_t i = 0; !status && i < npz.count; i++) {
    char *bytes;
    size_t bytes_size;
    pj_status_free(pj_npz_member(&npz, i, &bytes, &bytes_size));
    pj_free(bytes);
  }
  if (!status)
    pj_npz_free(&npz);
  return 0;
}
