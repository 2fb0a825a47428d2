// See gspmd_text.h.
#include "partition/gspmd_text.h"

#include <string.h>

typedef struct Reader {
  const char *at, *end;
} Reader;

static bool skip(Reader *r, const char *text) {
  size_t len = strlen(text);
  while (r->at < r->end && *r->at == ' ')
    ++r->at;
  if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
    return false;
  r->at += len;
  return true;
}

// Numbers up to |close|, after the opening bracket.
static bool read_list(Reader *r, const char *close, int limit, int64_t *out, int *out_count) {
  *out_count = 0;
  while (!skip(r, close)) {
    int64_t value = 0;
    const char *from = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && value < 1 << 20; ++r->at)
      value = value * 10 + (*r->at - '0');
    if (r->at == from || *out_count == limit)
      return false;
    out[(*out_count)++] = value;
    skip(r, ",");
  }
  return true;
}

static bool read_groups(Reader *r, PjGspmdText *t) {
  if (skip(r, "last_tile_dim_replicate")) {
    t->num_groups = 1;
    return true;
  }
  if (!skip(r, "last_tile_dims={"))
    return true;
  while (!skip(r, "}")) {
    bool manual = skip(r, "manual");
    if ((!manual && !skip(r, "replicated")) || t->num_groups == t->num_tiles)
      return false;
    t->manual_group[t->num_groups++] = manual;
    skip(r, ",");
  }
  return true;
}

// |count| numbers with commas between them.
static bool read_numbers(Reader *r, int64_t count, int64_t *out) {
  for (int64_t i = 0; i < count; ++i) {
    const char *from = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && out[i] < 1 << 20; ++r->at)
      out[i] = out[i] * 10 + (*r->at - '0');
    if (r->at == from || (i + 1 < count && !skip(r, ",")))
      return false;
  }
  return true;
}

// The axes, innermost first, along which |ids| (0 first) run: ids[i] is the sum of the digits of i
// times the strides. False: they do not run along any.
static bool find_axes(int64_t devices, const int64_t *ids, int64_t *sizes, int64_t *strides,
                      int *out_count) {
  int count = 0;
  int64_t step = 1;
  for (; step < devices && count < PJ_GSPMD_AXES; step *= sizes[count++]) {
    int64_t size = 1, stride = strides[count] = ids[step];
    while (step * size < devices && ids[step * size] == size * stride)
      ++size;
    sizes[count] = size;
    if (size == 1 || devices % (step * size))
      return false;
  }
  for (int64_t i = 0; i < devices; ++i) {
    int64_t id = 0, rest = i;
    for (int a = 0; a < count; rest /= sizes[a++])
      id += rest % sizes[a] * strides[a];
    if (id != ids[i])
      return false;
  }
  *out_count = count;
  return step == devices;
}

// Devices one by one, as torch_xla writes them: those of a mesh read along its axes in some order,
// which become |t|'s reshape and order; false for any other order.
static bool read_devices(PjArena *arena, int64_t devices, Reader *r, PjGspmdText *t) {
  int64_t *ids = PJ_NEW_ARRAY(arena, int64_t, (size_t)devices);
  int64_t sizes[PJ_GSPMD_AXES], strides[PJ_GSPMD_AXES], stride = 1;
  int count;
  if (!read_numbers(r, devices, ids) || ids[0] || !find_axes(devices, ids, sizes, strides, &count))
    return false;
  t->num_reshape = count;
  for (int place = count; place-- > 0; stride *= t->reshape[place]) { // of the mesh, minor first
    int axis = 0;
    while (axis < count && strides[axis] != stride)
      ++axis;
    if (axis == count)
      return false;
    t->reshape[place] = sizes[axis];
    t->order[count - 1 - axis] = place;
  }
  return true;
}

static bool is_permutation(const PjGspmdText *t, int count) {
  uint32_t seen = 0;
  for (int i = 0; i < t->num_reshape; ++i)
    if (t->order[i] < t->num_reshape)
      seen |= 1u << t->order[i];
  return count == t->num_reshape && seen == (1u << t->num_reshape) - 1;
}

static int64_t product(const int64_t *values, int count) {
  int64_t product = 1;
  for (int i = 0; i < count && product > 0 && product <= 1 << 20; ++i)
    product *= values[i];
  return product;
}

PjStatus pj_gspmd_read(PjArena *arena, int64_t devices, PjStr text, PjGspmdText *out) {
  Reader r = {text.ptr, text.ptr + text.len};
  *out = (PjGspmdText){.kind = PJ_GSPMD_OTHER};
  if (pj_str_is(text, "{replicated}"))
    out->kind = PJ_GSPMD_REPLICATED;
  else if (pj_str_is(text, "{manual}"))
    out->kind = PJ_GSPMD_MANUAL;
  if (!skip(&r, "{devices=["))
    return PJ_STATUS_OK;
  out->kind = PJ_GSPMD_TILED;
  int count;
  bool good = read_list(&r, "]", PJ_GSPMD_TILES, out->tiles, &out->num_tiles);
  for (int i = 0; i < PJ_GSPMD_AXES; ++i)
    out->order[i] = i;
  if (good && !skip(&r, "<=[")) {
    PJ_FAIL_IF(!read_devices(arena, devices, &r, out), UNIMPLEMENTED,
               "mhlo.sharding \"%.*s\": a list of devices in an order of its own",
               PJ_STR_ARG(text));
    count = out->num_reshape;
  } else {
    good = good && read_list(&r, "]", PJ_GSPMD_AXES, out->reshape, &out->num_reshape);
    count = out->num_reshape;
    if (good && skip(&r, "T("))
      good = read_list(&r, ")", PJ_GSPMD_AXES, out->order, &count);
  }
  good = good && read_groups(&r, out) && skip(&r, "}") && is_permutation(out, count) &&
         product(out->tiles, out->num_tiles) == devices &&
         product(out->reshape, out->num_reshape) == devices;
  PJ_FAIL_IF(!good, INVALID_ARGUMENT, "mhlo.sharding \"%.*s\" is no sharding of %lld devices",
             PJ_STR_ARG(text), (long long)devices);
  return PJ_STATUS_OK;
}
