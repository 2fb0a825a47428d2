// The packed product by the processor's instructions on tiles (AMX): 32 rows by 32 columns of c are
// four tiles of 16 rows of 64 bytes, and an instruction multiplies 16 rows by 16 columns, of 16
// groups of neighbours of the sum (gemm_groups.c). Slivers of b are those of groups. In slivers of
// a, of 32 rows, each square of 16 groups by 16 rows is turned: a tile's row has the groups of one
// row. Sums are filled up with zeros to whole squares.
//
// The processor must be asked for tiles before their first use (the kernel keeps 8 KiB more of each
// thread that uses them); then each kind of numbers must compute what it should once.
#include "routine/gemm.h"

#if defined(__x86_64__) && \
    ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "routine/variant.h"

enum {
  SIDE = 16,           // rows of a tile, and words of one: groups of a, columns of b and c
  WIDTH = 2 * SIDE,    // rows and columns of slivers
  LINE = WIDTH * 4,    // bytes from row to row of a tile of a packed sliver,
  SQUARE = SIDE * LINE // and from square to square
};

// What an instruction multiplies, rows by columns.
typedef enum Kind { S8_S8, S8_U8, U8_S8, U8_U8, BF16, KINDS } Kind;

// What ldtilecfg reads: eight tiles of 16 rows of 64 bytes.
static const struct {
  uint8_t palette, start, zeros[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} whole_tiles = {.palette = 1,
                 .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                 .rows = {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
_Static_assert(sizeof whole_tiles == 64, "the format of ldtilecfg");

// The instructions. Those of compilers do not say what memory they read. A test on other machines
// puts a model of them in their place.
#ifdef PJ_TILE_MODEL
#include PJ_TILE_MODEL
#else
#define TILE_CONFIG(AT) __asm__ volatile("ldtilecfg %0" : : "m"(*(AT)))
#define TILE_RELEASE()  __asm__ volatile("tilerelease")
#define TILE_ZERO(T)    __asm__ volatile("tilezero %%tmm" #T : :)
#define TILE_MOVE(TEXT, AT, STEP) \
  __asm__ volatile(TEXT : : "r"(AT), "r"((int64_t)(STEP)) : "memory")
#define TILE_LOAD(T, AT, STEP)  TILE_MOVE("tileloadd (%0,%1,1), %%tmm" #T, AT, STEP)
#define TILE_STORE(T, AT, STEP) TILE_MOVE("tilestored %%tmm" #T ", (%0,%1,1)", AT, STEP)
#define TILE_DOT(OP, C, A, B)   __asm__ volatile(#OP " %%tmm" #B ", %%tmm" #A ", %%tmm" #C : :)

static bool has_tiles(void) {
  return pj_cpu_has(PJ_CPU_AMX | PJ_CPU_AVX512 | PJ_CPU_F16C);
}
// Asks the kernel for tiles, for all threads of the process.
static bool may_use_tiles(void) {
#ifdef SYS_arch_prctl
  enum { REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18, TILE_LEAF = 0x1D, TILE_BYTES = 1024 };
  unsigned a, b, c, d; // of palette 1: bytes of a tile and in all; bytes of a row and tiles; rows
  return __get_cpuid_count(TILE_LEAF, 1, &a, &b, &c, &d) && a >> 16 == TILE_BYTES &&
         (b & 0xFFFF) == 64 && b >> 16 == 8 && (c & 0xFFFF) == SIDE &&
         !syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XTILEDATA);
#else
  return false;
#endif
}
#endif

#define TARGET                                                                           \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,bmi,bmi2,amx-tile," \
                        "amx-int8,amx-bf16")))

TARGET static void begin_tiles(void) {
  TILE_CONFIG(&whole_tiles);
}
TARGET static void end_tiles(void) {
  TILE_RELEASE();
}

