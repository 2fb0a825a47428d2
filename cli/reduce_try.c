// See reduce_try.h. The child tells its verdict, one byte and a text, through a pipe; one that ends
// without has crashed, or was ended by its alarm.
#include "reduce_try.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ir/float_bits.h"
#include "reduce_inputs.h"
#include "subject.h"

// --- In the child -------------------------------------------------------------------------------

typedef struct Output {
  PJRT_Buffer_Type type;
  char *data;
  size_t size;
} Output;

typedef struct Outputs {
  size_t count;
  Output *items;
} Outputs;

// Runs the program once; the outputs stay, nothing is freed: the process ends soon. A plugin that
// cannot even be loaded is no fault of the program: |*opened|.
static PjStatus run_on(const PjPluginArgs *plugin, PjStr program, const PjInputs *inputs,
                       Outputs *out, bool *opened) {
  PjSubject s = {0};
  *opened = false;
  PJ_TRY(pj_plugin_open(plugin, &s.plugin, &s.client));
  *opened = true;
  PJ_TRY(pj_subject_compile(&s, program, "mlir", 0, inputs));
  PJ_TRY(pj_inputs_send(inputs, s.client, 0, s.buffers));
  PjhBuffer **buffers = s.buffers + inputs->count;
  PJ_TRY(pj_plugin_status(
      pjh_execute(s.executable, s.buffers, inputs->count, buffers, s.num_outputs)));
  out->count = s.num_outputs;
  out->items = pj_calloc(s.num_outputs + 1, sizeof *out->items);
  if (!out->items)
    return pj_status_oom();
  for (size_t i = 0; i < out->count; i++) {
    Output *item = &out->items[i];
    item->type = pjh_buffer_type(buffers[i]);
    item->size = pjh_buffer_host_size(buffers[i]);
    item->data = pj_malloc(item->size + 1);
    if (!item->data)
      return pj_status_oom();
    PJ_TRY(pj_plugin_status(pjh_buffer_to_host(buffers[i], item->data, item->size)));
  }
  return PJ_STATUS_OK;
}

static double element(PjDtype part, const char *data) {
  uint64_t bits = 0;
  memcpy(&bits, data, pj_dtype_bytes(part));
  return pj_float_from_bits(part, bits);
}

static bool is_near(double a, double b, double tolerance) {
  if (isnan(a) || isnan(b))
    return isnan(a) && isnan(b);
  if (isinf(a) || isinf(b))
    return a == b;
  return fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

// Says where the outputs differ first; false if they do not.
static bool find_difference(const Outputs *got, const Outputs *expected, double tolerance,
                            char *text, size_t room) {
  for (size_t i = 0; i < got->count && i < expected->count; i++) {
    const Output *a = &got->items[i], *b = &expected->items[i];
    PjDtype part = pj_dtype_part(pj_dtype_from_pjrt((int)a->type));
    size_t bytes = pj_dtype_bytes(part);
    if (a->type != b->type || a->size != b->size) {
      snprintf(text, room, "output %zu has another type", i);
      return true;
    }
    for (size_t at = 0; bytes && at + bytes <= a->size; at += bytes) {
      bool same = pj_dtype_is_float(part)
                      ? is_near(element(part, a->data + at), element(part, b->data + at), tolerance)
                      : memcmp(a->data + at, b->data + at, bytes) == 0;
      if (same)
        continue;
      snprintf(text, room, "output %zu differs", i);
      return true;
    }
  }
  return false;
}

static PjFaultKind judge(const PjTryArgs *args, PjStr program, const int64_t *from, char *text,
                         size_t room) {
  PjInputs inputs;
  Outputs got = {0}, expected = {0};
  PjFaultKind kind = PJ_FAULT_BROKEN;
  bool opened;
  PjStatus status = pj_inputs_derive(program, args->inputs, from, &inputs);
  if (!status) {
    status = run_on(&args->plugin, program, &inputs, &got, &opened);
    kind = opened ? PJ_FAULT_ERROR : PJ_FAULT_BROKEN;
  }
  if (!status && args->differs) {
    PjPluginArgs reference = {.path = args->differs};
    kind = PJ_FAULT_BROKEN;
    status = run_on(&reference, program, &inputs, &expected, &opened);
  }
  if (status) {
    snprintf(text, room, "%s: %s", pj_code_name(pj_status_code(status)), pj_status_message(status));
    return kind;
  }
  bool differs = args->differs && find_difference(&got, &expected, args->tolerance, text, room);
  return differs ? PJ_FAULT_DIFFERS : PJ_FAULT_NONE;
}

static void run_child(const PjTryArgs *args, PjStr program, const int64_t *from, int pipe_end) {
  PjFault fault = {0};
  int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
  }
  fault.kind = judge(args, program, from, fault.text, sizeof fault.text);
  _exit(write(pipe_end, &fault, sizeof fault) == sizeof fault ? 0 : 1);
}

