// Executables: compiled programs. Immutable, shared by threads, reference-counted.
//
// A PjExecutable knows no devices (it can be made from a topology, serialised and loaded); a
// PjLoadedExecutable is one of them with its devices in a client.
#pragma once
#include "runtime/client.h"
#include "runtime/cost.h"
#include "runtime/signature.h"

typedef struct PjExecutable {
  _Atomic int refs;
  _Atomic(void *) surface; // belongs to the PJRT surface: answers that it has prepared
  void (*surface_free)(void *surface);
  const PjCompilerOps *compiler;
  PjArena *arena; // holds the module and the bytes it came from
  PjModule *module;
  // The program of one of several devices on its parts, or NULL: what hosts are shown, and, if
  // options.local, what runs.
  PjModule *local;
  PjStr hlo; // the HloModuleProto that it came from, in |arena|; empty: none
  PjCompiled *compiled;
  PjFfiStates *ffi_states;
  PjCompileOptions options;
  char *option_bytes; // the proto as the host sent it
  size_t option_size;
  PjSignature signature;
  char *name;
  char fingerprint[33];
  PjCost cost;
  bool prefers_inline;    // runs on the thread of the call if it can
  bool cheap;             // takes so little time that the host may as well wait
  _Atomic int64_t run_ns; // about what a run takes, as measured where that is not known; 0: not yet
  PjCompiledStats stats;
} PjExecutable;

// Compiles |code|. |format| is "mlir" (bytecode or text), "hlo" or "hlo_with_config" (XLA's
// protos). Errors: INVALID_ARGUMENT for an unknown format, malformed options or a bad program;
// UNIMPLEMENTED for what is not supported.
PjStatus pj_executable_compile(const PjCompilerOps *compiler, PjStr code, PjStr format,
                               PjStr option_bytes, PjExecutable **out);
PjExecutable *pj_executable_retain(PjExecutable *executable);
void pj_executable_release(PjExecutable *executable); // NULL allowed

// Bytes from which the executable can be made again, appended to |out|; and back. |option_bytes|
// (empty: those of the executable) replace its compile options. Errors of the latter:
// INVALID_ARGUMENT for bytes that are not ours, damaged or of another version.
PjStatus pj_executable_serialize(const PjExecutable *executable, PjStrBuf *out);
PjStatus pj_executable_deserialize(const PjCompilerOps *compiler, PjStr bytes, PjStr option_bytes,
                                   PjExecutable **out);

// The program for hosts, appended to |out|; |*out_format| is static. One that came as HLO goes back
// as "hlo_with_config", as it came: XLA's clients read its signature and layouts there, and may not
// know our StableHLO. Any other is "mlir": StableHLO text. Where it is known what was made of it,
// the module's attribute `pjrt.kernels` lists the steps: name, operations, source, and as far as
// known code_bytes, bytes and flops of one run.
PjStatus pj_executable_program(const PjExecutable *executable, PjStrBuf *out,
                               const char **out_format);
// Takes `pjrt.kernels` from a program that was written so: it is the same program as before. Under
// the guard of the module's arena.
void pj_executable_forget_kernels(PjModule *module);

typedef struct PjMeeting PjMeeting;
typedef struct PjMeetingPlace PjMeetingPlace;

typedef struct PjLogicalId {
  int replica, partition;
} PjLogicalId;

typedef struct PjLoadedExecutable {
  _Atomic int refs;
  PjClient *client;
  PjExecutable *executable;
  int num_devices;    // replicas times partitions; 0: portable
  PjDevice **devices; // replica-major
  int *device_ids;
  PjLogicalId *logical_ids;
  _Atomic bool deleted;
  PjMeetingPlace *place; // of executions that come device by device; NULL: for one device
} PjLoadedExecutable;

// Places |executable| (retained) on the client's devices. Errors: INVALID_ARGUMENT if it wants
// devices that are not there.
PjStatus pj_executable_load(PjClient *client, PjExecutable *executable, PjLoadedExecutable **out);
PjLoadedExecutable *pj_loaded_retain(PjLoadedExecutable *loaded);
void pj_loaded_release(PjLoadedExecutable *loaded); // NULL allowed
