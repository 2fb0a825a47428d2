// One number of 16 bits, to and from float. Rounding is as eval/float.h says.
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint32_t pj_float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float pj_bits_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// Branch-free, so that loops over them become vector code. NaN payloads keep their
// upper bits and turn quiet.
static inline float pj_f16_decode(uint16_t code) {
  uint32_t magnitude = (code & 0x7FFFu) << 13, sign = (code & 0x8000u) << 16;
  // The multiplication moves the exponent's bias and normalises subnormal numbers; it is exact.
  float value = pj_bits_float(magnitude) * 0x1p112f;
  uint32_t bits = pj_float_bits(value) | (magnitude >= 0x0F800000u ? 0x7F800000u : 0);
  return pj_bits_float(bits | sign);
}

static inline uint16_t pj_f16_encode(float value) {
  uint32_t bits = pj_float_bits(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  uint32_t normal = (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
  // Below 2^-14: adding 0.5 aligns the value so that its last place is that of the subnormal
  // numbers.
  uint32_t subnormal = pj_float_bits(pj_bits_float(magnitude) + 0.5f) - 0x3F000000u;
  uint32_t nan = 0x7E00u | (magnitude >> 13 & 0x1FFu);
  uint32_t code = magnitude < 0x38800000u ? subnormal : normal;
  code = magnitude >= 0x47800000u ? 0x7C00u : code;
  code = magnitude > 0x7F800000u ? nan : code;
  return (uint16_t)(code | sign);
}

static inline float pj_bf16_decode(uint16_t code) {
  return pj_bits_float((uint32_t)code << 16);
}

static inline uint16_t pj_bf16_encode(float value) {
  uint32_t bits = pj_float_bits(value);
  uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16 & 0x8000u) | 0x7FC0u
                                                       : rounded);
}
