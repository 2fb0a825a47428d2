// Kernels as plain C, optimised, for this machine and for aarch64.
#include "kir_cases.h"
#include "kir_run.h"

int main(void) {
  return kir_cases_main(KIR_C_O2 | KIR_C_PORTABLE_O2 | KIR_C_NATIVE | KIR_C_AARCH64);
}
