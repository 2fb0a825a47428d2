// pjrt-suite: runs folders of StableHLO test programs and says per folder how many behave as they
// must.
//
// Each file is judged in a process of its own, so that a crash or a hang is one failure with a
// reason. Files without a folder rule are skipped and counted as such.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "suite.h"

// The runner's own lists are alive while its children look for leaks of the library.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define NOT_A_LEAK(pointer) __lsan_ignore_object(pointer)
#else
#define NOT_A_LEAK(pointer) ((void)(pointer))
#endif

enum { TIMEOUT_SECONDS = 120, REASON_SIZE = 1000, MAX_JOBS = 16 };

typedef struct Rule {
  const char *folder, *suffix;
  SuiteMode mode;
} Rule;

static const Rule rules[] = {
    {"testdata", ".mlir", SUITE_RUN},
    {"quantized", ".mlir", SUITE_RUN},
    {"dynamic", ".mlir", SUITE_ROUNDTRIP},
    {"interpret", ".mlir", SUITE_RUN},
    {"math", ".mlir", SUITE_RUN},
    {"vhlo", ".bc", SUITE_VHLO},
    {"verify_negative", ".mlir", SUITE_NEGATIVE},
    {"one_device", ".bc", SUITE_SMOKE},
    {"many_devices", ".bc", SUITE_ROUNDTRIP},
};

typedef struct Job {
  pid_t pid;
  int pipe;
  const char *name;
} Job;

typedef struct Folder {
  const char *path;
  unsigned passed, failed, skipped;
  SuiteStats stats;
} Folder;

static const PjCompilerOps *compiler; // NULL: the evaluator, without the runtime

static bool ends_with(const char *text, const char *suffix) {
  size_t n = strlen(text), m = strlen(suffix);
  return n >= m && !strcmp(text + n - m, suffix);
}

// The suite's own marks: a first line RUN-DISABLED names programs that its interpreter cannot run
// (or not accurately): they are read and written back only.
static SuiteMode mode_of(SuiteMode mode, const char *path) {
  char line[64] = "";
  FILE *file = fopen(path, "r");
  if (file) {
    if (!fgets(line, sizeof line, file))
      line[0] = 0;
    fclose(file);
  }
  return mode == SUITE_RUN && strstr(line, "RUN-DISABLED") ? SUITE_ROUNDTRIP : mode;
}

static void start(Job *job, SuiteMode mode, const char *path, const char *name) {
  int ends[2];
  if (pipe(ends) != 0) {
    perror("pipe");
    exit(2);
  }
  fflush(stdout);
  job->name = name;
  job->pid = fork();
  if (job->pid < 0) {
    perror("fork");
    exit(2);
  }
  if (job->pid == 0) {
    close(ends[0]);
    alarm(TIMEOUT_SECONDS);
    SuiteStats stats = {0};
    PjStatus status = suite_judge(mode_of(mode, path), path, compiler, &stats);
    char reason[REASON_SIZE] = "";
    if (status)
      snprintf(reason, sizeof reason, "%s: %s", pj_code_name(pj_status_code(status)),
               pj_status_message(status));
    int failed = status != NULL;
    pj_status_free(status);
    if (write(ends[1], &stats, sizeof stats) < 0 || write(ends[1], reason, strlen(reason)) < 0)
      exit(2);
    exit(failed);
  }
  close(ends[1]);
  job->pipe = ends[0];
}

static void finish(Folder *folder, Job *job) {
  char reason[REASON_SIZE + 1];
  size_t len = 0;
  ssize_t got;
  SuiteStats stats;
  if (read(job->pipe, &stats, sizeof stats) == sizeof stats) {
    folder->stats.compiled += stats.compiled;
    folder->stats.with_fallbacks += stats.with_fallbacks;
    folder->stats.fallbacks += stats.fallbacks;
    folder->stats.evaluated += stats.evaluated;
  }
  while (len < REASON_SIZE && (got = read(job->pipe, reason + len, REASON_SIZE - len)) > 0)
    len += (size_t)got;
  reason[len] = 0;
  for (char *c = reason; *c; ++c)
    if (*c == '\n')
      *c = ' ';
  close(job->pipe);
  int status;
  waitpid(job->pid, &status, 0);
  job->pid = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    ++folder->passed;
    return;
  }
  ++folder->failed;
  if (WIFSIGNALED(status))
    printf("FAIL %s: %s\n", job->name,
           WTERMSIG(status) == SIGALRM ? "no end within the time limit"
                                       : strsignal(WTERMSIG(status)));
  else
    printf("FAIL %s: %s\n", job->name, len ? reason : "ended without a reason");
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(const char *folder, const char *name) {
  char *path = malloc(strlen(folder) + strlen(name) + 2);
  if (!path)
    exit(2);
  NOT_A_LEAK(path);
  sprintf(path, "%s/%s", folder, name);
  return path;
}

static void show_stats(const SuiteStats *stats) {
  if (compiler && stats->compiled + stats->with_fallbacks + stats->evaluated)
    printf("%-60s %lld programs compiled wholly, %lld with %lld operations left to the evaluator, "
           "%lld "
           "not compiled\n",
           "", (long long)stats->compiled, (long long)stats->with_fallbacks,
           (long long)stats->fallbacks, (long long)stats->evaluated);
}

