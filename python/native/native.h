// libpjrt._native: the host library for Python, as far as frameworks need it to run programs on
// their own tensors. One extension for every Python from 3.10 on (the limited API).
//
//   client = _native.Client("pjrt_plugin_cpu.so", {"threads": 2})
//   run = client.compile(text, inputs, outputs, torch.Tensor)
//   results = run(tensors)
//
// Tensors are read where they lie and results are handed out where the plugin left them; nothing is
// copied but what native/executable.c says. The interpreter lock is not held while a program is
// compiled or runs.
#pragma once

#define Py_LIMITED_API 0x030A0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pjrt/pjrt.h"

// A plugin and its client, kept by all that came from them: clients and executables of Python, and
// arrays that tensors of a framework lie in. Those may die on any thread, without the interpreter's
// lock, and after Python has ended.
typedef struct PynShared {
  atomic_size_t count;
  PjhPlugin *plugin;
  PjhClient *client;
} PynShared;

PynShared *pyn_shared_retain(PynShared *shared);
// Null allowed. The last reference ends the client.
void pyn_shared_release(PynShared *shared);

// Raises libpjrt.Error (RuntimeError before the package has given one) from |error|, which is
// freed: message, place in the user's program, hint. Returns NULL.
PyObject *pyn_raise(PjhError *error);

// The executable that Client.compile gives; takes over both references. NULL with an exception set.
PyObject *pyn_executable_new(PynShared *shared, PjhExecutable *executable, PyObject *inputs,
                             PyObject *outputs, PyObject *tensor_type);
// The type, made once by the module.
extern PyObject *pyn_executable_type;
PyObject *pyn_make_executable_type(void);

// --- DLPack (native/dlpack.c) --------------------------------------------------------------------

// A framework, as far as its tensors go: their type (owned) and its table of functions, which lives
// as long as the process.
typedef struct PynFramework {
  PyObject *type;
  const struct DLExchange *table;
} PynFramework;

// False with an exception set where |type| has no table (__dlpack_c_exchange_api__) that is known.
bool pyn_framework_init(PyObject *type, PynFramework *out);

// What a program takes as a parameter: a dense array of |dims|, whose dimension i is dimension
// order[i] of the tensor.
typedef struct PynInput {
  PJRT_Buffer_Type type;
  uint8_t code, bits; // DLPack's
  size_t rank;
  int64_t *dims, elements; // |dims| is owned and has room for |order|
  int32_t *order;
  bool given; // a result overwrites it
} PynInput;

// Where a tensor lies in memory, which stays its own. False with an exception set where it is no
// tensor of the framework, or differs in type, shape, strides or device from |input|, the
// |index|th.
bool pyn_tensor_address(const PynFramework *framework, PyObject *object, const PynInput *input,
                        size_t index, void **out);

// What a result is for the framework: its type, and how it lies. |dims| has 2 * rank entries, sizes
// and then strides in elements.
typedef struct PynTensor {
  uint8_t code, bits; // DLPack's
  int32_t rank;
  const int64_t *dims;
} PynTensor;

// The DLPack type of an element type; false where DLPack has none.
bool pyn_dlpack_type(PJRT_Buffer_Type type, uint8_t *out_code, uint8_t *out_bits);

// A tensor in the memory of |buffer|, which it takes over, also on failure (NULL with an exception
// set). |shared| is retained for as long as the tensor lives.
PyObject *pyn_tensor_new(const PynFramework *framework, PynShared *shared, PjhBuffer *buffer,
                         void *data, const PynTensor *tensor);
