// libpjrt, the host side: load any PJRT plugin, compile a program on it, run it, read the results.
// Plain C; doc/embedding.md is the guide.
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
// with pjh_error_free. On failure every `out` parameter holds null or zero. The library never
// prints, aborts or exits. Every function that talks to the plugin may also give what the plugin
// says, and RESOURCE_EXHAUSTED when memory runs out.
//
// Ownership. What comes out of an `out` parameter of an opaque type belongs to the caller, who
// frees it by the matching `_destroy` or `_free` (null allowed). Destroy buffers, events,
// executables and topologies of a client before the client, and clients and topologies before their
// plugin. Strings and arrays that are handed out live as long as the object that was asked.
//
// Threads. Any function may be called from any thread; destroying an object must not overlap with
// another use of it.
//
// Versions. Any plugin of interface 0.29 and later is accepted, but for 0.56, whose table had an
// order of its own. A function that the plugin is too old to have, or leaves empty, gives
// UNIMPLEMENTED, its name, and which side to upgrade. pjh_plugin_api gives the raw table for
// everything not covered here.
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
typedef struct PjhValues PjhValues;
typedef struct PjhTopology PjhTopology;
typedef struct PjhEvent PjhEvent;
typedef struct PjhFoundList PjhFoundList;
typedef struct PjhSignature PjhSignature;
typedef struct PjhClient PjhClient;
typedef struct PjhExecutable PjhExecutable;
typedef struct PjhBuffer PjhBuffer;

// --- Errors --------------------------------------------------------------------------------------

// The code of |error|; PJRT_Error_Code_OK for null.
PJH_API PJRT_Error_Code pjh_error_code(const PjhError *error);
// The message of |error|, ended by zero; "" for null. Lives as long as |error|.
PJH_API const char *pjh_error_message(const PjhError *error);
// Where in the user's program, e.g. "model.py:41:3", as far as the message tells it; "" where it
// does not. Lives as long as |error|.
PJH_API const char *pjh_error_location(const PjhError *error);
// What the user can do about it, one sentence, e.g. "upgrade the plugin"; "" where nothing is
// known. Lives as long as |error|.
PJH_API const char *pjh_error_hint(const PjhError *error);
// The name of a code, e.g. "INVALID_ARGUMENT". Static.
PJH_API const char *pjh_error_code_name(PJRT_Error_Code code);
// Null allowed.
PJH_API void pjh_error_free(PjhError *error);

// --- Named values --------------------------------------------------------------------------------

// A fact with a name: an attribute of a plugin or device, an estimate of cost, a counter.
typedef struct PjhValue {
  const char *name; // ended by zero
  PJRT_NamedValue_Type type;
  const char *text;    // kString, ended by zero; "" for the others
  int64_t integer;     // kInt64; kBool: 0 or 1
  double real;         // kFloat
  const int64_t *list; // kInt64List: |list_size| numbers
  size_t list_size;
} PjhValue;

// A list of values, copied from the plugin: it depends on no other object.
PJH_API size_t pjh_values_count(const PjhValues *values);                      // 0 for null
PJH_API const PjhValue *pjh_values_get(const PjhValues *values, size_t index); // null past the end
PJH_API const PjhValue *pjh_values_find(const PjhValues *values, const char *name); // or null
PJH_API void pjh_values_free(PjhValues *values);                                    // null allowed

// Options for a client or topology; |name| and |text| must live as long as the result is used.
PJH_API PJRT_NamedValue pjh_option_int(const char *name, int64_t value);
PJH_API PJRT_NamedValue pjh_option_bool(const char *name, bool value);
PJH_API PJRT_NamedValue pjh_option_float(const char *name, float value);
PJH_API PJRT_NamedValue pjh_option_string(const char *name, const char *text);

// --- Plugins -------------------------------------------------------------------------------------

// Loads a plugin: opens the library, asks GetPjrtApi for the table, checks the version, initialises
// the plugin. |path| is a file, looked up as the dynamic linker does when it has no slash; without
// a slash and without ".so" it is a name, such as "cpu", and the first usable plugin of that name
// that pjh_plugins_find finds by default is loaded.
//
// Loading the same file twice gives two handles on one library, initialised twice, which the
// interface permits. The library itself stays in the process for good, since plugins leave threads
// and handlers behind that outlive a close.
//
// Errors: NOT_FOUND when the file cannot be opened or has no GetPjrtApi, or no plugin has the name
// (the message lists those there are), FAILED_PRECONDITION when its version is not supported (the
// message says which side is to be upgraded), and whatever the plugin's own initialisation says.
PJH_API PjhError *pjh_plugin_load(const char *path, PjhPlugin **out);

