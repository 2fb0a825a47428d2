// Transfer managers: buffers that are filled from the host piece by piece. Thread-safe.
#pragma once
#include "runtime/buffer.h"

typedef struct PjTransferManager PjTransferManager;

// Makes |count| pending buffers in |memory|. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_transfer_manager_create(PjMemory *memory, const PjShape *const *shapes, size_t count,
                                    PjTransferManager **out);
// Buffers that were not completed fail with CANCELLED. NULL allowed.
void pj_transfer_manager_destroy(PjTransferManager *manager);

size_t pj_transfer_manager_count(const PjTransferManager *manager);
PjMemory *pj_transfer_manager_memory(const PjTransferManager *manager);
// Errors of all below: INVALID_ARGUMENT for an index that is none.
PjStatus pj_transfer_manager_size(PjTransferManager *manager, int index, size_t *out_bytes);
// The buffer, once: FAILED_PRECONDITION the second time.
PjStatus pj_transfer_manager_retrieve(PjTransferManager *manager, int index, PjBuffer **out);
// Writes bytes; |last| completes the buffer. FAILED_PRECONDITION if it is complete already.
PjStatus pj_transfer_manager_write(PjTransferManager *manager, int index, const void *data,
                                   int64_t offset, int64_t size, bool last);
// Writes the whole of a buffer from a host array and completes it.
PjStatus pj_transfer_manager_write_all(PjTransferManager *manager, int index, const PjShape *shape,
                                       const void *data, const int64_t *byte_strides);
// Completes a buffer with |failure| (taken).
PjStatus pj_transfer_manager_fail(PjTransferManager *manager, int index, PjStatus failure);
