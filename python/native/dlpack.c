// Arrays of the plugin as tensors of the framework, by DLPack: one struct that says where the
// memory is and how to give it back. The layout is that of DLPack 0.8, which all frameworks read.
#include <stdlib.h>
#include <string.h>

#include "native.h"

enum { DL_CPU = 1 };
enum { DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };

typedef struct DLTensor {
  void *data;
  int32_t device_type, device_id;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

typedef struct Managed {
  DLManagedTensor dl;
  PynShared *shared;
  PjhBuffer *buffer;
  int64_t dims[]; // sizes, then strides
} Managed;

bool pyn_dlpack_type(PJRT_Buffer_Type type, uint8_t *out_code, uint8_t *out_bits) {
  uint8_t code;
  switch (type) {
  case PJRT_Buffer_Type_PRED:
    code = DL_BOOL;
    break;
  case PJRT_Buffer_Type_S8:
  case PJRT_Buffer_Type_S16:
  case PJRT_Buffer_Type_S32:
  case PJRT_Buffer_Type_S64:
    code = DL_INT;
    break;
  case PJRT_Buffer_Type_U8:
  case PJRT_Buffer_Type_U16:
  case PJRT_Buffer_Type_U32:
  case PJRT_Buffer_Type_U64:
    code = DL_UINT;
    break;
  case PJRT_Buffer_Type_F16:
  case PJRT_Buffer_Type_F32:
  case PJRT_Buffer_Type_F64:
    code = DL_FLOAT;
    break;
  case PJRT_Buffer_Type_BF16:
    code = DL_BFLOAT;
    break;
  case PJRT_Buffer_Type_C64:
  case PJRT_Buffer_Type_C128:
    code = DL_COMPLEX;
    break;
  default:
    return false;
  }
  *out_code = code;
  *out_bits = (uint8_t)(8 * pjh_type_host_size(type));
  return true;
}

// On any thread, with or without the interpreter's lock.
static void delete_managed(DLManagedTensor *self) {
  Managed *managed = (Managed *)self;
  pjh_buffer_destroy(managed->buffer);
  pyn_shared_release(managed->shared);
  free(managed);
}

// A capsule that nobody took.
static void delete_capsule(PyObject *capsule) {
  if (PyCapsule_IsValid(capsule, "dltensor")) {
    DLManagedTensor *dl = PyCapsule_GetPointer(capsule, "dltensor");
    dl->deleter(dl);
  }
}

PyObject *pyn_dlpack_capsule(PynShared *shared, PjhBuffer *buffer, void *data,
                             const PynTensor *tensor) {
  size_t num_dims = 2 * (size_t)tensor->rank;
  Managed *managed = malloc(sizeof *managed + num_dims * sizeof(int64_t));
  if (!managed) {
    pjh_buffer_destroy(buffer);
    return PyErr_NoMemory();
  }
  if (num_dims)
    memcpy(managed->dims, tensor->dims, num_dims * sizeof(int64_t));
  managed->shared = pyn_shared_retain(shared);
  managed->buffer = buffer;
  managed->dl = (DLManagedTensor){.deleter = delete_managed, .manager_ctx = managed};
  DLTensor *dl = &managed->dl.dl_tensor;
  dl->data = data;
  dl->device_type = DL_CPU;
  dl->ndim = tensor->rank;
  dl->dtype.code = tensor->code;
  dl->dtype.bits = tensor->bits;
  dl->dtype.lanes = 1;
  dl->shape = managed->dims;
  dl->strides = managed->dims + tensor->rank;
  PyObject *capsule = PyCapsule_New(&managed->dl, "dltensor", delete_capsule);
  if (!capsule)
    delete_managed(&managed->dl);
  return capsule;
}
