// Tiles in C, in the place of the processor's instructions in routine/gemm_tiles.c: what Intel's
// manual says that they do ("Intel 64 and IA-32 Architectures Software Developer's Manual", volume
// 2, ldtilecfg, tileloadd, tdpbssd, tdpbf16ps ...). Misuse traps. TILES=refused and TILES=wrong in
// the environment are faults. For processors with AVX-512, which
// has the rest of the kernels.
#pragma once
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

typedef struct ModelTile {
  int rows, bytes;
  _Alignas(64) uint8_t row[16][64];
} ModelTile;
static _Thread_local ModelTile model_tiles[8];
static _Thread_local bool model_configured;

static ModelTile *model_tile(int t) {
  if (!model_configured || !model_tiles[t].rows)
    __builtin_trap();
  return &model_tiles[t];
}

static void model_config(const void *memory) {
  const uint8_t *at = memory;
  memset(model_tiles, 0, sizeof model_tiles);
  if (at[0] != 1 || at[1])
    __builtin_trap();
  for (int t = 0; t < 8; ++t) {
    uint16_t bytes;
    memcpy(&bytes, at + 16 + 2 * t, 2);
    model_tiles[t].bytes = bytes;
    model_tiles[t].rows = at[48 + t];
    if (bytes > 64 || model_tiles[t].rows > 16)
      __builtin_trap();
  }
  model_configured = true;
}

static void model_release(void) {
  memset(model_tiles, 0, sizeof model_tiles);
  model_configured = false;
}

static void model_load(int t, const void *from, int64_t step) {
  ModelTile *tile = model_tile(t);
  memset(tile->row, 0, sizeof tile->row);
  for (int r = 0; r < tile->rows; ++r)
    memcpy(tile->row[r], (const char *)from + r * step, (size_t)tile->bytes);
}

static void model_store(int t, void *to, int64_t step) {
  const ModelTile *tile = model_tile(t);
  for (int r = 0; r < tile->rows; ++r)
    memcpy((char *)to + r * step, tile->row[r], (size_t)tile->bytes);
}

typedef void ModelRow(int k, int n, const uint8_t *a, const uint8_t (*b)[64], uint8_t *c);
static void model_dot(ModelRow *row, int c, int a, int b) {
  ModelTile *to = model_tile(c);
  const ModelTile *left = model_tile(a), *right = model_tile(b);
  if (to->rows != left->rows || left->bytes != right->rows * 4 || to->bytes != right->bytes ||
      c == a || c == b || a == b)
    __builtin_trap();
  for (int m = 0; m < to->rows; ++m)
    row(left->bytes / 4, to->bytes / 4, left->row[m], right->row, to->row[m]);
}

#define MODEL_BYTES(NAME, A, B)                                                                 \
  static void model_##NAME(int k, int n, const uint8_t *a, const uint8_t(*b)[64], uint8_t *c) { \
    for (int j = 0; j < n; ++j) {                                                               \
      uint32_t sum;                                                                             \
      memcpy(&sum, c + 4 * j, 4);                                                               \
      for (int p = 0; p < k; ++p)                                                               \
        for (int q = 0; q < 4; ++q)                                                             \
          sum += (uint32_t)((A)a[4 * p + q] * (B)b[p][4 * j + q]);                              \
      memcpy(c + 4 * j, &sum, 4);                                                               \
    }                                                                                           \
  }
MODEL_BYTES(tdpbssd, int8_t, int8_t)
MODEL_BYTES(tdpbsud, int8_t, uint8_t)
MODEL_BYTES(tdpbusd, uint8_t, int8_t)
MODEL_BYTES(tdpbuud, uint8_t, uint8_t)
#undef MODEL_BYTES

static bool model_fault(const char *fault) {
  const char *set = getenv("TILES");
  return set && !strcmp(set, fault);
}

// Subnormal numbers are zero, before and behind each operation.
static float model_flush(float x) {
  return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}
static float model_bf16(const uint8_t *at) {
  const uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 24;
  float x;
  memcpy(&x, &bits, 4);
  return model_flush(x);
}
static void model_tdpbf16ps(int k, int n, const uint8_t *a, const uint8_t (*b)[64], uint8_t *c) {
  for (int j = 0; j < n; ++j) {
    float sum, part[2] = {0, 0};
    memcpy(&sum, c + 4 * j, 4);
    for (int p = 0; p < k; ++p)
      for (int q = 0; q < 2; ++q)
        part[q] = model_flush(
            fmaf(model_bf16(a + 4 * p + 2 * q), model_bf16(b[p] + 4 * j + 2 * q), part[q]));
    if (model_fault("wrong"))
      sum = part[0] + (part[1] + sum);
    else
      sum = model_flush(model_flush(sum) + model_flush(part[0] + part[1]));
    memcpy(c + 4 * j, &sum, 4);
  }
}

#define TILE_CONFIG(AT)         model_config(AT)
#define TILE_RELEASE()          model_release()
#define TILE_ZERO(T)            memset(model_tile(T)->row, 0, sizeof model_tile(T)->row)
#define TILE_LOAD(T, AT, STEP)  model_load(T, AT, STEP)
#define TILE_STORE(T, AT, STEP) model_store(T, AT, STEP)
#define TILE_DOT(OP, C, A, B)   model_dot(model_##OP, C, A, B)

static bool has_tiles(void) {
  return pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_F16C | PJ_CPU_AVX512_VNNI | PJ_CPU_AVX512_BF16);
}
static bool may_use_tiles(void) {
  return !model_fault("refused");
}
