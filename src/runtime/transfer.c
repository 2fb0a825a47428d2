// Transfers between host and buffers, and between buffers.
//
// What is ready is copied in the call, for a copy of a ready array costs the caller no more than
// handing it over would; what is not is copied by a worker once it is. A device that copies by
// itself does so while the caller goes on.
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/trace.h"
#include "runtime/buffer.h"
#include "runtime/copy.h"
#include "runtime/start.h"
#include "runtime/stride.h"

static int64_t trace_begin(void) {
  return pj_trace_on() ? pj_trace_clock() : 0;
}

static void trace_copy(const char *name, size_t bytes, int64_t begin) {
  PjTraceLabel label = {.kind = PJ_TRACE_TRANSFER, .name = name, .bytes = (double)bytes};
  if (begin)
    pj_trace_add_once(&label, begin, pj_trace_clock(), 0);
}

// --- From the host -------------------------------------------------------------------------------

static void host_memory_released(void *context, void *data) {
  PjEvent *done = context;
  pj_event_set(done, NULL);
  pj_event_release(done);
}

// Whether the bytes of a host array are those of the array as it is stored.
static bool is_as_stored(const PjShape *shape, const int64_t *byte_strides) {
  return (pj_dtype_bits(shape->dtype) >= 8 || shape->dtype == PJ_DT_PRED) &&
         pj_is_dense(pj_dtype_bytes(shape->dtype), shape->rank, shape->dims, byte_strides);
}

// Writes a host array into |dst| as it is stored.
static void gather_host(const PjArray *array, void *dst, const void *data,
                        const int64_t *byte_strides) {
  const PjShape *shape = array->shape;
  size_t elem = pj_dtype_bytes(shape->dtype);
  PjThreads *threads = array->memory->client->threads;
  if (pj_is_dense(elem, shape->rank, shape->dims, byte_strides)) {
    pj_copy_bytes(threads, dst, data, shape->num_bytes);
  } else {
    int64_t strides[PJ_MAX_RANK];
    pj_dense_strides(elem, shape->rank, shape->dims, NULL, strides);
    pj_copy_strided_bytes(threads, elem, shape->rank, shape->dims, dst, strides, data,
                          byte_strides);
  }
  pj_canonicalize_elements(shape->dtype, dst, shape->num_elements);
}

PjStatus pj_array_write_host(PjArray *array, const void *data, const int64_t *byte_strides) {
  const PjShape *shape = array->shape;
  if (is_as_stored(shape, byte_strides))
    return pj_array_write(array, 0, shape->num_bytes, data);
  void *direct = pj_array_host_pointer(array);
  void *staging = direct ? direct : pj_block_alloc(shape->num_bytes);
  if (!staging)
    return pj_status_oom();
  gather_host(array, staging, data, byte_strides);
  if (direct)
    return PJ_STATUS_OK;
  PjStatus status = pj_array_write(array, 0, shape->num_bytes, staging);
  pj_block_free(staging, shape->num_bytes);
  return status;
}

typedef struct StartedWrite {
  PjStarted started;
  PjArray *array;
  PjEvent *done;
  void *staging; // or NULL: from the host's memory
} StartedWrite;

static void written(PjStarted *self, PjStatus status) {
  StartedWrite *write = (StartedWrite *)self;
  pj_block_free(write->staging, write->array->shape->num_bytes);
  if (!pj_event_is_ready(write->done))
    pj_event_set(write->done,
                 NULL); // the host's memory is not needed any more, whatever came of it
  pj_event_release(write->done);
  pj_event_set(write->array->ready, status);
  pj_array_release(write->array);
  pj_free(write);
}

