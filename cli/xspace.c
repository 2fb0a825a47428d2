// See xspace.h. Numbers of the fields are those of xplane.proto in TSL. Messages may hold their
// fields in any order, so a plane is walked more than once: names first, then lines.
#include "xspace.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/proto.h"

typedef struct Plane {
  PjArena *arena;
  PjXSpace *space;
  PjStr name;
  PjMap stat_names;  // number to the index in |stats|
  PjMap event_names; // number to the index in space->names
  PJ_VEC(PjStr) stats;
} Plane;

typedef struct Stat {
  PjStr name, text;
  double number;
} Stat;

static PjStatus damaged(const char *what) {
  return PJ_ERROR(INVALID_ARGUMENT, "the profile is damaged: %s", what);
}

static PjStr stat_name(const Plane *plane, uint64_t number) {
  const uint64_t *index = pj_map_find(&plane->stat_names, number);
  return index ? plane->stats.data[*index] : PJ_STR("");
}

static double as_double(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static PjStatus read_stat(const Plane *plane, PjStr bytes, Stat *out) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  *out = (Stat){.name = PJ_STR(""), .text = PJ_STR("")};
  while (pj_proto_next(&reader, &field))
    if (field.number == 1 && field.type == PJ_WIRE_VARINT)
      out->name = stat_name(plane, field.value);
    else if (field.number == 2 && field.type == PJ_WIRE_FIXED64)
      out->number = as_double(field.value);
    else if ((field.number == 3 || field.number == 4) && field.type == PJ_WIRE_VARINT)
      out->number = (double)field.value;
    else if (field.number == 5 && field.type == PJ_WIRE_BYTES)
      out->text = field.bytes;
    else if (field.number == 7 && field.type == PJ_WIRE_VARINT)
      out->text = stat_name(plane, field.value);
  return reader.failed ? damaged("a stat") : PJ_STATUS_OK;
}

// An entry of a map: the number and the message.
static PjStatus read_entry(PjStr bytes, uint64_t *out_key, PjStr *out_value) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  *out_key = 0;
  *out_value = PJ_STR("");
  while (pj_proto_next(&reader, &field))
    if (field.number == 1 && field.type == PJ_WIRE_VARINT)
      *out_key = field.value;
    else if (field.number == 2 && field.type == PJ_WIRE_BYTES)
      *out_value = field.bytes;
  return reader.failed ? damaged("a table of names") : PJ_STATUS_OK;
}

static PjStatus read_stat_name(Plane *plane, PjStr bytes) {
  uint64_t number;
  PjStr value, name = PJ_STR("");
  PJ_TRY(read_entry(bytes, &number, &value));
  PjProtoReader reader = pj_proto_reader(value.ptr, value.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field))
    if (field.number == 2 && field.type == PJ_WIRE_BYTES)
      name = field.bytes;
  pj_map_set(plane->arena, &plane->stat_names, number, plane->stats.len);
  PJ_PUSH(plane->arena, &plane->stats, name);
  return reader.failed ? damaged("the name of a stat") : PJ_STATUS_OK;
}

static void set_once(PjStr *place, PjStr text) {
  if (!place->len)
    *place = text;
}

static void apply_stat(PjSpanName *name, const Stat *stat) {
  if (pj_str_is(stat->name, "hlo_module"))
    set_once(&name->program, stat->text);
  else if (pj_str_is(stat->name, "hlo_op") || pj_str_is(stat->name, "long_name"))
    set_once(&name->ops, stat->text);
  else if (pj_str_is(stat->name, "tf_op"))
    set_once(&name->op_name, stat->text);
  else if (pj_str_is(stat->name, "source"))
    set_once(&name->source, stat->text);
  else if (pj_str_is(stat->name, "flops"))
    name->flops = stat->number;
  else if (pj_str_is(stat->name, "bytes_accessed"))
    name->bytes = stat->number;
  else if (pj_str_is(stat->name, "hlo_category"))
    name->kind = pj_str_is(stat->text, "run")        ? PJ_SPAN_RUN
                 : pj_str_is(stat->text, "compile")  ? PJ_SPAN_COMPILE
                 : pj_str_is(stat->text, "transfer") ? PJ_SPAN_TRANSFER
                                                     : PJ_SPAN_STEP;
}

