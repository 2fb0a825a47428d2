// `pjrt profile`: what was measured, added up, and the forms in which it is told.
#pragma once
#include <stdio.h>

#include "xspace.h"

// A kernel (or other step), or a line of the user's program.
typedef struct PjCostRow {
  PjStr name, ops, op_name, source; // of lines only |name|, "model.py:41"
  size_t calls;                     // in all runs
  double total_us, self_us;         // in all runs
  double flops, bytes;              // of one call; 0: not known
} PjCostRow;

typedef struct PjCostRows {
  PjCostRow *data; // what took longest first
  size_t len, cap;
} PjCostRows;

typedef struct PjProfile {
  PjStr program, platform, version, plugin; // the file, and what runs it
  bool has_steps;                           // false: the plugin has no profiler
  double compile_s, first_s;                // the first run comes after compiling
  size_t repeat;
  double *runs_s;                    // |repeat| of them, in order of time
  PjXSpace before, runs;             // compilation and first run; the runs that count
  PjCostRows kernels, lines, phases; // of |runs|; lines of the user's program; of the compilation
  double kernels_us;                 // sum of the kernels' own times
} PjProfile;

// Fills kernels, lines and phases. Under the guard of |arena|.
void pj_profile_add_up(PjArena *arena, PjProfile *profile);

// A table for people, of the |top| first kernels; JSON as in profile.schema.json; a trace for
// Perfetto and chrome://tracing; a page of HTML that needs nothing else. All are appended.
void pj_profile_table(const PjProfile *profile, size_t top, PjStrBuf *out);
void pj_profile_json(const PjProfile *profile, PjStrBuf *out);
void pj_profile_trace(const PjProfile *profile, PjStrBuf *out);
void pj_profile_html(const PjProfile *profile, PjStrBuf *out);

// Appends a time with three digits and its unit: "1.23 ms".
void pj_show_us(PjStrBuf *out, double us);
