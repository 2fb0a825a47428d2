// sort: any number of operands along any dimension, always stable, bit for bit as the evaluator's.
//
// A comparator that compares keys (eval/sort_key.h) is served by a radix sort of them:
//
//   values   one operand that is its own key: the keys alone are sorted and turned back into
//   elements (rows of few by networks: sort_short.h)
//   packed   one key of up to 32 bits: key and place in one integer
//   keys     any number of keys, from the last to the first, with the places beside
//
// Any other comparator, and floats that are compared plainly where there is a NaN, take the
// evaluator's merge sort by comparisons. Many slices are sorted side by side, a few long ones each
// by all threads.
#include <string.h>

#include "eval/structure.h"
#include "routine/sort_key.h"
#include "routine/sort_short.h"

enum { WIDTH = 256, RUN = 8, WIDE = 1 << 16, CHUNK = 4096, SHORT_ROWS = 128 };

typedef enum Mode { VALUES, PACKED, KEYS, COMPARING } Mode;

typedef struct Key {
  PjSortKey key;
  bool direct, plain; // an operand; with one zero and one NaN, or, not total: NaN is refused
  uint32_t operand;
  PjCoding coding; // if direct
} Key;

typedef struct Sort {
  PjRoutine routine;
  Mode mode;
  int64_t n, slices, stride; // stride: between the elements of a slice
  uint32_t count, num_keys;
  const PjOp *op;
  size_t *elem; // of the operands
  Key keys[PJ_MAX_SORT_KEYS];
  const PjScalarBody *key_body; // the keys that are not direct; NULL: all are
  const PjScalarBody *less;     // NULL: never needed
  bool wide;                    // one slice at a time, by all threads
  bool few;                     // SHORT_ROWS slices at a time
  size_t keys_bytes;            // of one array of keys
} Sort;

typedef struct Slice {
  const Sort *s;
  PjThreads *threads; // or NULL
  const void *const *in;
  void *const *out;
  int64_t base; // of the slice, in elements
  // Scratch, in this order.
  char *keys, *spare, *values; // values: keys of one kind before they are put in order
  uint32_t *order, *spare_order, *counts;
  char *temp;
  PjRadix radix;
  int key; // at work
  _Atomic bool refused;
} Slice;

static size_t temp_bytes(const Sort *s) {
  size_t bytes = WIDTH * 8 + pj__scratch_round((size_t)s->count * 4 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i)
    bytes += pj__scratch_round(WIDTH * s->elem[i]);
  const size_t key = s->key_body ? pj__body_scratch(s->key_body) : 0,
               less = s->less ? pj__body_scratch(s->less) : 0;
  return pj__scratch_round(bytes) + (key > less ? key : less);
}

static size_t slice_bytes(const Sort *s) {
  const size_t order = s->mode == VALUES && !s->less ? 0 : pj__scratch_round((size_t)s->n * 4);
  return 2 * s->keys_bytes + (s->mode == KEYS ? pj__scratch_round((size_t)s->n * 8) : 0) +
         2 * order + PJ_RADIX_COUNTS * 4;
}

static void place_scratch(Slice *slice, char *scratch, char *temp) {
  const Sort *s = slice->s;
  const size_t order = s->mode == VALUES && !s->less ? 0 : pj__scratch_round((size_t)s->n * 4);
  slice->counts = (uint32_t *)scratch;
  slice->keys = scratch + PJ_RADIX_COUNTS * 4;
  slice->spare = slice->keys + s->keys_bytes;
  slice->values = slice->spare + s->keys_bytes;
  slice->order =
      (uint32_t *)(slice->values + (s->mode == KEYS ? pj__scratch_round((size_t)s->n * 8) : 0));
  slice->spare_order = slice->order + order / 4;
  slice->temp = temp;
}

// Runs |fn| over the slice's elements, by all threads if there are some.
static void over(Slice *slice, PjRangeFn *fn) {
  if (slice->threads)
    pj_threads_for(slice->threads, slice->s->n, CHUNK, fn, slice);
  else
    fn(slice, 0, slice->s->n, 0);
}

