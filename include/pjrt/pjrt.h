// libpjrt, the host side: load any PJRT plugin, compile a program on it, run it, read the results.
// Plain C.
//
//   PjhPlugin *plugin;  PjhClient *client;  PjhExecutable *exe;  PjhBuffer *x, *y;
//   PjhError *e = pjh_plugin_load("pjrt_plugin_cpu.so", &plugin);
//   if (!e) e = pjh_client_create(plugin, NULL, 0, &client);
//   if (!e) e = pjh_compile(client, text, text_size, NULL, &exe);
//   if (!e) e = pjh_buffer_from_host(client, 0, data, PJRT_Buffer_Type_F32, dims, 2, NULL, &x);
//   if (!e) e = pjh_execute(exe, &x, 1, &y, 1);
//   if (!e) e = pjh_buffer_to_host(y, result, sizeof result);
//   if (e) fprintf(stderr, "%s\n", pjh_error_message(e));
//
// Errors. A function that can fail returns PjhError*, null for success. The caller frees an error
// with pjh_error_free. On failure every `out` parameter holds null. The library never prints,
// aborts or exits.
//
// Ownership. What a `_load`, `_create`, `_compile`, `_from_host` or `_execute` hands out belongs to
// the caller, who frees it by the matching `_destroy` (null allowed). Destroy buffers and
// executables before their client, and clients before their plugin. Strings and arrays that are
// handed out live as long as the object that was asked.
//
// Threads. Any function may be called from any thread; destroying an object must not overlap with
// another use of it.
//
// Versions. Any plugin of interface 0.29 and later is accepted. A function that the plugin is too
// old to have, or leaves empty, gives UNIMPLEMENTED and its name. pjh_plugin_api gives the raw
// table for everything not covered here.
#ifndef PJRT_PJRT_H_
#define PJRT_PJRT_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PJH_API __attribute__((visibility("default")))
#else
#define PJH_API
#endif

typedef struct PjhError PjhError;
typedef struct PjhPlugin PjhPlugin;
typedef struct PjhClient PjhClient;
typedef struct PjhExecutable PjhExecutable;
typedef struct PjhBuffer PjhBuffer;

// --- Errors --------------------------------------------------------------------------------------

// The code of |error|; PJRT_Error_Code_OK for null.
PJH_API PJRT_Error_Code pjh_error_code(const PjhError *error);
// The message of |error|, ended by zero; "" for null. Lives as long as |error|.
PJH_API const char *pjh_error_message(const PjhError *error);
// The name of a code, e.g. "INVALID_ARGUMENT". Static.
PJH_API const char *pjh_error_code_name(PJRT_Error_Code code);
// Null allowed.
PJH_API void pjh_error_free(PjhError *error);

// --- Plugins -------------------------------------------------------------------------------------

// Loads the plugin at |path|: opens the library, asks GetPjrtApi for the table, checks the version,
// initialises the plugin. A path without a slash is looked up as the dynamic linker does.
//
// Loading the same file twice gives two handles on one library, initialised twice, which the
// interface permits. The library itself stays in the process for good, since plugins leave threads
// and handlers behind that outlive a close.
//
// Errors: NOT_FOUND when the file cannot be opened or has no GetPjrtApi, FAILED_PRECONDITION when
// its version is not supported (the message says which side is to be upgraded), and whatever the
// plugin's own initialisation says.
PJH_API PjhError *pjh_plugin_load(const char *path, PjhPlugin **out);

// Gives back the handle. All clients made from it must be gone.
PJH_API void pjh_plugin_destroy(PjhPlugin *plugin);

// The plugin's function table. It lives as long as the process.
PJH_API const PJRT_Api *pjh_plugin_api(const PjhPlugin *plugin);

// The version of the interface that the plugin was built with.
PJH_API void pjh_plugin_version(const PjhPlugin *plugin, int *out_major, int *out_minor);

// --- Clients and devices -------------------------------------------------------------------------

// Starts a client. |options| are the plugin's create options (name, type, value), |num_options| of
// them; they are read during the call only. May take long: this is where a plugin starts its
// devices.
PJH_API PjhError *pjh_client_create(PjhPlugin *plugin, const PJRT_NamedValue *options,
                                    size_t num_options, PjhClient **out);
PJH_API void pjh_client_destroy(PjhClient *client);

// E.g. "cpu", and free text such as "libpjrt 0.1.0". Ended by zero.
PJH_API const char *pjh_client_platform_name(const PjhClient *client);
PJH_API const char *pjh_client_platform_version(const PjhClient *client);

