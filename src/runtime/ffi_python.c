// Custom calls into Python: JAX's callbacks, and handlers that Python code registered with jaxlib.
//
// JAX's CPU lowering of pure_callback, io_callback and debug prints is a custom call
// xla_ffi_python_cpu_callback with an attribute "index"; the execute context holds, under a type id
// of jaxlib, the callables of the program. The callable gets numpy arrays and returns a sequence of
// them.
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/client.h"
#include "runtime/execute.h"
#include "runtime/ffi_call.h"
#include "runtime/ffi_frame.h"
#include "runtime/python.h"

// jaxlib's type id, and what lies behind it.
static const int64_t callbacks_type_id = 7357244197867843242;
typedef struct LoadedCallbacks {
  PyObject **callables;
  uint32_t count;
} LoadedCallbacks;

// The name of an element type in numpy, or in ml_dtypes.
static const char *numpy_name(PjDtype dtype, bool *out_extended) {
  *out_extended = false;
  switch (dtype) {
  case PJ_DT_PRED:
    return "bool_";
  case PJ_DT_S8:
    return "int8";
  case PJ_DT_S16:
    return "int16";
  case PJ_DT_S32:
    return "int32";
  case PJ_DT_S64:
    return "int64";
  case PJ_DT_U8:
    return "uint8";
  case PJ_DT_U16:
    return "uint16";
  case PJ_DT_U32:
    return "uint32";
  case PJ_DT_U64:
    return "uint64";
  case PJ_DT_F16:
    return "float16";
  case PJ_DT_F32:
    return "float32";
  case PJ_DT_F64:
    return "float64";
  case PJ_DT_C64:
    return "complex64";
  case PJ_DT_C128:
    return "complex128";
  default:
    break;
  }
  *out_extended = true;
  switch (dtype) {
  case PJ_DT_BF16:
    return "bfloat16";
  case PJ_DT_S2:
    return "int2";
  case PJ_DT_S4:
    return "int4";
  case PJ_DT_U2:
    return "uint2";
  case PJ_DT_U4:
    return "uint4";
  case PJ_DT_F4E2M1FN:
    return "float4_e2m1fn";
  case PJ_DT_F6E2M3FN:
    return "float6_e2m3fn";
  case PJ_DT_F6E3M2FN:
    return "float6_e3m2fn";
  case PJ_DT_F8E3M4:
    return "float8_e3m4";
  case PJ_DT_F8E4M3:
    return "float8_e4m3";
  case PJ_DT_F8E4M3B11FNUZ:
    return "float8_e4m3b11fnuz";
  case PJ_DT_F8E4M3FN:
    return "float8_e4m3fn";
  case PJ_DT_F8E4M3FNUZ:
    return "float8_e4m3fnuz";
  case PJ_DT_F8E5M2:
    return "float8_e5m2";
  case PJ_DT_F8E5M2FNUZ:
    return "float8_e5m2fnuz";
  case PJ_DT_F8E8M0FNU:
    return "float8_e8m0fnu";
  default:
    return NULL;
  }
}

// numpy.dtype(of the type), a new reference; NULL with an exception set.
static PyObject *dtype_object(const PjPython *py, PyObject *numpy, PjDtype dtype) {
  bool extended;
  const char *name = numpy_name(dtype, &extended);
  PyObject *home = extended ? py->PyImport_ImportModule("ml_dtypes") : numpy;
  PyObject *scalar =
      home ? py->PyObject_GetAttrString(home, name ? name : "unknown_element_type") : NULL;
  if (extended && home)
    py->Py_DecRef(home);
  return scalar ? pj_python_call_method(py, numpy, "dtype", 1, &scalar) : NULL;
}

// Py_buffer begins with the address, the object and the length; the rest is ours to make room for.
typedef struct BufferView {
  void *data;
  PyObject *object;
  ptrdiff_t size;
  void *rest[24];
} BufferView;

// Copies between |data| and the bytes of |array| (numpy, uint8, contiguous).
static bool copy_bytes(const PjPython *py, PyObject *array, void *data, size_t size,
                       bool into_array) {
  enum { SIMPLE = 0, WRITABLE = 1 }; // PyBUF_*
  BufferView view;
  if (py->PyObject_GetBuffer(array, &view, into_array ? WRITABLE : SIMPLE) != 0)
    return false;
  bool ok = view.size == (ptrdiff_t)size;
  if (ok && size)
    memcpy(into_array ? view.data : data, into_array ? data : view.data, size);
  py->PyBuffer_Release(&view);
  return ok;
}