// ---- kernels
// PjGroupTile of 16 rows or, if |both|, of 32: tiles 0 to 3 are sums, 4 and 5 rows of a, 6 and 7
// columns of b.
TARGET static inline __attribute__((always_inline)) void multiply(Kind kind, bool both, int64_t k,
                                                                  const char *a, const char *b,
                                                                  void *pc, int64_t c_row,
                                                                  bool add) {
#define DOT(C, A, B)              \
  if (kind == BF16)               \
    TILE_DOT(tdpbf16ps, C, A, B); \
  else if (kind == S8_S8)         \
    TILE_DOT(tdpbssd, C, A, B);   \
  else if (kind == S8_U8)         \
    TILE_DOT(tdpbsud, C, A, B);   \
  else if (kind == U8_S8)         \
    TILE_DOT(tdpbusd, C, A, B);   \
  else                            \
    TILE_DOT(tdpbuud, C, A, B)
  // Floats are added to those of c behind: what c has may be subnormal.
  const bool behind = add && kind == BF16;
  char *c = pc;
  int64_t step = c_row * 4;
  if (add && !behind) {
    TILE_LOAD(0, c, step);
    TILE_LOAD(1, c + 64, step);
    if (both) {
      TILE_LOAD(2, c + SIDE * step, step);
      TILE_LOAD(3, c + SIDE * step + 64, step);
    }
  } else {
    TILE_ZERO(0);
    TILE_ZERO(1);
    if (both) {
      TILE_ZERO(2);
      TILE_ZERO(3);
    }
  }
  for (int64_t p = 0; p < k; p += SIDE, a += SQUARE, b += SQUARE) {
    TILE_LOAD(4, a, LINE);
    TILE_LOAD(6, b, LINE);
    DOT(0, 4, 6);
    TILE_LOAD(7, b + 64, LINE);
    DOT(1, 4, 7);
    if (both) {
      TILE_LOAD(5, a + 64, LINE);
      DOT(2, 5, 6);
      DOT(3, 5, 7);
    }
  }
  float sums[WIDTH * WIDTH] __attribute__((aligned(64)));
  if (behind) {
    c = (char *)sums;
    step = LINE;
  }
  TILE_STORE(0, c, step);
  TILE_STORE(1, c + 64, step);
  if (both) {
    TILE_STORE(2, c + SIDE * step, step);
    TILE_STORE(3, c + SIDE * step + 64, step);
  }
  float *to = pc;
  for (int i = 0; behind && i < (both ? WIDTH : SIDE); ++i, to += c_row)
    for (int j = 0; j < WIDTH; j += 16)
      _mm512_storeu_ps(
          to + j, _mm512_add_ps(_mm512_loadu_ps(to + j), _mm512_load_ps(sums + i * WIDTH + j)));
#undef DOT
}

// What the instruction for bf16 does, but for subnormal numbers, which it takes for zero: of each
// square the products of lower and of upper halves are summed apart, by fused multiply-adds.
TARGET static inline __attribute__((always_inline)) void multiply_exact(bool both, int64_t k,
                                                                        const char *pa,
                                                                        const char *pb, float *c,
                                                                        int64_t c_row, bool add) {
  enum { ROWS = 4 };
  const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
#define LOWER(x) _mm512_castsi512_ps(_mm512_slli_epi32(x, 16))
#define UPPER(x) _mm512_castsi512_ps(_mm512_and_si512(x, upper))
  for (int i = 0; i < (both ? WIDTH : SIDE); i += ROWS, c += ROWS * c_row) {
    const uint32_t *a = (const uint32_t *)pa + i % SIDE * WIDTH + i / SIDE * SIDE,
                   *b = (const uint32_t *)pb;
    __m512 sum[ROWS][2];
    memset(sum, 0, sizeof sum);
    for (int64_t p = 0; p < k; p += SIDE, a += SIDE * WIDTH) {
      __m512 low[ROWS][2], high[ROWS][2];
      memset(low, 0, sizeof low);
      memset(high, 0, sizeof high);
      for (int q = 0; q < SIDE; ++q, b += WIDTH)
        PJ_UNROLL for (int v = 0; v < 2; ++v) {
          const __m512i y = _mm512_loadu_si512(b + v * SIDE);
          PJ_UNROLL for (int r = 0; r < ROWS; ++r) {
            const __m512i x = _mm512_set1_epi32((int)a[r * WIDTH + q]);
            low[r][v] = _mm512_fmadd_ps(LOWER(x), LOWER(y), low[r][v]);
            high[r][v] = _mm512_fmadd_ps(UPPER(x), UPPER(y), high[r][v]);
          }
        }
      PJ_UNROLL for (int r = 0; r < ROWS; ++r) PJ_UNROLL for (int v = 0; v < 2; ++v) sum[r][v] =
          _mm512_add_ps(sum[r][v], _mm512_add_ps(low[r][v], high[r][v]));
    }
    for (int r = 0; r < ROWS; ++r)
      for (int v = 0; v < 2; ++v) {
        float *to = c + r * c_row + v * SIDE;
        _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sum[r][v]) : sum[r][v]);
      }
  }
#undef LOWER
#undef UPPER
}

#define KERNEL(NAME, CALL)                                                                         \
  TARGET static void NAME(int64_t k, const void *a, const void *b, const uint32_t *start, void *c, \
                          int64_t c_row, bool add) {                                               \
    CALL;                                                                                          \
  }