// --- In the parent ------------------------------------------------------------------------------

// The file that a shell command gets.
static PjStatus write_candidate(PjStr program, char *path) {
  const char *folder = getenv("TMPDIR");
  snprintf(path, 256, "%.200s/pjrt-reduce-XXXXXX.mlir", folder && *folder ? folder : "/tmp");
  int fd = mkstemps(path, 5);
  PJ_FAIL_IF(fd < 0, UNAVAILABLE, "cannot make %s: %s", path, strerror(errno));
  bool good = true;
  for (size_t done = 0; good && done < program.len;) {
    ssize_t n = write(fd, program.ptr + done, program.len - done);
    good = n > 0;
    done += good ? (size_t)n : 0;
  }
  good = close(fd) == 0 && good;
  if (good)
    return PJ_STATUS_OK;
  unlink(path);
  return PJ_ERROR(UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
}

static void run_shell(const char *command, char *path) {
  size_t room = strlen(command) + 8;
  char *text = malloc(room);
  if (!text)
    _exit(127);
  snprintf(text, room, "%s \"$1\"", command);
  int null = open("/dev/null", O_WRONLY);
  if (null >= 0) {
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
  }
  execl("/bin/sh", "sh", "-c", text, "sh", path, (char *)NULL);
  _exit(127);
}

// What becomes of a child that may take |limit_s|; it leads a group of processes, which ends with
// it.
static bool wait_for(pid_t child, double limit_s, int *status) {
  double began = pj_seconds();
  useconds_t pause = 200;
  while (waitpid(child, status, WNOHANG) == 0) {
    if (pj_seconds() - began > limit_s) {
      kill(-child, SIGKILL);
      waitpid(child, status, 0);
      return false;
    }
    usleep(pause);
    pause = pause < 20000 ? pause * 2 : pause;
  }
  kill(-child, SIGKILL);
  return true;
}

static void read_verdict(const PjTryArgs *args, int pipe_end, int status, PjFault *out) {
  if (WIFSIGNALED(status)) {
    out->kind = args->test ? PJ_FAULT_NONE : PJ_FAULT_CRASH;
    snprintf(out->text, sizeof out->text, "crash (%s)", strsignal(WTERMSIG(status)));
  } else if (args->test) {
    out->kind = WEXITSTATUS(status) == 0 ? PJ_FAULT_TEST : PJ_FAULT_NONE;
    snprintf(out->text, sizeof out->text, "the test exits with %d", WEXITSTATUS(status));
  } else if (read(pipe_end, out, sizeof *out) != sizeof *out) {
    out->kind = PJ_FAULT_CRASH; // it has called exit
    snprintf(out->text, sizeof out->text, "exit with status %d", WEXITSTATUS(status));
  }
  out->text[sizeof out->text - 1] = 0;
}

PjStatus pj_try(const PjTryArgs *args, PjStr program, const int64_t *from, PjFault *out) {
  char path[256] = "";
  int ends[2], status = 0;
  *out = (PjFault){0};
  if (args->test)
    PJ_TRY(write_candidate(program, path));
  if (pipe(ends) != 0) {
    unlink(path);
    return PJ_ERROR(UNAVAILABLE, "no pipe: %s", strerror(errno));
  }
  pid_t child = fork();
  if (child == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    close(ends[0]);
    if (args->test)
      run_shell(args->test, path);
    else
      run_child(args, program, from, ends[1]);
  }
  close(ends[1]);
  if (child > 0) {
    setpgid(child, child); // whoever comes first
    if (wait_for(child, args->limit_s, &status))
      read_verdict(args, ends[0], status, out);
    else
      *out = (PjFault){args->test ? PJ_FAULT_NONE : PJ_FAULT_HANG, "no end within the limit"};
  }
  close(ends[0]);
  if (*path)
    unlink(path);
  return child > 0 ? PJ_STATUS_OK : PJ_ERROR(UNAVAILABLE, "no process: %s", strerror(errno));
}

bool pj_fault_same(const PjFault *a, const PjFault *b) {
  if (a->kind != b->kind)
    return false;
  if (a->kind != PJ_FAULT_ERROR && a->kind != PJ_FAULT_CRASH)
    return true;
  const char *x = a->text, *y = b->text;
  for (;;) {
    while (*x >= '0' && *x <= '9')
      x++;
    while (*y >= '0' && *y <= '9')
      y++;
    if (*x != *y)
      return false;
    if (!*x)
      return true;
    x++, y++;
  }
}
