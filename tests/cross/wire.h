// Kernels as bytes, for a test that runs under another processor than its code generator.
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "kernel/kir.h"

// Appends |k| (finished).
void wire_write(const PjKir *k, PjStrBuf *out);
// Reads what wire_write wrote, under |arena|'s guard. INTERNAL if it is something else.
PjStatus wire_read(PjArena *arena, const void *data, size_t size, PjKir **out);
