// Runs on devices whose memory the host cannot address.
//
// The host's compilers read and write host memory. Such a run gets shadows of its arrays: copies in
// host memory, or, where the device runs programs itself (PjDeviceOps.launch), arrays at the
// addresses that the device names. Programs of several devices meet on the host, hence run on
// copies always: two of them in the queues of two devices in another order would wait for each
// other.
#pragma once
#include "runtime/compiler.h"

// As |compiler|->run, for arrays in any memory.
PjStatus pj_compiled_run(const PjCompilerOps *compiler, const PjCompiled *compiled,
                         const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                         const bool *may_overwrite, uint32_t num_outputs, PjArray *const *outputs);

// As |compiler|->start, for arrays in any memory: a run that a device does by itself needs no
// thread of the host's while it lasts.
bool pj_compiled_start(const PjCompilerOps *compiler, const PjCompiled *compiled,
                       const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                       const bool *may_overwrite, uint32_t num_outputs, PjArray *const *outputs,
                       PjThenFn *then, void *user);
