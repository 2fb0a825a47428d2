// Shared by the tests of the bytecode reader and writer.
#pragma once
#include "import/import.h"

typedef struct PjTestBytes {
  unsigned char *data;
  size_t size;
} PjTestBytes;

// Runs |body| under a fresh arena's guard and hands out its status. |limit| 0: none.
PjStatus test_with_arena(size_t limit, PjStatus (*body)(PjArena *arena, void *ctx), void *ctx);

// Parses |text| and writes it for |target|; fails the test on any error.
PjTestBytes test_artifact(const char *text, PjVersion target);

// Reads |bytes|. With |rewrite| also verifies, prints, writes and reads again, which must give an
// equal program.
PjStatus test_read(PjTestBytes bytes, size_t limit, bool rewrite);

// A file's contents, or {NULL, 0}.
PjTestBytes test_load(const char *path);
// The folder |name| of the suites ("stablehlo/vhlo"), or NULL when the suites are not there.
const char *test_suite(const char *name, char *out, size_t size);

// A program with an operation of every shape of encoding: regions, captures, all kinds of
// attributes and constants.
extern const char test_program[];