// Elements [at, at + n) of operand |i| of the slice, gathered into |temp| unless they lie next to
// each other.
static const void *elements(const Slice *slice, uint32_t i, int64_t at, int64_t n, void *temp) {
  const Sort *s = slice->s;
  const size_t elem = s->elem[i];
  const char *from = (const char *)slice->in[i] + (size_t)(slice->base + at * s->stride) * elem;
  if (s->stride == 1)
    return from;
  const int64_t one = 1;
  pj_strided_copy(elem, 1, &n, from, &s->stride, temp, &one);
  return temp;
}

// ---- keys
static bool has_nan(PjDtype dtype, int64_t n, const void *data) {
  bool found = false;
  if (dtype == PJ_DT_F32)
    for (int64_t i = 0; i < n; ++i)
      found |= ((const float *)data)[i] != ((const float *)data)[i];
  else if (dtype == PJ_DT_F64)
    for (int64_t i = 0; i < n; ++i)
      found |= ((const double *)data)[i] != ((const double *)data)[i];
  else {
    const uint32_t infinity = dtype == PJ_DT_BF16 ? 0x7F80u : 0x7C00u;
    for (int64_t i = 0; i < n; ++i)
      found |= (((const uint16_t *)data)[i] & 0x7FFFu) > infinity;
  }
  return found;
}

// Up to WIDTH keys of kind slice->key, elements [at, at + n), into |out|, of their coding's width
// (8 bytes if not direct). False if some element cannot be compared.
static bool encode(const Slice *slice, int64_t at, int64_t n, char *temp, void *out) {
  const Sort *s = slice->s;
  const Key *key = &s->keys[slice->key];
  if (key->direct) {
    const void *from = elements(slice, key->operand, at, n, temp);
    const bool plain = key->plain || !key->key.total_order;
    (plain && key->coding.encode_plain ? key->coding.encode_plain : key->coding.encode)(
        n, from, out, key->key.descending ? key->coding.turn : 0);
    return key->key.total_order || !key->coding.encode_plain || !has_nan(key->key.dtype, n, from);
  }
  const void **args = (const void **)temp;
  temp += pj__scratch_round((size_t)s->count * 4 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i) {
    args[2 * i] = args[2 * i + 1] = elements(slice, i, at, n, temp);
    temp += pj__scratch_round(WIDTH * s->elem[i]);
  }
  // The body gives the keys that are not direct, in their order.
  int which = 0;
  for (int k = 0; k < slice->key; ++k)
    which += !s->keys[k].direct;
  const void *results[PJ_MAX_SORT_KEYS];
  pj__body_run(s->key_body, n, args, results, temp);
  return pj_sort_encode(&key->key, n, results[which], out);
}

static char *thread_temp(const Slice *slice, int thread) {
  return slice->threads ? slice->temp + (size_t)thread * slice->s->routine.thread_scratch_bytes
                        : slice->temp;
}

static void fill_keys(void *context, int64_t begin, int64_t end, int thread) {
  Slice *slice = context;
  const Sort *s = slice->s;
  char *temp = thread_temp(slice, thread) + WIDTH * 8, *buffer = temp - WIDTH * 8;
  const Key *key = &s->keys[slice->key];
  const int bytes = key->direct ? key->coding.key_bytes : 8;
  for (int64_t at = begin; at < end; at += WIDTH) {
    const int64_t n = pj__min(WIDTH, end - at);
    bool ok;
    switch (s->mode) {
    case VALUES:
      ok = encode(slice, at, n, temp, slice->keys + (size_t)at * (size_t)bytes);
      break;
    case PACKED:
      ok = encode(slice, at, n, temp, buffer);
      for (int64_t i = 0; i < n; ++i)
        ((uint64_t *)slice->keys)[at + i] =
            (uint64_t)((uint32_t *)buffer)[i] << 32 | (uint64_t)(at + i);
      break;
    default:
      ok = encode(slice, at, n, temp,
                  bytes == 8 ? (void *)((uint64_t *)slice->values + at) : buffer);
      if (bytes == 4)
        for (int64_t i = 0; i < n; ++i)
          ((uint64_t *)slice->values)[at + i] = ((uint32_t *)buffer)[i];
      break;
    }
    if (!ok)
      slice->refused = true;
  }
}