// As pj_buffer_from_host for a memory whose device copies by itself.
static PjStatus start_from_host(PjMemory *memory, const PjShape *shape, const void *data,
                                const int64_t *byte_strides, bool may_wait, PjEvent **out_done,
                                PjBuffer **out_buffer) {
  bool direct = may_wait && is_as_stored(shape, byte_strides);
  StartedWrite *write = pj_calloc(1, sizeof *write);
  PjEvent *done = direct ? pj_event_create() : pj_event_ok();
  PjArray *array = NULL;
  PjBuffer *buffer = NULL;
  PjStatus status =
      write && done ? pj_buffer_pending(memory, shape, &array, &buffer) : pj_status_oom();
  if (!status)
    status = pj_array_allocate(array);
  if (!status && !direct && !(write->staging = pj_block_alloc(shape->num_bytes)))
    status = pj_status_oom();
  if (status) {
    pj_buffer_destroy(buffer);
    pj_array_release(array);
    pj_event_release(done);
    pj_free(write);
    return status;
  }
  if (!direct)
    gather_host(array, write->staging, data, byte_strides);
  write->array = array;
  write->done = pj_event_retain(done);
  *out_done = done;
  *out_buffer = buffer;
  pj_array_start_write(array, 0, shape->num_bytes, direct ? data : write->staging, &write->started,
                       written);
  return PJ_STATUS_OK;
}

// Vectors of the host's processor that cross cache lines take up to twice as long, in every program
// that reads the array, and a copy is made as fast as memory is read. (Of the largest there may be
// no room for one; where there is none for others, they are used in place, too.)
static bool is_worth_a_copy(const PjDeviceOps *device, const void *data, size_t bytes) {
  enum { LINE = 64, LARGEST = 1 << 30 };
  return device->reads_elements && bytes <= LARGEST && (uintptr_t)data % LINE;
}

PjStatus pj_buffer_from_host(PjMemory *memory, const PjShape *shape, const void *data,
                             const int64_t *byte_strides, PjHostSemantics semantics,
                             PjEvent **out_done, PjBuffer **out_buffer) {
  int64_t begin = trace_begin();
  *out_buffer = NULL;
  *out_done = NULL;
  PJ_FAIL_IF(!data && shape->num_bytes, INVALID_ARGUMENT,
             "a host buffer of %zu bytes at a null address", shape->num_bytes);
  PjDevice *device = memory->device;
  const PjDeviceOps *ops = memory->client->platform->device;
  const bool in_place = semantics >= PJ_HOST_ZERO_COPY && shape->num_bytes &&
                        memory->host_visible && is_as_stored(shape, byte_strides) &&
                        ops->can_alias(memory->client->driver, device->index, memory->kind, data);
  bool alias = in_place && (semantics == PJ_HOST_MUTABLE_ZERO_COPY ||
                            !is_worth_a_copy(ops, data, shape->num_bytes));
  if (!alias && shape->num_bytes && pj_memory_is_started(memory))
    return start_from_host(memory, shape, data, byte_strides, semantics != PJ_HOST_ONLY_DURING_CALL,
                           out_done, out_buffer);
  PjArray *array = pj_array_create(memory, shape, pj_event_ok());
  if (!array)
    return pj_status_oom();
  PjBuffer *buffer = pj_buffer_create(pj_array_retain(array));
  PjStatus status = buffer ? PJ_STATUS_OK : pj_status_oom();
  if (!status && !alias) {
    status = pj_array_allocate(array);
    if (in_place && pj_status_code(status) == PJ_RESOURCE_EXHAUSTED) {
      pj_status_free(status);
      status = PJ_STATUS_OK;
      alias = true;
    }
  }
  PjEvent *done = alias ? pj_event_create() : pj_event_ok();
  if (!status && !done)
    status = pj_status_oom();
  if (!status && alias)
    pj_array_use_foreign(array, (void *)(uintptr_t)data, semantics == PJ_HOST_MUTABLE_ZERO_COPY,
                         host_memory_released, pj_event_retain(done));
  else if (!status)
    status = pj_array_write_host(array, data, byte_strides);
  if (status) {
    pj_buffer_destroy(buffer);
    pj_array_release(array);
    pj_event_release(done);
    return status;
  }
  pj_array_release(array);
  trace_copy(alias ? "alias host memory" : "copy to device", shape->num_bytes, begin);
  *out_done = done;
  *out_buffer = buffer;
  return PJ_STATUS_OK;
}

// --- To the host ---------------------------------------------------------------------------------

typedef struct HostCopy {
  PjJob job;
  PjArray *array;
  PjEvent *done;
  void *dst;
  int64_t offset, size; // raw copies
  bool raw, strided;
  int64_t strides[]; // rank
} HostCopy;