// Gives back the handle. All clients made from it must be gone.
PJH_API void pjh_plugin_destroy(PjhPlugin *plugin);

// The plugin's function table. It lives as long as the process.
PJH_API const PJRT_Api *pjh_plugin_api(const PjhPlugin *plugin);

// The version of the interface that the plugin was built with.
PJH_API void pjh_plugin_version(const PjhPlugin *plugin, int *out_major, int *out_minor);

// Facts that the plugin states, such as "stablehlo_current_version". UNIMPLEMENTED is possible.
PJH_API PjhError *pjh_plugin_attributes(const PjhPlugin *plugin, PjhValues **out);

// Whether the plugin's table has a function, by its name without "PJRT_": "Client_Load". The names
// are those of pjrt_slots.h; false for any other.
PJH_API bool pjh_plugin_has(const PjhPlugin *plugin, const char *function);

// The extensions that the plugin offers, in its order. Types that this library does not know are
// listed too. The list of a plugin older than 0.45, which laid it out differently, counts as empty.
PJH_API size_t pjh_plugin_num_extensions(const PjhPlugin *plugin);
// Extension |index|, null past the end. It lives as long as the process.
PJH_API const PJRT_Extension_Base *pjh_plugin_extension(const PjhPlugin *plugin, size_t index);
// The extension of a type, null when the plugin has none.
PJH_API const PJRT_Extension_Base *pjh_plugin_find_extension(const PjhPlugin *plugin,
                                                             PJRT_Extension_Type type);
// The name of a type, e.g. "Layouts"; "" for one that this library does not know. Static.
PJH_API const char *pjh_extension_name(PJRT_Extension_Type type);

// --- Finding plugins -----------------------------------------------------------------------------

// Where to look, and how closely; null or zeros: the defaults.
typedef struct PjhFindOptions {
  // Files and folders, separated by colons. Null: $PJRT_PLUGIN_PATH.
  const char *path;
  // A Python environment, whose jax_plugins packages and entry points count: its folder, its
  // interpreter or its site-packages. Python is not run. Null: none.
  const char *python;
  // Also loads each library and asks for its version, without initialising the plugin. It then
  // stays in the process, as pjh_plugin_load says.
  bool open;
} PjhFindOptions;

// A plugin that was found. The strings live as long as the list.
typedef struct PjhFound {
  const char *name;   // "cpu"; by entry point, package, or the file: pjrt_plugin_cpu.so, libcpu.so
  const char *path;   // the file; "" when a package names none
  const char *source; // what led there: "PJRT_PLUGIN_PATH", an entry point, a package ...
  bool usable;
  const char *reason; // why it is usable, or why not: one sentence
} PjhFound;

// Looks in this order: |path|; the pairs NAME:FILE,... of $PJRT_NAMES_AND_LIBRARY_PATHS, which JAX
// reads too; |python|; the folder of this library and pjrt/ below it. A file is listed once. What
// is a library for this machine that exports GetPjrtApi counts as usable, or with |open| what has a
// version that this library speaks. A place that cannot be read is listed as not usable.
PJH_API PjhError *pjh_plugins_find(const PjhFindOptions *options, PjhFoundList **out);
PJH_API size_t pjh_found_count(const PjhFoundList *list);
PJH_API const PjhFound *pjh_found_get(const PjhFoundList *list, size_t index); // null past the end
PJH_API void pjh_found_free(PjhFoundList *list);                               // null allowed

// Loads the first usable plugin called |name| that pjh_plugins_find finds; one that does not load
// is passed over for the next. Errors: NOT_FOUND, with what there is and why it will not do.
PJH_API PjhError *pjh_plugin_load_named(const char *name, const PjhFindOptions *options,
                                        PjhPlugin **out);

// --- Clients and devices -------------------------------------------------------------------------

// What can be said of a device, of a client or of a topology. The strings end in zero and live as
// long as that.
typedef struct PjhDeviceInfo {
  int id;              // unique in the job; what device assignments are made of
  int process;         // the process that owns it
  int local_id;        // number of the hardware in this machine; -1 when unknown or of a topology
  const char *name;    // for users, e.g. "cpu:0"
  const char *kind;    // the model, e.g. "TPU v5 lite"
  const char *details; // for logs; may be empty
} PjhDeviceInfo;

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

