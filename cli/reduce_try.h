// One try of a program, in a process of its own.
#pragma once
#include "base/str.h"
#include "inputs.h"
#include "plugin.h"

typedef struct PjTryArgs {
  PjPluginArgs plugin;
  const char *test;    // a shell command instead of the plugin, or NULL
  const char *differs; // the plugin to compare with, or NULL
  double limit_s, tolerance;
  const PjInputs *inputs; // of the first program; NULL: they are generated
} PjTryArgs;

typedef enum PjFaultKind {
  PJ_FAULT_NONE,
  PJ_FAULT_ERROR, // what it says matters, but for numbers
  PJ_FAULT_CRASH,
  PJ_FAULT_HANG,
  PJ_FAULT_DIFFERS,
  PJ_FAULT_TEST,   // the command says so
  PJ_FAULT_BROKEN, // no plugin, no reference result, no inputs: nothing can be said
} PjFaultKind;

typedef struct PjFault {
  PjFaultKind kind;
  char text[512]; // for people: "crash (Segmentation fault)"
} PjFault;

// Runs |program|, whose parameter i was number from[i] of the first one (NULL: i). Errors:
// UNAVAILABLE when there is no process or file to do it with.
PjStatus pj_try(const PjTryArgs *args, PjStr program, const int64_t *from, PjFault *out);
// Whether both are of the same kind and say the same but for numbers.
bool pj_fault_same(const PjFault *a, const PjFault *b);
