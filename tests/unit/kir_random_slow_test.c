// Many random expressions as machine code and as C.
#include "kir_cases.h"
#include "kir_run.h"

int main(void) {
  return kir_random_main(KIR_JIT, 20000, 400) || kir_random_main(KIR_C_O2, 50000, 100);
}