// A numpy array with a copy of |array|, which may outlive the call. Extended types have no buffer
// protocol, so the bytes go into an array of uint8 that is viewed as what it is.
static PyObject *to_numpy(const PjPython *py, PyObject *numpy, const XLA_FFI_Buffer *array,
                          PjDtype dtype, size_t bytes) {
  PyObject *byte_type = dtype_object(py, numpy, PJ_DT_U8);
  PyObject *raw_args[2] = {py->PyLong_FromLongLong((long long)bytes), byte_type};
  PyObject *raw = pj_python_call_method(py, numpy, "empty", 2, raw_args);
  if (!raw)
    return NULL;
  PyObject *typed = NULL, *shape = NULL, *result = NULL;
  if (copy_bytes(py, raw, array->data, bytes, true)) {
    PyObject *type = dtype_object(py, numpy, dtype);
    typed = type ? pj_python_call_method(py, raw, "view", 1, &type) : NULL;
    shape = py->PyTuple_New((ptrdiff_t)array->rank);
    for (int64_t i = 0; shape && i < array->rank; i++)
      py->PyTuple_SetItem(shape, (ptrdiff_t)i, py->PyLong_FromLongLong((long long)array->dims[i]));
    if (typed && shape)
      result = pj_python_call_method(py, typed, "reshape", 1, &shape);
    else if (shape)
      py->Py_DecRef(shape);
  }
  py->Py_DecRef(raw);
  if (typed)
    py->Py_DecRef(typed);
  return result;
}

// Copies numpy array |value| into result |index|.
static PjStatus from_numpy(const PjPython *py, PyObject *numpy, PyObject *value, uint32_t index,
                           const XLA_FFI_Buffer *result, PjDtype dtype, size_t bytes) {
  PyObject *expected = dtype_object(py, numpy, dtype);
  py->Py_IncRef(value);
  PyObject *array = expected ? pj_python_call_method(py, numpy, "asarray", 1, &value) : NULL;
  PyObject *actual = array ? py->PyObject_GetAttrString(array, "dtype") : NULL;
  PyObject *shape = array ? py->PyObject_GetAttrString(array, "shape") : NULL;
  PjStatus status = PJ_STATUS_OK;
  enum { EQUAL = 2 }; // Py_EQ
  if (!actual || !shape) {
    status = pj_python_error(py, "CpuCallback error reading a result");
  } else if (py->PyObject_RichCompareBool(expected, actual, EQUAL) != 1) {
    status = PJ_ERROR(INTERNAL, "Mismatched result dtype for return value %u of a Python callback",
                      index);
  } else {
    bool same = py->PySequence_Size(shape) == (ptrdiff_t)result->rank;
    for (int64_t i = 0; same && i < result->rank; i++) {
      PyObject *item = py->PySequence_GetItem(shape, (ptrdiff_t)i);
      same = item && py->PyLong_AsLongLong(item) == (long long)result->dims[i];
      if (item)
        py->Py_DecRef(item);
    }
    if (!same)
      status = PJ_ERROR(INTERNAL,
                        "Mismatched result shape for return value %u of a Python callback", index);
  }
  if (!status) {
    // Flat, contiguous, as bytes.
    py->Py_IncRef(array);
    PyObject *dense = pj_python_call_method(py, numpy, "ascontiguousarray", 1, &array);
    PyObject *minus_one = py->PyLong_FromLongLong(-1);
    PyObject *flat = NULL, *raw = NULL;
    if (dense)
      flat = pj_python_call_method(py, dense, "reshape", 1, &minus_one);
    else if (minus_one)
      py->Py_DecRef(minus_one);
    PyObject *byte_type = flat ? dtype_object(py, numpy, PJ_DT_U8) : NULL;
    if (byte_type)
      raw = pj_python_call_method(py, flat, "view", 1, &byte_type);
    if (!raw || !copy_bytes(py, raw, result->data, bytes, false))
      status = pj_python_error(py, "CpuCallback error copying a result");
    if (raw)
      py->Py_DecRef(raw);
    if (flat)
      py->Py_DecRef(flat);
    if (dense)
      py->Py_DecRef(dense);
  }
  if (expected)
    py->Py_DecRef(expected);
  if (array)
    py->Py_DecRef(array);
  if (actual)
    py->Py_DecRef(actual);
  if (shape)
    py->Py_DecRef(shape);
  return status;
}

static PyObject *none(const PjPython *py) {
  py->Py_IncRef(py->_Py_NoneStruct);
  return py->_Py_NoneStruct;
}

