// From an object file to the bytes of code that can run: our own linker for what the code generator
// makes of a kernel.
//
// An object holds one function of read-only code, its constants, and calls of functions of the
// run-time library. All of it becomes one image: sections in order, then a jump for each outside
// function, since those lie too far away for a direct call. Anything else (writable data, unknown
// relocations, offsets beyond a section) is refused: an object may come from disk.
#pragma once
#include "base/status.h"
#include <stdint.h>

enum { PJ_JIT_ALIGN = 64, PJ_JIT_MAX_SECTIONS = 48, PJ_JIT_MAX_STUBS = 16 };

typedef enum PjJitMachine { PJ_JIT_X86_64 = 62, PJ_JIT_AARCH64 = 183 } PjJitMachine; // as in ELF

typedef struct PjJitLink {
  const uint8_t *object; // borrowed
  uint64_t size;
  PjJitMachine machine;
  uint64_t image_bytes; // of the result
  uint64_t entry;       // offset of the function in it
  // --- private
  uint64_t section_table, num_sections;
  uint64_t places[PJ_JIT_MAX_SECTIONS]; // offset in the image, or UINT64_MAX: not in it
  uint64_t symbols, num_symbols, strings, strings_size;
  uint64_t stubs_at;
  uint32_t num_stubs;
  const void *stubs[PJ_JIT_MAX_STUBS]; // what they jump to
} PjJitLink;

// Checks |object| and lays out its image. Errors: INTERNAL, saying what is wrong with the object.
PjStatus pj_jit_link_plan(PjJitLink *link, PjJitMachine machine, const void *object, uint64_t size);

// Writes the image for |address| (a multiple of PJ_JIT_ALIGN), |image_bytes| long, to |out|.
// Errors: INTERNAL.
PjStatus pj_jit_link_write(const PjJitLink *link, uint64_t address, uint8_t *out);
