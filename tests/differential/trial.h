// Judging programs in processes of their own, so that a crash or a hang is one failure.
#pragma once
#include "judge.h"

typedef struct TrialOptions {
  JudgeOptions judge;
  const PjCompilerOps *compiler;
  int num_threads, threads[RUN_MAX_CLIENTS];
  int limit_seconds; // of one program
} TrialOptions;

// Makes the runners that a process needs.
PjStatus trial_setup(const TrialOptions *options, Runner **out_runner, Runner **out_oracle);

// Forks, judges |text|, waits. Free the report's text.
void trial_run(const TrialOptions *options, PjStr text, Report *report);
