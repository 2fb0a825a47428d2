// Kernels as plain C, through the C compiler, with its vectors and without.
#include "kir_cases.h"
#include "kir_run.h"

int main(void) {
  return kir_cases_main(KIR_C | KIR_C_PORTABLE);
}
