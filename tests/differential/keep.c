// See keep.h.
#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npy.h"

static PjStatus write_text(const char *folder, const char *file, PjStr text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  FILE *out = fopen(path, "wb");
  bool ok = out && fwrite(text.ptr, 1, text.len, out) == text.len;
  if (out)
    ok = !fclose(out) && ok;
  PJ_FAIL_IF(!ok, UNKNOWN, "cannot write %s", path);
  return PJ_STATUS_OK;
}

static void write_arrays(const char *folder, const char *what, uint32_t count,
                         PjTensor *const *tensors) {
  for (uint32_t i = 0; i < count; ++i) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s%u.npy", folder, what, i);
    const PjTensor *t = tensors[i];
    if (t)
      pj_status_free(pj_npy_write(path, (PJRT_Buffer_Type)pj_dtype_info[t->dtype].pjrt, t->dims,
                                  (size_t)t->rank, t->data, t->bytes));
  }
}

// In a process that may die on the way: what was written before stays.
static void write_values(const TrialOptions *options, const char *folder, PjStr text) {
  Runner *runner, *oracle;
  PjExecutable *executable;
  PjTensor *in[64] = {0}, *out[64] = {0};
  trial_limit(options->limit_seconds);
  if (trial_setup(options, &runner, &oracle) || runner_compile(oracle, text, &executable))
    return;
  uint32_t num_in = executable->signature.num_params, num_out = executable->signature.num_results;
  if (num_in > 64 || num_out > 64 || run_make_inputs(executable, in))
    return;
  write_arrays(folder, "input", num_in, in);
  if (runner_run(oracle, 0, executable, in, out))
    return;
  write_arrays(folder, "expected", num_out, out);
  if (runner_compile(runner, text, &executable) || runner_run(runner, 0, executable, in, out))
    return;
  write_arrays(folder, "result", num_out, out);
}

static PjStatus make_folder(const char *path) {
  PJ_FAIL_IF(mkdir(path, 0777) != 0 && errno != EEXIST, UNKNOWN, "cannot make the folder %s", path);
  return PJ_STATUS_OK;
}

PjStatus keep_failure(const TrialOptions *options, const char *folder, const char *name,
                      const Report *report, PjStr text, PjStr reduced) {
  char path[400];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  PJ_TRY(make_folder(folder));
  PJ_TRY(make_folder(path));
  PJ_TRY(write_text(path, "program.mlir", text));
  if (reduced.len)
    PJ_TRY(write_text(path, "reduced.mlir", reduced));
  PjStrBuf words = {0};
  pj_strbuf_printf(&words, "%s: %s\n%s\n\nagain: pj-differential --compiler %s %s/%s\n", name,
                   verdict_names[report->verdict], report->text.data ? report->text.data : "",
                   options->compiler->name, path, reduced.len ? "reduced.mlir" : "program.mlir");
  PjStatus status = write_text(path, "report.txt", (PjStr){words.data, words.len});
  pj_strbuf_free(&words);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    write_values(options, path, reduced.len ? reduced : text);
    _exit(0);
  }
  if (pid > 0)
    waitpid(pid, NULL, 0);
  return status;
}
