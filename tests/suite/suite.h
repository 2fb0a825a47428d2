// The suite runner's own pieces.
#pragma once
#include "import/import.h"

// What is expected of a file, by the folder it lies in.
typedef enum SuiteMode {
  SUITE_RUN, // import, then run every function without arguments (main alone where there is one)
  SUITE_ROUNDTRIP, // import; text and bytecode written and read again are equal
  SUITE_VHLO,     // an artifact: read, equal to the text beside it, written for its own version and
                  // read again
  SUITE_NEGATIVE, // must be refused with INVALID_ARGUMENT
  SUITE_SMOKE,    // an artifact: as ROUNDTRIP, then run on made-up inputs: any status, but no crash
} SuiteMode;

// Judges one file. OK: as expected. Otherwise the reason.
PjStatus suite_judge(SuiteMode mode, const char *path);

// Maps |path| into memory; the caller frees with suite_unload. Errors: NOT_FOUND.
PjStatus suite_load(const char *path, char **out_data, size_t *out_size);
void suite_unload(char *data);
