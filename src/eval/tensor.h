// Values at run time: reference-counted dense arrays, tokens and tuples.
#pragma once
#include <stdatomic.h>

#include "ir/types.h"

typedef enum PjTensorKind {
  PJ_TENSOR_ARRAY,
  PJ_TENSOR_TOKEN,
  PJ_TENSOR_TUPLE,
  PJ_TENSOR_FUTURE
} PjTensorKind;

// Elements lie row-major without gaps, each pj_dtype_bytes(dtype) wide (dtypes.def). Shared between
// threads by reference count; contents are written only by whoever created the tensor, or holds its
// only reference and |writable|.
typedef struct PjTensor PjTensor;
struct PjTensor {
  _Atomic int32_t refs;
  PjTensorKind kind;
  PjDtype dtype; // of a quantised tensor: the storage type
  bool writable; // data may be overwritten by the only holder
  int32_t rank;
  int64_t *dims; // rank sizes (within this allocation)
  int64_t count; // elements
  size_t bytes;  // of |data|
  void *data;
  bool foreign; // |data| is not ours to free: |release| (may be NULL) is called instead
  void (*release)(void *context, void *data);
  void *context;
  PjTensor *base;     // a view: the tensor that holds the data
  uint32_t num_elems; // TUPLE, FUTURE
  PjTensor **elems;
  PjTensor *pool_prev, *pool_next; // links of the run that owns it (eval.h), NULL outside; unlinked
                                   // when the last reference goes
};

// An array with uninitialised contents, 64-byte aligned; NULL when memory or the address space does
// not suffice.
PjTensor *pj_tensor_new(PjDtype dtype, int32_t rank, const int64_t *dims);
// An array over foreign |data| (dense, row-major). |release| (may be NULL) is called once, when the
// last reference goes. NULL on exhaustion: then |release| is not called.
PjTensor *pj_tensor_wrap(PjDtype dtype, int32_t rank, const int64_t *dims, void *data,
                         bool writable, void (*release)(void *context, void *data), void *context);
// Another tensor of other dims over the same data (holds a reference to |base|); same number of
// bytes. NULL on exhaustion.
PjTensor *pj_tensor_view(PjTensor *base, PjDtype dtype, int32_t rank, const int64_t *dims);
PjTensor *pj_tensor_token(void); // NULL on exhaustion
PjTensor *pj_tensor_tuple(PjTensorKind kind, uint32_t count,
                          PjTensor *const *elems); // retains them; NULL on exhaustion
void pj_tensor_unlink(PjTensor *tensor);           // takes it out of its run's pool
// Frees |tensor| whatever its count, without touching the tensors it refers to: for a failed run,
// which frees each of its tensors.
void pj_tensor_destroy_shallow(PjTensor *tensor);
PjTensor *pj_tensor_retain(PjTensor *tensor);
void pj_tensor_release(PjTensor *tensor); // NULL allowed
