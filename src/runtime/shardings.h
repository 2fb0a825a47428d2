// How the parameters and results of a program for several devices are cut, before it is compiled.
#pragma once
#include "ir/ir.h"
#include "runtime/compile_options.h"

// Completes the shardings that |module| states for its entry, as far as |options| allow. A program
// for one device stays as it is. Runs under the guard of the module's arena. Errors:
// INVALID_ARGUMENT for shardings that do not fit. *out_local: the program of one device on its
// parts (partition/local.h), in the module's arena; NULL: none. options->local is set if that is to
// be run, and not |module|, over whole arrays.
PjStatus pj_shardings_complete(PjModule *module, PjCompileOptions *options, PjModule **out_local);
