// The passes alone, as a compiler: what they make of a program runs on the evaluator. A difference
// is then theirs, not that of kernels.
#include "pass/pass.h"

#include "judge.h"

static PjStatus compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  const PjPassOptions pass_options = {.verify = true};
  PjModule *simple;
  *out = NULL;
  PJ_TRY(pj_passes_run(module->arena, module, &pass_options, &simple));
  return pj_compiler_eval.compile(simple, options, out);
}

const PjCompilerOps *judge_passes_compiler(void) {
  static PjCompilerOps compiler;
  compiler = pj_compiler_eval;
  compiler.name = "passes";
  compiler.compile = compile;
  return &compiler;
}