static PjStatus call_python(const PjPython *py, PyObject *callable, const PjFfiArrays *arrays,
                            const PjOp *op) {
  PyObject *numpy = py->PyImport_ImportModule("numpy");
  if (!numpy)
    return pj_python_error(py, "CpuCallback error importing numpy");
  PyObject *args = py->PyTuple_New((ptrdiff_t)arrays->num_args);
  bool ok = args != NULL;
  for (uint32_t i = 0; ok && i < arrays->num_args; i++) {
    const PjType *type = op->operands[i]->type;
    size_t bytes;
    if (type->kind == PJ_TYPE_TOKEN) {
      // Tokens only order the calls; Python sees None in their place.
      ok = py->PyTuple_SetItem(args, (ptrdiff_t)i, none(py)) == 0;
      continue;
    }
    PyObject *array = pj_type_num_bytes(type, &bytes)
                          ? to_numpy(py, numpy, &arrays->args[i], type->dtype, bytes)
                          : NULL;
    ok = array && py->PyTuple_SetItem(args, (ptrdiff_t)i, array) == 0;
  }
  PyObject *values = ok ? py->PyObject_Call(callable, args, NULL) : NULL;
  if (args)
    py->Py_DecRef(args);
  PjStatus status =
      values ? PJ_STATUS_OK : pj_python_error(py, "CpuCallback error calling callback");
  if (values && arrays->num_rets) {
    ptrdiff_t count = py->PySequence_Size(values);
    if (count != (ptrdiff_t)arrays->num_rets) {
      py->PyErr_Clear();
      status = PJ_ERROR(INTERNAL, "a Python callback returned %td values instead of %u", count,
                        arrays->num_rets);
    }
    for (uint32_t i = 0; !status && i < arrays->num_rets; i++) {
      const PjTensor *result = arrays->results[i];
      if (result->kind != PJ_TENSOR_ARRAY)
        continue;
      PyObject *value = py->PySequence_GetItem(values, (ptrdiff_t)i);
      status = value
                   ? from_numpy(py, numpy, value, i, &arrays->rets[i], result->dtype, result->bytes)
                   : pj_python_error(py, "CpuCallback error reading a result");
      if (value)
        py->Py_DecRef(value);
    }
  }
  if (values)
    py->Py_DecRef(values);
  py->Py_DecRef(numpy);
  return status;
}

PjStatus pj_ffi_python_callback(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                                PjTensor **results, void *user) {
  const PjRunContext *run = ev->options->ffi_context;
  void *data = NULL;
  PJ_FAIL_IF(!run || !pj_execute_context_find(run->user, callbacks_type_id, &data),
             FAILED_PRECONDITION,
             "the execution brings no Python callbacks for the custom call \"%.*s\"",
             PJ_STR_ARG(PJ_STRATTR(op, call_target_name)));
  const LoadedCallbacks *callbacks = data;
  const PjAttr *index = pj_attr_get(pj_ffi_config(op), "index");
  PJ_FAIL_IF(!index || index->kind != PJ_ATTR_INT || (uint64_t)index->i64 >= callbacks->count,
             INVALID_ARGUMENT, "a Python callback needs an attribute index below %u",
             callbacks->count);
  const PjPython *py = pj_python();
  PJ_FAIL_IF(!py, FAILED_PRECONDITION, "a Python callback in a process without Python");
  PjFfiArrays arrays;
  PJ_TRY(pj_ffi_arrays_prepare(ev, op, operands, results, 1, &arrays));
  // Waiting for the GIL may mean waiting for whoever waits for another program of ours.
  PjWorkers *workers = run->client->workers;
  pj_workers_block_begin(workers);
  int gil = py->PyGILState_Ensure();
  PjStatus status = call_python(py, callbacks->callables[index->i64], &arrays, op);
  py->PyGILState_Release(gil);
  pj_workers_block_end(workers);
  if (status)
    return pj_op_blame(op, status);
  pj_ffi_arrays_finish(&arrays);
  return PJ_STATUS_OK;
}

// --- Handlers that jaxlib knows ------------------------------------------------------------------

static void *capsule_pointer(const PjPython *py, PyObject *capsule) {
  if (!capsule)
    return NULL;
  void *pointer = py->PyCapsule_GetPointer(capsule, py->PyCapsule_GetName(capsule));
  py->PyErr_Clear();
  return pointer;
}

// Registers what Python registered: a capsule, or a dictionary of capsules by stage.
static bool register_object(const PjPython *py, PjStr target, PyObject *object, bool typed) {
  void *function = capsule_pointer(py, object);
  XLA_FFI_Handler_Bundle bundle = {.execute = (XLA_FFI_Handler *)function};
  if (!function) {
    const struct {
      const char *name;
      XLA_FFI_Handler **slot;
    } stages[] = {{"instantiate", &bundle.instantiate},
                  {"prepare", &bundle.prepare},
                  {"initialize", &bundle.initialize},
                  {"execute", &bundle.execute}};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
      *stages[i].slot =
          (XLA_FFI_Handler *)capsule_pointer(py, py->PyDict_GetItemString(object, stages[i].name));
    py->PyErr_Clear();
    typed = true;
  }
  if (!bundle.execute)
    return false;
  PjStatus status = typed ? pj_ffi_register(target, &bundle)
                          : pj_custom_call_register(target, pj_ffi_call_untyped, function);
  bool ok = !status;
  pj_status_free(status);
  return ok;
}

