// Roots of unity, as tables of the routine fft.
#include "routine/fft_roots.h"

#include <math.h>

#include "routine/plan.h"

PjRoot pj__root(int64_t k, int64_t n) {
  const int64_t octant = (int64_t)((__int128)k * 8 / n);
  int64_t rest = (int64_t)((__int128)k * 8 - (__int128)octant * n);
  if (octant & 1)
    rest = n - rest;
  const double angle = 0.78539816339744830962 * ((double)rest / (double)n), c = cos(angle),
               s = sin(angle);
  const PjRoot all[] = {{c, -s}, {s, -c}, {-s, -c}, {-c, -s}, {-c, s}, {-s, c}, {s, c}, {c, s}};
  return all[octant & 7];
}

void pj__put_root(bool wide, void *table, int64_t i, PjRoot value) {
  if (wide) {
    ((double *)table)[2 * i] = value.re;
    ((double *)table)[2 * i + 1] = value.im;
  } else {
    ((float *)table)[2 * i] = (float)value.re;
    ((float *)table)[2 * i + 1] = (float)value.im;
  }
}

void *pj__root_table(PjArena *arena, bool wide, int64_t count) {
  return pj_arena_alloc(arena, (size_t)count * (wide ? sizeof(PjRoot) : 2 * sizeof(float)));
}

enum { LOWS = 1024 };

PjRootProducts pj__root_products(PjArena *arena, int64_t n, int64_t count) {
  const int64_t high = pj__divide_up(count, LOWS);
  PjRootProducts p = {PJ_NEW_ARRAY(arena, PjRoot, LOWS), PJ_NEW_ARRAY(arena, PjRoot, (size_t)high)};
  for (int64_t i = 0; i < LOWS && i < count; ++i)
    p.lows[i] = pj__root(i, n);
  for (int64_t i = 0; i < high; ++i)
    p.highs[i] = pj__root(i * LOWS, n);
  return p;
}

PjRoot pj__root_product(const PjRootProducts *p, int64_t k) {
  const PjRoot a = p->lows[k % LOWS], b = p->highs[k / LOWS];
  return (PjRoot){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

// Roots 0 to n / 8 of n, a multiple of 8, of which all others are reflections.
static PjRoot *new_octant(PjArena *arena, bool wide, int64_t n) {
  const int64_t eighth = n / 8;
  PjRoot *octant = PJ_NEW_ARRAY(arena, PjRoot, (size_t)eighth + 1);
  if (wide || eighth < 4 * LOWS) {
    for (int64_t k = 0; k <= eighth; ++k)
      octant[k] = pj__root(k, n);
    return octant;
  }
  const PjRootProducts products = pj__root_products(arena, n, eighth + 1);
  for (int64_t k = 0; k <= eighth; ++k)
    octant[k] = pj__root_product(&products, k);
  return octant;
}

// The first |count| roots of n = 8 |eighth|, octant by octant.
static void put_reflected(bool wide, void *table, const PjRoot *octant, int64_t eighth,
                          int64_t count) {
  for (int which = 0; which < 8 && which * eighth < count; ++which) {
    const int64_t base = which * eighth, some = pj__min(eighth, count - base);
    const bool swap = (which + 1) & 2;
    const double re = which < 2 || which > 5 ? 1 : -1, im = which < 4 ? 1 : -1;
    const PjRoot *from = which & 1 ? octant + eighth : octant;
    const int64_t step = which & 1 ? -1 : 1;
    for (int64_t k = 0; k < some; ++k, from += step)
      pj__put_root(wide, table, base + k,
                   swap ? (PjRoot){-re * from->im, -im * from->re}
                        : (PjRoot){re * from->re, im * from->im});
  }
}

void *pj__fft_roots(PjArena *arena, bool wide, int64_t n, int64_t count) {
  void *table = pj__root_table(arena, wide, count);
  if (n % 8) {
    for (int64_t k = 0; k < count; ++k)
      pj__put_root(wide, table, k, pj__root(k % n, n));
    return table;
  }
  const PjArenaMark mark = pj_arena_mark(arena);
  put_reflected(wide, table, new_octant(arena, wide, n), n / 8, count);
  pj_arena_reset(arena, mark);
  return table;
}

const void *pj__fft_twiddles(PjArena *arena, bool wide, int64_t rows, int64_t cols, int lanes) {
  const int64_t n = rows * cols, groups = pj__divide_up(cols, lanes),
                low_rows = pj__min(rows, PJ_TWIDDLE_ROWS),
                all_rows = low_rows + pj__divide_up(rows, PJ_TWIDDLE_ROWS);
  const size_t part = wide ? sizeof(double) : sizeof(float);
  // Vectors are read from it.
  char *table = pj_arena_alloc(arena, (size_t)(groups * all_rows * lanes) * 2 * part + 64);
  table += -(uintptr_t)table & 63;
  const PjArenaMark mark = pj_arena_mark(arena);
  const PjRootProducts products = pj__root_products(arena, n, n);
  for (int64_t k = 0; k < cols; ++k)
    for (int64_t row = 0; row < all_rows; ++row) {
      const int64_t j = row < low_rows ? row : (row - low_rows) * PJ_TWIDDLE_ROWS;
      const PjRoot value = pj__root_product(&products, j * k);
      const int64_t at = (k / lanes * all_rows + row) * 2 * lanes + k % lanes;
      if (wide) {
        ((double *)table)[at] = value.re;
        ((double *)table)[at + lanes] = value.im;
      } else {
        ((float *)table)[at] = (float)value.re;
        ((float *)table)[at + lanes] = (float)value.im;
      }
    }
  pj_arena_reset(arena, mark);
  return table;
}
