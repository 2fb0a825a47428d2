"""Plugins in front of the CPU plugin that lack something or do something wrong, made with the C compiler."""

import subprocess

SOURCE = r"""
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pjrt/pjrt_c_api.h"

static const PJRT_Api *inner;
static PJRT_Api outer;

static PJRT_Error *compile(PJRT_Client_Compile_Args *args) {
  PJRT_Program program = *args->program;
  char *code = malloc(program.code_size + 1);
  memcpy(code, program.code, program.code_size);
  code[program.code_size] = 0;
  program.code = code;
  char *at = strstr(code, TRIGGER);
  if (at) {
    FAULT;
  }
  args->program = &program;
  PJRT_Error *error = inner->PJRT_Client_Compile(args);
  free(code);
  return error;
}

const PJRT_Api *GetPjrtApi(void) {
  PJRT_GetPjrtApi *get = (PJRT_GetPjrtApi *)dlsym(dlopen(INNER, RTLD_LAZY | RTLD_LOCAL), "GetPjrtApi");
  inner = get();
  outer = *inner;
  outer.PJRT_Client_Compile = compile;
  CHANGE;
  return &outer;
}
"""


def make(folder, inner, include, fault="(void)at", change="(void)0", name="odd", trigger="stablehlo.tanh"):
    """FAULT is run when a program with |trigger| is compiled (|at|: where in its text), CHANGE on the function table."""
    (folder / f"{name}.c").write_text(SOURCE)
    library = folder / f"{name}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-w", f"-I{include}", f"-DFAULT={fault}", f"-DCHANGE={change}",
                    f'-DINNER="{inner}"', f'-DTRIGGER="{trigger}"', "-o", library, folder / f"{name}.c", "-ldl"], check=True)
    return library
