// Tensors of a framework, read and made through the table of C functions that DLPack 1.3 puts on
// its tensor type. Nothing is allocated to read one, and one call makes one.
#include <stdlib.h>
#include <string.h>

#include "native.h"

enum { DL_CPU = 1 };
enum { DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };

typedef struct DLVersion {
  uint32_t major, minor;
} DLVersion;

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
  DLVersion version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensor;

// Tables of older major versions are linked behind the newest.
typedef struct DLExchangeHeader {
  DLVersion version;
  const struct DLExchangeHeader *previous;
} DLExchangeHeader;

typedef struct DLExchange {
  DLExchangeHeader header;
  void *allocate, *managed_from_object;
  int (*to_object)(DLManagedTensor *tensor, void **out_object); // takes the tensor over
  int (*from_object)(void *object, DLTensor *out); // what |out| points to is the object's
  void *current_stream;
} DLExchange;

typedef struct Managed {
  DLManagedTensor dl;
  PynShared *shared;
  PjhBuffer *buffer;
  int64_t dims[]; // sizes, then strides
} Managed;

bool pyn_framework_init(PyObject *type, PynFramework *out) {
  if (!PyType_Check(type)) {
    PyErr_SetString(PyExc_TypeError, "the type of tensors is no type");
    return false;
  }
  PyObject *capsule = PyObject_GetAttrString(type, "__dlpack_c_exchange_api__");
  if (!capsule)
    return false;
  const DLExchangeHeader *header = PyCapsule_GetPointer(capsule, "dlpack_exchange_api");
  Py_DECREF(capsule); // The table lives as long as the process.
  if (!header)
    return false;
  while (header && header->version.major != 1)
    header = header->previous;
  const DLExchange *table = (const DLExchange *)header;
  if (!table || !table->to_object || !table->from_object) {
    PyErr_Format(PyExc_TypeError, "%R has no exchange table of DLPack 1", type);
    return false;
  }
  Py_INCREF(type);
  out->type = type;
  out->table = table;
  return true;
}

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

static bool lies_as(const DLTensor *tensor, const PynInput *input) {
  int64_t step = 1;
  for (size_t i = input->rank; i-- > 0;) {
    int32_t d = input->order[i];
    if (tensor->shape[d] != input->dims[i])
      return false;
    if (input->dims[i] != 1 && tensor->strides && tensor->strides[d] != step && input->elements)
      return false;
    step *= input->dims[i];
  }
  return true;
}

bool pyn_tensor_address(const PynFramework *framework, PyObject *object, const PynInput *input,
                        size_t index, void **out) {
  if (!PyType_IsSubtype(Py_TYPE(object), (PyTypeObject *)framework->type)) {
    PyErr_Format(PyExc_TypeError, "argument %zu is no %R", index, framework->type);
    return false;
  }
  DLTensor tensor;
  if (framework->table->from_object(object, &tensor))
    return false;
  if (tensor.device_type != DL_CPU || tensor.dtype.code != input->code ||
      tensor.dtype.bits != input->bits || tensor.dtype.lanes != 1 ||
      (size_t)tensor.ndim != input->rank || !lies_as(&tensor, input)) {
    PyErr_Format(PyExc_ValueError,
                 "argument %zu differs in type, shape, strides or device from what was compiled",
                 index);
    return false;
  }
  *out = (char *)tensor.data + tensor.byte_offset;
  return true;
}

// On any thread, with or without the interpreter's lock.
static void delete_managed(DLManagedTensor *self) {
  Managed *managed = (Managed *)self;
  pjh_buffer_destroy(managed->buffer);
  pyn_shared_release(managed->shared);
  free(managed);
}

PyObject *pyn_tensor_new(const PynFramework *framework, PynShared *shared, PjhBuffer *buffer,
                         void *data, const PynTensor *tensor) {
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
  managed->dl =
      (DLManagedTensor){.version = {1, 0}, .manager_ctx = managed, .deleter = delete_managed};
  DLTensor *dl = &managed->dl.dl_tensor;
  dl->data = data;
  dl->device_type = DL_CPU;
  dl->ndim = tensor->rank;
  dl->dtype.code = tensor->code;
  dl->dtype.bits = tensor->bits;
  dl->dtype.lanes = 1;
  dl->shape = managed->dims;
  dl->strides = managed->dims + tensor->rank;
  void *object = NULL;
  if (framework->table->to_object(&managed->dl, &object))
    return NULL;
  return object;
}
