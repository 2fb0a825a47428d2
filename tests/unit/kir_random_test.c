// What the builder makes of random expressions computes what was asked for.
#include "kir_cases.h"
#include "kir_run.h"

int main(void) {
  return kir_random_main(KIR_INTERPRETER, 1000, 1500);
}