// Everything about the device; INVALID_ARGUMENT when |device| is out of range.
PJH_API PjhError *pjh_client_device_info(const PjhClient *client, size_t device,
                                         PjhDeviceInfo *out);
// Further facts, which differ from plugin to plugin, such as "coords" or "core_count".
PJH_API PjhError *pjh_client_device_attributes(const PjhClient *client, size_t device,
                                               PjhValues **out);
// The device's allocator in bytes and counts, those that it keeps: "bytes_in_use",
// "peak_bytes_in_use", "bytes_limit", "num_allocs" ... UNIMPLEMENTED is a usual answer.
PJH_API PjhError *pjh_client_device_memory(const PjhClient *client, size_t device, PjhValues **out);

// The plugin's own handle, for calls through pjh_plugin_api.
PJH_API PJRT_Client *pjh_client_handle(const PjhClient *client);

// --- Events --------------------------------------------------------------------------------------

// What was started and may not have ended: an execution, a transfer. It ends once, well or not.

// Waits for the end and gives its error, to each that asks.
PJH_API PjhError *pjh_event_await(const PjhEvent *event);
// Whether it has ended, well or not.
PJH_API PjhError *pjh_event_is_ready(const PjhEvent *event, bool *out);

// |error| is null when all went well; it lives during the call only.
typedef void (*PjhCallback)(const PjhError *error, void *user);
// Calls |callback| once at the end: on a thread of the plugin's, which it should not keep for long,
// or on this one before the function returns. The event may be destroyed before that.
PJH_API PjhError *pjh_event_then(const PjhEvent *event, PjhCallback callback, void *user);

// What was started goes on.
PJH_API void pjh_event_destroy(PjhEvent *event);

// --- Topologies ----------------------------------------------------------------------------------

// A topology describes a machine well enough to compile for it; the machine need not be there.

// The machine that |name| and |options| describe, in the plugin's words: "v5e:2x2" for a TPU, "" or
// null for the plugin's default.
PJH_API PjhError *pjh_topology_create(PjhPlugin *plugin, const char *name,
                                      const PJRT_NamedValue *options, size_t num_options,
                                      PjhTopology **out);
// The machine of |client|. Destroy the topology before the client.
PJH_API PjhError *pjh_topology_of_client(PjhClient *client, PjhTopology **out);
// The topology of which pjh_topology_serialize made |data|, which is read during the call only.
PJH_API PjhError *pjh_topology_deserialize(PjhPlugin *plugin, const void *data, size_t size,
                                           PjhTopology **out);
// The topology as bytes, to be freed by pjh_free.
PJH_API PjhError *pjh_topology_serialize(const PjhTopology *topology, void **out_data,
                                         size_t *out_size);
PJH_API void pjh_topology_destroy(PjhTopology *topology);

PJH_API const char *pjh_topology_platform_name(const PjhTopology *topology);
PJH_API const char *pjh_topology_platform_version(const PjhTopology *topology);
PJH_API size_t pjh_topology_num_devices(const PjhTopology *topology);
PJH_API PjhError *pjh_topology_device_info(const PjhTopology *topology, size_t device,
                                           PjhDeviceInfo *out);
PJH_API PjhError *pjh_topology_device_attributes(const PjhTopology *topology, size_t device,
                                                 PjhValues **out);
PJH_API PjhError *pjh_topology_attributes(const PjhTopology *topology, PjhValues **out);
// A number that is equal for equal topologies.
PJH_API PjhError *pjh_topology_fingerprint(const PjhTopology *topology, uint64_t *out);

// --- Programs ------------------------------------------------------------------------------------

// How to compile; pass null for the defaults, which all fields at zero mean too.
typedef struct PjhCompileOptions {
  // "mlir" (StableHLO as text, MLIR bytecode or a portable artifact), "hlo" (HloModuleProto). Null:
  // "mlir".
  const char *format;
  // The device to run on, by its index in the client or topology, for a program of one device.
  size_t device;
  // A CompileOptionsProto to use as it is, instead of one made from the other fields. Null for
  // none.
  const void *serialized_options;
  size_t serialized_options_size;
  // A further CompileOptionsProto, merged into either as protocol buffers merge: repeated fields
  // and maps, such as env_option_overrides, are joined. Null for none.
  const void *more_options;
  size_t more_options_size;
  // A program of several devices: so many replicas of so many partitions. 0 means 1.
  size_t num_replicas, num_partitions;
  // Their devices, replica by replica: num_replicas * num_partitions indices. Null: the devices
  // from |device| on, in order.
  const size_t *devices;
} PjhCompileOptions;

