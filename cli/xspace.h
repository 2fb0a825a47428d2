// What a plugin's profiler saw: an XSpace, read into tables.
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

typedef enum PjSpanKind {
  PJ_SPAN_STEP, // a kernel, or whatever else part of a program is
  PJ_SPAN_RUN,
  PJ_SPAN_COMPILE,
  PJ_SPAN_TRANSFER,
  PJ_SPAN_HOST, // what the host did, where devices have planes of their own
} PjSpanKind;

// What happened, as often as it did.
typedef struct PjSpanName {
  PjStr name, program, ops, op_name, source; // "" where nothing is known
  PjSpanKind kind;
  double flops, bytes; // of one time; 0: not known
  bool described;      // an event was seen, whose own stats count as the name's
} PjSpanName;

typedef struct PjSpan {
  size_t name, line;
  double begin_us, duration_us; // the beginning since |origin_ns|
  double self_us;               // without what happened inside of it on the same line
} PjSpan;

typedef struct PjSpanLine {
  PjStr plane, name;
} PjSpanLine;

typedef struct PjXSpace {
  uint64_t origin_ns; // since 1970; 0: no line was read yet
  PJ_VEC(PjSpanName) names;
  PJ_VEC(PjSpan) spans; // by line; in a line by their begin, what holds others before them
  PJ_VEC(PjSpanLine) lines;
  PJ_VEC(PjStr) warnings; // and errors
} PjXSpace;

// Adds what |bytes| hold to |space|. Strings point into |bytes|, tables are of |arena|, whose guard
// the caller holds. Errors: INVALID_ARGUMENT when the bytes are no XSpace.
PjStatus pj_xspace_read(PjArena *arena, PjStr bytes, PjXSpace *space);
