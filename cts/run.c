// Tests in processes of their own: starting, time limits, collecting.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "kit.h"

const char *const pj_cts_verdict_name[PJ_CTS_NUM_VERDICTS] = {
    "no verdict", "passed", "failed", "crashed", "hung", "not offered", "unsupported"};

bool pj_cts_failed(PjCtsVerdict verdict) {
  return verdict == PJ_CTS_RUNNING || verdict == PJ_CTS_FAILED || verdict == PJ_CTS_CRASHED ||
         verdict == PJ_CTS_HUNG;
}

typedef struct Job {
  pid_t pid;
  size_t index;
  double started;
  int output;
  PjCtsRecord *record;
  bool killed;
} Job;

enum { MAX_ARGS = 160, TAIL = 1500 };

static void start_job(Job *job, const PjCtsRun *run, size_t index, char **arguments,
                      size_t num_arguments) {
  int record = memfd_create("pjrt-check-record", 0);
  int output = memfd_create("pjrt-check-output", MFD_CLOEXEC);
  if (record < 0 || output < 0 || ftruncate(record, sizeof(PjCtsRecord))) {
    perror("pjrt check: memory for a test's record");
    exit(PJ_CTS_EXIT_USAGE);
  }
  *job = (Job){.index = index, .output = output, .started = pj_now()};
  job->record = mmap(NULL, sizeof *job->record, PROT_READ | PROT_WRITE, MAP_SHARED, record, 0);
  if (job->record == MAP_FAILED) {
    perror("pjrt check: memory for a test's record");
    exit(PJ_CTS_EXIT_USAGE);
  }
  job->record->slot = -1;
  char number[16];
  snprintf(number, sizeof number, "%d", record);
  const char *argv[MAX_ARGS];
  size_t n = 0;
  argv[n++] = "pjrt";
  argv[n++] = "check";
  argv[n++] = "--report";
  argv[n++] = number;
  argv[n++] = "--one";
  argv[n++] = run->results[index].test->name;
  for (size_t i = 0; i < num_arguments; i++)
    argv[n++] = arguments[i];
  argv[n++] = run->plugin;
  argv[n] = NULL;
  job->pid = fork();
  if (job->pid == 0) {
    setpgid(0, 0); // so that the time limit also ends what the plugin started
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0}); // crashes are no surprise here
    dup2(output, 1);
    dup2(output, 2);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0)
      dup2(null, 0);
    setenv("MALLOC_PERTURB_", "165", 0); // freed memory is overwritten, so that later use shows
    execv("/proc/self/exe", (char **)argv);
    _exit(127);
  }
  close(record);
  if (job->pid < 0) {
    perror("pjrt check: starting a test");
    exit(PJ_CTS_EXIT_USAGE);
  }
  setpgid(job->pid, job->pid);
}

// The end of what the process wrote, from the start of a line.
static char *tail_of(int output) {
  off_t size = lseek(output, 0, SEEK_END);
  off_t from = size > TAIL ? size - TAIL : 0;
  char *text = calloc(1, (size_t)(size - from) + 1);
  if (!text || pread(output, text, (size_t)(size - from), from) < 0)
    return text;
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
      *c = '?';
  char *line = from ? strchr(text, '\n') : NULL;
  if (line)
    memmove(text, line + 1, strlen(line + 1) + 1);
  return text;
}

