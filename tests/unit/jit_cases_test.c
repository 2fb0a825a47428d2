// The kernels of the C emitter's tests as machine code, for each instruction set of this machine.
#include "kir_cases.h"
#include "kir_run.h"

int main(void) {
  return kir_cases_main(KIR_JIT);
}
