// The module: clients, and what everything else here stands on.
#include <stdlib.h>
#include <string.h>

#include "native.h"

// --- Plugin and client ---------------------------------------------------------------------------

PynShared *pyn_shared_retain(PynShared *shared) {
  atomic_fetch_add_explicit(&shared->count, 1, memory_order_relaxed);
  return shared;
}

void pyn_shared_release(PynShared *shared) {
  if (!shared || atomic_fetch_sub_explicit(&shared->count, 1, memory_order_acq_rel) != 1)
    return;
  pjh_client_destroy(shared->client);
  pjh_plugin_destroy(shared->plugin);
  free(shared);
}

// --- Errors --------------------------------------------------------------------------------------

static PyObject *error_class; // libpjrt.Error, owned

PyObject *pyn_raise(PjhError *error) {
  const char *location = pjh_error_location(error), *hint = pjh_error_hint(error);
  PyObject *text = PyUnicode_FromFormat(
      "%s: %s%s%s%s%s", pjh_error_code_name(pjh_error_code(error)), pjh_error_message(error),
      *location ? "\n  at " : "", location, *hint ? "\n  hint: " : "", hint);
  pjh_error_free(error);
  if (text)
    PyErr_SetObject(error_class, text);
  Py_XDECREF(text);
  return NULL;
}

// --- Client --------------------------------------------------------------------------------------

typedef struct Client {
  PyObject_HEAD PynShared *shared;
} Client;

// Fills |option| from a pair of a dictionary; false with an exception set. Its strings are those of
// the objects.
static bool read_option(PyObject *key, PyObject *value, PJRT_NamedValue *option) {
  const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
  if (!name)
    return false;
  if (PyBool_Check(value)) {
    *option = pjh_option_bool(name, value == Py_True);
  } else if (PyLong_Check(value)) {
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred())
      return false;
    *option = pjh_option_int(name, number);
  } else if (PyFloat_Check(value)) {
    *option = pjh_option_float(name, (float)PyFloat_AsDouble(value));
  } else {
    const char *text = PyUnicode_AsUTF8AndSize(value, NULL);
    if (!text)
      return false;
    *option = pjh_option_string(name, text);
  }
  return true;
}

static PjhError *open_client(const char *path, const PJRT_NamedValue *options, size_t count,
                             PynShared *shared) {
  PjhError *error = pjh_plugin_load(path, &shared->plugin);
  if (!error)
    error = pjh_client_create(shared->plugin, options, count, &shared->client);
  return error;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"plugin", "options", NULL};
  const char *path;
  PyObject *dict = NULL;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O!", names, &path, &PyDict_Type, &dict))
    return NULL;
  size_t count = dict ? (size_t)PyDict_Size(dict) : 0, filled = 0;
  PJRT_NamedValue *options = calloc(count + 1, sizeof *options);
  PynShared *shared = calloc(1, sizeof *shared);
  PyObject *self = NULL, *key, *value;
  if (!options || !shared) {
    PyErr_NoMemory();
    goto done;
  }
  atomic_init(&shared->count, 1);
  for (Py_ssize_t at = 0; dict && PyDict_Next(dict, &at, &key, &value);)
    if (!read_option(key, value, &options[filled++]))
      goto done;
  PyThreadState *thread = PyEval_SaveThread();
  PjhError *error = open_client(path, options, count, shared);
  PyEval_RestoreThread(thread);
  if (error) {
    pyn_raise(error);
    goto done;
  }
  allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  self = alloc(type, 0);
  if (self) {
    ((Client *)self)->shared = shared;
    shared = NULL;
  }
done:
  pyn_shared_release(shared);
  free(options);
  return self;
}

static void client_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  pyn_shared_release(((Client *)self)->shared);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static PyObject *client_compile(PyObject *self, PyObject *args) {
  const char *code;
  Py_ssize_t size;
  PyObject *inputs, *outputs, *tensor_type;
  if (!PyArg_ParseTuple(args, "s#O!O!O", &code, &size, &PyList_Type, &inputs, &PyList_Type,
                        &outputs, &tensor_type))
    return NULL;
  PynShared *shared = ((Client *)self)->shared;
  PjhExecutable *executable;
  PyThreadState *thread = PyEval_SaveThread();
  PjhError *error = pjh_compile(shared->client, code, (size_t)size, NULL, &executable);
  PyEval_RestoreThread(thread);
  if (error)
    return pyn_raise(error);
  return pyn_executable_new(pyn_shared_retain(shared), executable, inputs, outputs, tensor_type);
}

static PyObject *client_platform(PyObject *self, void *closure) {
  const PynShared *shared = ((Client *)self)->shared;
  return PyUnicode_FromFormat("%s, %s", pjh_client_platform_name(shared->client),
                              pjh_client_platform_version(shared->client));
}

static PyMethodDef client_methods[] = {
    {"compile", client_compile, METH_VARARGS,
     "compile(program, inputs, outputs, tensor_type) -> Executable\n\n"
     "program: StableHLO, as str or bytes. inputs: for each parameter (element type, shape), the "
     "type as StableHLO spells it, or (element type, shape, order) where the tensor's dimensions "
     "lie in another order: dimension i of the shape is dimension order[i] of the tensor. outputs: "
     "for each result (shape, strides in elements) of the tensor that is made of it, whose strides "
     "may be any order of the dense result's dimensions; or an int: the parameter that the result "
     "overwrites. tensor_type: the framework's, with the C functions of DLPack 1.3 on it."},
    {NULL, NULL, 0, NULL}};
static PyGetSetDef client_getset[] = {
    {"platform", client_platform, NULL, "Name and version of the plugin.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot client_slots[] = {
    {Py_tp_new, (void *)client_new},
    {Py_tp_dealloc, (void *)client_dealloc},
    {Py_tp_methods, client_methods},
    {Py_tp_getset, client_getset},
    {Py_tp_doc, "Client(plugin, options={}): a plugin, by file or name, and its client."},
    {0, NULL}};
static PyType_Spec client_spec = {"libpjrt._native.Client", sizeof(Client), 0, Py_TPFLAGS_DEFAULT,
                                  client_slots};

// --- The module ----------------------------------------------------------------------------------

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    "libpjrt._native",
    "The host library: programs compiled and run on a framework's tensors.",
    -1,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) {
  PyObject *self = PyModule_Create(&module);
  if (!self)
    return NULL;
  error_class = PyErr_NewExceptionWithDoc(
      "libpjrt._native.Error", "What the plugin says, with the place in the program and a hint.",
      PyExc_RuntimeError, NULL);
  PyObject *client_type = PyType_FromSpec(&client_spec);
  pyn_executable_type = pyn_make_executable_type();
  if (!error_class || !client_type || !pyn_executable_type ||
      PyObject_SetAttrString(self, "Error", error_class) ||
      PyObject_SetAttrString(self, "Client", client_type) ||
      PyObject_SetAttrString(self, "Executable", pyn_executable_type)) {
    Py_DECREF(self);
    self = NULL;
  }
  Py_XDECREF(client_type);
  return self;
}