static void gather_keys(void *context, int64_t begin, int64_t end, int thread) {
  const Slice *slice = context;
  const uint64_t *values = (const uint64_t *)slice->values;
  for (int64_t i = begin; i < end; ++i)
    ((uint64_t *)slice->radix.keys)[i] = values[slice->radix.order[i]];
}

static void first_order(void *context, int64_t begin, int64_t end, int thread) {
  Slice *slice = context;
  for (int64_t i = begin; i < end; ++i)
    slice->order[i] = (uint32_t)i;
}

// ---- results
static void take_order(void *context, int64_t begin, int64_t end, int thread) {
  Slice *slice = context;
  const uint64_t *packed = slice->radix.keys;
  for (int64_t i = begin; i < end; ++i)
    slice->order[i] = (uint32_t)packed[i];
}

static void permute(void *context, int64_t begin, int64_t end, int thread) {
  const Slice *slice = context;
  const Sort *s = slice->s;
  const uint32_t *order = slice->order;
  for (uint32_t k = 0; k < s->count; ++k) {
    const size_t elem = s->elem[k];
    const char *in = (const char *)slice->in[k] + (size_t)slice->base * elem;
    char *out = (char *)slice->out[k] + (size_t)slice->base * elem;
#define MOVE(T)                                                                 \
  for (int64_t i = begin; i < end; ++i)                                         \
    ((T *)out)[i * s->stride] = ((const T *)in)[(int64_t)order[i] * s->stride]; \
  break
    switch (elem) {
    case 1:
      MOVE(uint8_t);
    case 2:
      MOVE(uint16_t);
    case 4:
      MOVE(uint32_t);
    case 8:
      MOVE(uint64_t);
    default:
      for (int64_t i = begin; i < end; ++i)
        memcpy(out + (size_t)(i * s->stride) * elem,
               in + (size_t)((int64_t)order[i] * s->stride) * elem, elem);
    }
#undef MOVE
  }
}

static void decode(void *context, int64_t begin, int64_t end, int thread) {
  const Slice *slice = context;
  const Sort *s = slice->s;
  const Key *key = &s->keys[0];
  const size_t elem = s->elem[0], bytes = (size_t)key->coding.key_bytes;
  char *out = (char *)slice->out[0] + (size_t)slice->base * elem;
  const uint64_t turn = key->key.descending ? key->coding.turn : 0;
  if (s->stride == 1) {
    key->coding.decode(end - begin, (char *)slice->radix.keys + (size_t)begin * bytes,
                       out + (size_t)begin * elem, turn);
    return;
  }
  char *temp = thread_temp(slice, thread);
  const int64_t one = 1;
  for (int64_t at = begin; at < end; at += WIDTH) {
    const int64_t n = pj__min(WIDTH, end - at);
    key->coding.decode(n, (char *)slice->radix.keys + (size_t)at * bytes, temp, turn);
    pj_strided_copy(elem, 1, &n, temp, &one, out + (size_t)(at * s->stride) * elem, &s->stride);
  }
}

static uint64_t key_at(const Slice *slice, int64_t i) {
  return slice->radix.key_bytes == 4 ? ((const uint32_t *)slice->radix.keys)[i]
                                     : ((const uint64_t *)slice->radix.keys)[i];
}

