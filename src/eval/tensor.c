// Reference-counted run-time values. The header and the sizes lie in one allocation, the data in
// another.
#include "eval/tensor.h"

#include "base/alloc.h"
#include "base/block.h"

enum { DATA_ALIGN = 64 };

static PjTensor *make(PjTensorKind kind, PjDtype dtype, int32_t rank, const int64_t *dims,
                      uint32_t num_elems) {
  size_t dims_bytes = (size_t)rank * sizeof(int64_t),
         elems_bytes = (size_t)num_elems * sizeof(PjTensor *);
  PjTensor *tensor = pj_malloc(sizeof *tensor + dims_bytes + elems_bytes);
  if (!tensor)
    return NULL;
  *tensor =
      (PjTensor){.refs = 1, .kind = kind, .dtype = dtype, .rank = rank, .num_elems = num_elems};
  tensor->dims = (int64_t *)(tensor + 1);
  tensor->elems = (PjTensor **)((char *)(tensor + 1) + dims_bytes);
  if (dims_bytes)
    memcpy(tensor->dims, dims, dims_bytes);
  return tensor;
}

// Sets count and bytes; false when they do not fit. Sizes of 0 do not count, so that strides of
// empty arrays fit as well.
static bool measure(PjTensor *tensor) {
  size_t extent = pj_dtype_bytes(tensor->dtype);
  for (int32_t d = 0; d < tensor->rank; ++d) {
    if (tensor->dims[d] > 0 && !pj_mul_size(extent, (size_t)tensor->dims[d], &extent))
      return false;
    if (extent > PTRDIFF_MAX)
      return false;
  }
  const PjType type = {
      .kind = PJ_TYPE_TENSOR, .dtype = tensor->dtype, .rank = tensor->rank, .dims = tensor->dims};
  return pj_type_num_elements(&type, &tensor->count) && pj_type_num_bytes(&type, &tensor->bytes);
}

PjTensor *pj_tensor_new(PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjTensor *tensor = make(PJ_TENSOR_ARRAY, dtype, rank, dims, 0);
  if (!tensor)
    return NULL;
  tensor->writable = true;
  if (measure(tensor))
    tensor->data = pj_block_alloc(tensor->bytes);
  if (tensor->data)
    return tensor;
  pj_free(tensor);
  return NULL;
}

PjTensor *pj_tensor_wrap(PjDtype dtype, int32_t rank, const int64_t *dims, void *data,
                         bool writable, void (*release)(void *context, void *data), void *context) {
  PjTensor *tensor = make(PJ_TENSOR_ARRAY, dtype, rank, dims, 0);
  if (!tensor)
    return NULL;
  if (!measure(tensor)) {
    pj_free(tensor);
    return NULL;
  }
  static char nothing[DATA_ALIGN] __attribute__((aligned(DATA_ALIGN)));
  tensor->data = data ? data : nothing;
  tensor->writable = writable;
  tensor->foreign = true;
  tensor->release = release;
  tensor->context = context;
  return tensor;
}

PjTensor *pj_tensor_view(PjTensor *base, PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjTensor *tensor = pj_tensor_wrap(dtype, rank, dims, base->data, false, NULL, NULL);
  if (!tensor)
    return NULL;
  tensor->base = pj_tensor_retain(base);
  return tensor;
}

PjTensor *pj_tensor_token(void) {
  return make(PJ_TENSOR_TOKEN, PJ_DT_INVALID, 0, NULL, 0);
}

PjTensor *pj_tensor_tuple(PjTensorKind kind, uint32_t count, PjTensor *const *elems) {
  PjTensor *tensor = make(kind, PJ_DT_INVALID, 0, NULL, count);
  if (!tensor)
    return NULL;
  for (uint32_t i = 0; i < count; ++i)
    tensor->elems[i] = pj_tensor_retain(elems[i]);
  return tensor;
}

PjTensor *pj_tensor_retain(PjTensor *tensor) {
  atomic_fetch_add_explicit(&tensor->refs, 1, memory_order_relaxed);
  return tensor;
}

void pj_tensor_unlink(PjTensor *tensor) {
  if (!tensor->pool_next)
    return;
  tensor->pool_prev->pool_next = tensor->pool_next;
  tensor->pool_next->pool_prev = tensor->pool_prev;
  tensor->pool_prev = tensor->pool_next = NULL;
}

void pj_tensor_destroy_shallow(PjTensor *tensor) {
  if (tensor->release)
    tensor->release(tensor->context, tensor->data);
  else if (!tensor->foreign)
    pj_block_free(tensor->data, tensor->bytes);
  pj_free(tensor);
}

void pj_tensor_release(PjTensor *tensor) {
  if (!tensor || atomic_fetch_sub_explicit(&tensor->refs, 1, memory_order_acq_rel) != 1)
    return;
  pj_tensor_unlink(tensor);
  pj_tensor_release(tensor->base);
  for (uint32_t i = 0; i < tensor->num_elems; ++i)
    pj_tensor_release(tensor->elems[i]);
  pj_tensor_destroy_shallow(tensor);
}
