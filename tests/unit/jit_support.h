// Building, compiling and calling kernels in tests of src/emit.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "emit/jit.h"

// Instruction sets of this machine that code can be made for, narrowest first: the host's, and with
// LLVM those below it.
uint32_t test_isas(PjIsa out[PJ_ISA_COUNT]);

typedef void TestBuild(PjKir *k, void *context);
// Builds a function with |build|, verifies it, and hands it to |use|, which may ignore the arena.
typedef void TestUse(const PjKir *k, void *context);
void test_kernel(PjIsa isa, const char *name, TestBuild *build, TestUse *use, void *context);

// Builds and compiles; a failure fails the test. Free with pj_jit_release.
PjJitCode *test_compile(PjIsa isa, const char *name, TestBuild *build, void *context);

void test_ok(PjStatus status);                // fails the test with the message
void test_code(PjStatus status, PjCode want); // expects this failure and frees it
