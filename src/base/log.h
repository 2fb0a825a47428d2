// Messages for people, off unless PJRT_LOG asks for them.
#pragma once
#include <stdbool.h>

typedef enum PjLogTopic {
  PJ_LOG_ERROR,
  PJ_LOG_COMPILE,
  PJ_LOG_EXECUTE,
  PJ_LOG_FALLBACK
} PjLogTopic;

bool pj_log_enabled(PjLogTopic topic);
// Milliseconds of a clock that only goes forward, for the times in log lines; 0 while |topic| is
// off.
double pj_log_clock(PjLogTopic topic);
// One line to stderr, "pjrt TOPIC: ...", if the topic is on. Threads: any; lines do not mix.
void pj_log(PjLogTopic topic, const char *format, ...) __attribute__((format(printf, 2, 3)));
