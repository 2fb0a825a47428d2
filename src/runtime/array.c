// See array.h.
#include "runtime/array.h"

#include <string.h>

#include "base/block.h"
#include "runtime/client.h"
#include "runtime/copy.h"
#include "runtime/start.h"

PjArray *pj_array_create(PjMemory *memory, const PjShape *shape, PjEvent *ready) {
  PjArray *array = pj_block_calloc(sizeof *array);
  if (!array)
    return NULL;
  array->ready = ready ? pj_event_retain(ready) : pj_event_create();
  if (!array->ready) {
    pj_block_free(array, sizeof *array);
    return NULL;
  }
  atomic_init(&array->refs, 1);
  array->memory = memory;
  array->shape = pj_shape_retain(shape);
  pj_client_retain(memory->client);
  return array;
}

PjArray *pj_array_retain(PjArray *array) {
  atomic_fetch_add_explicit(&array->refs, 1, memory_order_relaxed);
  return array;
}

void pj_array_release(PjArray *array) {
  if (!array || atomic_fetch_sub_explicit(&array->refs, 1, memory_order_acq_rel) != 1)
    return;
  PjDevice *device = array->memory->device;
  switch (array->kind) {
  case PJ_ARRAY_NONE:
    break;
  case PJ_ARRAY_OWNED:
    device->client->platform->device->free(device->client->driver, device->index,
                                           array->memory->kind, array->data,
                                           array->shape->num_bytes);
    break;
  case PJ_ARRAY_TENSOR:
    if (device->memories[PJ_MEMORY_DEVICE]->host_visible)
      atomic_fetch_sub_explicit(&device->adopted_bytes, (int64_t)array->tensor->bytes,
                                memory_order_relaxed);
    pj_tensor_release(array->tensor);
    break;
  case PJ_ARRAY_FOREIGN:
    if (array->release)
      array->release(array->context, array->data);
    break;
  case PJ_ARRAY_BASE:
    pj_array_release(array->base);
    break;
  }
  pj_event_release(array->ready);
  pj_shape_release(array->shape);
  pj_block_free(array, sizeof *array);
  pj_client_release(device->client);
}

static PjStatus allocate(PjArray *array) {
  PjDevice *device = array->memory->device;
  return device->client->platform->device->allocate(device->client->driver, device->index,
                                                    array->memory->kind, array->shape->num_bytes,
                                                    &array->data);
}

PjStatus pj_array_allocate(PjArray *array) {
  if (array->placed)
    return PJ_STATUS_OK;
  PjDevice *device = array->memory->device;
  PjStatus status = allocate(array);
  // What is on its way may hold memory that nobody wants any more.
  if (pj_status_code(status) == PJ_RESOURCE_EXHAUSTED && !array->memory->host_visible &&
      pj_started_settle(device->client)) {
    pj_status_free(status);
    status = allocate(array);
  }
  if (status)
    return status;
  array->kind = PJ_ARRAY_OWNED;
  array->writable = true;
  return PJ_STATUS_OK;
}

void pj_array_adopt(PjArray *array, PjTensor *tensor) {
  if (array->placed) {
    pj_copy_bytes(array->memory->client->threads, array->data, tensor->data, tensor->bytes);
    return;
  }
  array->tensor = pj_tensor_retain(tensor);
  array->kind = PJ_ARRAY_TENSOR;
  array->data = tensor->data;
  array->writable = tensor->writable;
  PjDevice *device = array->memory->device;
  // Beside a device of its own memory, the host's is nobody's business.
  if (!device->memories[PJ_MEMORY_DEVICE]->host_visible)
    return;
  int64_t in_use = atomic_fetch_add_explicit(&device->adopted_bytes, (int64_t)tensor->bytes,
                                             memory_order_relaxed) +
                   (int64_t)tensor->bytes;
  atomic_fetch_add_explicit(&device->adopted_count, 1, memory_order_relaxed);
  int64_t peak = atomic_load_explicit(&device->peak_adopted_bytes, memory_order_relaxed);
  while (in_use > peak &&
         !atomic_compare_exchange_weak_explicit(&device->peak_adopted_bytes, &peak, in_use,
                                                memory_order_relaxed, memory_order_relaxed)) {
  }
}

void pj_array_use_foreign(PjArray *array, void *data, bool writable,
                          void (*release)(void *context, void *data), void *context) {
  array->kind = PJ_ARRAY_FOREIGN;
  array->data = data;
  array->writable = writable;
  array->release = release;
  array->context = context;
}

void pj_array_use_base(PjArray *array, PjArray *base) {
  array->kind = PJ_ARRAY_BASE;
  array->base = pj_array_retain(base);
  array->data = base->data;
  array->writable = base->writable;
}