// Elements that share a key with others of other bits, the zeros and the NaNs, in their order.
static void restore(const Slice *slice, uint64_t element) {
  const Sort *s = slice->s;
  const Key *key = &s->keys[0];
  const size_t elem = s->elem[0];
  uint64_t wanted = 0;
  key->coding.encode_plain(1, &element, &wanted, key->key.descending ? key->coding.turn : 0);
  int64_t low = 0, high = s->n; // the first place with the key
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (key_at(slice, middle) < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == s->n || key_at(slice, low) != wanted)
    return;
  const char *in = (const char *)slice->in[0] + (size_t)slice->base * elem;
  char *out = (char *)slice->out[0] + (size_t)slice->base * elem;
  uint64_t keys[WIDTH], buffer[WIDTH];
  for (int64_t at = 0; at < s->n; at += WIDTH) {
    const int64_t n = pj__min(WIDTH, s->n - at);
    key->coding.encode_plain(n, elements(slice, 0, at, n, buffer), keys,
                             key->key.descending ? key->coding.turn : 0);
    for (int64_t i = 0; i < n; ++i)
      if ((key->coding.key_bytes == 4 ? ((uint32_t *)keys)[i] : keys[i]) == wanted)
        memcpy(out + (size_t)(low++ * s->stride) * elem, in + (size_t)((at + i) * s->stride) * elem,
               elem);
  }
}

// ---- by comparisons
static bool is_less(const Slice *slice, uint32_t a, uint32_t b) {
  const Sort *s = slice->s;
  const void **args = (const void **)slice->temp, *result;
  for (uint32_t i = 0; i < 2 * s->count; ++i)
    args[i] = (const char *)slice->in[i / 2] +
              (size_t)(slice->base + (int64_t)(i % 2 ? b : a) * s->stride) * s->elem[i / 2];
  pj__body_run(s->less, 1, args, &result,
               slice->temp + pj__scratch_round((size_t)s->count * 4 * sizeof(void *)));
  return *(const uint8_t *)result != 0;
}

// The evaluator's merge sort, so that also what is no order gives its permutation.
static void compare_sort(Slice *slice) {
  const int64_t n = slice->s->n;
  uint32_t *order = slice->order, *spare = slice->spare_order;
  for (int64_t i = 0; i < n; ++i)
    order[i] = (uint32_t)i;
  for (int64_t begin = 0; begin < n; begin += RUN)
    for (int64_t i = begin + 1; i < pj__min(begin + RUN, n); ++i) {
      const uint32_t at = order[i];
      int64_t j = i;
      for (; j > begin && is_less(slice, at, order[j - 1]); --j)
        order[j] = order[j - 1];
      order[j] = at;
    }
  for (int64_t run = RUN; run < n; run *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * run) {
      const int64_t middle = pj__min(begin + run, n), end = pj__min(begin + 2 * run, n);
      for (int64_t a = begin, b = middle, to = begin; to < end; ++to) {
        const bool right = a == middle || (b < end && is_less(slice, order[b], order[a]));
        spare[to] = order[right ? b++ : a++];
      }
    }
    memcpy(order, spare, (size_t)n * sizeof *order);
  }
}

// ---- slices
static void sort_slice(Slice *slice) {
  const Sort *s = slice->s;
  slice->refused = s->mode == COMPARING;
  slice->radix =
      (PjRadix){.n = s->n, .keys = slice->keys, .spare = slice->spare, .counts = slice->counts};
  if (s->mode == KEYS) {
    over(slice, first_order);
    slice->radix.order = slice->order;
    slice->radix.spare_order = slice->spare_order;
  }
  for (slice->key = (int)s->num_keys - 1; slice->key >= 0 && !slice->refused; --slice->key) {
    const Key *key = &s->keys[slice->key];
    PjRadix *r = &slice->radix;
    over(slice, fill_keys);
    if (slice->refused)
      break;
    r->key_bytes = s->mode == VALUES ? key->coding.key_bytes : 8;
    r->first = s->mode == PACKED ? 4 : 0;
    r->last = r->key_bytes;
    if (s->mode == KEYS)
      over(slice, gather_keys);
    pj__radix_sort(r, slice->threads);
  }
  if (slice->refused) {
    compare_sort(slice);
    over(slice, permute);
    return;
  }
  switch (s->mode) {
  case VALUES:
    over(slice, decode);
    if (s->keys[0].coding.encode_plain && (s->keys[0].plain || !s->keys[0].key.total_order)) {
      restore(slice, 0);
      restore(slice, s->keys[0].coding.nan);
    }
    return;
  case PACKED:
    over(slice, take_order);
    break;
  default:
    slice->order = slice->radix.order;
    break;
  }
  over(slice, permute);
}

