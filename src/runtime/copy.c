// See copy.h.
#include "runtime/copy.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
  GRAIN = 256 << 10,        // bytes, about 25 us
  STREAMED_FROM = 16 << 20, // below, whoever reads the copy next finds it in a cache
  LINE = 64,
  AHEAD = 512,
};

typedef struct Copy {
  char *dst;
  const char *src;
} Copy;

static void copy_range(void *context, int64_t begin, int64_t end, int thread) {
  const Copy *copy = context;
  memcpy(copy->dst + begin, copy->src + begin, (size_t)(end - begin));
}

static void stream_range(void *context, int64_t begin, int64_t end, int thread) {
#ifdef __SSE2__
  const Copy *copy = context;
  char *dst = copy->dst + begin;
  const char *src = copy->src + begin;
  size_t size = (size_t)(end - begin), head = -(uintptr_t)dst & (LINE - 1);
  if (head > size)
    head = size;
  memcpy(dst, src, head);
  size_t at = head;
  for (; at + LINE <= size; at += LINE) {
    _mm_prefetch(src + at + AHEAD, _MM_HINT_NTA);
    __m128i a = _mm_loadu_si128((const __m128i *)(src + at));
    __m128i b = _mm_loadu_si128((const __m128i *)(src + at + 16));
    __m128i c = _mm_loadu_si128((const __m128i *)(src + at + 32));
    __m128i d = _mm_loadu_si128((const __m128i *)(src + at + 48));
    _mm_stream_si128((__m128i *)(dst + at), a);
    _mm_stream_si128((__m128i *)(dst + at + 16), b);
    _mm_stream_si128((__m128i *)(dst + at + 32), c);
    _mm_stream_si128((__m128i *)(dst + at + 48), d);
  }
  // Before the loop's end tells others that the bytes are there.
  _mm_sfence();
  memcpy(dst + at, src + at, size - at);
#else
  copy_range(context, begin, end, thread);
#endif
}

void pj_copy_bytes(PjThreads *threads, void *dst, const void *src, size_t size) {
  if (size < 2 * GRAIN) {
    if (size)
      memcpy(dst, src, size);
    return;
  }
  Copy copy = {dst, src};
  pj_threads_for(threads, (int64_t)size, GRAIN, size < STREAMED_FROM ? copy_range : stream_range,
                 &copy);
}