void pj_array_take_over(PjArray *array, PjArray *from) {
  array->kind = from->kind;
  array->writable = from->writable;
  array->data = from->data;
  array->tensor = from->tensor;
  array->base = from->base;
  array->release = from->release;
  array->context = from->context;
  from->kind = PJ_ARRAY_NONE;
  from->data = NULL;
  from->tensor = NULL;
  from->base = NULL;
  from->release = NULL;
}

void pj_array_place(PjArray *array, void *data) {
  pj_array_use_foreign(array, data, true, NULL, NULL);
  array->placed = true;
}

void *pj_array_host_pointer(const PjArray *array) {
  PjDevice *device = array->memory->device;
  if (!array->memory->host_visible)
    return NULL;
  return device->client->platform->device->host_pointer(device->client->driver, device->index,
                                                        array->memory->kind, array->data);
}

bool pj_array_is_exclusive(const PjArray *array) {
  for (; array; array = array->base) {
    if (!array->writable || atomic_load_explicit(&array->refs, memory_order_acquire) != 1)
      return false;
    if (array->kind == PJ_ARRAY_TENSOR &&
        atomic_load_explicit(&array->tensor->refs, memory_order_acquire) != 1)
      return false;
  }
  return true;
}

PjStatus pj_array_read(const PjArray *array, size_t offset, size_t size, void *dst) {
  PjDevice *device = array->memory->device;
  const char *host = pj_array_host_pointer(array);
  if (host) {
    pj_copy_bytes(device->client->threads, dst, host + offset, size);
    return PJ_STATUS_OK;
  }
  return device->client->platform->device->copy_out(device->client->driver, device->index,
                                                    array->memory->kind, dst,
                                                    (const char *)array->data + offset, size);
}

PjStatus pj_array_write(PjArray *array, size_t offset, size_t size, const void *src) {
  PjDevice *device = array->memory->device;
  char *host = pj_array_host_pointer(array);
  if (host) {
    pj_copy_bytes(device->client->threads, host + offset, src, size);
    return PJ_STATUS_OK;
  }
  return device->client->platform->device->copy_in(device->client->driver, device->index,
                                                   array->memory->kind,
                                                   (char *)array->data + offset, src, size);
}

PjStatus pj_array_clear(PjArray *array) {
  size_t size = array->shape->num_bytes;
  void *host = pj_array_host_pointer(array);
  if (host || !size) {
    if (size)
      memset(host, 0, size);
    return PJ_STATUS_OK;
  }
  void *zeros = pj_block_calloc(size);
  if (!zeros)
    return pj_status_oom();
  PjStatus status = pj_array_write(array, 0, size, zeros);
  pj_block_free(zeros, size);
  return status;
}

PjStatus pj_array_canonicalize(PjArray *array) {
  const PjShape *shape = array->shape;
  if (shape->token || pj_dtype_bits(shape->dtype) >= 8 || !shape->num_bytes)
    return PJ_STATUS_OK;
  void *host = pj_array_host_pointer(array);
  if (host) {
    pj_canonicalize_elements(shape->dtype, host, shape->num_elements);
    return PJ_STATUS_OK;
  }
  void *staging = pj_block_alloc(shape->num_bytes);
  if (!staging)
    return pj_status_oom();
  PjStatus status = pj_array_read(array, 0, shape->num_bytes, staging);
  if (!status) {
    pj_canonicalize_elements(shape->dtype, staging, shape->num_elements);
    status = pj_array_write(array, 0, shape->num_bytes, staging);
  }
  pj_block_free(staging, shape->num_bytes);
  return status;
}

PjStatus pj_array_copy(PjArray *dst, const PjArray *src) {
  PjDevice *to = dst->memory->device, *from = src->memory->device;
  void *host_dst = pj_array_host_pointer(dst), *host_src = pj_array_host_pointer(src);
  if (host_dst && host_src) {
    pj_copy_bytes(to->client->threads, host_dst, host_src, src->shape->num_bytes);
    return PJ_STATUS_OK;
  }
  return to->client->platform->device->copy(to->client->driver, to->index, dst->memory->kind,
                                            dst->data, from->index, src->memory->kind, src->data,
                                            src->shape->num_bytes);
}

void pj_canonicalize_elements(PjDtype dtype, void *data, int64_t count) {
  unsigned bits = pj_dtype_bits(dtype);
  if (bits >= 8 || dtype == PJ_DT_PRED)
    return;
  uint8_t *bytes = data;
  unsigned shift = 8 - bits;
  if (pj_dtype_class(dtype) == PJ_CLASS_SINT)
    for (int64_t i = 0; i < count; i++)
      bytes[i] = (uint8_t)((int8_t)(uint8_t)(bytes[i] << shift) >> shift);
  else
    for (int64_t i = 0; i < count; i++)
      bytes[i] = (uint8_t)(bytes[i] & (0xffu >> shift));
}
