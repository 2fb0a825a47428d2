// See progress.h. A thread sleeps, and writes while there is something to say: what is waited for
// (a compilation, say) needs to know nothing of it.
#include "progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
  bool running, stop;
  double began; // seconds; of what is shown
  char text[120];
} shown = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *show(void *unused) {
  (void)unused;
  bool written = false;
  pthread_mutex_lock(&shown.lock);
  while (!shown.stop) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&shown.changed, &shown.lock, &until);
    double seconds = now() - shown.began;
    if (shown.stop || seconds < 1)
      continue;
    fprintf(stderr, "\r\x1b[Kpjrt: %s ... %.0f s", shown.text, seconds);
    fflush(stderr);
    written = true;
  }
  if (written) {
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
  }
  pthread_mutex_unlock(&shown.lock);
  return NULL;
}

void pj_show_progress(const char *format, ...) {
  if (!isatty(STDERR_FILENO))
    return;
  pthread_mutex_lock(&shown.lock);
  va_list list;
  va_start(list, format);
  vsnprintf(shown.text, sizeof shown.text, format, list);
  va_end(list);
  if (!shown.running) { // one clock for the stages of a command
    shown.began = now();
    shown.stop = false;
    shown.running = pthread_create(&shown.thread, NULL, show, NULL) == 0;
  }
  pthread_mutex_unlock(&shown.lock);
}

void pj_hide_progress(void) {
  pthread_mutex_lock(&shown.lock);
  bool running = shown.running;
  shown.stop = true;
  shown.running = false;
  pthread_cond_signal(&shown.changed);
  pthread_mutex_unlock(&shown.lock);
  if (running)
    pthread_join(shown.thread, NULL);
}
