// See python.h.
#include "runtime/python.h"

#include <dlfcn.h>
#include <pthread.h>

static PjPython table;
static bool complete;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_all(void) {
  struct Entry {
    void *slot;
    const char *name;
  } entries[] = {
#define ENTRY(name) {&table.name, #name}
      ENTRY(_Py_NoneStruct),
      ENTRY(Py_IsInitialized),
      ENTRY(PyGILState_Ensure),
      ENTRY(PyGILState_Release),
      ENTRY(Py_IncRef),
      ENTRY(Py_DecRef),
      ENTRY(PyImport_ImportModule),
      ENTRY(PyImport_GetModule),
      ENTRY(PyObject_GetAttrString),
      ENTRY(PyObject_Call),
      ENTRY(PyObject_Str),
      ENTRY(PyObject_RichCompareBool),
      ENTRY(PyObject_GetBuffer),
      ENTRY(PyBuffer_Release),
      ENTRY(PyTuple_New),
      ENTRY(PyTuple_SetItem),
      ENTRY(PySequence_GetItem),
      ENTRY(PySequence_Size),
      ENTRY(PyDict_GetItemString),
      ENTRY(PyLong_FromLongLong),
      ENTRY(PyLong_AsLongLong),
      ENTRY(PyUnicode_FromStringAndSize),
      ENTRY(PyUnicode_FromString),
      ENTRY(PyUnicode_AsUTF8AndSize),
      ENTRY(PyCapsule_GetPointer),
      ENTRY(PyCapsule_GetName),
      ENTRY(PyBytes_AsStringAndSize),
      ENTRY(PyErr_Fetch),
      ENTRY(PyErr_NormalizeException),
      ENTRY(PyErr_Clear),
#undef ENTRY
  };
  complete = true;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    void *symbol = dlsym(RTLD_DEFAULT, entries[i].name);
    complete = complete && symbol;
    *(void **)entries[i].slot = symbol;
  }
}

const PjPython *pj_python(void) {
  pthread_once(&once, find_all);
  return complete && table.Py_IsInitialized() ? &table : NULL;
}

PyObject *pj_python_call(const PjPython *py, PyObject *callable, int count, PyObject **args) {
  PyObject *tuple = py->PyTuple_New(count);
  bool ok = tuple != NULL;
  for (int i = 0; i < count; i++) {
    ok = ok && args[i];
    if (tuple && args[i])
      py->PyTuple_SetItem(tuple, i, args[i]);
    else if (args[i])
      py->Py_DecRef(args[i]);
  }
  PyObject *result = ok ? py->PyObject_Call(callable, tuple, NULL) : NULL;
  if (tuple)
    py->Py_DecRef(tuple);
  return result;
}

PyObject *pj_python_call_method(const PjPython *py, PyObject *object, const char *name, int count,
                                PyObject **args) {
  PyObject *method = py->PyObject_GetAttrString(object, name);
  if (!method) {
    for (int i = 0; i < count; i++)
      if (args[i])
        py->Py_DecRef(args[i]);
    return NULL;
  }
  PyObject *result = pj_python_call(py, method, count, args);
  py->Py_DecRef(method);
  return result;
}

// "".join(traceback.format_exception(type, value, tb)), or NULL.
static PyObject *format_exception(const PjPython *py, PyObject *type, PyObject *value,
                                  PyObject *tb) {
  PyObject *module = py->PyImport_ImportModule("traceback");
  if (!module)
    return NULL;
  PyObject *args[3] = {type, value, tb};
  py->Py_IncRef(type);
  py->Py_IncRef(value);
  if (tb)
    py->Py_IncRef(tb);
  // Without a traceback only type and value are given: format_exception_only.
  PyObject *lines = pj_python_call_method(
      py, module, tb ? "format_exception" : "format_exception_only", tb ? 3 : 2, args);
  py->Py_DecRef(module);
  if (!lines)
    return NULL;
  PyObject *separator = py->PyUnicode_FromString("");
  PyObject *text = separator ? pj_python_call_method(py, separator, "join", 1, &lines) : NULL;
  if (separator)
    py->Py_DecRef(separator);
  return text;
}

PjStatus pj_python_error(const PjPython *py, const char *context) {
  PyObject *type, *value, *traceback;
  py->PyErr_Fetch(&type, &value, &traceback);
  if (!type)
    return PJ_ERROR(INTERNAL, "%s: unknown Python error", context);
  py->PyErr_NormalizeException(&type, &value, &traceback);
  PyObject *text = value ? format_exception(py, type, value, traceback) : NULL;
  if (!text) {
    py->PyErr_Clear();
    text = py->PyObject_Str(value ? value : type);
  }
  ptrdiff_t size = 0;
  const char *utf8 = text ? py->PyUnicode_AsUTF8AndSize(text, &size) : NULL;
  PjStatus status = PJ_ERROR(INTERNAL, "%s: %.*s", context, (int)(size > 65536 ? 65536 : size),
                             utf8 ? utf8 : "?");
  py->PyErr_Clear();
  if (text)
    py->Py_DecRef(text);
  py->Py_DecRef(type);
  if (value)
    py->Py_DecRef(value);
  if (traceback)
    py->Py_DecRef(traceback);
  return status;
}