static bool text_is(const PjPython *py, PyObject *text, PjStr wanted) {
  ptrdiff_t size;
  char *bytes;
  const char *utf8 = py->PyUnicode_AsUTF8AndSize(text, &size);
  if (!utf8) {
    py->PyErr_Clear();
    if (py->PyBytes_AsStringAndSize(text, &bytes, &size) != 0) {
      py->PyErr_Clear();
      return false;
    }
    utf8 = bytes;
  }
  return pj_str_eq((PjStr){utf8, (size_t)size}, wanted);
}

// Registrations that wait for a CPU client of jaxlib's own: xla_client._custom_callback["Host"], a
// list of (name, capsule or dictionary, api_version, traits).
static bool find_waiting(const PjPython *py, PyObject *module, PjStr target) {
  PyObject *all = py->PyObject_GetAttrString(module, "_custom_callback");
  PyObject *list = all ? py->PyDict_GetItemString(all, "Host") : NULL;
  bool found = false;
  ptrdiff_t count = list ? py->PySequence_Size(list) : 0;
  for (ptrdiff_t i = count - 1; i >= 0 && !found; i--) {
    PyObject *entry = py->PySequence_GetItem(list, i);
    PyObject *name = entry ? py->PySequence_GetItem(entry, 0) : NULL;
    if (name && text_is(py, name, target)) {
      PyObject *object = py->PySequence_GetItem(entry, 1),
               *version = py->PySequence_GetItem(entry, 2);
      found = object && version &&
              register_object(py, target, object, py->PyLong_AsLongLong(version) == 1);
      if (object)
        py->Py_DecRef(object);
      if (version)
        py->Py_DecRef(version);
    }
    if (name)
      py->Py_DecRef(name);
    if (entry)
      py->Py_DecRef(entry);
  }
  if (all)
    py->Py_DecRef(all);
  py->PyErr_Clear();
  return found;
}

// Registrations that have gone through: xla_client._xla.custom_call_targets("Host"), a dictionary.
static bool find_registered(const PjPython *py, PyObject *module, PjStr target) {
  PyObject *platform = py->PyUnicode_FromString("Host");
  PyObject *inner = py->PyObject_GetAttrString(module, "_xla");
  PyObject *all = NULL;
  bool found = false;
  char *name = pj_strndup(target.ptr, target.len);
  if (inner)
    all = pj_python_call_method(py, inner, "custom_call_targets", 1, &platform);
  else if (platform)
    py->Py_DecRef(platform);
  PyObject *object = all && name ? py->PyDict_GetItemString(all, name) : NULL;
  if (object)
    found = register_object(py, target, object, false);
  if (all)
    py->Py_DecRef(all);
  if (inner)
    py->Py_DecRef(inner);
  pj_free(name);
  py->PyErr_Clear();
  return found;
}

bool pj_ffi_python_find(PjStr target) {
  const PjPython *py = pj_python();
  if (!py)
    return false;
  int gil = py->PyGILState_Ensure();
  PyObject *name = py->PyUnicode_FromString("jaxlib.xla_client");
  // Only if it is loaded already: importing it here would be a side effect that nobody asked for.
  PyObject *module = name ? py->PyImport_GetModule(name) : NULL;
  bool found = module && (find_waiting(py, module, target) || find_registered(py, module, target));
  if (module)
    py->Py_DecRef(module);
  if (name)
    py->Py_DecRef(name);
  py->PyErr_Clear();
  py->PyGILState_Release(gil);
  return found;
}

// --- At compile time -----------------------------------------------------------------------------

static const char *const callback_targets[2] = {"xla_ffi_python_cpu_callback",
                                                "xla_ffi_partitioned_python_cpu_callback"};

bool pj_ffi_is_python_callback(PjStr target) {
  return pj_str_is(target, callback_targets[0]) || pj_str_is(target, callback_targets[1]);
}

static void register_callbacks(void) {
  for (int i = 0; i < 2; i++)
    pj_status_free(
        pj_custom_call_register(pj_str(callback_targets[i]), pj_ffi_python_callback, NULL));
}

static bool resolve_region(const PjRegion *region) {
  bool complete = true;
  for (const PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_CUSTOM_CALL) {
      PjStr target = PJ_STRATTR(op, call_target_name);
      PjCustomCallFn *fn;
      void *user;
      complete &= pj_custom_call_find(target, &fn, &user) || pj_ffi_python_find(target);
    }
    for (uint32_t i = 0; i < op->num_regions; i++)
      complete &= resolve_region(&op->regions[i]);
  }
  return complete;
}

bool pj_ffi_resolve(const PjModule *module) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_callbacks);
  return resolve_region(&module->body);
}