static PjStatus read_strided(const PjArray *array, void *dst, const int64_t *dst_strides) {
  const PjShape *shape = array->shape;
  size_t elem = pj_dtype_bytes(shape->dtype);
  PjThreads *threads = array->memory->client->threads;
  int64_t strides[PJ_MAX_RANK];
  pj_dense_strides(elem, shape->rank, shape->dims, NULL, strides);
  void *direct = pj_array_host_pointer(array);
  if (direct) {
    pj_copy_strided_bytes(threads, elem, shape->rank, shape->dims, dst, dst_strides, direct,
                          strides);
    return PJ_STATUS_OK;
  }
  void *staging = pj_block_alloc(shape->num_bytes);
  if (!staging)
    return pj_status_oom();
  PjStatus status = pj_array_read(array, 0, shape->num_bytes, staging);
  if (!status)
    pj_copy_strided_bytes(threads, elem, shape->rank, shape->dims, dst, dst_strides, staging,
                          strides);
  pj_block_free(staging, shape->num_bytes);
  return status;
}

static PjStatus read_to_host(const PjArray *array, void *dst, const int64_t *strides) {
  const PjShape *shape = array->shape;
  int64_t begin = trace_begin();
  bool dense = pj_is_dense(pj_dtype_bytes(shape->dtype), shape->rank, shape->dims, strides);
  PjStatus status =
      dense ? pj_array_read(array, 0, shape->num_bytes, dst) : read_strided(array, dst, strides);
  trace_copy("copy to host", shape->num_bytes, begin);
  return status;
}

static void host_copy(PjJob *job, PjStatus failure) {
  HostCopy *copy = (HostCopy *)job;
  PjStatus status = pj_status_clone(failure);
  if (!status)
    status = copy->raw
                 ? pj_array_read(copy->array, (size_t)copy->offset, (size_t)copy->size, copy->dst)
                 : read_to_host(copy->array, copy->dst, copy->strided ? copy->strides : NULL);
  pj_array_release(copy->array);
  pj_event_set(copy->done, status);
  pj_event_release(copy->done);
  pj_free(copy);
}

typedef struct StartedRead {
  PjStarted started;
  PjArray *array;
  PjEvent *done;
} StartedRead;

static void was_read(PjStarted *self, PjStatus status) {
  StartedRead *read = (StartedRead *)self;
  pj_array_release(read->array);
  pj_event_set(read->done, status);
  pj_event_release(read->done);
  pj_free(read);
}

// Begins a copy from a ready array whose device copies by itself; takes the reference to |array|.
static PjStatus start_read(PjArray *array, void *dst, size_t offset, size_t size,
                           PjEvent **out_done) {
  StartedRead *read = pj_calloc(1, sizeof *read);
  PjEvent *done = read ? pj_event_create() : NULL;
  if (!done) {
    pj_free(read);
    pj_array_release(array);
    return pj_status_oom();
  }
  read->array = array;
  read->done = pj_event_retain(done);
  *out_done = done;
  pj_array_start_read(array, offset, size, dst, &read->started, was_read);
  return PJ_STATUS_OK;
}

// Copies now if the array is ready, else later; takes the reference to |array|.
static PjStatus start_host_copy(PjArray *array, void *dst, const int64_t *strides, bool raw,
                                int64_t offset, int64_t size, PjEvent **out_done) {
  if (pj_event_is_ready(array->ready)) {
    PjStatus status = pj_event_status(array->ready);
    const PjShape *shape = array->shape;
    bool dense =
        raw || pj_is_dense(pj_dtype_bytes(shape->dtype), shape->rank, shape->dims, strides);
    if (!status && dense && shape->num_bytes && pj_memory_is_started(array->memory))
      return start_read(array, dst, (size_t)offset, raw ? (size_t)size : shape->num_bytes,
                        out_done);
    if (!status)
      status = raw ? pj_array_read(array, (size_t)offset, (size_t)size, dst)
                   : read_to_host(array, dst, strides);
    pj_array_release(array);
    *out_done = status ? pj_event_failed(status) : pj_event_ok();
    return PJ_STATUS_OK;
  }
  size_t rank = (size_t)array->shape->rank;
  HostCopy *copy = pj_calloc(1, sizeof *copy + rank * sizeof(int64_t));
  PjEvent *done = copy ? pj_event_create() : NULL;
  if (!done) {
    pj_free(copy);
    pj_array_release(array);
    return pj_status_oom();
  }
  copy->array = array;
  copy->done = pj_event_retain(done);
  copy->dst = dst;
  copy->raw = raw;
  copy->offset = offset;
  copy->size = size;
  copy->strided = strides != NULL;
  if (strides && rank)
    memcpy(copy->strides, strides, rank * sizeof *strides);
  *out_done = done;
  pj_job_after(&copy->job, array->memory->client, array->ready, true, host_copy);
  return PJ_STATUS_OK;
}

