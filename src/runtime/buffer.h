// Buffers: what hosts hold. A handle over an array, which can be taken away by deletion or
// donation.
//
// Thread-safe. A running execution or copy holds the array itself, so that deleting the buffer does
// not disturb it.
#pragma once
#include "base/spin.h"
#include "runtime/client.h"

typedef struct PjBuffer {
  PjMemory *memory; // PJRT_Buffer's functions read these three without a lock
  const PjShape *shape;
  PjEvent *ready;
  PjSpin lock;
  PjArray *array;  // NULL once deleted or donated
  PjArray *pinned; // held while external references exist
  // A copy of the contents in the order that the shape's layout says, made when somebody outside
  // asks for their address. NULL before, and if the layout is row-major.
  PjArray *arranged;
  int external_refs;
} PjBuffer;

// Makes a buffer over |array|, whose reference it takes (on failure too). NULL without memory.
PjBuffer *pj_buffer_create(PjArray *array);
void pj_buffer_destroy(PjBuffer *buffer); // NULL allowed
// Takes the shape that its array has now; for a buffer that no host knows yet.
void pj_buffer_follow(PjBuffer *buffer);

void pj_buffer_delete(PjBuffer *buffer);
bool pj_buffer_is_deleted(PjBuffer *buffer);
// A new reference to the contents, or NULL if they were deleted or donated.
PjArray *pj_buffer_acquire(PjBuffer *buffer);
// Takes the contents: the buffer is deleted, and its reference the caller's. NULL as above. And
// gives them back, adding a reference.
PjArray *pj_buffer_take(PjBuffer *buffer);
void pj_buffer_restore(PjBuffer *buffer, PjArray *array);
// INVALID_ARGUMENT for |what| called on a buffer without contents.
PjStatus pj_buffer_deleted_error(const char *what);

// Keeps the contents until as many decreases. Errors: INVALID_ARGUMENT for a deleted buffer; for a
// decrease at zero.
PjStatus pj_buffer_increase_external_refs(PjBuffer *buffer);
PjStatus pj_buffer_decrease_external_refs(PjBuffer *buffer);
// Waits until the contents are ready and answers their address. In a layout other than row-major
// that is a copy, to be read only, which lives until the buffer is destroyed. Errors:
// INVALID_ARGUMENT for a deleted buffer; UNIMPLEMENTED for such a layout in memory that the host
// cannot address.
PjStatus pj_buffer_pointer(PjBuffer *buffer, void **out_pointer);
// True if the host may read the contents in place, row-major.
bool pj_buffer_is_on_host(const PjBuffer *buffer);

typedef enum PjHostSemantics {
  PJ_HOST_ONLY_DURING_CALL,
  PJ_HOST_UNTIL_TRANSFER_COMPLETES,
  PJ_HOST_ZERO_COPY,
  PJ_HOST_MUTABLE_ZERO_COPY,
} PjHostSemantics;

// Makes a buffer of a host array (|byte_strides| NULL: dense row-major). |out_done| becomes ready
// when the host may change or free |data|: at once if it was copied, else when the contents are
// freed. PJ_HOST_ZERO_COPY copies what is small and not aligned to a cache line.
PjStatus pj_buffer_from_host(PjMemory *memory, const PjShape *shape, const void *data,
                             const int64_t *byte_strides, PjHostSemantics semantics,
                             PjEvent **out_done, PjBuffer **out_buffer);

// Writes a host array (as above) into |array|, which has memory and is not ready yet.
PjStatus pj_array_write_host(PjArray *array, const void *data, const int64_t *byte_strides);

// Copies the contents to |dst| with the given byte strides (NULL: dense row-major), when they are
// ready. |out_done| tells when, with the producer's failure if there is one.
PjStatus pj_buffer_to_host(PjBuffer *buffer, void *dst, const int64_t *byte_strides,
                           PjEvent **out_done);

// Copies |size| bytes at |offset| of the contents. A range outside of them fails |out_done|.
PjStatus pj_buffer_read_raw(PjBuffer *buffer, void *dst, int64_t offset, int64_t size,
                            PjEvent **out_done);

// Copies a range of |array| (its reference is taken) to |dst| once it is ready, then completes
// |done| (its reference is taken).
void pj_array_read_later(PjArray *array, void *dst, int64_t offset, int64_t size, PjEvent *done);

// Copies to another memory, when the contents are ready.
PjStatus pj_buffer_copy_to_memory(PjBuffer *buffer, PjMemory *dst, PjBuffer **out_buffer);

// Moves the contents to a new buffer of another shape with as many bytes; the source is deleted.
PjStatus pj_buffer_bitcast(PjBuffer *buffer, const PjShape *shape, PjBuffer **out_buffer);

// A pending buffer over a new array that the caller completes: pj_array_* on |out_array| (a new
// reference), then pj_event_set(array->ready).
PjStatus pj_buffer_pending(PjMemory *memory, const PjShape *shape, PjArray **out_array,
                           PjBuffer **out_buffer);
// Makes |array| (pending, without memory) ready with what |source| holds, or its failure, once that
// is ready.
PjStatus pj_array_fulfil_from(PjArray *array, PjArray *source);
// A buffer that is ready with |failure| (taken).
PjStatus pj_buffer_failed(PjMemory *memory, const PjShape *shape, PjStatus failure,
                          PjBuffer **out_buffer);
// A buffer with undefined contents.
PjStatus pj_buffer_uninitialized(PjMemory *memory, const PjShape *shape, PjBuffer **out_buffer);
// A view of memory of somebody else; |on_delete| (may be NULL) is called once when it is not used
// any more.
PjStatus pj_buffer_view(PjMemory *memory, const PjShape *shape, void *data,
                        void (*on_delete)(void *context, void *data), void *context,
                        PjBuffer **out_buffer);
