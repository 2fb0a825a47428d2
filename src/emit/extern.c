// See extern.h. Functions are declared by their symbols, since their types do not matter here.
#include "emit/extern.h"

#include <math.h>
#include <string.h>

#define EXTERN(ENUM, name, result, args) void pj_extern_##ENUM(void) __asm__(name);
#include "kernel/kir_extern.def"
#undef EXTERN

typedef struct Entry {
  const char *name;
  void (*address)(void);
} Entry;

static const Entry entries[] = { // ORDER kir-extern
#define EXTERN(ENUM, name, result, args) {name, pj_extern_##ENUM},
#include "kernel/kir_extern.def"
#undef EXTERN
    {"fma", (void (*)(void))fma},
    {"fmaf", (void (*)(void))fmaf}};

const void *pj_emit_extern(PjKirExtern callee) {
  return (const void *)entries[callee].address;
}

const void *pj_emit_extern_named(const char *name) {
  for (size_t i = 0; i < sizeof entries / sizeof *entries; ++i)
    if (!strcmp(entries[i].name, name))
      return (const void *)entries[i].address;
  return NULL;
}
