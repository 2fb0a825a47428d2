// A compiled program on tensors.
//
// Inputs. Each tensor is checked to lie as the program's parameter does; that nobody writes to it
// meanwhile is the caller's promise. Where its memory is aligned as the plugin wants, the program
// reads it in place, otherwise the plugin copies it.
//
// Results are new tensors in the plugin's memory, given back when the tensor dies. A result that
// overwrites a parameter is made in the tensor's memory where the program says that the parameter
// is donated and the plugin takes it; otherwise it is copied there after the run, when all inputs
// have been read.
//
// Threads. Calls of one executable may run at once: it does not change after it was made.
#include <stdlib.h>
#include <string.h>

#include "native.h"

typedef struct Output {
  Py_ssize_t into; // the parameter that it overwrites, or -1
  PynTensor tensor;
  int64_t *dims; // sizes and strides; owned
} Output;

typedef struct Executable {
  PyObject_HEAD PynShared *shared;
  PjhExecutable *executable;
  size_t num_inputs, num_outputs, num_results; // results: outputs that become tensors
  PynInput *inputs;
  Output *outputs;
  PynFramework framework;
  PJRT_Buffer_OpaqueDeviceMemoryDataPointer *pointer_of;
} Executable;

PyObject *pyn_executable_type;

// --- Making --------------------------------------------------------------------------------------

// Reads a tuple of non-negative integers into |out|, which has room for |count|.
static bool read_ints(PyObject *tuple, Py_ssize_t count, int64_t *out) {
  for (Py_ssize_t i = 0; i < count; i++) {
    out[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
    if (out[i] < 0) {
      if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "a size or stride is negative");
      return false;
    }
  }
  return true;
}

// The tensor's dimension for each of the parameter's: |order| if given, else the same.
static bool read_order(PyObject *order, PynInput *input) {
  input->order = (int32_t *)(input->dims + input->rank + 1);
  uint64_t seen = 0;
  if (input->rank > 64 || (order && (size_t)PyTuple_Size(order) != input->rank)) {
    PyErr_SetString(PyExc_ValueError, "the order is not one of the parameter's dimensions");
    return false;
  }
  for (size_t i = 0; i < input->rank; i++) {
    size_t d = order ? PyLong_AsSize_t(PyTuple_GetItem(order, (Py_ssize_t)i)) : i;
    if (d >= input->rank || (seen >> d & 1)) {
      PyErr_SetString(PyExc_ValueError, "the order is not one of the parameter's dimensions");
      return false;
    }
    seen |= UINT64_C(1) << d;
    input->order[i] = (int32_t)d;
  }
  return true;
}

static bool read_input(PyObject *item, PynInput *input) {
  const char *name;
  Py_ssize_t size;
  PyObject *shape, *order = NULL;
  if (!PyArg_ParseTuple(item, "s#O!|O!", &name, &size, &PyTuple_Type, &shape, &PyTuple_Type,
                        &order))
    return false;
  input->type = pjh_type_from_name(name, (size_t)size);
  if (input->type == PJRT_Buffer_Type_INVALID) {
    PyErr_Format(PyExc_ValueError, "no element type is called %s", name);
    return false;
  }
  if (!pyn_dlpack_type(input->type, &input->code, &input->bits)) {
    PyErr_Format(PyExc_ValueError, "DLPack has no type for %s", name);
    return false;
  }
  Py_ssize_t rank = PyTuple_Size(shape);
  input->rank = (size_t)rank;
  input->dims = calloc(2 * (size_t)rank + 2, sizeof *input->dims);
  if (!input->dims) {
    PyErr_NoMemory();
    return false;
  }
  if (!read_ints(shape, rank, input->dims) || !read_order(order, input))
    return false;
  input->elements = 1;
  for (size_t i = 0; i < input->rank; i++)
    if (__builtin_mul_overflow(input->elements, input->dims[i], &input->elements)) {
      PyErr_SetString(PyExc_ValueError, "a parameter has too many elements");
      return false;
    }
  return true;
}

