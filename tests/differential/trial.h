// Judging programs in processes of their own, so that a crash or a hang is one failure.
#pragma once
#include "judge.h"

typedef struct TrialOptions {
  JudgeOptions judge;
  const PjCompilerOps *compiler;
  int num_threads, threads[RUN_MAX_CLIENTS];
  int limit_seconds; // of one program; see trial_limit
} TrialOptions;

// Makes the runners that a process needs.
PjStatus trial_setup(const TrialOptions *options, Runner **out_runner, Runner **out_oracle);

// Ends this process when its next program takes too long: |seconds| of every processor, or three
// times as long by the clock, since others may have the processors for a while.
void trial_limit(int seconds);
// Whether |signal| is what that ends a process by.
bool trial_hung(int signal);

// Forks, judges |text|, waits. Free the report's text.
void trial_run(const TrialOptions *options, PjStr text, Report *report);
