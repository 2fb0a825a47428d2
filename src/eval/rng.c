// rng (StableHLO specification, "rng"). The specification leaves the generator open: here, Philox
// under a key drawn once per process from the system, with one stream per evaluation.
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "eval/random_bits.h"

static uint32_t process_key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t next_stream;

static void draw_key(void) {
  if (getrandom(process_key, sizeof process_key, GRND_NONBLOCK) == (ssize_t)sizeof process_key)
    return;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  process_key[0] = (uint32_t)now.tv_nsec;
  process_key[1] = (uint32_t)now.tv_sec;
}

typedef struct Stream {
  uint64_t stream, block;
  uint32_t words[4];
  int left; // words not used yet
} Stream;

static uint64_t draw(Stream *s) {
  if (!s->left) {
    const uint32_t counter[4] = {(uint32_t)s->block, (uint32_t)(s->block >> 32),
                                 (uint32_t)s->stream, (uint32_t)(s->stream >> 32)};
    pj_philox(process_key, counter, s->words);
    ++s->block;
    s->left = 4;
  }
  s->left -= 2;
  return s->words[s->left] | (uint64_t)s->words[s->left + 1] << 32;
}

static double draw_unit(Stream *s) {
  return (double)(draw(s) >> 11) * 0x1p-53;
} // [0, 1)

static void fill_float(Stream *s, bool normal, double a, double b, PjTensor *out) {
  const size_t bytes = pj_dtype_bytes(out->dtype);
  const double two_pi = 6.28318530717958647693;
  for (int64_t i = 0; i < out->count; ++i) {
    char *to = (char *)out->data + (size_t)i * bytes;
    if (normal) { // Box and Muller
      const double radius = sqrt(-2 * log(1 - draw_unit(s)));
      pj_double_encode(out->dtype, a + b * (radius * cos(two_pi * draw_unit(s))), to);
      continue;
    }
    pj_double_encode(out->dtype, a + draw_unit(s) * (b - a), to);
    // Rounding to the type may reach the open end of the interval.
    if (pj_double_decode(out->dtype, to) >= b)
      pj_double_encode(out->dtype, a, to);
  }
}

static void fill_int(Stream *s, int64_t a, int64_t b, PjTensor *out) {
  const bool is_unsigned = pj_dtype_class(out->dtype) != PJ_CLASS_SINT;
  const bool empty = is_unsigned ? (uint64_t)a >= (uint64_t)b : a >= b;
  const uint64_t range = empty ? 1 : (uint64_t)b - (uint64_t)a;
  const size_t bytes = pj_dtype_bytes(out->dtype);
  for (int64_t i = 0; i < out->count; ++i) {
    const uint64_t offset = (uint64_t)((unsigned __int128)draw(s) * range >> 64);
    pj_int_encode(out->dtype, (int64_t)((uint64_t)a + offset),
                  (char *)out->data + (size_t)i * bytes);
  }
}

PjStatus pj_ev_rng(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *a = in[0], *b = in[1], *shape = in[2];
  const PjDtype dtype = a->dtype;
  const bool normal = PJ_INT(op, rng_distribution) == PJ_RNG_NORMAL;
  if (shape->count > PJ_MAX_RANK)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "a shape of %lld dimensions", (long long)shape->count);
  int64_t dims[PJ_MAX_RANK];
  for (int64_t i = 0; i < shape->count; ++i) {
    dims[i] = pj_int_decode(shape->dtype,
                            (const char *)shape->data + (size_t)i * pj_dtype_bytes(shape->dtype));
    if (dims[i] < 0)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "size %lld of dimension %lld is negative",
                         (long long)dims[i], (long long)i);
  }
  PjTensor *result = out[0] = pj_eval_new(ev, dtype, (int32_t)shape->count, dims);
  pthread_once(&once, draw_key);
  Stream stream = {.stream = atomic_fetch_add_explicit(&next_stream, 1, memory_order_relaxed)};
  if (pj_dtype_is_float(dtype))
    fill_float(&stream, normal, pj_double_decode(dtype, a->data), pj_double_decode(dtype, b->data),
               result);
  else if (!normal && !pj_dtype_is_complex(dtype))
    fill_int(&stream, pj_int_decode(dtype, a->data), pj_int_decode(dtype, b->data), result);
  else
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "no %s distribution of type %s",
                       normal ? "normal" : "uniform", pj_dtype_text(dtype));
  return PJ_STATUS_OK;
}
