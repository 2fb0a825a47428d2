// Objects of compiled kernels on disk, for processes to come: PJRT_CACHE_DIR, at most
// PJRT_CACHE_MB.
//
// An entry is one file, named after the hash of its kernel and of everything else that decides its
// code; so another processor, another LLVM or another version of this library has files of its own.
// Files are written under another name and renamed: a reader sees all of one or nothing, whoever
// else writes and whoever dies. Code is taken only from a directory and a file that nobody else can
// write to, and only if it is the one that was written: anything else counts as absent, and is
// replaced.
//
// Threads: any. Processes: any number at once.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads the object of kernel |hash| as compiled by |version| (emit/codegen.h). On true the caller
// frees |*out_object| with pj_free. False if there is none, or no cache.
bool pj_jit_disk_load(const uint64_t hash[2], const char *version, void **out_object,
                      size_t *out_size);

// Around fork(): a child finds nothing half done.
void pj_jit_disk_lock(void);
void pj_jit_disk_unlock(void);

// Keeps an object; does nothing where it cannot.
void pj_jit_disk_store(const uint64_t hash[2], const char *version, const void *object,
                       size_t size);