#define KERNELS(NAME, KIND)                                         \
  KERNEL(NAME##_low, multiply(KIND, false, k, a, b, c, c_row, add)) \
  KERNEL(NAME, multiply(KIND, true, k, a, b, c, c_row, add))
KERNELS(tiles_s8_s8, S8_S8)
KERNELS(tiles_s8_u8, S8_U8)
KERNELS(tiles_u8_s8, U8_S8)
KERNELS(tiles_u8_u8, U8_U8)
KERNELS(tiles_bf16, BF16)
KERNEL(exact_bf16_low, multiply_exact(false, k, a, b, c, c_row, add))
KERNEL(exact_bf16, multiply_exact(true, k, a, b, c, c_row, add))
#undef KERNEL
#undef KERNELS

#define TILES(SIZE, NAME, ...)                                                      \
  {                                                                                 \
    .size = SIZE, .depth = SIDE, .micro = {WIDTH, WIDTH, SIDE, {.columns = WIDTH}}, \
    .tile = {NAME##_low, NAME}, .begin = begin_tiles, .end = end_tiles, __VA_ARGS__ \
  }
static const PjGroups tiles[KINDS] = {
    [S8_S8] = TILES(4, tiles_s8_s8, ),
    [S8_U8] = TILES(4, tiles_s8_u8, ),
    [U8_S8] = TILES(4, tiles_u8_s8, ),
    [U8_U8] = TILES(4, tiles_u8_u8, ),
    [BF16] = TILES(2, tiles_bf16, .exact = {exact_bf16_low, exact_bf16}, .least = pj__least_bf16),
};
#undef TILES

// ---- packing
// With zeros behind the sum.
static void pack_right(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                       int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                       void *temp) {
  const int64_t have = pj__min(sums, pj__divide_up(panel->grouped, panel->group) - sum);
  pj__pack_groups(panel, base, outer, outers, sum, have, width, out, sliver, temp);
  for (int64_t r = 0; have < sums && r < outers; r += width)
    memset((uint32_t *)out + r / width * sliver + have * width, 0,
           (size_t)((sums - have) * width) * 4);
}

// Rows that lie along the sum: 64 bytes are a row of a tile.
static void pack_rows(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, uint32_t *out, int64_t sliver) {
  const int64_t elem = 4 / panel->group, bytes = panel->grouped * elem - sum * 4; // from |sum| on
  for (int64_t r = 0; r < outers; r += WIDTH, out += sliver)
    for (int64_t i = 0; i < WIDTH; ++i) {
      uint32_t *to = out + i % SIDE * WIDTH + i / SIDE * SIDE;
      const bool have = r + i < outers;
      const int64_t at = outer + r + i;
      const char *line = base + sum * 4;
      if (have)
        line += (panel->outer_step >= 0 ? at * panel->outer_step : panel->outer[at]) * elem;
      for (int64_t p = 0; p < sums; p += SIDE, to += SIDE * WIDTH) {
        const int64_t left = have ? pj__max(bytes - p * 4, 0) : 0;
        if (left >= 64) {
          memcpy(to, line + p * 4, 64);
          continue;
        }
        memset(to, 0, 64);
        if (left)
          memcpy(to, line + p * 4, (size_t)left);
      }
    }
}

static void pack_left(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, void *out, int64_t sliver, void *temp) {
  if (panel->sum_step == 1 && !panel->words) {
    pack_rows(panel, base, outer, outers, sum, sums, out, sliver);
    return;
  }
  pack_right(panel, base, outer, outers, sum, sums, width, out, sliver, temp);
  PjLinesFn *const pack_lines = pj__pack_lines(4);
  for (int64_t r = 0; r < outers; r += WIDTH)
    for (int64_t p = 0; p < sums; p += SIDE) {
      uint32_t *square = (uint32_t *)out + r / WIDTH * sliver + p * WIDTH, *from = temp;
      memcpy(from, square, SQUARE);
      for (int half = 0; half < WIDTH; half += SIDE) {
        const void *lines[SIDE];
        for (int i = 0; i < SIDE; ++i)
          lines[i] = from + i * WIDTH + half;
        pack_lines(lines, SIDE, WIDTH, SIDE, 0, square + half);
      }
    }
}

// ---- use
// Whether tiles of |kind| compute what they should: two products of each height, the second added
// to the first.
static bool computes(Kind kind) {
  enum { WORDS = 2 * SIDE * WIDTH };
  const PjGroups *of = &tiles[kind];
  uint32_t words[2][WORDS], got[WIDTH * WIDTH], want[WIDTH * WIDTH], bits = 1;
  const uint32_t *a = words[0], *b = words[1];
  for (int i = 0; i < 2 * WORDS; ++i) {
    bits ^= bits << 13;
    bits ^= bits >> 17;
    bits ^= bits << 5;
    // Floats from 1/128 to 2, whose sums are rounded.
    words[i / WORDS][i % WORDS] = kind == BF16 ? (bits & 0x83FF83FFu) | 0x3C003C00u : bits;
  }
  for (int low = 0; low < 2; ++low) {
    memset(got, 0, sizeof got);
    memset(want, 0, sizeof want);
    begin_tiles();
    for (int add = 0; add < 2; ++add)
      of->tile[!low](2 * SIDE, a, b, NULL, got, WIDTH, add);
    end_tiles();
    if (kind == BF16) {
      for (int add = 0; add < 2; ++add)
        of->exact[!low](2 * SIDE, a, b, NULL, want, WIDTH, add);
    } else {
      const bool a_signed = kind == S8_S8 || kind == S8_U8,
                 b_signed = kind == S8_S8 || kind == U8_S8;
      for (int i = 0; i < (low ? SIDE : WIDTH); ++i)
        for (int j = 0; j < WIDTH; ++j)
          for (int p = 0; p < 2 * SIDE * 4; ++p) {
            const int q = p / 4, shift = p % 4 * 8;
            const uint8_t x = (uint8_t)(a[(q / SIDE * SIDE + i % SIDE) * WIDTH + i / SIDE * SIDE +
                                          q % SIDE] >>
                                        shift),
                          y = (uint8_t)(b[q * WIDTH + j] >> shift);
            want[i * WIDTH + j] +=
                2u * (uint32_t)((a_signed ? (int8_t)x : x) * (b_signed ? (int8_t)y : y));
          }
    }
    if (memcmp(got, want, sizeof got))
      return false;
  }
  return true;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool usable[KINDS];

static void try_tiles(void) {
  static const char *const names[] = {"s8 by s8", "s8 by u8", "u8 by s8", "u8 by u8", "bf16"};
  if (!may_use_tiles()) {
    pj_log(PJ_LOG_FALLBACK, "the kernel refuses AMX tiles: products go without them");
    return;
  }
  for (int kind = 0; kind < KINDS; ++kind) {
    usable[kind] = computes((Kind)kind);
    if (!usable[kind])
      pj_log(PJ_LOG_FALLBACK, "AMX tiles of %s fail their test: products go without them",
             names[kind]);
  }
}

// The kernels for such a product, or NULL. Less than one tile each way is mostly zeros, and few
// columns have kernels of their own.
static const PjGroups *tiles_of(const PjPanel *a, const PjPanel *b, PjComp comp, int64_t m,
                                int64_t n, int64_t k) {
  const bool bf16 = comp == PJ_COMP_F32 && a->dtype == PJ_DT_BF16 && b->dtype == PJ_DT_BF16,
             a_signed = a->dtype == PJ_DT_S8, b_signed = b->dtype == PJ_DT_S8,
             bytes = comp == PJ_COMP_U32 && (a_signed || a->dtype == PJ_DT_U8) &&
                     (b_signed || b->dtype == PJ_DT_U8);
  if ((!bf16 && !bytes) || m < SIDE || n <= SIDE || k < SIDE * (bf16 ? 2 : 4) ||
      !pj__can_group(a) || !pj__can_group(b) || !has_tiles())
    return NULL;
  const Kind kind = bf16 ? BF16 : a_signed ? b_signed ? S8_S8 : S8_U8 : b_signed ? U8_S8 : U8_U8;
  pthread_once(&once, try_tiles);
  return usable[kind] ? &tiles[kind] : NULL;
}

bool pj__product_tiles(const PjProduct *g) {
  return tiles_of(&g->a, &g->b, g->comp, g->m, g->n, g->k) != NULL;
}

const PjGroups *pj__panels_tile(PjPanel *a, PjPanel *b, PjComp comp, int64_t m, int64_t n,
                                int64_t k) {
  const PjGroups *groups = tiles_of(a, b, comp, m, n, k);
  if (!groups)
    return NULL;
  pj__panel_group(a, groups->size, k);
  pj__panel_group(b, groups->size, k);
  a->pack = pack_left;
  b->pack = pack_right;
  return groups;
}
#else
bool pj__product_tiles(const PjProduct *product) {
  return false;
}
const PjGroups *pj__panels_tile(PjPanel *a, PjPanel *b, PjComp comp, int64_t m, int64_t n,
                                int64_t k) {
  return NULL;
}
#endif
