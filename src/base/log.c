// Log lines. The topics are read once: PJRT_LOG is for a process, not for a moment.
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/options.h"

static const char *const names[] = {"error", "compile", "execute", "fallback"};
enum { TOPICS = sizeof names / sizeof *names };

static unsigned enabled;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_topics(void) {
  const char *at = pj_option_text(PJ_OPTION_LOG);
  while (*at) {
    size_t len = strcspn(at, ",");
    for (int i = 0; i < TOPICS; ++i)
      if ((strlen(names[i]) == len && !strncmp(at, names[i], len)) ||
          (len == 3 && !strncmp(at, "all", 3)))
        enabled |= 1u << i;
    at += len;
    at += strspn(at, ",");
  }
}

bool pj_log_enabled(PjLogTopic topic) {
  pthread_once(&once, read_topics);
  return enabled >> topic & 1;
}

double pj_log_clock(PjLogTopic topic) {
  struct timespec now;
  if (!pj_log_enabled(topic) || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
    return 0;
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void pj_log(PjLogTopic topic, const char *format, ...) {
  if (!pj_log_enabled(topic))
    return;
  char line[1024];
  int len = snprintf(line, sizeof line, "pjrt %s: ", names[topic]);
  va_list args;
  va_start(args, format);
  vsnprintf(line + len, sizeof line - (size_t)len - 1, format, args);
  va_end(args);
  strcat(line, "\n");
  fputs(line, stderr);
}