typedef struct Run {
  const Sort *s;
  const void *const *in;
  void *const *out;
  void *scratch;
} Run;

static void sort_slices(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Sort *s = run->s;
  char *scratch = pj__thread_scratch(&s->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i) {
    Slice slice = {.s = s,
                   .in = run->in,
                   .out = run->out,
                   .base = i / s->stride * s->n * s->stride + i % s->stride};
    place_scratch(&slice, scratch, scratch + slice_bytes(s));
    sort_slice(&slice);
  }
}

// Rows side by side, but where one has elements that share a key with others of other bits.
static void sort_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Sort *s = run->s;
  const Key *key = &s->keys[0];
  const uint64_t turn = key->key.descending ? key->coding.turn : 0;
  uint32_t keys[SHORT_ROWS * 16 + PJ_SHORT_ROOM], others[SHORT_ROWS * 16];
  for (int64_t at = begin; at < end; at += SHORT_ROWS) {
    const int64_t rows = pj__min(SHORT_ROWS, end - at), n = rows * s->n;
    const size_t offset = (size_t)(at * s->n) * s->elem[0];
    const char *from = (const char *)run->in[0] + offset;
    key->coding.encode(n, from, keys, turn);
    if (key->plain) {
      key->coding.encode_plain(n, from, others, turn);
      if (memcmp(keys, others, (size_t)n * sizeof *keys)) {
        sort_slices(context, at, at + rows, thread);
        continue;
      }
    }
    memset(keys + n, 0, PJ_SHORT_ROOM * sizeof *keys);
    pj__sort_short_rows(rows, s->n, keys);
    key->coding.decode(n, keys, (char *)run->out[0] + offset, turn);
  }
}

static PjStatus run_sort(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const Sort *s = (const Sort *)self;
  Run run = {s, in, out, scratch};
  if (s->few) {
    pj_threads_for(threads, s->slices, pj__max(SHORT_ROWS, pj__grain(s->slices, (double)s->n * 4)),
                   sort_rows, &run);
    return PJ_STATUS_OK;
  }
  if (!s->wide) {
    pj_threads_for(threads, s->slices, pj__grain(s->slices, (double)s->n * 64), sort_slices, &run);
    return PJ_STATUS_OK;
  }
  for (int64_t i = 0; i < s->slices; ++i) {
    Slice slice = {.s = s,
                   .threads = threads,
                   .in = in,
                   .out = out,
                   .base = i / s->stride * s->n * s->stride + i % s->stride};
    place_scratch(&slice, scratch, (char *)scratch + s->routine.scratch_bytes);
    sort_slice(&slice);
  }
  return PJ_STATUS_OK;
}

// Nothing to order: slices of one element, or a scalar.
static PjStatus run_copy(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const Sort *s = (const Sort *)self;
  for (uint32_t i = 0; i < s->count; ++i) {
    const size_t bytes = pj__bytes(pj__in(s->op, i));
    if (bytes)
      memcpy(out[i], in[i], bytes);
  }
  return PJ_STATUS_OK;
}