void pj_array_read_later(PjArray *array, void *dst, int64_t offset, int64_t size, PjEvent *done) {
  HostCopy *copy = pj_calloc(1, sizeof *copy);
  if (!copy) {
    pj_event_set(done, pj_status_oom());
    pj_event_release(done);
    pj_array_release(array);
    return;
  }
  copy->array = array;
  copy->done = done;
  copy->dst = dst;
  copy->raw = true;
  copy->offset = offset;
  copy->size = size;
  pj_job_after(&copy->job, array->memory->client, array->ready, !pj_event_is_ready(array->ready),
               host_copy);
}

PjStatus pj_buffer_to_host(PjBuffer *buffer, void *dst, const int64_t *byte_strides,
                           PjEvent **out_done) {
  *out_done = NULL;
  PjArray *array = pj_buffer_acquire(buffer);
  if (!array)
    return pj_buffer_deleted_error("ToHostBuffer()");
  return start_host_copy(array, dst, byte_strides, false, 0, 0, out_done);
}

PjStatus pj_buffer_read_raw(PjBuffer *buffer, void *dst, int64_t offset, int64_t size,
                            PjEvent **out_done) {
  *out_done = NULL;
  int64_t bytes = (int64_t)buffer->shape->num_bytes;
  if (offset < 0 || size < 0 || offset > bytes || size > bytes - offset) {
    *out_done = pj_event_failed(PJ_ERROR(
        INVALID_ARGUMENT, "a raw copy of %lld bytes at offset %lld of a buffer of %lld bytes",
        (long long)size, (long long)offset, (long long)bytes));
    return PJ_STATUS_OK;
  }
  PjArray *array = pj_buffer_acquire(buffer);
  if (!array)
    return pj_buffer_deleted_error("CopyRawToHost()");
  return start_host_copy(array, dst, NULL, true, offset, size, out_done);
}

// --- Between memories ----------------------------------------------------------------------------

typedef struct MemoryCopy {
  PjJob job;
  PjArray *dst, *src;
} MemoryCopy;

static void memory_copy(PjJob *job, PjStatus failure) {
  MemoryCopy *copy = (MemoryCopy *)job;
  PjStatus status = pj_status_clone(failure);
  if (!status)
    status = pj_array_allocate(copy->dst);
  if (!status)
    status = pj_array_copy(copy->dst, copy->src);
  pj_array_release(copy->src);
  pj_event_set(copy->dst->ready, status);
  pj_array_release(copy->dst);
  pj_free(copy);
}

PjStatus pj_buffer_copy_to_memory(PjBuffer *buffer, PjMemory *dst, PjBuffer **out_buffer) {
  *out_buffer = NULL;
  PJ_FAIL_IF(dst->client != buffer->memory->client, INVALID_ARGUMENT,
             "a copy to a memory of another client");
  PjArray *array, *src = pj_buffer_acquire(buffer);
  if (!src)
    return pj_buffer_deleted_error("CopyToMemory()");
  MemoryCopy *copy = pj_malloc(sizeof *copy);
  PjBuffer *fresh = NULL;
  PjStatus status = copy ? pj_buffer_pending(dst, buffer->shape, &array, &fresh) : pj_status_oom();
  if (status) {
    pj_free(copy);
    pj_array_release(src);
    return status;
  }
  copy->dst = array;
  copy->src = src;
  *out_buffer = fresh;
  // A copy that a device is waited for holds up a worker, not the caller.
  bool heavy = !pj_event_is_ready(src->ready) || (dst->client->remote && dst->client->asynchronous);
  pj_job_after(&copy->job, dst->client, src->ready, heavy, memory_copy);
  return PJ_STATUS_OK;
}
