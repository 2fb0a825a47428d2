// What TensorFlow's pluggable devices and our two libraries agree on. TensorFlow loads entry.c,
// which is C and fits any TensorFlow; it opens the core plugin and the adapter that was built for
// the TensorFlow at hand (adapter.cc).
//
// The structs of TensorFlow's next_pluggable_device/c/plugin_c_api.h are C++ headers in its wheel;
// they are written down here as far as we use them, and adapter.cc compares sizes and offsets with
// the originals.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct PJRT_Api;
typedef struct TSL_Status TF_Status; // As TensorFlow's headers have it.

// TFNPD_Api: a size, a pointer that is TensorFlow's, then functions in this order. TensorFlow calls
// those that are named.
enum {
  PJ_TFNPD_SAME_DEVICE_COPY = 16,
  PJ_TFNPD_DEVICE_SHAPE = 17,
  PJ_TFNPD_DEVICE_COUNT = 18,
  PJ_TFNPD_INIT_DEVICES = 19,
  PJ_TFNPD_FUNCTIONS = 20,
};

typedef struct PjTfApi {
  size_t struct_size;
  void *priv;
  void (*functions[PJ_TFNPD_FUNCTIONS])(void);
} PjTfApi;

typedef struct PjTfParams {
  size_t struct_size;
  void *ext;
  const char *device_type;
  const char *compilation_device_name;
  int32_t priority;
  bool is_pluggable_device;
  bool use_pjrt_on_demand_compile;
} PjTfParams;

// The device's name in TensorFlow: tf.device("PJRT:0").
#define PJ_TF_DEVICE "PJRT"
// The set of XLA kernels that its operations are compiled with.
#define PJ_TF_COMPILER "XLA_CPU_JIT"

// The one function of an adapter, exported as pj_tf_adapter. Registers the device with TensorFlow's
// compiler and returns the functions that TensorFlow is to call, which live as long as the process.
// |api| is the core plugin's table. Called on the thread that loads the library. NULL, with a
// reason in |why|, if this TensorFlow is not the adapter's, or if the device is there already.
typedef const PjTfApi *PjTfAdapter(const struct PJRT_Api *api, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif
