// The suite runner's own pieces.
#pragma once
#include "import/import.h"
#include "runtime/compiler.h"

// What is expected of a file, by the folder it lies in.
typedef enum SuiteMode {
  SUITE_RUN, // import, then run every function without arguments (main alone where there is one)
  SUITE_ROUNDTRIP, // import; text and bytecode written and read again are equal
  SUITE_VHLO,     // an artifact: read, equal to the text beside it, written for its own version and
                  // read again
  SUITE_NEGATIVE, // must be refused with INVALID_ARGUMENT
  SUITE_SMOKE,    // an artifact: as ROUNDTRIP, then run on made-up inputs: any status, but no crash
} SuiteMode;

// What became of programs that a compiler was to judge.
typedef struct SuiteStats {
  int64_t compiled;       // wholly
  int64_t with_fallbacks; // with operations left to the evaluator
  int64_t fallbacks;      // such operations
  int64_t evaluated;      // not given to the compiler: devices that meet, dynamic results ...
} SuiteStats;

// Judges one file. OK: as expected. Otherwise the reason. |compiler| runs the programs (NULL: the
// evaluator, without the runtime).
PjStatus suite_judge(SuiteMode mode, const char *path, const PjCompilerOps *compiler,
                     SuiteStats *stats);
// Runs every function of |module|, main alone where there is one, on the evaluator.
PjStatus suite_run(PjArena *arena, PjModule *module);
// Judges the program in |data| by what |compiler| makes of it: its checks hold, or with |smoke| it
// agrees with the evaluator on made-up inputs.
PjStatus suite_judge_compiled(const PjCompilerOps *compiler, bool smoke, const char *data,
                              size_t size, SuiteStats *stats);

// Maps |path| into memory; the caller frees with suite_unload. Errors: NOT_FOUND.
PjStatus suite_load(const char *path, char **out_data, size_t *out_size);
void suite_unload(char *data);
