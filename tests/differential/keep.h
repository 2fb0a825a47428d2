// Keeping failures: a folder with all that is needed to see one again.
#pragma once
#include "trial.h"

// Writes |folder|/NAME/ with program.mlir, reduced.mlir (if |reduced| is not empty), report.txt,
// and inputs and the evaluator's and the compiler's results as .npy where they can be had (|dead|:
// the compiler does not survive, so only inputs and the evaluator's).
PjStatus keep_failure(const TrialOptions *options, const char *folder, const char *name,
                      const Report *report, PjStr text, PjStr reduced);