// Compiles |code| (|code_size| bytes, read during the call only) and loads it onto devices of
// |client|.
//
// A portable artifact that is newer than the StableHLO that the plugin says it reads is written
// anew for that version. Errors: INVALID_ARGUMENT naming the operation that the version does not
// have, with the hint to upgrade the plugin.
PJH_API PjhError *pjh_compile(PjhClient *client, const void *code, size_t code_size,
                              const PjhCompileOptions *options, PjhExecutable **out);

// Compiles ahead of time, for a machine that need not be there. The result tells everything about
// itself and can be serialised; to run it, load it on a client of such a machine.
PJH_API PjhError *pjh_compile_ahead(PjhTopology *topology, const void *code, size_t code_size,
                                    const PjhCompileOptions *options, PjhExecutable **out);

PJH_API void pjh_executable_destroy(PjhExecutable *executable);

// The compiled program as bytes, to be freed by pjh_free. They are for the same plugin, and most
// plugins want the same version of it and the same kind of device.
PJH_API PjhError *pjh_executable_serialize(const PjhExecutable *executable, void **out_data,
                                           size_t *out_size);
// Loads what pjh_executable_serialize gave; |data| is read during the call only. |options|: null
// for those that it was compiled with, else where it is to run instead (interface 0.71 and later).
PJH_API PjhError *pjh_executable_deserialize(PjhClient *client, const void *data, size_t size,
                                             const PjhCompileOptions *options, PjhExecutable **out);
// Loads a result of pjh_compile_ahead onto devices of |client|; |executable| may be loaded again,
// or destroyed. The same as serialising and deserialising.
PJH_API PjhError *pjh_executable_load(PjhClient *client, const PjhExecutable *executable,
                                      const PjhCompileOptions *options, PjhExecutable **out);

// The program's name, ended by zero; "" when the plugin gives none.
PJH_API const char *pjh_executable_name(const PjhExecutable *executable);

// The number of arrays that one execution gives on each device.
PJH_API size_t pjh_executable_num_outputs(const PjhExecutable *executable);
// Element type and shape of output |index|, as far as the plugin tells. |out_dims| lives as long as
// |executable|.
PJH_API PjhError *pjh_executable_output(const PjhExecutable *executable, size_t index,
                                        PJRT_Buffer_Type *out_type, const int64_t **out_dims,
                                        size_t *out_rank);

// How many copies of the program run together, and of how many parts each consists.
PJH_API PjhError *pjh_executable_replicas(const PjhExecutable *executable, size_t *out_replicas,
                                          size_t *out_partitions);
// The devices of this process that run the program, in the order in which executions take their
// arguments: indices in the client. 0 for one that is not loaded.
PJH_API size_t pjh_executable_num_devices(const PjhExecutable *executable);
PJH_API size_t pjh_executable_device(const PjhExecutable *executable, size_t index);

// Estimates such as "flops" and "bytes accessed".
PJH_API PjhError *pjh_executable_cost(const PjhExecutable *executable, PjhValues **out);
// Bytes by purpose: "generated_code_size_in_bytes", "argument_size_in_bytes",
// "output_size_in_bytes", "alias_size_in_bytes", "temp_size_in_bytes", "peak_memory_in_bytes" ...
// Only what the plugin's version of the interface has.
PJH_API PjhError *pjh_executable_memory(const PjhExecutable *executable, PjhValues **out);
// Bytes of machine code; 0 or less: the plugin does not know.
PJH_API PjhError *pjh_executable_code_size(const PjhExecutable *executable, int64_t *out);
// Text (or bytes) that is equal for equal programs: a copy, ended by zero, to be freed by pjh_free.
PJH_API PjhError *pjh_executable_fingerprint(const PjhExecutable *executable, char **out_text,
                                             size_t *out_size);
// The CompileOptionsProto that it was made with, to be freed by pjh_free.
PJH_API PjhError *pjh_executable_options(const PjhExecutable *executable, void **out_data,
                                         size_t *out_size);