static PjStatus read_event_name(Plane *plane, PjStr bytes) {
  uint64_t number;
  PjStr value;
  PJ_TRY(read_entry(bytes, &number, &value));
  PjStr none = PJ_STR("");
  PjSpanName name = {none, none, none, none, none, PJ_SPAN_STEP, 0, 0, false};
  PjProtoReader reader = pj_proto_reader(value.ptr, value.len);
  PjProtoField field;
  Stat stat;
  while (pj_proto_next(&reader, &field))
    if (field.type == PJ_WIRE_BYTES && (field.number == 2 || field.number == 4)) {
      if (field.bytes.len && (field.number == 4 || !name.name.len))
        name.name = field.bytes; // the name to display goes first
    } else if (field.type == PJ_WIRE_BYTES && field.number == 5) {
      PJ_TRY(read_stat(plane, field.bytes, &stat));
      apply_stat(&name, &stat);
    }
  pj_map_set(plane->arena, &plane->event_names, number, plane->space->names.len);
  PJ_PUSH(plane->arena, &plane->space->names, name);
  return reader.failed ? damaged("the name of an event") : PJ_STATUS_OK;
}

// --- Lines --------------------------------------------------------------------------------------

// The stats of an event itself: plugins for GPUs say there which operation a kernel belongs to.
static PjStatus read_event_stats(Plane *plane, PjStr bytes, PjSpanName *name) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  Stat stat;
  while (pj_proto_next(&reader, &field))
    if (field.type == PJ_WIRE_BYTES && field.number == 4) {
      PJ_TRY(read_stat(plane, field.bytes, &stat));
      apply_stat(name, &stat);
    }
  name->described = true;
  return PJ_STATUS_OK;
}

// |runs|: the line has an event for each run of a program.
static PjStatus read_event(Plane *plane, PjStr bytes, double base_us, bool runs) {
  uint64_t number = 0, offset_ps = 0, duration_ps = 0;
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field))
    if (field.type == PJ_WIRE_VARINT && field.number == 1)
      number = field.value;
    else if (field.type == PJ_WIRE_VARINT && field.number == 2)
      offset_ps = field.value;
    else if (field.type == PJ_WIRE_VARINT && field.number == 3)
      duration_ps = field.value;
  if (reader.failed)
    return damaged("an event");
  const uint64_t *name = pj_map_find(&plane->event_names, number);
  if (!name)
    return damaged("an event without a name");
  PjSpanName *about = &plane->space->names.data[*name];
  if (!about->described)
    PJ_TRY(read_event_stats(plane, bytes, about));
  if (runs)
    about->kind = PJ_SPAN_RUN;
  PjSpan span = {.name = *name,
                 .line = plane->space->lines.len,
                 .begin_us = base_us + (double)offset_ps * 1e-6,
                 .duration_us = (double)duration_ps * 1e-6};
  span.self_us = span.duration_us;
  PJ_PUSH(plane->arena, &plane->space->spans, span);
  return PJ_STATUS_OK;
}

static int compare_spans(const void *a, const void *b) {
  const PjSpan *x = a, *y = b;
  if (x->begin_us != y->begin_us)
    return x->begin_us < y->begin_us ? -1 : 1;
  return (x->duration_us < y->duration_us) - (x->duration_us > y->duration_us);
}

enum { MAX_DEPTH = 256 };

// Sorts the spans of a line and takes from each what happens inside of it.
static void nest(PjSpan *spans, size_t count) {
  size_t open[MAX_DEPTH];
  int depth = 0;
  if (count)
    qsort(spans, count, sizeof *spans, compare_spans);
  for (size_t i = 0; i < count; i++) {
    while (depth && spans[i].begin_us >=
                        spans[open[depth - 1]].begin_us + spans[open[depth - 1]].duration_us)
      depth--;
    if (depth)
      spans[open[depth - 1]].self_us -= spans[i].duration_us;
    if (depth < MAX_DEPTH)
      open[depth++] = i;
  }
}