// Devices of this process that programs can run on. A device is named by its index here, from 0.
PJH_API size_t pjh_client_num_devices(const PjhClient *client);
// The plugin's own handle of a device, for calls through pjh_plugin_api; null when |device| is out
// of range.
PJH_API PJRT_Device *pjh_client_device(const PjhClient *client, size_t device);
// What the plugin calls the device, e.g. "cpu:0"; ended by zero, "" when |device| is out of range.
PJH_API const char *pjh_client_device_name(const PjhClient *client, size_t device);

// --- Programs ------------------------------------------------------------------------------------

// How to compile; pass null for the defaults, which all fields at zero mean too.
typedef struct PjhCompileOptions {
  // "mlir" (StableHLO as text, MLIR bytecode or a portable artifact), "hlo" (HloModuleProto). Null:
  // "mlir".
  const char *format;
  // The device to run on. A program runs on one device here; several come with a later version.
  size_t device;
  // A CompileOptionsProto to use as it is, instead of one made from |device|. Null for none.
  const void *serialized_options;
  size_t serialized_options_size;
} PjhCompileOptions;

// Compiles |code| (|code_size| bytes, read during the call only) and loads it onto a device of
// |client|.
PJH_API PjhError *pjh_compile(PjhClient *client, const void *code, size_t code_size,
                              const PjhCompileOptions *options, PjhExecutable **out);
PJH_API void pjh_executable_destroy(PjhExecutable *executable);

// The program's name, ended by zero; "" when the plugin gives none.
PJH_API const char *pjh_executable_name(const PjhExecutable *executable);

// The number of arrays that one execution gives.
PJH_API size_t pjh_executable_num_outputs(const PjhExecutable *executable);

// The plugin's form of the compiled program: a copy, to be freed by pjh_free, and its format,
// static or living as long as |executable|. UNIMPLEMENTED is a usual answer.
PJH_API PjhError *pjh_executable_program(PjhExecutable *executable, char **out_code,
                                         size_t *out_size, const char **out_format);
PJH_API void pjh_free(void *memory);

// Runs the program once and waits for it. |arguments| are |num_arguments| buffers on the
// executable's device, in the order of the program's parameters; arguments that the program donates
// are used up, though still to be destroyed. |outputs| gets |num_outputs| new buffers; the number
// must be pjh_executable_num_outputs.
//
// Errors: INVALID_ARGUMENT for wrong counts, and whatever the plugin says of types, shapes and the
// run itself.
PJH_API PjhError *pjh_execute(PjhExecutable *executable, PjhBuffer *const *arguments,
                              size_t num_arguments, PjhBuffer **outputs, size_t num_outputs);

// --- Arrays --------------------------------------------------------------------------------------

// Copies an array from the host to device |device|. |data| is the first element, in host form:
// elements narrower than a byte take one byte each, booleans are bytes of 0 or 1. |dims| and
// |byte_strides| have |rank| entries; |byte_strides| null means dense and row-major. All are read
// during the call only.
PJH_API PjhError *pjh_buffer_from_host(PjhClient *client, size_t device, const void *data,
                                       PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                                       const int64_t *byte_strides, PjhBuffer **out);
PJH_API void pjh_buffer_destroy(PjhBuffer *buffer);

// Element type and shape; the dimensions live as long as |buffer|.
PJH_API PJRT_Buffer_Type pjh_buffer_type(const PjhBuffer *buffer);
PJH_API size_t pjh_buffer_rank(const PjhBuffer *buffer);
PJH_API const int64_t *pjh_buffer_dims(const PjhBuffer *buffer);

// Bytes of the array in host form, dense: what pjh_buffer_to_host writes.
PJH_API size_t pjh_buffer_host_size(const PjhBuffer *buffer);

// Waits for the array and copies it to |dst|, dense and row-major in host form. |dst_size| must be
// pjh_buffer_host_size. A failure of the program that made the array comes out here at the latest.
PJH_API PjhError *pjh_buffer_to_host(PjhBuffer *buffer, void *dst, size_t dst_size);

// --- Element types -------------------------------------------------------------------------------

// The name that StableHLO text uses, e.g. "f32", "i1", "ui8", "f8E4M3FN", "complex<f64>"; "invalid"
// for anything else.
PJH_API const char *pjh_type_name(PJRT_Buffer_Type type);
// The type of that name, PJRT_Buffer_Type_INVALID when there is none. |size| characters.
PJH_API PJRT_Buffer_Type pjh_type_from_name(const char *name, size_t size);
// Bytes of one element in host form; 0 for INVALID and TOKEN.
PJH_API size_t pjh_type_host_size(PJRT_Buffer_Type type);

#ifdef __cplusplus
}
#endif

#endif // PJRT_PJRT_H_