// The plugin's form of the compiled program: a copy, to be freed by pjh_free, and its format,
// static. UNIMPLEMENTED is a usual answer.
PJH_API PjhError *pjh_executable_program(const PjhExecutable *executable, char **out_code,
                                         size_t *out_size, const char **out_format);
PJH_API void pjh_free(void *memory); // null allowed

// The plugin's own handles, for calls through pjh_plugin_api; the first is null for a program that
// is not loaded.
PJH_API PJRT_LoadedExecutable *pjh_executable_loaded_handle(const PjhExecutable *executable);
PJH_API PJRT_Executable *pjh_executable_handle(const PjhExecutable *executable);

// Runs the program once and waits for it. |arguments| are |num_arguments| buffers in the order of
// the program's parameters, for each device after the other in the order of pjh_executable_device;
// each lies on its device. |outputs| gets |num_outputs| new buffers in the same order: the number
// must be pjh_executable_num_outputs times that of devices. Arguments that the program donates are
// used up, though still to be destroyed.
//
// Errors: INVALID_ARGUMENT for wrong counts, FAILED_PRECONDITION for a program that is not loaded,
// and whatever the plugin says of types, shapes and the run itself.
PJH_API PjhError *pjh_execute(PjhExecutable *executable, PjhBuffer *const *arguments,
                              size_t num_arguments, PjhBuffer **outputs, size_t num_outputs);

// How to run; null or zeros: the defaults.
typedef struct PjhExecuteOptions {
  bool keep_arguments; // donate nothing, whatever the program says: it copies where it must
  const size_t *keep;  // or only not these parameters: |num_keep| indices
  size_t num_keep;
  int launch_id;             // tells executions apart in a job of several processes
  const char *call_location; // for the plugin's messages, e.g. "serve.c:12"; or null
} PjhExecuteOptions;

// As pjh_execute, but does not wait: the outputs may be used at once as arguments and come to be
// when the run ends. A run that fails makes its outputs errors. |out_done| gets the end of the run
// on all devices; null: nobody asks.
PJH_API PjhError *pjh_execute_start(PjhExecutable *executable, const PjhExecuteOptions *options,
                                    PjhBuffer *const *arguments, size_t num_arguments,
                                    PjhBuffer **outputs, size_t num_outputs, PjhEvent **out_done);

// --- Signatures ----------------------------------------------------------------------------------

// What a program says of its parameters and results.

typedef struct PjhSlot {
  const char *name;      // as the program has it, see below; "" without
  PJRT_Buffer_Type type; // INVALID for what is no array of a type that PJRT knows
  const int64_t *dims;   // -1: left open
  size_t rank;
  bool donated; // a parameter whose memory the program may take
} PjhSlot;

// Reads a StableHLO program (text or a portable artifact) of |size| bytes, which are read during
// the call only. A parameter's name is that of its location, as in `%arg0: tensor<4xf32> loc("x")`,
// where JAX writes what the function calls it, such as "x" or "params['w']"; in text without it,
// that of its value, "arg0". A result's name is its attribute jax.result_info, such as
// "result['y']". Cost: that of reading the whole program.
//
// Errors: INVALID_ARGUMENT for what is no valid program.
PJH_API PjhError *pjh_signature_read(const void *code, size_t size, PjhSignature **out);
PJH_API void pjh_signature_free(PjhSignature *signature); // null allowed

PJH_API size_t pjh_signature_num_parameters(const PjhSignature *signature);
PJH_API size_t pjh_signature_num_results(const PjhSignature *signature);
// Null past the end. They live as long as |signature|.
PJH_API const PjhSlot *pjh_signature_parameter(const PjhSignature *signature, size_t index);
PJH_API const PjhSlot *pjh_signature_result(const PjhSignature *signature, size_t index);
// The index of the first parameter or result of that name; SIZE_MAX when there is none.
PJH_API size_t pjh_signature_find_parameter(const PjhSignature *signature, const char *name);
PJH_API size_t pjh_signature_find_result(const PjhSignature *signature, const char *name);

typedef struct PjhNamed {
  const char *name;
  PjhBuffer *buffer;
} PjhNamed;

