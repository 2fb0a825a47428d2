// Running programs through the compiler vtable, as the runtime does, on arrays with guards.
#pragma once
#include "eval/tensor.h"
#include "runtime/executable.h"

enum { RUN_MAX_CLIENTS = 8, RUN_LANES = 2 };

// A compiler and one client per count of threads.
typedef struct Runner {
  const PjCompilerOps *compiler;
  PjPlatform platform;
  int num_clients;
  int threads[RUN_MAX_CLIENTS];
  PjClient *clients[RUN_MAX_CLIENTS];
} Runner;

PjStatus runner_create(const PjCompilerOps *compiler, int count, const int *threads,
                       Runner **out_runner);
void runner_destroy(Runner *runner); // NULL allowed

// Compiles |text| for one device; release with pj_executable_release.
PjStatus runner_compile(Runner *runner, PjStr text, PjExecutable **out);

// Runs on client |index|. |inputs| are copied to memory that ends where no access is allowed (up to
// the alignment that the runtime promises); those that the program's signature donates may be
// overwritten. |outputs| are set to new tensors; NULL on failure. Errors: the program's; INTERNAL
// where the compiler breaks its contract: a result without memory, an input that changed. Threads:
// at the same time on different |lane|s below RUN_LANES, which have memory of their own.
PjStatus runner_run_on(Runner *runner, int index, int lane, PjExecutable *executable,
                       PjTensor *const *inputs, PjTensor **outputs);
PjStatus runner_run(Runner *runner, int index, PjExecutable *executable, PjTensor *const *inputs,
                    PjTensor **outputs); // on lane 0

// Inputs for |executable|'s entry as its arguments say (inputs.h), new references.
PjStatus run_make_inputs(const PjExecutable *executable, PjTensor **out_inputs);
void run_release(uint32_t count, PjTensor **tensors);
