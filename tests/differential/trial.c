// See trial.h.
#include "trial.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

PjStatus trial_setup(const TrialOptions *options, Runner **out_runner, Runner **out_oracle) {
  static const int one[] = {1};
  setenv("PJRT_VERIFY", "1", 0); // after each pass
  PJ_TRY(runner_create(&pj_compiler_eval, 1, one, out_oracle));
  return runner_create(options->compiler, options->num_threads, options->threads, out_runner);
}

void trial_limit(int seconds) {
  enum { CLOCK_LIMITS = 3 };
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  const struct itimerval limit = {.it_value.tv_sec = seconds * (processors > 1 ? processors : 1)};
  setitimer(ITIMER_PROF, &limit, NULL);
  alarm((unsigned)(CLOCK_LIMITS * seconds));
}

bool trial_hung(int signal) {
  return signal == SIGALRM || signal == SIGPROF;
}

static void child(const TrialOptions *options, PjStr text, int pipe_end) {
  Runner *runner, *oracle;
  Report report;
  trial_limit(options->limit_seconds);
  PjStatus status = trial_setup(options, &runner, &oracle);
  if (status)
    _exit(100);
  judge(runner, oracle, &options->judge, text, NULL, &report);
  for (size_t at = 0; at < report.text.len;) {
    ssize_t n = write(pipe_end, report.text.data + at, report.text.len - at);
    if (n <= 0)
      break;
    at += (size_t)n;
  }
  _exit((int)report.verdict);
}

void trial_run(const TrialOptions *options, PjStr text, Report *report) {
  *report = (Report){.verdict = JUDGED_CRASHED};
  int ends[2], status = 0;
  if (pipe(ends) != 0)
    return;
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    child(options, text, ends[1]);
  }
  close(ends[1]);
  char buffer[512];
  ssize_t n;
  while (pid > 0 && (n = read(ends[0], buffer, sizeof buffer)) > 0)
    pj_strbuf_append(&report->text, buffer, (size_t)n);
  close(ends[0]);
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return;
  if (WIFEXITED(status) && WEXITSTATUS(status) < JUDGED_COUNT)
    report->verdict = (Verdict)WEXITSTATUS(status);
  else if (WIFSIGNALED(status)) {
    report->verdict = trial_hung(WTERMSIG(status)) ? JUDGED_HUNG : JUDGED_CRASHED;
    pj_strbuf_puts(&report->text, strsignal(WTERMSIG(status)));
  }
}