// Lines of other plugins that repeat, step by step or by names of the framework, what the line of
// operations holds.
static bool is_summary(PjStr name) {
  return pj_str_is(name, "Steps") || pj_str_is(name, "Framework Ops") ||
         pj_str_is(name, "Framework Name Scope") || pj_str_is(name, "Source code");
}

static PjStatus read_line(Plane *plane, PjStr bytes) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  PjSpanLine line = {plane->name, PJ_STR("")};
  uint64_t timestamp_ns = 0;
  while (pj_proto_next(&reader, &field))
    if (field.type == PJ_WIRE_BYTES && (field.number == 2 || field.number == 11) && field.bytes.len)
      line.name = field.bytes;
    else if (field.type == PJ_WIRE_VARINT && field.number == 3)
      timestamp_ns = field.value;
  if (reader.failed)
    return damaged("a line");
  if (is_summary(line.name))
    return PJ_STATUS_OK;
  // Nanoseconds since 1970 are more than a double can tell apart.
  if (!plane->space->origin_ns)
    plane->space->origin_ns = timestamp_ns;
  double base_us = (double)(int64_t)(timestamp_ns - plane->space->origin_ns) * 1e-3;
  size_t first = plane->space->spans.len;
  bool runs = pj_str_is(line.name, "XLA Modules");
  reader = pj_proto_reader(bytes.ptr, bytes.len);
  while (pj_proto_next(&reader, &field))
    if (field.type == PJ_WIRE_BYTES && field.number == 4)
      PJ_TRY(read_event(plane, field.bytes, base_us, runs));
  nest(plane->space->spans.data + first, plane->space->spans.len - first);
  PJ_PUSH(plane->arena, &plane->space->lines, line);
  return PJ_STATUS_OK;
}

// --- Planes -------------------------------------------------------------------------------------

static PjStatus read_plane(PjArena *arena, PjXSpace *space, PjStr bytes) {
  Plane plane = {.arena = arena, .space = space, .name = PJ_STR("")};
  PjProtoField field;
  // Names of stats, then names of events, which refer to those, then events.
  for (uint32_t pass = 0; pass < 3; pass++) {
    static const uint32_t numbers[] = {5, 4, 3};
    PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
    while (pj_proto_next(&reader, &field)) {
      if (field.type != PJ_WIRE_BYTES)
        continue;
      if (field.number == 2)
        plane.name = field.bytes;
      if (field.number == numbers[pass])
        PJ_TRY(pass == 0   ? read_stat_name(&plane, field.bytes)
               : pass == 1 ? read_event_name(&plane, field.bytes)
                           : read_line(&plane, field.bytes));
    }
    if (reader.failed)
      return damaged("a plane");
  }
  return PJ_STATUS_OK;
}

static bool is_device(PjStr plane) {
  return plane.len >= 8 && memcmp(plane.ptr, "/device:", 8) == 0;
}

// Where a device tells what it did, what the host did meanwhile is no step of the program.
static void tell_host_apart(PjXSpace *space) {
  bool devices = false;
  for (size_t i = 0; i < space->spans.len && !devices; i++)
    devices = is_device(space->lines.data[space->spans.data[i].line].plane);
  for (size_t i = 0; i < space->spans.len && devices; i++) {
    PjSpanName *name = &space->names.data[space->spans.data[i].name];
    if (name->kind == PJ_SPAN_STEP &&
        !is_device(space->lines.data[space->spans.data[i].line].plane))
      name->kind = PJ_SPAN_HOST;
  }
}

PjStatus pj_xspace_read(PjArena *arena, PjStr bytes, PjXSpace *space) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    if (field.type != PJ_WIRE_BYTES)
      continue;
    if (field.number == 1)
      PJ_TRY(read_plane(arena, space, field.bytes));
    else if (field.number == 2 || field.number == 3)
      PJ_PUSH(arena, &space->warnings, field.bytes);
  }
  if (reader.failed)
    return damaged("it is cut off");
  tell_host_apart(space);
  return PJ_STATUS_OK;
}
