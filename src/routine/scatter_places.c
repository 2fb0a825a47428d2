// Where windows of scatter begin.
#include "routine/scatter.h"
#include "routine/variant.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LOCATE(NAME, READ)                                                                        \
  static void NAME(const PjScatterVectors *v, const PjScatterBounds *bounds, const void *indices, \
                   const uint32_t *values, int64_t count, PjScatterPlaces *out) {                 \
    int64_t n = 0, at = 0;                                                                        \
    for (int64_t i = 0; i < count; ++i, at += v->step) {                                          \
      uint64_t to = 0;                                                                            \
      bool inside = true;                                                                         \
      for (int32_t k = 0; k < v->num; ++k) {                                                      \
        const uint64_t start = (uint64_t)READ(indices, at + k * v->component_step);               \
        inside &= start - bounds->low[k] < bounds->size[k];                                       \
        to += start * v->factor[k];                                                               \
      }                                                                                           \
      out->to[n] = (uint32_t)to;                                                                  \
      out->from[n] = values ? values[i] : (uint32_t)i;                                            \
      n += inside;                                                                                \
    }                                                                                             \
    out->count = n;                                                                               \
  }
#define READ_S32(p, i) (((const int32_t *)(p))[i])
#define READ_S64(p, i) (((const int64_t *)(p))[i])
#define READ_U32(p, i) (((const uint32_t *)(p))[i])
#define READ_S16(p, i) (((const int16_t *)(p))[i])
#define READ_U16(p, i) (((const uint16_t *)(p))[i])
#define READ_S8(p, i)  (((const int8_t *)(p))[i])
#define READ_U8(p, i)  (((const uint8_t *)(p))[i])
LOCATE(locate_s32, READ_S32)
LOCATE(locate_s64, READ_S64) // and U64: numbers above INT64_MAX are outside either way
LOCATE(locate_u32, READ_U32)
LOCATE(locate_s16, READ_S16)
LOCATE(locate_u16, READ_U16)
LOCATE(locate_s8, READ_S8)
LOCATE(locate_u8, READ_U8)

#define PJ_VARIANT_FILE "routine/scatter_places_variant.h"
#include "routine/variants.h"

// For vectors of 32-bit components, one after the other, or NULL.
static PjLocateFn *locate_dense(const PjScatterVectors *v) {
  if (v->num == 1 && v->step == 1 && v->factor[0] == 1)
    return PJ_PICK(locate_line);
  return v->num == 2 && v->step == 2 && v->component_step == 1 ? PJ_PICK(locate_pairs) : NULL;
}

static void number_lanes(PjScatterVectors *v) {
  for (unsigned mask = 0; mask < 256; ++mask) {
    int shift = 0;
    v->lanes[mask] = 0;
    for (uint64_t lane = 0; lane < 8; ++lane)
      if (mask >> lane & 1) {
        v->lanes[mask] |= lane << shift;
        shift += 8;
      }
  }
}

PjLocateFn *pj__scatter_locate(PjDtype index, PjScatterVectors *v) {
  PjLocateFn *dense;
  switch (index) {
  case PJ_DT_S32:
    dense = locate_dense(v);
    if (!dense)
      return locate_s32;
    number_lanes(v);
    return dense;
  case PJ_DT_S64:
  case PJ_DT_U64:
  case PJ_DT_INDEX:
    return locate_s64;
  case PJ_DT_U32:
    return locate_u32;
  case PJ_DT_S16:
    return locate_s16;
  case PJ_DT_U16:
    return locate_u16;
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    return locate_s8;
  default:
    return locate_u8;
  }
}
