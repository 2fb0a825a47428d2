// The host library's reader of signatures must take any text.
#include "pjrt/pjrt.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  PjhSignature *signature;
  PjhError *error = pjh_signature_read(data, size, &signature);
  pjh_signature_free(signature);
  pjh_error_free(error);
  return 0;
}
