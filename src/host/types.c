// Element types: their names in StableHLO text and their size on the host.
#include "host/host.h"

#include <string.h>

// Indexed by PJRT_Buffer_Type. The size is that of one element on the host, where nothing is
// narrower than a byte.
static const struct {
  const char *name;
  unsigned char host_size;
} types[] = {
    [PJRT_Buffer_Type_INVALID] = {"invalid", 0},
    [PJRT_Buffer_Type_PRED] = {"i1", 1},
    [PJRT_Buffer_Type_S8] = {"i8", 1},
    [PJRT_Buffer_Type_S16] = {"i16", 2},
    [PJRT_Buffer_Type_S32] = {"i32", 4},
    [PJRT_Buffer_Type_S64] = {"i64", 8},
    [PJRT_Buffer_Type_U8] = {"ui8", 1},
    [PJRT_Buffer_Type_U16] = {"ui16", 2},
    [PJRT_Buffer_Type_U32] = {"ui32", 4},
    [PJRT_Buffer_Type_U64] = {"ui64", 8},
    [PJRT_Buffer_Type_F16] = {"f16", 2},
    [PJRT_Buffer_Type_F32] = {"f32", 4},
    [PJRT_Buffer_Type_F64] = {"f64", 8},
    [PJRT_Buffer_Type_BF16] = {"bf16", 2},
    [PJRT_Buffer_Type_C64] = {"complex<f32>", 8},
    [PJRT_Buffer_Type_C128] = {"complex<f64>", 16},
    [PJRT_Buffer_Type_F8E5M2] = {"f8E5M2", 1},
    [PJRT_Buffer_Type_F8E4M3FN] = {"f8E4M3FN", 1},
    [PJRT_Buffer_Type_F8E4M3B11FNUZ] = {"f8E4M3B11FNUZ", 1},
    [PJRT_Buffer_Type_F8E5M2FNUZ] = {"f8E5M2FNUZ", 1},
    [PJRT_Buffer_Type_F8E4M3FNUZ] = {"f8E4M3FNUZ", 1},
    [PJRT_Buffer_Type_S4] = {"i4", 1},
    [PJRT_Buffer_Type_U4] = {"ui4", 1},
    [PJRT_Buffer_Type_TOKEN] = {"token", 0},
    [PJRT_Buffer_Type_S2] = {"i2", 1},
    [PJRT_Buffer_Type_U2] = {"ui2", 1},
    [PJRT_Buffer_Type_F8E4M3] = {"f8E4M3", 1},
    [PJRT_Buffer_Type_F8E3M4] = {"f8E3M4", 1},
    [PJRT_Buffer_Type_F8E8M0FNU] = {"f8E8M0FNU", 1},
    [PJRT_Buffer_Type_F4E2M1FN] = {"f4E2M1FN", 1},
    [PJRT_Buffer_Type_S1] = {"si1", 1},
    [PJRT_Buffer_Type_U1] = {"ui1", 1},
};
enum { NUM_TYPES = sizeof types / sizeof *types };

const char *pjh_type_name(PJRT_Buffer_Type type) {
  return (size_t)type < NUM_TYPES ? types[type].name : types[0].name;
}

PJRT_Buffer_Type pjh_type_from_name(const char *name, size_t size) {
  for (size_t i = 1; i < NUM_TYPES; i++)
    if (strlen(types[i].name) == size && memcmp(types[i].name, name, size) == 0)
      return (PJRT_Buffer_Type)i;
  return PJRT_Buffer_Type_INVALID;
}

size_t pjh_type_host_size(PJRT_Buffer_Type type) {
  return (size_t)type < NUM_TYPES ? types[type].host_size : 0;
}