// ---- plan
// Sets keys and bodies; false when the comparator cannot be run.
static bool make_keys(PjArena *arena, Sort *s) {
  const PjRegion *comparator = &s->op->regions[0];
  PjSortKey keys[PJ_MAX_SORT_KEYS];
  PjValue *computed[PJ_MAX_SORT_KEYS];
  uint32_t num_computed = 0;
  bool may_refuse = false;
  s->num_keys = pj_sort_keys(comparator, keys);
  for (uint32_t k = 0; k < s->num_keys; ++k) {
    Key *key = &s->keys[k];
    uint32_t arg;
    key->key = keys[k];
    key->direct = pj__key_is_operand(comparator, &keys[k], &arg, &key->plain) &&
                  pj__coding(keys[k].dtype, &key->coding);
    key->operand = arg / 2;
    may_refuse |= pj_dtype_is_float(keys[k].dtype) && !keys[k].total_order;
    if (!key->direct)
      computed[num_computed++] = keys[k].left;
  }
  if (num_computed &&
      !(s->key_body = pj__body_make(arena, comparator, num_computed, computed, WIDTH)))
    return false;
  if (!s->num_keys || may_refuse) {
    s->less = pj__body_returns(arena, comparator, 1);
    if (!s->less)
      return false;
  }
  const Key *key = &s->keys[0];
  if (!s->num_keys)
    s->mode = COMPARING;
  else if (s->num_keys == 1 && key->direct && s->count == 1)
    s->mode = VALUES;
  else if (s->num_keys == 1 && key->direct && key->coding.key_bytes == 4)
    s->mode = PACKED;
  else
    s->mode = KEYS;
  return true;
}

const PjRoutine *pj__routine_sort(PjArena *arena, const PjOp *op) {
  const PjType *type = pj__in(op, 0);
  const PjRegion *comparator = &op->regions[0];
  int32_t axis = (int32_t)PJ_INT(op, dimension);
  if (comparator->num_args != 2 * op->num_operands)
    return NULL;
  for (uint32_t i = 0; i < comparator->num_args; ++i)
    if (!pj_type_is_scalar_tensor(comparator->args[i].type) ||
        comparator->args[i].type->dtype != pj__in(op, i / 2)->dtype)
      return NULL;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (pj__count(pj__in(op, i)) != pj__count(type))
      return NULL;
  Sort *s = PJ_NEW(arena, Sort);
  s->op = op;
  s->count = op->num_operands;
  s->routine = (PjRoutine){.name = "sort", .run = run_sort, .in_place = -1};
  s->elem = PJ_NEW_ARRAY(arena, size_t, s->count);
  for (uint32_t i = 0; i < s->count; ++i) {
    s->elem[i] = pj_dtype_bytes(pj__in(op, i)->dtype);
    s->routine.bytes += 2 * (double)pj__bytes(pj__in(op, i));
  }
  if (axis < 0)
    axis += type->rank;
  const int64_t count = pj__count(type);
  if (axis < 0 || axis >= type->rank || count == 0 || type->dims[axis] == 1) {
    s->routine.run = run_copy;
    return &s->routine;
  }
  s->n = type->dims[axis];
  s->slices = count / s->n;
  s->stride = 1;
  for (int32_t d = axis + 1; d < type->rank; ++d)
    s->stride *= type->dims[d];
  if (s->n >= UINT32_MAX || !make_keys(arena, s))
    return NULL;
  s->keys_bytes = pj__scratch_round((size_t)s->n *
                                    (s->mode == VALUES ? (size_t)s->keys[0].coding.key_bytes : 8));
  if (s->mode == COMPARING)
    s->keys_bytes = 0;
  const Key *key = &s->keys[0];
  s->few = s->mode == VALUES && s->stride == 1 && s->n <= pj__short_row() && s->slices > 1 &&
           key->coding.key_bytes == 4 && (key->key.total_order || !key->coding.encode_plain);
  s->wide = s->mode != COMPARING && s->n >= WIDE && s->slices < 8;
  s->routine.scratch_bytes = s->wide ? slice_bytes(s) : 0;
  s->routine.thread_scratch_bytes = temp_bytes(s) + (s->wide ? 0 : slice_bytes(s));
  return &s->routine;
}
