// See plant.h.
#include "plant.h"

#include "perturb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/client.h"

static PjCompilerOps planted;
static const char *kind_name;

// Programs whose inexact operations err. The same in every run.
static PjStatus compile_noisy(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  perturb_module(module, *kind_name == 'n' ? 0.9 : 100, PERTURB_PLAIN);
  return pj_compiler_eval.compile(module, options, out);
}

static PjStatus run_noisy(const PjCompiled *compiled, const PjRunContext *context,
                          uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                          uint32_t num_outputs, PjArray *const *outputs) {
  PJ_TRY(perturb_start(1234567));
  return pj_compiler_eval.run(compiled, context, num_inputs, inputs, may_overwrite, num_outputs,
                              outputs);
}

// Which result to spoil: the largest of those that have elements of a byte or more.
static PjArray *victim(uint32_t count, PjArray *const *outputs) {
  PjArray *chosen = NULL;
  for (uint32_t i = 0; i < count; ++i)
    if (outputs[i]->shape->num_elements > 1 && outputs[i]->shape->dtype != PJ_DT_PRED &&
        (!chosen || outputs[i]->shape->num_elements > chosen->shape->num_elements))
      chosen = outputs[i];
  return chosen;
}

static PjStatus run(const PjCompiled *compiled, const PjRunContext *context, uint32_t num_inputs,
                    PjArray *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                    PjArray *const *outputs) {
  static _Atomic int running;
  int others = running++;
  if (*kind_name == 's') // long enough that another run begins
    usleep(2000);
  others |= running > 1;
  PjStatus status = pj_compiler_eval.run(compiled, context, num_inputs, inputs, may_overwrite,
                                         num_outputs, outputs);
  --running;
  PJ_TRY(status);
  PjArray *spoiled = victim(num_outputs, outputs);
  if (!spoiled)
    return PJ_STATUS_OK;
  const PjShape *shape = spoiled->shape;
  size_t n = (size_t)shape->num_elements, bytes = pj_dtype_bytes(shape->dtype);
  char *data = pj_array_host_pointer(spoiled);
  switch (*kind_name) {
  case 'b':
    data[n / 2 * bytes] ^= 1;
    break;
  case 'l':
    memcpy(data + (n - 1) * bytes, data + (n - 2) * bytes, bytes);
    break;
  case 'i':
    for (uint32_t i = 0; i < num_inputs; ++i)
      if (!may_overwrite[i] && inputs[i]->shape->num_bytes)
        *(char *)pj_array_host_pointer(inputs[i]) ^= 1;
    break;
  case 't':
    if (pj_threads_count(context->client->threads) > 1)
      data[0] ^= 1;
    break;
  case 's':
    data[0] ^= others != 0;
    break;
  case 'c':
    abort();
  case 'h':
    for (;;)
      sleep(1);
  default:
    return PJ_ERROR(UNIMPLEMENTED, "planted");
  }
  return PJ_STATUS_OK;
}

const PjCompilerOps *plant_compiler(const char *name) {
  static const char *const names[] = {"bit",  "last",   "input",  "threads", "crash",
                                      "hang", "refuse", "shared", "noise",   "loud"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(name, names[i]) != 0)
      continue;
    planted = pj_compiler_eval;
    planted.name = "planted";
    planted.run = run;
    kind_name = names[i];
    if (!strcmp(name, "noise") || !strcmp(name, "loud")) {
      planted.compile = compile_noisy;
      planted.run = run_noisy;
    }
    return &planted;
  }
  return NULL;
}
