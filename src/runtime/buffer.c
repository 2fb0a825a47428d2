// Buffer handles: creation, deletion, donation, external references. Transfers are in transfer.c.
#include "runtime/buffer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "runtime/stride.h"

PjBuffer *pj_buffer_create(PjArray *array) {
  PjBuffer *buffer = pj_block_calloc(sizeof *buffer);
  if (!buffer) {
    pj_array_release(array);
    return NULL;
  }
  buffer->memory = array->memory;
  buffer->shape = pj_shape_retain(array->shape);
  buffer->ready = pj_event_retain(array->ready);
  buffer->array = array;
  return buffer;
}

void pj_buffer_follow(PjBuffer *buffer) {
  const PjShape *before = buffer->shape;
  buffer->shape = pj_shape_retain(buffer->array->shape);
  pj_shape_release(before);
}

PjArray *pj_buffer_take(PjBuffer *buffer) {
  pj_spin_lock(&buffer->lock);
  PjArray *array = buffer->array;
  buffer->array = NULL;
  pj_spin_unlock(&buffer->lock);
  return array;
}

void pj_buffer_destroy(PjBuffer *buffer) {
  if (!buffer)
    return;
  pj_array_release(buffer->array); // no lock: nobody else may know the handle any more
  pj_array_release(buffer->pinned);
  pj_array_release(buffer->arranged);
  pj_shape_release(buffer->shape);
  pj_event_release(buffer->ready);
  pj_block_free(buffer, sizeof *buffer);
}

void pj_buffer_delete(PjBuffer *buffer) {
  pj_array_release(pj_buffer_take(buffer));
}

bool pj_buffer_is_deleted(PjBuffer *buffer) {
  pj_spin_lock(&buffer->lock);
  bool deleted = buffer->array == NULL;
  pj_spin_unlock(&buffer->lock);
  return deleted;
}

PjStatus pj_buffer_deleted_error(const char *what) {
  return PJ_ERROR(INVALID_ARGUMENT, "%s called on deleted or donated buffer", what);
}

PjArray *pj_buffer_acquire(PjBuffer *buffer) {
  pj_spin_lock(&buffer->lock);
  PjArray *array = buffer->array ? pj_array_retain(buffer->array) : NULL;
  pj_spin_unlock(&buffer->lock);
  return array;
}

void pj_buffer_restore(PjBuffer *buffer, PjArray *array) {
  pj_spin_lock(&buffer->lock);
  if (!buffer->array)
    buffer->array = pj_array_retain(array);
  pj_spin_unlock(&buffer->lock);
}

PjStatus pj_buffer_increase_external_refs(PjBuffer *buffer) {
  pj_spin_lock(&buffer->lock);
  bool ok = buffer->array || buffer->pinned;
  if (ok && buffer->external_refs++ == 0)
    buffer->pinned = pj_array_retain(buffer->array);
  pj_spin_unlock(&buffer->lock);
  return ok ? PJ_STATUS_OK : pj_buffer_deleted_error("IncreaseExternalReferenceCount()");
}

PjStatus pj_buffer_decrease_external_refs(PjBuffer *buffer) {
  PjArray *unpinned = NULL;
  pj_spin_lock(&buffer->lock);
  bool ok = buffer->external_refs > 0;
  if (ok && --buffer->external_refs == 0) {
    unpinned = buffer->pinned;
    buffer->pinned = NULL;
  }
  pj_spin_unlock(&buffer->lock);
  pj_array_release(unpinned);
  PJ_FAIL_IF(!ok, INVALID_ARGUMENT,
             "Attempting to decrease reference on a buffer with zero reference count.");
  return PJ_STATUS_OK;
}

// Copies |array| (ready, row-major) in the order of its shape's layout.
static PjStatus arrange(const PjArray *array, PjArray **out) {
  *out = NULL;
  const PjShape *shape = array->shape;
  PJ_FAIL_IF(
      !array->memory->host_visible, UNIMPLEMENTED,
      "the address of an array that is not row-major in memory that the host cannot address");
  PjArray *copy = *out = pj_array_create(array->memory, shape, pj_event_ok());
  if (!copy)
    return pj_status_oom();
  PJ_TRY(pj_array_allocate(copy));
  size_t elem = pj_dtype_bytes(shape->dtype);
  int64_t to[PJ_MAX_RANK], from[PJ_MAX_RANK];
  pj_dense_strides(elem, shape->rank, shape->dims, shape->minor_to_major, to);
  pj_dense_strides(elem, shape->rank, shape->dims, NULL, from);
  pj_copy_strided_bytes(array->memory->client->threads, elem, shape->rank, shape->dims, copy->data,
                        to, pj_array_host_pointer(array), from);
  return PJ_STATUS_OK;
}

// The copy of |array|, the contents of |buffer|, that strangers may read: the same each time.
static PjStatus arranged_pointer(PjBuffer *buffer, const PjArray *array, void **out_pointer) {
  pj_spin_lock(&buffer->lock);
  PjArray *found = buffer->arranged;
  pj_spin_unlock(&buffer->lock);
  if (!found) {
    PjArray *fresh;
    PjStatus status = arrange(array, &fresh);
    if (status) {
      pj_array_release(fresh);
      return status;
    }
    pj_spin_lock(&buffer->lock);
    if (!buffer->arranged) {
      buffer->arranged = fresh;
      fresh = NULL;
    }
    found = buffer->arranged;
    pj_spin_unlock(&buffer->lock);
    pj_array_release(fresh);
  }
  *out_pointer = found->data;
  return PJ_STATUS_OK;
}

