// Insides: reading programs with src/import.
#pragma once
#include "base/str.h"
#include "host/host.h"

// Turns one of our own stages' errors into ours and frees it; null stays null.
PjhError *pjh__from_status(PjStatus status);

// The bytes of |code| (format "mlir") for |plugin|: themselves, or written anew into |made| for the
// StableHLO version that the plugin states. Free |made| in any case.
PjhError *pjh__convert(const PjhPlugin *plugin, const void *code, size_t size, PjStrBuf *made,
                       const void **out, size_t *out_size);
