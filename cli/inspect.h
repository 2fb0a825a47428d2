// What `pjrt inspect` says of plugins, programs and executables; each writes one section.
#pragma once
#include "build.h"
#include "report.h"

// Of a loaded plugin: version, functions, extensions, attributes; then of |build|'s client or
// topology, if there is one. |failure|: why there is no client although one was wanted, or NULL.
void pj_inspect_plugin(PjReport *report, const char *path, const PjBuild *build, PjStatus failure);

// Of a program as text or bytecode: form, version, signature, operations. Errors: as pj_import.
PjStatus pj_inspect_program(PjReport *report, const char *path, const char *bytes, size_t size);

// Of a compiler's result in the same forms: the object "steps", the operations of its entry
// function by kind, and where it says so (`pjrt.kernels`, as this project's plugins do) the list
// "kernels". Errors: as pj_import; then nothing is written.
PjStatus pj_inspect_steps(PjReport *report, const char *bytes, size_t size);
// The same of a result in HLO: |format| "hlo" (HloModuleProto) or "hlo_with_config". What is no
// such message has no steps.
void pj_inspect_hlo(PjReport *report, const char *format, PjStr bytes);

// A list for people ends at some length: whether number |index| is still written, and the line that
// says how many of |count| are not.
bool pj_inspect_lists(const PjReport *report, size_t index);
void pj_inspect_unlisted(PjReport *report, size_t count);

// Of a compiled program: what the plugin tells about it. |source| says where it comes from;
// |optimized| is a file to write the optimised program to, or NULL. Errors: of that file only.
PjStatus pj_inspect_executable(PjReport *report, const char *source,
                               const PjhExecutable *executable, const char *optimized);

// --- Facts that a plugin may not give ------------------------------------------------------------

// Collects what is not given, and why, until it is reported at the end of the section.
typedef struct PjMissing {
  PjStrBuf names, reasons; // each ended by zero
} PjMissing;

// Takes over |error|; false when there is one, which is noted under |name|.
bool pj_inspect_given(PjMissing *missing, const char *name, PjhError *error);
// Writes the object "unavailable" if anything is missing, and frees |missing|.
void pj_inspect_missing(PjReport *report, PjMissing *missing);
