// The CPython of the host process, if it has one: found by name at run time, so that the plugin
// does not link to it.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

typedef struct PyObject PyObject;

// Functions of CPython's stable interface, under their own names.
typedef struct PjPython {
  PyObject *_Py_NoneStruct;
  int (*Py_IsInitialized)(void);
  int (*PyGILState_Ensure)(void);
  void (*PyGILState_Release)(int state);
  void (*Py_IncRef)(PyObject *object);
  void (*Py_DecRef)(PyObject *object);
  PyObject *(*PyImport_ImportModule)(const char *name);
  PyObject *(*PyImport_GetModule)(PyObject *name);
  PyObject *(*PyObject_GetAttrString)(PyObject *object, const char *name);
  PyObject *(*PyObject_Call)(PyObject *callable, PyObject *args, PyObject *kwargs);
  PyObject *(*PyObject_Str)(PyObject *object);
  int (*PyObject_RichCompareBool)(PyObject *a, PyObject *b, int op);
  int (*PyObject_GetBuffer)(PyObject *object, void *view, int flags);
  void (*PyBuffer_Release)(void *view);
  PyObject *(*PyTuple_New)(ptrdiff_t size);
  int (*PyTuple_SetItem)(PyObject *tuple, ptrdiff_t index, PyObject *item);
  PyObject *(*PySequence_GetItem)(PyObject *sequence, ptrdiff_t index);
  ptrdiff_t (*PySequence_Size)(PyObject *sequence);
  PyObject *(*PyDict_GetItemString)(PyObject *dict, const char *key);
  PyObject *(*PyLong_FromLongLong)(long long value);
  long long (*PyLong_AsLongLong)(PyObject *object);
  PyObject *(*PyUnicode_FromStringAndSize)(const char *text, ptrdiff_t size);
  PyObject *(*PyUnicode_FromString)(const char *text);
  const char *(*PyUnicode_AsUTF8AndSize)(PyObject *text, ptrdiff_t *size);
  void *(*PyCapsule_GetPointer)(PyObject *capsule, const char *name);
  const char *(*PyCapsule_GetName)(PyObject *capsule);
  int (*PyBytes_AsStringAndSize)(PyObject *bytes, char **text, ptrdiff_t *size);
  void (*PyErr_Fetch)(PyObject **type, PyObject **value, PyObject **traceback);
  void (*PyErr_NormalizeException)(PyObject **type, PyObject **value, PyObject **traceback);
  void (*PyErr_Clear)(void);
} PjPython;

// The table, or NULL if the process has no running Python (of 3.9 or later). Its functions want the
// GIL, but for the first three.
const PjPython *pj_python(void);

// Calls |callable| with a tuple of |count| arguments, whose references are taken. NULL with an
// exception set on failure.
PyObject *pj_python_call(const PjPython *py, PyObject *callable, int count, PyObject **args);
// Calls method |name| likewise.
PyObject *pj_python_call_method(const PjPython *py, PyObject *object, const char *name, int count,
                                PyObject **args);
// Takes the exception that is set and makes a status of it, with its traceback: INTERNAL,
// "|context|: Traceback ...".
PjStatus pj_python_error(const PjPython *py, const char *context);
