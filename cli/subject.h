// A program on a plugin, ready to be run and timed.
#pragma once
#include "inputs.h"
#include "plugin.h"

typedef struct PjSubject {
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  const PjInputs *inputs;
  size_t device, num_outputs;
  PjhBuffer **buffers; // inputs, then outputs
  double compile_s;    // how long compiling took
} PjSubject;

double pj_seconds(void); // of a clock that only goes forward

// Compiles |program| on |device| of a client that is there. |inputs| must outlive the subject.
PjStatus pj_subject_compile(PjSubject *subject, PjStr program, const char *format, size_t device,
                            const PjInputs *inputs);
// One run from the call to the last output: |*out_s| seconds. Sending inputs is not in it.
PjStatus pj_subject_run(PjSubject *subject, double *out_s);
// Frees everything, client and plugin too. After a failure as well.
void pj_subject_close(PjSubject *subject);

// Sorts |values|, then: the value at |part| of the way (0 least, 1 greatest), by interpolation.
void pj_sort_seconds(double *values, size_t count);
double pj_quantile(const double *sorted, size_t count, double part);