static void finish_job(Job *job, int status, PjCtsRun *run, double limit) {
  PjCtsResult *result = &run->results[job->index];
  PjCtsRecord *record = job->record;
  result->seconds = pj_now() - job->started;
  result->output = tail_of(job->output);
  char text[4096], in[128] = "";
  record->message[sizeof record->message - 1] = 0;
  record->file[sizeof record->file - 1] = 0;
  if (record->slot >= 0 && record->slot < PJRT_API_SLOT_COUNT)
    snprintf(in, sizeof in, " in PJRT_%s", pj_slot_name[record->slot]);
  PjCtsVerdict verdict = record->verdict;
  if (job->killed) {
    verdict = PJ_CTS_HUNG;
    snprintf(text, sizeof text, "no end after %g seconds%s", limit, in);
  } else if (WIFSIGNALED(status)) {
    snprintf(text, sizeof text, "%s%s%s", strsignal(WTERMSIG(status)), in,
             verdict == PJ_CTS_PASSED ? " at the end of the process, after the test passed" : "");
    verdict = PJ_CTS_CRASHED;
  } else if (verdict == PJ_CTS_FAILED) {
    snprintf(text, sizeof text, "%s (%s:%d)", record->message, record->file, record->line);
  } else if (verdict == PJ_CTS_NOT_OFFERED) {
    snprintf(text, sizeof text, "%s", record->message);
  } else if (verdict == PJ_CTS_PASSED && WEXITSTATUS(status) == 0) {
    *text = 0;
  } else {
    snprintf(text, sizeof text, "the process left with status %d%s%s", WEXITSTATUS(status), in,
             verdict == PJ_CTS_PASSED ? ", after the test passed" : "");
    verdict = PJ_CTS_CRASHED;
  }
  if (result->reason && pj_cts_failed(verdict))
    verdict = PJ_CTS_UNSUPPORTED;
  result->stale = result->reason && verdict == PJ_CTS_PASSED;
  result->verdict = verdict;
  result->message = strdup(text);
  for (int i = 0; i < PJRT_API_SLOT_COUNT; i++) {
    if (record->called[i] > run->called[i])
      run->called[i] = record->called[i];
    run->not_offered[i] |= record->not_offered[i];
  }
  munmap(record, sizeof *record);
  close(job->output);
  job->pid = 0;
}

// How many |jobs| have ended.
static size_t collect(Job *jobs, int num_jobs, PjCtsRun *run, double limit, bool progress) {
  size_t ended = 0;
  for (int j = 0; j < num_jobs; j++) {
    Job *job = &jobs[j];
    int status;
    if (!job->pid)
      continue;
    if (waitpid(job->pid, &status, WNOHANG) == 0) {
      if (!job->killed && pj_now() - job->started > limit) {
        job->killed = true;
        kill(-job->pid, SIGKILL);
        kill(job->pid, SIGKILL);
      }
      continue;
    }
    kill(-job->pid, SIGKILL); // whatever the test left behind
    finish_job(job, status, run, limit);
    ended++;
    const PjCtsResult *result = &run->results[job->index];
    if (progress && pj_cts_failed(result->verdict))
      fprintf(stderr, "\r%s %s: %s\n", pj_cts_verdict_name[result->verdict], result->test->name,
              result->message);
  }
  return ended;
}

void pj_cts_run(PjCtsRun *run, const PjCtsTest *const *tests, PjCtsProfile *profile,
                char **arguments, size_t num_arguments, int jobs, double limit, bool progress) {
  double begin = pj_now(), told = begin;
  progress = progress && isatty(2);
  Job *running = calloc((size_t)jobs, sizeof *running);
  run->results = calloc(run->count ? run->count : 1, sizeof *run->results);
  if (!running || !run->results) {
    perror("pjrt check");
    exit(PJ_CTS_EXIT_USAGE);
  }
  size_t next = 0, done = 0;
  while (done < run->count) {
    for (int j = 0; j < jobs && next < run->count; j++) {
      if (running[j].pid)
        continue;
      PjCtsResult *result = &run->results[next];
      result->test = tests[next];
      PjCtsDeclaration *declared =
          profile ? pj_cts_profile_find(profile, result->test->name) : NULL;
      result->reason = declared ? declared->reason : NULL;
      if (declared && !declared->run) {
        result->verdict = PJ_CTS_UNSUPPORTED;
        result->message = strdup("not run, as the profile says");
        next++;
        done++;
        j--;
        continue;
      }
      start_job(&running[j], run, next++, arguments, num_arguments);
    }
    size_t ended = collect(running, jobs, run, limit, progress);
    done += ended;
    if (!ended)
      pj_sleep(0.002);
    if (progress && pj_now() - told > 1) {
      told = pj_now();
      fprintf(stderr, "%zu of %zu tests\r", done, run->count);
    }
  }
  if (progress)
    fprintf(stderr, "\r%40s\r", "");
  for (size_t i = 0; i < run->count; i++)
    run->verdicts[run->results[i].verdict]++;
  run->seconds = pj_now() - begin;
  free(running);
}