PjStatus pj_buffer_pointer(PjBuffer *buffer, void **out_pointer) {
  *out_pointer = NULL;
  pj_spin_lock(&buffer->lock);
  PjArray *array = buffer->pinned ? buffer->pinned : buffer->array;
  if (array)
    pj_array_retain(array);
  pj_spin_unlock(&buffer->lock);
  if (!array)
    return pj_buffer_deleted_error("OpaqueDeviceMemoryDataPointer()");
  PjStatus status = pj_event_await(array->ready);
  if (!status && buffer->shape->minor_to_major)
    status = arranged_pointer(buffer, array, out_pointer);
  else if (!status)
    *out_pointer = array->data;
  pj_array_release(array);
  return status;
}

bool pj_buffer_is_on_host(const PjBuffer *buffer) {
  return buffer->memory->host_visible && !buffer->shape->token && !buffer->shape->minor_to_major;
}

PjStatus pj_buffer_pending(PjMemory *memory, const PjShape *shape, PjArray **out_array,
                           PjBuffer **out_buffer) {
  *out_buffer = NULL;
  *out_array = pj_array_create(memory, shape, NULL);
  if (!*out_array)
    return pj_status_oom();
  *out_buffer = pj_buffer_create(pj_array_retain(*out_array));
  if (!*out_buffer) {
    pj_array_release(*out_array);
    *out_array = NULL;
    return pj_status_oom();
  }
  return PJ_STATUS_OK;
}

PjStatus pj_buffer_failed(PjMemory *memory, const PjShape *shape, PjStatus failure,
                          PjBuffer **out_buffer) {
  PjEvent *event = pj_event_failed(failure);
  PjArray *array = pj_array_create(memory, shape, event);
  pj_event_release(event);
  *out_buffer = array ? pj_buffer_create(array) : NULL;
  return *out_buffer ? PJ_STATUS_OK : pj_status_oom();
}

PjStatus pj_buffer_uninitialized(PjMemory *memory, const PjShape *shape, PjBuffer **out_buffer) {
  *out_buffer = NULL;
  PjArray *array = pj_array_create(memory, shape, pj_event_ok());
  if (!array)
    return pj_status_oom();
  PjStatus status = pj_array_allocate(array);
  // Elements narrower than a byte must be canonical even where nobody wrote them.
  if (!status && pj_dtype_bits(shape->dtype) < 8)
    status = pj_array_clear(array);
  if (status) {
    pj_array_release(array);
    return status;
  }
  *out_buffer = pj_buffer_create(array);
  return *out_buffer ? PJ_STATUS_OK : pj_status_oom();
}

PjStatus pj_buffer_view(PjMemory *memory, const PjShape *shape, void *data,
                        void (*on_delete)(void *context, void *data), void *context,
                        PjBuffer **out_buffer) {
  *out_buffer = NULL;
  PjArray *array = pj_array_create(memory, shape, pj_event_ok());
  if (!array)
    return pj_status_oom();
  *out_buffer = pj_buffer_create(pj_array_retain(array));
  // Only a view that is handed out tells its owner; on failure the caller still has the memory.
  if (*out_buffer)
    pj_array_use_foreign(array, data, false, on_delete, context);
  pj_array_release(array);
  return *out_buffer ? PJ_STATUS_OK : pj_status_oom();
}

PjStatus pj_buffer_bitcast(PjBuffer *buffer, const PjShape *shape, PjBuffer **out_buffer) {
  *out_buffer = NULL;
  PJ_FAIL_IF(shape->num_bytes != buffer->shape->num_bytes, INVALID_ARGUMENT,
             "a bitcast from %zu bytes to %zu bytes", buffer->shape->num_bytes, shape->num_bytes);
  PjArray *source, *array;
  PjBuffer *fresh;
  PJ_TRY(pj_buffer_pending(buffer->memory, shape, &array, &fresh));
  PjStatus status = PJ_STATUS_OK;
  source = pj_buffer_take(buffer);
  if (!source)
    status = pj_buffer_deleted_error("Bitcast()");
  if (!status) {
    status = pj_array_fulfil_from(array, source);
    pj_array_release(source);
  }
  pj_array_release(array);
  if (status) {
    pj_buffer_destroy(fresh);
    return status;
  }
  *out_buffer = fresh;
  return PJ_STATUS_OK;
}

typedef struct Fulfilment {
  PjJob job;
  PjArray *array, *source;
} Fulfilment;

static void fulfil(PjJob *job, PjStatus failure) {
  Fulfilment *f = (Fulfilment *)job;
  if (!failure)
    pj_array_use_base(f->array, f->source);
  pj_array_release(f->source);
  pj_event_set(f->array->ready, pj_status_clone(failure));
  pj_array_release(f->array);
  pj_free(f);
}

PjStatus pj_array_fulfil_from(PjArray *array, PjArray *source) {
  Fulfilment *f = pj_malloc(sizeof *f);
  if (!f)
    return pj_status_oom();
  f->array = pj_array_retain(array);
  f->source = pj_array_retain(source);
  pj_job_after(&f->job, array->memory->client, source->ready, false, fulfil);
  return PJ_STATUS_OK;
}
