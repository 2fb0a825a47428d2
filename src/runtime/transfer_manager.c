// See transfer_manager.h. Writes are synchronous copies outside of the lock, counted per buffer, so
// that the last one to end (not the one that is called last) makes the buffer ready.
#include "runtime/transfer_manager.h"

#include "base/alloc.h"

typedef struct Slot {
  PjArray *array;
  PjBuffer *buffer; // until it is retrieved
  int writing;      // writes under way
  bool last_seen, complete;
} Slot;

struct PjTransferManager {
  PjMemory *memory;
  pthread_mutex_t lock;
  size_t count;
  Slot slots[];
};

PjStatus pj_transfer_manager_create(PjMemory *memory, const PjShape *const *shapes, size_t count,
                                    PjTransferManager **out) {
  *out = NULL;
  PJ_FAIL_IF(count > (size_t)1 << 24, INVALID_ARGUMENT, "a transfer manager of %zu buffers", count);
  PjTransferManager *manager = pj_calloc(1, sizeof *manager + count * sizeof(Slot));
  if (!manager)
    return pj_status_oom();
  manager->memory = memory;
  manager->count = count;
  pthread_mutex_init(&manager->lock, NULL);
  PjStatus status = PJ_STATUS_OK;
  for (size_t i = 0; !status && i < count; i++) {
    Slot *slot = &manager->slots[i];
    status = pj_buffer_pending(memory, shapes[i], &slot->array, &slot->buffer);
    if (!status && !shapes[i]->token)
      status = pj_array_allocate(slot->array);
  }
  if (status) {
    pj_transfer_manager_destroy(manager);
    return status;
  }
  *out = manager;
  return PJ_STATUS_OK;
}

void pj_transfer_manager_destroy(PjTransferManager *manager) {
  if (!manager)
    return;
  for (size_t i = 0; i < manager->count; i++) {
    Slot *slot = &manager->slots[i];
    if (!slot->array)
      continue;
    if (!slot->complete)
      pj_event_set(
          slot->array->ready,
          PJ_ERROR(
              CANCELLED,
              "the transfer manager of this buffer was destroyed before the buffer was filled"));
    pj_array_release(slot->array);
    pj_buffer_destroy(slot->buffer);
  }
  pthread_mutex_destroy(&manager->lock);
  pj_free(manager);
}

size_t pj_transfer_manager_count(const PjTransferManager *manager) {
  return manager->count;
}
PjMemory *pj_transfer_manager_memory(const PjTransferManager *manager) {
  return manager->memory;
}

static PjStatus find_slot(PjTransferManager *manager, int index, Slot **out) {
  PJ_FAIL_IF(index < 0 || (size_t)index >= manager->count, INVALID_ARGUMENT,
             "buffer %d of a transfer manager of %zu buffers", index, manager->count);
  *out = &manager->slots[index];
  return PJ_STATUS_OK;
}

PjStatus pj_transfer_manager_size(PjTransferManager *manager, int index, size_t *out_bytes) {
  Slot *slot = NULL;
  PJ_TRY(find_slot(manager, index, &slot));
  *out_bytes = slot->array->shape->num_bytes;
  return PJ_STATUS_OK;
}

PjStatus pj_transfer_manager_retrieve(PjTransferManager *manager, int index, PjBuffer **out) {
  *out = NULL;
  Slot *slot = NULL;
  PJ_TRY(find_slot(manager, index, &slot));
  pthread_mutex_lock(&manager->lock);
  *out = slot->buffer;
  slot->buffer = NULL;
  pthread_mutex_unlock(&manager->lock);
  PJ_FAIL_IF(!*out, FAILED_PRECONDITION, "buffer %d of a transfer manager was retrieved before",
             index);
  return PJ_STATUS_OK;
}

// Begins a write that is the |last| one or not.
static PjStatus begin(PjTransferManager *manager, Slot *slot, int index, bool last) {
  pthread_mutex_lock(&manager->lock);
  bool closed = slot->last_seen || slot->complete;
  if (!closed) {
    slot->writing++;
    slot->last_seen = last;
  }
  pthread_mutex_unlock(&manager->lock);
  PJ_FAIL_IF(closed, FAILED_PRECONDITION, "buffer %d of a transfer manager is complete already",
             index);
  return PJ_STATUS_OK;
}

static void end(PjTransferManager *manager, Slot *slot, PjStatus status) {
  pthread_mutex_lock(&manager->lock);
  slot->writing--;
  bool completes = !slot->complete && (status || (slot->last_seen && slot->writing == 0));
  if (completes)
    slot->complete = true;
  pthread_mutex_unlock(&manager->lock);
  if (!completes)
    return;
  PjStatus failure = status ? pj_status_clone(status) : pj_array_canonicalize(slot->array);
  pj_event_set(slot->array->ready, failure);
}

PjStatus pj_transfer_manager_write(PjTransferManager *manager, int index, const void *data,
                                   int64_t offset, int64_t size, bool last) {
  Slot *slot = NULL;
  PJ_TRY(find_slot(manager, index, &slot));
  int64_t bytes = (int64_t)slot->array->shape->num_bytes;
  PJ_FAIL_IF(offset < 0 || size < 0 || offset > bytes || size > bytes - offset || (!data && size),
             INVALID_ARGUMENT, "a transfer of %lld bytes to offset %lld of a buffer of %lld bytes",
             (long long)size, (long long)offset, (long long)bytes);
  PJ_TRY(begin(manager, slot, index, last));
  PjStatus status =
      size ? pj_array_write(slot->array, (size_t)offset, (size_t)size, data) : PJ_STATUS_OK;
  end(manager, slot, status);
  return status;
}

PjStatus pj_transfer_manager_write_all(PjTransferManager *manager, int index, const PjShape *shape,
                                       const void *data, const int64_t *byte_strides) {
  Slot *slot = NULL;
  PJ_TRY(find_slot(manager, index, &slot));
  PJ_FAIL_IF(!pj_shape_eq(shape, slot->array->shape), INVALID_ARGUMENT,
             "a literal of another shape than buffer %d of a transfer manager", index);
  PJ_FAIL_IF(shape->num_bytes && !data, INVALID_ARGUMENT,
             "a literal of %zu bytes at a null address", shape->num_bytes);
  PJ_TRY(begin(manager, slot, index, true));
  PjStatus status =
      shape->num_bytes ? pj_array_write_host(slot->array, data, byte_strides) : PJ_STATUS_OK;
  end(manager, slot, status);
  return status;
}

PjStatus pj_transfer_manager_fail(PjTransferManager *manager, int index, PjStatus failure) {
  Slot *slot = NULL;
  PjStatus status = find_slot(manager, index, &slot);
  if (!status)
    status = begin(manager, slot, index, true);
  if (!status)
    end(manager, slot, failure);
  pj_status_free(failure);
  return status;
}