static bool same_bytes(const PjhExecutable *executable, size_t index, const PynInput *input) {
  PJRT_Buffer_Type type;
  const int64_t *dims;
  size_t rank;
  PjhError *error = pjh_executable_output(executable, index, &type, &dims, &rank);
  bool same = !error && type == input->type && rank == input->rank &&
              (!rank || !memcmp(dims, input->dims, rank * sizeof *dims));
  pjh_error_free(error);
  return same;
}

// How a result is laid out for the framework; checked against what the program gives.
static bool read_tensor(const PjhExecutable *executable, size_t index, PyObject *item,
                        Output *output) {
  PyObject *shape, *strides;
  if (!PyArg_ParseTuple(item, "O!O!", &PyTuple_Type, &shape, &PyTuple_Type, &strides))
    return false;
  PJRT_Buffer_Type type;
  const int64_t *dims;
  size_t program_rank;
  PjhError *error = pjh_executable_output(executable, index, &type, &dims, &program_rank);
  if (error) {
    pyn_raise(error);
    return false;
  }
  Py_ssize_t rank = PyTuple_Size(shape);
  output->tensor.rank = (int32_t)rank;
  output->dims = calloc(2 * (size_t)rank + 1, sizeof *output->dims);
  if (!output->dims) {
    PyErr_NoMemory();
    return false;
  }
  output->tensor.dims = output->dims;
  if (PyTuple_Size(strides) != rank || (size_t)rank != program_rank) {
    PyErr_Format(PyExc_ValueError, "result %zu has rank %zu", index, program_rank);
    return false;
  }
  if (!read_ints(shape, rank, output->dims) || !read_ints(strides, rank, output->dims + rank))
    return false;
  if (!pyn_dlpack_type(type, &output->tensor.code, &output->tensor.bits)) {
    PyErr_Format(PyExc_ValueError, "DLPack has no type for %s", pjh_type_name(type));
    return false;
  }
  // The last element that the strides reach must lie in the result.
  int64_t elements = 1, last = 0;
  bool empty = false;
  for (Py_ssize_t i = 0; i < rank; i++) {
    int64_t reach;
    elements *= dims[i]; // Of a program that compiled: no overflow.
    empty |= output->dims[i] == 0;
    if (__builtin_mul_overflow(output->dims[i] - 1, output->dims[rank + i], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      last = INT64_MAX;
  }
  if (!empty && last >= elements) {
    PyErr_Format(PyExc_ValueError, "the strides of result %zu reach past its end", index);
    return false;
  }
  return true;
}

static bool read_output(Executable *self, size_t index, PyObject *item, Output *output) {
  output->into = -1;
  if (!PyLong_Check(item)) {
    self->num_results++;
    return read_tensor(self->executable, index, item, output);
  }
  size_t into = PyLong_AsSize_t(item);
  if (into >= self->num_inputs || self->inputs[into].given ||
      !same_bytes(self->executable, index, &self->inputs[into])) {
    PyErr_Format(PyExc_ValueError, "result %zu cannot overwrite parameter %R", index, item);
    return false;
  }
  output->into = (Py_ssize_t)into;
  self->inputs[into].given = true;
  return true;
}

static bool fill(Executable *self, PyObject *inputs, PyObject *outputs, PyObject *tensor_type) {
  const PJRT_Api *api = pjh_plugin_api(self->shared->plugin);
  if (!pjh_plugin_has(self->shared->plugin, "Buffer_OpaqueDeviceMemoryDataPointer")) {
    PyErr_SetString(PyExc_NotImplementedError, "the plugin does not say where its arrays lie");
    return false;
  }
  self->pointer_of = api->PJRT_Buffer_OpaqueDeviceMemoryDataPointer;
  self->num_inputs = (size_t)PyList_Size(inputs);
  size_t num_outputs = (size_t)PyList_Size(outputs);
  if (num_outputs != pjh_executable_num_outputs(self->executable)) {
    PyErr_Format(PyExc_ValueError, "%zu outputs are described, the program has %zu", num_outputs,
                 pjh_executable_num_outputs(self->executable));
    return false;
  }
  self->inputs = calloc(self->num_inputs + 1, sizeof *self->inputs);
  self->outputs = calloc(num_outputs + 1, sizeof *self->outputs);
  if (!self->inputs || !self->outputs) {
    PyErr_NoMemory();
    return false;
  }
  if (!pyn_framework_init(tensor_type, &self->framework))
    return false;
  for (size_t i = 0; i < self->num_inputs; i++)
    if (!read_input(PyList_GetItem(inputs, (Py_ssize_t)i), &self->inputs[i]))
      return false;
  for (; self->num_outputs < num_outputs; self->num_outputs++) {
    size_t i = self->num_outputs;
    if (!read_output(self, i, PyList_GetItem(outputs, (Py_ssize_t)i), &self->outputs[i])) {
      free(self->outputs[i].dims);
      return false;
    }
  }
  return true;
}

static void executable_dealloc(PyObject *object) {
  Executable *self = (Executable *)object;
  PyTypeObject *type = Py_TYPE(object);
  for (size_t i = 0; self->inputs && i < self->num_inputs; i++)
    free(self->inputs[i].dims);
  for (size_t i = 0; self->outputs && i < self->num_outputs; i++)
    free(self->outputs[i].dims);
  free(self->inputs);
  free(self->outputs);
  Py_XDECREF(self->framework.type);
  pjh_executable_destroy(self->executable);
  pyn_shared_release(self->shared);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

PyObject *pyn_executable_new(PynShared *shared, PjhExecutable *executable, PyObject *inputs,
                             PyObject *outputs, PyObject *tensor_type) {
  PyTypeObject *type = (PyTypeObject *)pyn_executable_type;
  PyObject *object = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
  if (!object) {
    pjh_executable_destroy(executable);
    pyn_shared_release(shared);
    return NULL;
  }
  Executable *self = (Executable *)object;
  self->shared = shared;
  self->executable = executable;
  if (!fill(self, inputs, outputs, tensor_type)) {
    Py_DECREF(object);
    return NULL;
  }
  return object;
}

// --- Running -------------------------------------------------------------------------------------

enum { FEW = 64 };

// One run: handles of the arguments and the results, addresses of the tensors.
typedef struct Run {
  PjhBuffer **arguments, **results;
  void **addresses;
  void *few[3 * FEW];
  void *heap; // or null
} Run;

static bool run_begin(Run *run, size_t num_inputs, size_t num_outputs) {
  size_t count = 2 * num_inputs + num_outputs;
  run->heap = NULL;
  void **block = run->few;
  if (count > 3 * FEW) {
    block = run->heap = malloc(count * sizeof *block);
    if (!block) {
      PyErr_NoMemory();
      return false;
    }
  }
  run->addresses = block;
  run->arguments = (PjhBuffer **)(block + num_inputs);
  run->results = (PjhBuffer **)(block + 2 * num_inputs);
  for (size_t i = 0; i < num_inputs; i++)
    run->arguments[i] = NULL;
  for (size_t i = 0; i < num_outputs; i++)
    run->results[i] = NULL;
  return true;
}

static void run_end(Run *run, size_t num_outputs) {
  for (size_t i = 0; i < num_outputs; i++)
    pjh_buffer_destroy(run->results[i]);
  free(run->heap);
}

static PjhError *address_of(const Executable *self, const PjhBuffer *buffer, void **out) {
  PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args args = {
      .struct_size = PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args_STRUCT_SIZE};
  args.buffer = pjh_buffer_handle(buffer);
  PJRT_Error *error = self->pointer_of(&args);
  *out = args.device_memory_ptr;
  if (!error)
    return NULL;
  PJRT_Error_Destroy_Args drop = {.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE};
  drop.error = error;
  pjh_plugin_api(self->shared->plugin)->PJRT_Error_Destroy(&drop);
  // What makes the contents has failed; waiting says why.
  PjhError *why = pjh_buffer_await(buffer);
  return why;
}

// Without the interpreter's lock: arrays around the tensors, the run, and what it overwrites.
static PjhError *run_program(const Executable *self, Run *run) {
  PjhError *error = NULL;
  for (size_t i = 0; i < self->num_inputs && !error; i++) {
    const PynInput *input = &self->inputs[i];
    error = pjh_buffer_upload(self->shared->client, 0, run->addresses[i], input->type, input->dims,
                              input->rank, NULL, input->given ? PJH_UPLOAD_GIVE : PJH_UPLOAD_SHARE,
                              NULL, NULL, &run->arguments[i]);
  }
  if (!error)
    error = pjh_execute(self->executable, run->arguments, self->num_inputs, run->results,
                        self->num_outputs);
  for (size_t i = 0; i < self->num_outputs && !error; i++) {
    const Output *output = &self->outputs[i];
    if (output->into < 0)
      continue;
    void *made, *wanted = run->addresses[output->into];
    error = address_of(self, run->results[i], &made);
    if (!error && made != wanted)
      memcpy(wanted, made, pjh_buffer_host_size(run->results[i]));
  }
  for (size_t i = 0; i < self->num_inputs; i++)
    pjh_buffer_destroy(run->arguments[i]);
  return error;
}

static bool read_addresses(const Executable *self, PyObject *tensors, void **out) {
  for (size_t i = 0; i < self->num_inputs; i++) {
    PyObject *tensor = PyList_GetItem(tensors, (Py_ssize_t)i);
    if (!tensor || !pyn_tensor_address(&self->framework, tensor, &self->inputs[i], i, &out[i]))
      return false;
  }
  return true;
}

// The results as tensors of the framework: each leaves |run| as it becomes one.
static PyObject *hand_out(const Executable *self, Run *run) {
  PyObject *list = PyList_New((Py_ssize_t)self->num_results);
  Py_ssize_t at = 0;
  for (size_t i = 0; list && i < self->num_outputs; i++) {
    const Output *output = &self->outputs[i];
    if (output->into >= 0)
      continue;
    void *data;
    PjhError *error = address_of(self, run->results[i], &data);
    if (error) {
      Py_DECREF(list);
      return pyn_raise(error);
    }
    PjhBuffer *buffer = run->results[i];
    run->results[i] = NULL;
    PyObject *tensor =
        pyn_tensor_new(&self->framework, self->shared, buffer, data, &output->tensor);
    if (!tensor || PyList_SetItem(list, at++, tensor)) {
      Py_DECREF(list);
      return NULL;
    }
  }
  return list;
}

static PyObject *executable_call(PyObject *object, PyObject *args, PyObject *kwargs) {
  Executable *self = (Executable *)object;
  PyObject *tensors;
  if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &tensors))
    return NULL;
  if ((size_t)PyList_Size(tensors) != self->num_inputs)
    return PyErr_Format(PyExc_TypeError, "%zd tensors for %zu parameters", PyList_Size(tensors),
                        self->num_inputs);
  Run run;
  if (!run_begin(&run, self->num_inputs, self->num_outputs))
    return NULL;
  PyObject *list = NULL;
  if (read_addresses(self, tensors, run.addresses)) {
    PyThreadState *thread = PyEval_SaveThread();
    PjhError *error = run_program(self, &run);
    PyEval_RestoreThread(thread);
    list = error ? pyn_raise(error) : hand_out(self, &run);
  }
  run_end(&run, self->num_outputs);
  return list;
}

static PyObject *no_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  PyErr_SetString(PyExc_TypeError, "executables come from Client.compile");
  return NULL;
}

static PyType_Slot executable_slots[] = {
    {Py_tp_new, (void *)no_new},
    {Py_tp_dealloc, (void *)executable_dealloc},
    {Py_tp_call, (void *)executable_call},
    {Py_tp_doc, "A compiled program. Called with the list of its tensors it gives the list of its "
                "results as tensors."},
    {0, NULL}};
static PyType_Spec executable_spec = {"libpjrt._native.Executable", sizeof(Executable), 0,
                                      Py_TPFLAGS_DEFAULT, executable_slots};

PyObject *pyn_make_executable_type(void) {
  return PyType_FromSpec(&executable_spec);
}