static void run_folder(const char *path, const char *filter, unsigned jobs, Folder *totals) {
  DIR *dir = opendir(path);
  if (!dir) {
    fprintf(stderr, "pjrt-suite: %s: %s\n", path, strerror(errno));
    exit(2);
  }
  char **names = NULL;
  size_t count = 0, capacity = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (entry->d_name[0] == '.')
      continue;
    if (count == capacity)
      names = realloc(names, (capacity = capacity ? capacity * 2 : 64) * sizeof *names);
    if (!names || !(names[count++] = strdup(entry->d_name)))
      exit(2);
    NOT_A_LEAK(names[count - 1]);
  }
  closedir(dir);
  if (names)
    NOT_A_LEAK(names);
  if (count)
    qsort(names, count, sizeof *names, by_name);
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  const Rule *rule = NULL;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; ++i)
    if (!strcmp(rules[i].folder, base))
      rule = &rules[i];

  Folder folder = {.path = path};
  Job running[MAX_JOBS] = {0};
  unsigned next = 0;
  for (size_t i = 0; i < count; ++i) {
    char *full = join(path, names[i]);
    struct stat info;
    if (stat(full, &info) == 0 && S_ISREG(info.st_mode) && rule &&
        ends_with(names[i], rule->suffix) && (!filter || strstr(full, filter))) {
      Job *job = &running[next++ % jobs];
      if (job->pid)
        finish(&folder, job);
      start(job, rule->mode, full, names[i]);
    }
    free(full);
  }
  for (unsigned i = 0; i < jobs; ++i)
    if (running[next % jobs].pid || jobs) {
      Job *job = &running[(next + i) % jobs];
      if (job->pid)
        finish(&folder, job);
    }
  if (rule && folder.passed + folder.failed) {
    printf("%-60s %u passed, %u failed\n", path, folder.passed, folder.failed);
    show_stats(&folder.stats);
  }
  fflush(stdout);
  totals->passed += folder.passed;
  totals->failed += folder.failed;
  totals->stats.compiled += folder.stats.compiled;
  totals->stats.with_fallbacks += folder.stats.with_fallbacks;
  totals->stats.fallbacks += folder.stats.fallbacks;
  totals->stats.evaluated += folder.stats.evaluated;
  for (size_t i = 0; i < count; ++i) {
    char *full = join(path, names[i]);
    struct stat info;
    if (stat(full, &info) == 0 && S_ISDIR(info.st_mode))
      run_folder(full, filter, jobs, totals);
    free(full);
    free(names[i]);
  }
  free(names);
}

static const char usage[] =
    "usage: pjrt-suite [--compiler NAME] PATH [FILTER]\n"
    "\n"
    "Judges StableHLO test programs: every file below the folder PATH whose path contains FILTER, "
    "or the one file PATH. What is asked of a file\n"
    "follows from its folder: testdata, quantized, interpret, math: run, all checks hold; dynamic, "
    "many_devices: text and artifact\n"
    "read back equal; vhlo: artifacts read, equal to the text beside them; verify_negative: "
    "refused with INVALID_ARGUMENT;\n"
    "one_device: read, written, run on made-up inputs.\n"
    "Prints a line per failure with its reason, and per folder the numbers. Exit status: 0 all as "
    "expected, 1 not, 2 wrong use.\n"
    "--compiler runs programs through the compiler NAME (eval, native, passes, aot, or default: "
    "what "
    "the plugin "
    "uses), on 1, 2 and 5 threads, with and\n"
    "without their constants, and compares those without checks with the evaluator.\n"
    "PJ_SUITE_JOBS sets the number of files judged at once (default: the processors).\n";

int main(int argc, char **argv) {
  if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    fputs(usage, stdout);
    return 0;
  }
  if (argc >= 3 && !strcmp(argv[1], "--compiler")) {
    compiler = judge_compiler(argv[2]);
    argc = compiler ? argc - 2 : 0;
    argv += 2;
  }
  if (argc < 2 || argc > 3) {
    fputs(usage, stderr);
    return 2;
  }
  long jobs =
      getenv("PJ_SUITE_JOBS") ? atol(getenv("PJ_SUITE_JOBS")) : sysconf(_SC_NPROCESSORS_ONLN);
  jobs = jobs < 1 ? 1 : jobs > MAX_JOBS ? MAX_JOBS : jobs;
  size_t len = strlen(argv[1]);
  while (len > 1 && argv[1][len - 1] == '/')
    argv[1][--len] = 0;
  struct stat info;
  if (stat(argv[1], &info) == 0 &&
      S_ISREG(info.st_mode)) { // one file, in this process: for debuggers
    SuiteMode mode = SUITE_RUN;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; ++i) {
      char part[80];
      snprintf(part, sizeof part, "/%s/", rules[i].folder);
      if (strstr(argv[1], part))
        mode = rules[i].mode;
    }
    SuiteStats stats = {0};
    PjStatus status = suite_judge(mode_of(mode, argv[1]), argv[1], compiler, &stats);
    show_stats(&stats);
    printf("%s%s%s\n", status ? "FAIL " : "ok", status ? pj_code_name(pj_status_code(status)) : "",
           status ? ":" : "");
    if (status)
      printf("%s\n", pj_status_message(status));
    int code = status != NULL;
    pj_status_free(status);
    return code;
  }
  Folder totals = {0};
  run_folder(argv[1], argc > 2 ? argv[2] : NULL, (unsigned)jobs, &totals);
  show_stats(&totals.stats);
  printf("%u passed, %u failed\n", totals.passed, totals.failed);
  if (!totals.passed && !totals.failed) { // nobody meant that, and it must not look like a pass
    fprintf(stderr, "pjrt-suite: %s: no program to judge\n", argv[1]);
    return 2;
  }
  return totals.failed != 0;
}
