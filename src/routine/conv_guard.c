// Ways to compute a convolution that multiply zeros which its definition leaves out, or leave out
// such that it multiplies: both are right as long as the window holds finite numbers.
#include <string.h>

#include "eval/float.h"
#include "routine/conv.h"

typedef struct Scan {
  PjDtype dtype;
  const char *data;
  _Atomic bool *found;
} Scan;

// Words of 16 bits, as many as a vector of any processor has.
typedef uint16_t Words __attribute__((vector_size(16), aligned(1), may_alias));
enum {
  PIECE = 512,          // elements between two looks at whether another thread has found one
  MOST_PAIRS = 1 << 20, // of a place of the window and a position
};

// The bits of the exponent in each word of 16 bits: all are set in infinities and NaN, and only
// there. |want|: what words without any are never equal to.
static bool exponent_words(PjDtype dtype, Words *mask, Words *want) {
  const int words = dtype == PJ_DT_F64 ? 4 : dtype == PJ_DT_F32 ? 2 : 1;
  const uint16_t exponent = dtype == PJ_DT_F64 ? 0x7ff0 : dtype == PJ_DT_F16 ? 0x7c00 : 0x7f80;
  for (int i = 0; i < 8; ++i) {
    (*mask)[i] = i % words == words - 1 ? exponent : 0;
    (*want)[i] = (*mask)[i] ? exponent : 1;
  }
  return dtype == PJ_DT_F64 || dtype == PJ_DT_F32 || dtype == PJ_DT_F16 || dtype == PJ_DT_BF16;
}

static bool any_special(size_t bytes, const char *from, const Words *mask, const Words *want) {
  const Words m = *mask, w = *want;
  Words found = {0}, rest = {0};
  size_t i = 0;
  for (; i + sizeof rest <= bytes; i += sizeof rest)
    found |= (Words)((*(const Words *)(from + i) & m) == w);
  memcpy(&rest, from + i, bytes - i);
  found |= (Words)((rest & m) == w);
  uint64_t all[sizeof found / 8];
  memcpy(all, &found, sizeof found);
  return all[0] | all[1];
}

static void find_special(void *context, int64_t begin, int64_t end, int thread) {
  const Scan *scan = context;
  const size_t elem = pj_dtype_bytes(scan->dtype);
  Words mask, want;
  const bool as_lies = exponent_words(scan->dtype, &mask, &want);
  float numbers[PIECE];
  if (!as_lies)
    exponent_words(PJ_DT_F32, &mask, &want);
  for (int64_t i = begin; i < end && !*scan->found; i += PIECE) {
    const int64_t n = pj__min(PIECE, end - i);
    const char *from = scan->data + (size_t)i * elem;
    if (!as_lies)
      pj_float_decode_n(scan->dtype, n, from, numbers);
    if (any_special((size_t)n * (as_lies ? elem : sizeof(float)),
                    as_lies ? from : (const char *)numbers, &mask, &want))
      *scan->found = true;
  }
}

bool pj__conv_is_finite(PjThreads *threads, PjDtype dtype, int64_t count, const void *data) {
  _Atomic bool found = false;
  Scan scan = {dtype, data, &found};
  if (pj_dtype_is_float(dtype))
    pj_threads_for(threads, count, pj__grain(count, 1), find_special, &scan);
  return !found;
}

typedef struct Guarded {
  PjRoutine routine;
  const PjRoutine *fast, *exact;
  PjDtype dtype;
  int64_t count;
  int64_t late; // elements of the result, which is looked at first; or 0
} Guarded;

static PjStatus run_guarded(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const Guarded *g = (const Guarded *)self;
  if (g->late) {
    PJ_TRY(g->fast->run(g->fast, threads, in, out, scratch));
    if (pj__conv_is_finite(threads, g->dtype, g->late, out[0]) ||
        pj__conv_is_finite(threads, g->dtype, g->count, in[1]))
      return PJ_STATUS_OK;
    return g->exact->run(g->exact, threads, in, out, scratch);
  }
  const PjRoutine *routine =
      pj__conv_is_finite(threads, g->dtype, g->count, in[1]) ? g->fast : g->exact;
  return routine->run(routine, threads, in, out, scratch);
}

const PjRoutine *pj__conv_guarded(PjArena *arena, const PjType *rhs, const PjRoutine *fast,
                                  const PjRoutine *exact) {
  if (!fast || !exact)
    return exact;
  Guarded *g = PJ_NEW(arena, Guarded);
  *g = (Guarded){.fast = fast, .exact = exact, .dtype = rhs->dtype, .count = pj__count(rhs)};
  g->routine = (PjRoutine){.name = fast->name, .run = run_guarded, .in_place = -1};
  g->routine.scratch_bytes =
      (size_t)pj__max((int64_t)fast->scratch_bytes, (int64_t)exact->scratch_bytes);
  g->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)fast->thread_scratch_bytes, (int64_t)exact->thread_scratch_bytes);
  return &g->routine;
}

// Whether each place of the window meets an element of the input somewhere.
static bool meets_all(const PjConvShape *s) {
  for (int32_t d = 0; d < s->spatial; ++d) {
    if (s->window[d] > MOST_PAIRS / s->out[d])
      return false; // too long to tell
    for (int64_t k = 0; k < s->window[d]; ++k) {
      bool any = false;
      for (int64_t i = 0; !any && i < s->out[d]; ++i)
        any = pj__conv_locate(s, d, i * s->stride[d] + k * s->window_dilation[d] - s->low[d]) >= 0;
      if (!any)
        return false;
    }
  }
  return true;
}

const PjRoutine *pj__conv_guarded_late(PjArena *arena, const PjConvShape *s, const PjType *rhs,
                                       const PjRoutine *fast, const PjRoutine *exact) {
  const PjRoutine *routine = pj__conv_guarded(arena, rhs, fast, exact);
  int64_t count = s->batch * s->groups * s->out_features;
  for (int32_t d = 0; d < s->spatial; ++d)
    count *= s->out[d];
  if (routine != exact && count < pj__count(rhs) && s->rhs_dtype == s->out_dtype && meets_all(s))
    ((Guarded *)routine)->late = count;
  return routine;
}
