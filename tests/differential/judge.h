// Judging a compiler on one program: does what it makes of it agree with the evaluator?
#pragma once
#include "run.h"

typedef enum Verdict {
  JUDGED_OK,
  JUDGED_BAD_PROGRAM, // it does not import: a fault of the generator
  JUDGED_REFUSED,     // it runs on the evaluator, but the compiler refuses it or its run fails
  JUDGED_ACCEPTED,    // the evaluator refuses it, the compiler does not
  JUDGED_THREADS,     // results depend on the number of threads
  JUDGED_REPEAT,      // a second run gives other results than the first
  JUDGED_TOGETHER,    // two runs at the same time disturb each other
  JUDGED_MEMORY,      // with a failing allocation, something else than RESOURCE_EXHAUSTED
  JUDGED_DIFFERS,     // results differ by more than rounding explains
  JUDGED_CRASHED,     // the process died
  JUDGED_HUNG,        // no end within the time limit
  JUDGED_COUNT
} Verdict;

extern const char *const verdict_names[JUDGED_COUNT];

typedef struct JudgeOptions {
  bool together; // also run twice at the same time
  int failures;  // how many failing allocations to try
} JudgeOptions;

typedef struct Report {
  Verdict verdict;
  uint32_t result;       // the one that differs
  bool exact;            // the program has no inexact operation
  bool equal;            // equal bits without having to ask how inexact it is
  int perturbed_runs;    // that were made
  int64_t num_fallbacks; // operations that the compiler left to the evaluator
  PjStrBuf text;         // what is wrong
} Report;

// The compiler of a name: eval, native, passes (the passes, then the evaluator),
// aot (C and the C compiler),
// or default: the plugin's. NULL for others.
const PjCompilerOps *judge_compiler(const char *name);
const PjCompilerOps *judge_passes_compiler(void);
const PjCompilerOps *judge_aot_compiler(void);

// Judges |text| with |runner| (the compiler, its threads) and |oracle| (the evaluator, one client),
// on |inputs| (NULL: made-up ones). Free the report's text.
void judge(Runner *runner, Runner *oracle, const JudgeOptions *options, PjStr text,
           PjTensor *const *inputs, Report *report);
