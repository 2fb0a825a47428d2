// Insides: where plugins are looked for.
#pragma once
#include "base/str.h"
#include "host/host.h"

typedef struct PjhFinder {
  PjhFound *found;
  size_t count, capacity;
  bool open;   // PjhFindOptions.open
  bool failed; // memory ran out
} PjhFinder;

// Adds a file, judged; unless it is listed already. |name| null: the one that the file's name says.
void pjh__found_file(PjhFinder *finder, const char *name, const char *path, const char *source);
// Adds something that is not usable.
void pjh__found_nothing(PjhFinder *finder, const char *name, const char *source,
                        const char *reason);

// Whether the file at |path| is a shared library for this machine that exports GetPjrtApi; if not,
// |reason| says what it is.
enum { PJH_REASON_MAX = 160 };
bool pjh__elf_is_plugin(const char *path, char reason[PJH_REASON_MAX]);
// Whether it is a library whose end is missing, which must not be loaded; false for what is none.
bool pjh__elf_is_cut(const char *path);

// Adds the files of |folder|, |depth| folders deep, that are plugins; and those that are not but
// are called pjrt_plugin_*.so. Returns how many it added.
size_t pjh__find_in_folder(PjhFinder *finder, const char *name, const char *folder, int depth,
                           const char *source);

// Adds the jax_plugins of a Python environment.
void pjh__find_in_python(PjhFinder *finder, const char *python);
