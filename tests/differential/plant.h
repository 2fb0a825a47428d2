// Compilers with a planted fault: the evaluator, but. What judges compilers must find them.
#pragma once
#include "runtime/compiler.h"

// "bit": flips the lowest bit of one element. "last": the last element of a result is that before
// it. "input": writes to an input that was not given up. "threads": with more than one thread, one
// bit is another. "shared": two runs at once disturb each other. "crash": dies in some runs.
// "hang": never ends some runs. "refuse": fails some runs. "noise" is no fault: every inexact
// operation errs within its bound. "loud": by far more. NULL for other names.
const PjCompilerOps *plant_compiler(const char *name);
