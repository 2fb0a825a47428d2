// The program as C: written by src/aot, compiled by the C compiler (flags in PJ_AOT_CFLAGS, -O1 by
// default), loaded. What cannot be written as C runs on the evaluator, and counts as one fallback.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aot/aot.h"
#include "base/alloc.h"
#include "base/log.h"
#include "judge.h"
#include "runtime/compiler.h"

typedef void Entry(void *const *in, void *const *out, void *workspace);

struct PjCompiled {
  PjCompiled *whole; // the evaluator's
  void *library;
  Entry *entry;
  size_t workspace;
};

static PjStatus write_file(const char *path, const PjStrBuf *text) {
  FILE *file = fopen(path, "wb");
  bool ok = file && fwrite(text->data, 1, text->len, file) == text->len;
  if (file)
    ok = !fclose(file) && ok;
  PJ_FAIL_IF(!ok, INTERNAL, "cannot write %s", path);
  return PJ_STATUS_OK;
}

// What calls the program with arrays of addresses.
static void print_caller(const PjModule *module, PjStrBuf *out) {
  const PjRegion *body = &pj_module_entry(module)->regions[0];
  uint32_t n = body->num_args, m = pj_region_terminator(body)->num_operands;
  pj_strbuf_puts(
      out,
      "#include \"program.h\"\n#include <stddef.h>\nconst size_t workspace = PROGRAM_WORKSPACE;\n"
      "void entry(void *const *in, void *const *out, void *memory) {\n  (void)in;\n  (void)out;\n  "
      "program(");
  for (uint32_t i = 0; i < n; ++i)
    pj_strbuf_printf(out, "in[%u], ", i);
  for (uint32_t i = 0; i < m; ++i)
    pj_strbuf_printf(out, "out[%u], ", i);
  pj_strbuf_puts(out, "memory);\n}\n");
}

static PjStatus build(const char *dir, const PjStrBuf *const texts[3], PjCompiled *compiled) {
  static const char *const names[] = {"program.c", "program.h", "caller.c"};
  char path[128], command[512];
  for (int i = 0; i < 3; ++i) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    PJ_TRY(write_file(path, texts[i]));
  }
  const char *flags = getenv("PJ_AOT_CFLAGS");
  snprintf(command, sizeof command,
           "cd %s && ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC %.200s -o program.so "
           "program.c "
           "caller.c -lm",
           dir, flags ? flags : "-O1");
  PJ_FAIL_IF(system(command), INTERNAL, "the C compiler refuses the program in %s", dir);
  snprintf(path, sizeof path, "%s/program.so", dir);
  compiled->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  PJ_FAIL_IF(!compiled->library, INTERNAL, "%s", dlerror());
  *(void **)&compiled->entry = dlsym(compiled->library, "entry");
  const size_t *workspace = dlsym(compiled->library, "workspace");
  PJ_FAIL_IF(!compiled->entry || !workspace, INTERNAL, "the program has no entry");
  compiled->workspace = *workspace;
  snprintf(command, sizeof command, "rm -r %s", dir);
  PJ_FAIL_IF(system(command), INTERNAL, "cannot remove %s", dir);
  return PJ_STATUS_OK;
}

static PjStatus aot_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  PjCompiled *compiled = *out = PJ_NEW(module->arena, PjCompiled);
  PjAotOptions aot = {.name = "program", .header = "program.h", .isa = PJ_ISA_SSE};
  PjAotFiles files = {0};
  PjStrBuf caller = {0};
  PjStatus status = pj_aot_write(module, &aot, &files);
  if (!status) {
    char dir[] = "/tmp/pj-aot-XXXXXX";
    print_caller(module, &caller);
    status = mkdtemp(dir)
                 ? build(dir, (const PjStrBuf *[]){&files.source, &files.header, &caller}, compiled)
                 : PJ_ERROR(INTERNAL, "no folder for a program");
  }
  pj_aot_files_free(&files);
  pj_strbuf_free(&caller);
  if (pj_status_code(status) != PJ_UNIMPLEMENTED)
    return status;
  pj_log(PJ_LOG_FALLBACK, "the whole program: %s", pj_status_message(status));
  pj_status_free(status);
  return pj_compiler_eval.compile(module, options, &compiled->whole);
}

static void aot_destroy(PjCompiled *compiled) {
  if (compiled->whole)
    pj_compiler_eval.destroy(compiled->whole);
  if (compiled->library)
    dlclose(compiled->library);
}

static void aot_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){.temp_bytes = (int64_t)compiled->workspace,
                           .num_fallbacks = compiled->whole != NULL};
}

static PjStatus aot_run(const PjCompiled *compiled, const PjRunContext *context,
                        uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                        uint32_t num_outputs, PjArray *const *outputs) {
  if (compiled->whole)
    return pj_compiler_eval.run(compiled->whole, context, num_inputs, inputs, may_overwrite,
                                num_outputs, outputs);
  void **in = calloc(num_inputs + 1, sizeof *in), **out = calloc(num_outputs + 1, sizeof *out);
  void *workspace = pj_malloc_aligned(compiled->workspace, 64);
  PjStatus status = in && out && workspace ? PJ_STATUS_OK : pj_status_oom();
  for (uint32_t i = 0; i < num_inputs && !status; ++i)
    in[i] = pj_array_host_pointer(inputs[i]);
  for (uint32_t i = 0; i < num_outputs && !status; ++i) {
    status = pj_array_allocate(outputs[i]);
    if (!status)
      out[i] = pj_array_host_pointer(outputs[i]);
  }
  if (!status)
    compiled->entry(in, out, workspace);
  pj_free_aligned(workspace);
  free(in);
  free(out);
  return status;
}

const PjCompilerOps *judge_aot_compiler(void) {
  static PjCompilerOps ops;
  ops = pj_compiler_eval;
  ops.name = "aot";
  ops.compile = aot_compile;
  ops.destroy = aot_destroy;
  ops.stats = aot_stats;
  ops.run = aot_run;
  return &ops;
}
