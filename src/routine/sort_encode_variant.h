// Keys of sort as unsigned integers of the same order, and back, a run at a time: loops that the
// compiler makes vector code of. |turn| is the bits in use where the order falls, else 0.
#define ENCODE(NAME, FROM, TO, EXPR)                                                        \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *in, void *out, uint64_t turn64) { \
    const FROM *from = in;                                                                  \
    TO *to = out;                                                                           \
    const TO turn = (TO)turn64;                                                             \
    for (int64_t i = 0; i < n; ++i) {                                                       \
      const FROM x = from[i];                                                               \
      to[i] = (TO)((TO)(EXPR) ^ turn);                                                      \
    }                                                                                       \
  }
#define DECODE(NAME, FROM, TO, EXPR)                                                        \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *in, void *out, uint64_t turn64) { \
    const FROM *from = in;                                                                  \
    TO *to = out;                                                                           \
    const FROM turn = (FROM)turn64;                                                         \
    for (int64_t i = 0; i < n; ++i) {                                                       \
      const FROM x = from[i] ^ turn;                                                        \
      to[i] = (TO)(EXPR);                                                                   \
    }                                                                                       \
  }
// Floats: all bits turned where the sign is set, else the sign; and one zero, one NaN.
#define ORDERED16(b)         (((b)&0x8000u ? ~(b) : (b) | 0x8000u) & 0xFFFFu)
#define ORDERED32(b)         ((b) ^ ((uint32_t)((int32_t)(b) >> 31) | 0x80000000u))
#define ORDERED64(b)         ((b) ^ ((uint64_t)((int64_t)(b) >> 63) | 0x8000000000000000u))
#define PLAIN16(b, INF, NOT) ((uint32_t)(((b)&0x7FFFu) > INF ? NOT : (b) == 0x8000u ? 0 : (b)))
#define PLAIN32(b)           (((b)&0x7FFFFFFFu) > 0x7F800000u ? 0x7FC00000u : (b) == 0x80000000u ? 0 : (b))
#define PLAIN64(b)                                                       \
  (((b)&0x7FFFFFFFFFFFFFFFu) > 0x7FF0000000000000u ? 0x7FF8000000000000u \
   : (b) == 0x8000000000000000u                    ? 0                   \
                                                   : (b))

ENCODE(encode_s8, uint8_t, uint32_t, x ^ 0x80u)
ENCODE(encode_s16, uint16_t, uint32_t, x ^ 0x8000u)
ENCODE(encode_s32, uint32_t, uint32_t, x ^ 0x80000000u)
ENCODE(encode_s64, uint64_t, uint64_t, x ^ 0x8000000000000000u)
ENCODE(encode_u8, uint8_t, uint32_t, x)
ENCODE(encode_u16, uint16_t, uint32_t, x)
ENCODE(encode_u32, uint32_t, uint32_t, x)
ENCODE(encode_u64, uint64_t, uint64_t, x)
ENCODE(encode_f16, uint16_t, uint32_t, ORDERED16((uint32_t)x))
ENCODE(encode_f32, uint32_t, uint32_t, ORDERED32(x))
ENCODE(encode_f64, uint64_t, uint64_t, ORDERED64(x))
ENCODE(encode_plain_f16, uint16_t, uint32_t, ORDERED16(PLAIN16(x, 0x7C00u, 0x7E00u)))
ENCODE(encode_plain_bf16, uint16_t, uint32_t, ORDERED16(PLAIN16(x, 0x7F80u, 0x7FC0u)))
ENCODE(encode_plain_f32, uint32_t, uint32_t, ORDERED32(PLAIN32(x)))
ENCODE(encode_plain_f64, uint64_t, uint64_t, ORDERED64(PLAIN64(x)))

DECODE(decode_s8, uint32_t, uint8_t, x ^ 0x80u)
DECODE(decode_s16, uint32_t, uint16_t, x ^ 0x8000u)
DECODE(decode_s32, uint32_t, uint32_t, x ^ 0x80000000u)
DECODE(decode_s64, uint64_t, uint64_t, x ^ 0x8000000000000000u)
DECODE(decode_u8, uint32_t, uint8_t, x)
DECODE(decode_u16, uint32_t, uint16_t, x)
DECODE(decode_u32, uint32_t, uint32_t, x)
DECODE(decode_u64, uint64_t, uint64_t, x)
DECODE(decode_f16, uint32_t, uint16_t, x & 0x8000u ? x ^ 0x8000u : ~x)
DECODE(decode_f32, uint32_t, uint32_t, x ^ ((uint32_t)((int32_t)~x >> 31) | 0x80000000u))
DECODE(decode_f64, uint64_t, uint64_t, x ^ ((uint64_t)((int64_t)~x >> 63) | 0x8000000000000000u))

static const Coding PJ_V(codings)[PJ_DT_COUNT] = {
    [PJ_DT_PRED] = {PJ_V(encode_u8), NULL, PJ_V(decode_u8), 1, 0},
    [PJ_DT_S2] = {PJ_V(encode_s8), NULL, PJ_V(decode_s8), 1, 0},
    [PJ_DT_S4] = {PJ_V(encode_s8), NULL, PJ_V(decode_s8), 1, 0},
    [PJ_DT_S8] = {PJ_V(encode_s8), NULL, PJ_V(decode_s8), 1, 0},
    [PJ_DT_S16] = {PJ_V(encode_s16), NULL, PJ_V(decode_s16), 2, 0},
    [PJ_DT_S32] = {PJ_V(encode_s32), NULL, PJ_V(decode_s32), 4, 0},
    [PJ_DT_S64] = {PJ_V(encode_s64), NULL, PJ_V(decode_s64), 8, 0},
    [PJ_DT_INDEX] = {PJ_V(encode_s64), NULL, PJ_V(decode_s64), 8, 0},
    [PJ_DT_U2] = {PJ_V(encode_u8), NULL, PJ_V(decode_u8), 1, 0},
    [PJ_DT_U4] = {PJ_V(encode_u8), NULL, PJ_V(decode_u8), 1, 0},
    [PJ_DT_U8] = {PJ_V(encode_u8), NULL, PJ_V(decode_u8), 1, 0},
    [PJ_DT_U16] = {PJ_V(encode_u16), NULL, PJ_V(decode_u16), 2, 0},
    [PJ_DT_U32] = {PJ_V(encode_u32), NULL, PJ_V(decode_u32), 4, 0},
    [PJ_DT_U64] = {PJ_V(encode_u64), NULL, PJ_V(decode_u64), 8, 0},
    [PJ_DT_F16] = {PJ_V(encode_f16), PJ_V(encode_plain_f16), PJ_V(decode_f16), 2, 0x7E00},
    [PJ_DT_BF16] = {PJ_V(encode_f16), PJ_V(encode_plain_bf16), PJ_V(decode_f16), 2, 0x7FC0},
    [PJ_DT_F32] = {PJ_V(encode_f32), PJ_V(encode_plain_f32), PJ_V(decode_f32), 4, 0x7FC00000},
    [PJ_DT_F64] = {PJ_V(encode_f64), PJ_V(encode_plain_f64), PJ_V(decode_f64), 8,
                   0x7FF8000000000000},
};
#undef ENCODE
#undef DECODE
#undef ORDERED16
#undef ORDERED32
#undef ORDERED64
#undef PLAIN16
#undef PLAIN32
#undef PLAIN64
