// The signature reader must take any text.
#include "signature.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  PjSignature signature;
  PjStatus status = pj_signature_read((const char *)data, size, &signature);
  pj_signature_free(&signature);
  pj_status_free(status);
  return 0;
}