// As pjh_execute on one device, with |inputs| in any order. |outputs| name the results that are
// wanted; their buffers are set, the other results are destroyed. Errors: also NOT_FOUND for a name
// that |signature| does not have, INVALID_ARGUMENT for a parameter that has no input or two.
PJH_API PjhError *pjh_execute_named(PjhExecutable *executable, const PjhSignature *signature,
                                    const PjhNamed *inputs, size_t num_inputs, PjhNamed *outputs,
                                    size_t num_outputs);

// --- Arrays --------------------------------------------------------------------------------------

// Copies an array from the host to device |device|. |data| is the first element, in host form:
// elements narrower than a byte take one byte each, booleans are bytes of 0 or 1. |dims| and
// |byte_strides| have |rank| entries; |byte_strides| null means dense and row-major. All are read
// during the call only.
PJH_API PjhError *pjh_buffer_from_host(PjhClient *client, size_t device, const void *data,
                                       PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                                       const int64_t *byte_strides, PjhBuffer **out);
// How the plugin may use the caller's memory.
typedef enum PjhUpload {
  PJH_UPLOAD_COPY = 0,  // it is read during the call only
  PJH_UPLOAD_LATER = 1, // it is read until the release; nobody writes to it before
  PJH_UPLOAD_SHARE = 2, // the buffer may be this memory, until the release; nobody writes to it
  PJH_UPLOAD_GIVE = 3   // the same, and the plugin may write to it
} PjhUpload;

// As pjh_buffer_from_host, without the copy or without the wait. |release| is called once with
// |user| when the plugin is done with |data|: on any thread, perhaps before the function returns,
// and for SHARE and GIVE perhaps not before the buffer is destroyed. Null: nobody asks. On failure
// it is not called, and the plugin is done with |data|.
PJH_API PjhError *pjh_buffer_upload(PjhClient *client, size_t device, const void *data,
                                    PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                                    const int64_t *byte_strides, PjhUpload how,
                                    void (*release)(void *user), void *user, PjhBuffer **out);

// A copy on another device of the client; it may come to be later.
PJH_API PjhError *pjh_buffer_copy_to_device(PjhBuffer *buffer, size_t device, PjhBuffer **out);

PJH_API void pjh_buffer_destroy(PjhBuffer *buffer);

// Frees the memory, once running work is done with it; the handle stays. Deleted and donated
// buffers have no contents any more.
PJH_API PjhError *pjh_buffer_delete(PjhBuffer *buffer);
PJH_API PjhError *pjh_buffer_is_deleted(const PjhBuffer *buffer, bool *out);

// The end of what makes the contents; its error is why there are none.
PJH_API PjhError *pjh_buffer_ready(const PjhBuffer *buffer, PjhEvent **out);
// Whether the contents are there, or will never be.
PJH_API PjhError *pjh_buffer_is_ready(const PjhBuffer *buffer, bool *out);
// Waits for the contents, and says why there are none.
PJH_API PjhError *pjh_buffer_await(const PjhBuffer *buffer);

// The device that holds it: its index in the client.
PJH_API PjhError *pjh_buffer_device(const PjhBuffer *buffer, size_t *out);
// Bytes that it takes there, padding and all.
PJH_API PjhError *pjh_buffer_device_size(const PjhBuffer *buffer, size_t *out);
// The plugin's own handle, for calls through pjh_plugin_api.
PJH_API PJRT_Buffer *pjh_buffer_handle(const PjhBuffer *buffer);

// Element type and shape; the dimensions live as long as |buffer|.
PJH_API PJRT_Buffer_Type pjh_buffer_type(const PjhBuffer *buffer);
PJH_API size_t pjh_buffer_rank(const PjhBuffer *buffer);
PJH_API const int64_t *pjh_buffer_dims(const PjhBuffer *buffer);

// Bytes of the array in host form, dense: what pjh_buffer_to_host writes.
PJH_API size_t pjh_buffer_host_size(const PjhBuffer *buffer);

// Waits for the array and copies it to |dst|, dense and row-major in host form. |dst_size| must be
// pjh_buffer_host_size. A failure of the program that made the array comes out here at the latest.
PJH_API PjhError *pjh_buffer_to_host(PjhBuffer *buffer, void *dst, size_t dst_size);
// As pjh_buffer_to_host, but does not wait: |dst| is filled when |out_done| ends well. |buffer| may
// be destroyed before.
PJH_API PjhError *pjh_buffer_to_host_start(PjhBuffer *buffer, void *dst, size_t dst_size,
                                           PjhEvent **out_done);

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
