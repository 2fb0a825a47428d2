// See subject.h.
#include "subject.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

double pj_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

PjStatus pj_subject_compile(PjSubject *s, PjStr program, const char *format, size_t device,
                            const PjInputs *inputs) {
  s->inputs = inputs;
  s->device = device;
  PjhCompileOptions options = {.format = format, .device = device};
  double begin = pj_seconds();
  PJ_TRY(
      pj_plugin_status(pjh_compile(s->client, program.ptr, program.len, &options, &s->executable)));
  s->compile_s = pj_seconds() - begin;
  s->num_outputs = pjh_executable_num_outputs(s->executable);
  s->buffers = pj_calloc(inputs->count + s->num_outputs + 1, sizeof *s->buffers);
  return s->buffers ? PJ_STATUS_OK : pj_status_oom();
}

// A run is over when its outputs are there; the plugin says so of each at the latest when asked.
PjStatus pj_subject_run(PjSubject *s, double *out_s) {
  PJ_TRY(pj_inputs_send(s->inputs, s->client, s->device, s->buffers));
  PjhBuffer **outputs = s->buffers + s->inputs->count;
  double begin = pj_seconds();
  PJ_TRY(pj_plugin_status(
      pjh_execute(s->executable, s->buffers, s->inputs->count, outputs, s->num_outputs)));
  *out_s = pj_seconds() - begin;
  for (size_t i = 0; i < s->num_outputs; i++) {
    pjh_buffer_destroy(outputs[i]);
    outputs[i] = NULL;
  }
  return PJ_STATUS_OK;
}

void pj_subject_close(PjSubject *s) {
  for (size_t i = 0; s->buffers && i < s->inputs->count + s->num_outputs; i++)
    pjh_buffer_destroy(s->buffers[i]);
  pj_free(s->buffers);
  pjh_executable_destroy(s->executable);
  pjh_client_destroy(s->client);
  pjh_plugin_destroy(s->plugin);
  *s = (PjSubject){0};
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void pj_sort_seconds(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare);
}

double pj_quantile(const double *sorted, size_t count, double part) {
  if (!count)
    return 0;
  double at = part * (double)(count - 1);
  size_t below = (size_t)at;
  if (below + 1 >= count)
    return sorted[count - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}
