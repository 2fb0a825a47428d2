// Turns of 4 x 4 tiles: B^T d B of the input, G g G^T of the window, A^T m A of the products.
typedef float PJ_V(Vec) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
#define LANES ((int64_t)(PJ_VB / sizeof(float)))

// ---- features last: vectors are of neighbouring features
// One tile of |features| elements: |pixels| are its 16 places, row by row, and place e of the
// result goes to to + e * step.
PJ_TARGET static void PJ_V(input_tile)(int64_t features, const float *const *pixels, float *to,
                                       int64_t step) {
  typedef PJ_V(Vec) Vec;
  for (int64_t f = 0; f < features; f += LANES) {
    Vec t[4][4];
    PJ_UNROLL for (int j = 0; j < 4; ++j) {
      const Vec d0 = *(const Vec *)(pixels[j] + f), d1 = *(const Vec *)(pixels[4 + j] + f),
                d2 = *(const Vec *)(pixels[8 + j] + f), d3 = *(const Vec *)(pixels[12 + j] + f);
      t[0][j] = d0 - d2;
      t[1][j] = d1 + d2;
      t[2][j] = d2 - d1;
      t[3][j] = d1 - d3;
    }
    float *at = to + f;
    PJ_UNROLL for (int i = 0; i < 4; ++i) {
      *(Vec *)at = t[i][0] - t[i][2];
      *(Vec *)(at + step) = t[i][1] + t[i][2];
      *(Vec *)(at + 2 * step) = t[i][2] - t[i][1];
      *(Vec *)(at + 3 * step) = t[i][1] - t[i][3];
      at += 4 * step;
    }
  }
}

// ---- the window
// Its places w[t] of so many elements, turned into place e at to + e * step.
PJ_TARGET static inline void PJ_V(window_tile)(const PJ_V(Vec) * w, float *to, int64_t step) {
  typedef PJ_V(Vec) Vec;
  Vec t[4][3];
  PJ_UNROLL for (int j = 0; j < 3; ++j) {
    const Vec sum = (w[j] + w[6 + j]) * 0.5f, half = w[3 + j] * 0.5f;
    t[0][j] = w[j];
    t[1][j] = sum + half;
    t[2][j] = sum - half;
    t[3][j] = w[6 + j];
  }
  PJ_UNROLL for (int i = 0; i < 4; ++i, to += 4 * step) {
    const Vec sum = (t[i][0] + t[i][2]) * 0.5f, half = t[i][1] * 0.5f;
    *(Vec *)to = t[i][0];
    *(Vec *)(to + step) = sum + half;
    *(Vec *)(to + 2 * step) = sum - half;
    *(Vec *)(to + 3 * step) = t[i][2];
  }
}

// Four windows, |lane| apart, whose nine places are neighbours: place t goes to to + t * step.
PJ_TARGET static inline void PJ_V(turn_four)(const float *from, int64_t lane, float *to,
                                             int64_t step) {
  typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
  PJ_UNROLL for (int t = 0; t < 8; t += 4) {
    const Four a = *(const Four *)(from + t), b = *(const Four *)(from + lane + t),
               c = *(const Four *)(from + 2 * lane + t), d = *(const Four *)(from + 3 * lane + t);
    const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7),
               cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(Four *)(to + t * step) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(Four *)(to + (t + 1) * step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(Four *)(to + (t + 2) * step) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(Four *)(to + (t + 3) * step) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
  }
  PJ_UNROLL for (int l = 0; l < 4; ++l) to[8 * step + l] = from[l * lane + 8];
}

// |rows| rows of |count| windows: element (r, i) of place t is w[places[t] + r * row + i * lane].
// Place e goes to rows of |width| elements, |to_row| apart, from to + e * step on, with zeros
// behind |count|.
PJ_TARGET static void PJ_V(window_rows)(int64_t rows, int64_t count, int64_t width, const float *w,
                                        const int64_t *places, int64_t row, int64_t lane, float *to,
                                        int64_t to_row, int64_t step) {
  typedef PJ_V(Vec) Vec;
  if (lane == 1 && count == width) {
    for (int64_t r = 0; r < rows; ++r, w += row, to += to_row)
      for (int64_t j = 0; j < width; j += LANES) {
        Vec x[9];
        PJ_UNROLL for (int t = 0; t < 9; ++t) x[t] = *(const Vec *)(w + places[t] + j);
        PJ_V(window_tile)(x, to + j, step);
      }
    return;
  }
  // Turned, some rows at a time: lines of both are used whole.
  int64_t step_of_places = places[1] - places[0]; // 0: not the same everywhere
  for (int t = 1; t < 8; ++t)
    if (places[t + 1] - places[t] != step_of_places)
      step_of_places = 0;
  float each[9][TURNED_ROWS][LANES];
  for (int64_t j = 0; j < width; j += LANES)
    for (int64_t r = 0; r < rows; r += TURNED_ROWS) {
      const int64_t have = pj__min(TURNED_ROWS, rows - r), lanes = pj__min(LANES, count - j);
      if (lanes < LANES)
        memset(each, 0, sizeof each);
      const bool neighbours = lanes == LANES && (step_of_places == 1 || step_of_places == -1);
      for (int64_t i = 0; neighbours && i < have; ++i)
        for (int64_t l = 0; l < LANES; l += 4)
          PJ_V(turn_four)
      (w + places[step_of_places < 0 ? 8 : 0] + (r + i) * row + (j + l) * lane, lane,
       step_of_places < 0 ? each[8][i] + l : each[0][i] + l,
       step_of_places * (int64_t)(TURNED_ROWS * LANES));
      for (int t = 0; !neighbours && t < 9; ++t) {
        const float *from = w + places[t] + r * row + j * lane;
        for (int64_t l = 0; l < lanes; ++l, from += lane)
          for (int64_t i = 0; i < have; ++i)
            each[t][i][l] = from[i * row];
      }
      for (int64_t i = 0; i < have; ++i) {
        Vec x[9];
        PJ_UNROLL for (int t = 0; t < 9; ++t) x[t] = *(const Vec *)each[t][i];
        PJ_V(window_tile)(x, to + (r + i) * to_row + j, step);
      }
    }
}

// ---- the output
// Products m[4 * i + j] turned into two rows of two positions: sums of |m| that are not finite make
// |bad| NaN.
PJ_TARGET static inline void PJ_V(turn_back)(const PJ_V(Vec) * m, PJ_V(Vec) * to, PJ_V(Vec) * bad) {
  typedef PJ_V(Vec) Vec;
  Vec t[2][4];
  PJ_UNROLL for (int j = 0; j < 4; ++j) {
    t[0][j] = m[j] + m[4 + j] + m[8 + j];
    t[1][j] = m[4 + j] - m[8 + j] - m[12 + j];
  }
  PJ_UNROLL for (int i = 0; i < 2; ++i) {
    to[2 * i] = t[i][0] + t[i][1] + t[i][2];
    to[2 * i + 1] = t[i][1] - t[i][2] - t[i][3];
    *bad += to[2 * i] * 0.0f + to[2 * i + 1] * 0.0f;
  }
}
PJ_TARGET static inline bool PJ_V(is_good)(PJ_V(Vec) bad) {
  float sum = 0;
  PJ_UNROLL for (int i = 0; i < LANES; ++i) sum += bad[i];
  return sum == 0;
}

// One tile of |features| elements: place e of the products is at from + e * step; |to| are its four
// positions. False if a result is not finite.
PJ_TARGET static bool PJ_V(output_tile)(int64_t features, const float *from, int64_t step,
                                        float *const *to) {
  typedef PJ_V(Vec) Vec;
  Vec bad = {0};
  for (int64_t f = 0; f < features; f += LANES) {
    Vec m[16], y[4];
    PJ_UNROLL for (int e = 0; e < 16; ++e) m[e] = *(const Vec *)(from + e * step + f);
    PJ_V(turn_back)(m, y, &bad);
    PJ_UNROLL for (int i = 0; i < 4; ++i) * (Vec *)(to[i] + f) = y[i];
  }
  return PJ_V(is_good)(bad);
}

// ---- features first: vectors are of neighbouring tiles
#if PJ_LEVEL == 2
#define EVEN  0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD   1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOWER 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif PJ_LEVEL == 1
#define EVEN  0, 2, 4, 6, 8, 10, 12, 14
#define ODD   1, 3, 5, 7, 9, 11, 13, 15
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN  0, 2, 4, 6
#define ODD   1, 3, 5, 7
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#endif

// |count| tiles side by side, whose four rows begin at |rows|: place e goes to to + e * step. Up to
// a vector of tiles behind the last is read and written.
PJ_TARGET static void PJ_V(input_row)(int64_t count, const float *const *rows, float *to,
                                      int64_t step) {
  typedef PJ_V(Vec) Vec;
  for (int64_t k = 0; k < count; k += LANES) {
    Vec t[4][4]; // by rows of the tile; columns: vectors of pairs, then the columns of a tile
    PJ_UNROLL for (int v = 0; v < 4; ++v) {
      const int64_t at = 2 * k + (v & 1) * LANES + (v & 2);
      const Vec d0 = *(const Vec *)(rows[0] + at), d1 = *(const Vec *)(rows[1] + at),
                d2 = *(const Vec *)(rows[2] + at), d3 = *(const Vec *)(rows[3] + at);
      t[0][v] = d0 - d2;
      t[1][v] = d1 + d2;
      t[2][v] = d2 - d1;
      t[3][v] = d1 - d3;
    }
    float *at = to + k;
    PJ_UNROLL for (int i = 0; i < 4; ++i, at += 4 * step) {
      const Vec x0 = __builtin_shufflevector(t[i][0], t[i][1], EVEN),
                x1 = __builtin_shufflevector(t[i][0], t[i][1], ODD),
                x2 = __builtin_shufflevector(t[i][2], t[i][3], EVEN),
                x3 = __builtin_shufflevector(t[i][2], t[i][3], ODD);
      *(Vec *)at = x0 - x2;
      *(Vec *)(at + step) = x1 + x2;
      *(Vec *)(at + 2 * step) = x2 - x1;
      *(Vec *)(at + 3 * step) = x1 - x3;
    }
  }
}

// |count| tiles: place e of the products is at from + e * step; the two rows of positions go to
// |to| and to + to_row. Up to a vector of tiles behind the last is read and written.
PJ_TARGET static bool PJ_V(output_row)(int64_t count, const float *from, int64_t step, float *to,
                                       int64_t to_row) {
  typedef PJ_V(Vec) Vec;
  Vec bad = {0};
  for (int64_t k = 0; k < count; k += LANES) {
    Vec m[16], y[4];
    PJ_UNROLL for (int e = 0; e < 16; ++e) m[e] = *(const Vec *)(from + e * step + k);
    PJ_V(turn_back)(m, y, &bad);
    PJ_UNROLL for (int i = 0; i < 2; ++i) {
      float *at = to + i * to_row + 2 * k;
      *(Vec *)at = __builtin_shufflevector(y[2 * i], y[2 * i + 1], LOWER);
      *(Vec *)(at + LANES) = __builtin_shufflevector(y[2 * i], y[2 * i + 1], UPPER);
    }
  }
  return PJ_V(is_good)(bad);
}
#undef EVEN
#undef ODD
#undef LOWER
#undef UPPER

// Copies |n| elements of a row.
PJ_TARGET static void PJ_V(copy_row)(int64_t n, const float *from, float *to) {
  typedef PJ_V(Vec) Vec;
  if (n < LANES) {
#if PJ_LEVEL == 2
    const __mmask16 some = (__mmask16)((1u << n) - 1);
    _mm512_mask_storeu_ps(to, some, _mm512_maskz_loadu_ps(some, from));
#else
    for (int64_t i = 0; i < n; ++i)
      to[i] = from[i];
#endif
    return;
  }
  for (int64_t i = 0; i + LANES < n; i += LANES)
    *(Vec *)(to + i) = *(const Vec *)(from + i);
  *(Vec *)(to + n - LANES) = *(const Vec *)(from + n - LANES);
}

// ---- the gradient by the window, features last
// One tile of the input for a product's rows: of |features| features the next |height| each go to a
// sliver of their own, |sliver| apart; place e is |step| elements further on. Up to a vector behind
// what it writes is written.
PJ_TARGET static void PJ_V(gradient_input)(int64_t features, int64_t height,
                                           const float *const *pixels, float *to, int64_t sliver,
                                           int64_t step) {
  typedef PJ_V(Vec) Vec;
  for (int64_t f = 0; f < features; f += height, to += sliver) {
    const int64_t left = features - f;
    Vec t[4][4];
    PJ_UNROLL for (int j = 0; j < 4; ++j) {
      Vec d[4];
      if (left >= LANES) {
        PJ_UNROLL for (int i = 0; i < 4; ++i) d[i] = *(const Vec *)(pixels[4 * i + j] + f);
      } else {
#if PJ_LEVEL == 2
        const __mmask16 some = (__mmask16)((1u << left) - 1);
        PJ_UNROLL for (int i = 0; i < 4; ++i) d[i] =
            (Vec)_mm512_maskz_loadu_ps(some, pixels[4 * i + j] + f);
#else
        memset(d, 0, sizeof d);
        for (int i = 0; i < 4; ++i)
          memcpy(&d[i], pixels[4 * i + j] + f, (size_t)left * sizeof(float));
#endif
      }
      t[0][j] = d[0] - d[2];
      t[1][j] = d[1] + d[2];
      t[2][j] = d[2] - d[1];
      t[3][j] = d[1] - d[3];
    }
    float *at = to;
    PJ_UNROLL for (int i = 0; i < 4; ++i, at += 4 * step) {
      *(Vec *)at = t[i][0] - t[i][2];
      *(Vec *)(at + step) = t[i][1] + t[i][2];
      *(Vec *)(at + 2 * step) = t[i][2] - t[i][1];
      *(Vec *)(at + 3 * step) = t[i][1] - t[i][3];
    }
  }
}

// One tile of the output's gradient, whose positions are |pixels|, for a product's columns: slivers
// of |width| features.
PJ_TARGET static void PJ_V(gradient_output)(int64_t features, int64_t width,
                                            const float *const *pixels, float *to, int64_t sliver,
                                            int64_t step) {
  typedef PJ_V(Vec) Vec;
  for (int64_t f = 0; f < features; f += LANES) {
    Vec t[4][2];
    PJ_UNROLL for (int j = 0; j < 2; ++j) {
      const Vec y0 = *(const Vec *)(pixels[j] + f), y1 = *(const Vec *)(pixels[2 + j] + f);
      t[0][j] = y0;
      t[1][j] = y0 + y1;
      t[2][j] = y0 - y1;
      t[3][j] = -y1;
    }
    float *at = to + f / width * sliver + f % width;
    PJ_UNROLL for (int i = 0; i < 4; ++i, at += 4 * step) {
      *(Vec *)at = t[i][0];
      *(Vec *)(at + step) = t[i][0] + t[i][1];
      *(Vec *)(at + 2 * step) = t[i][0] - t[i][1];
      *(Vec *)(at + 3 * step) = -t[i][1];
    }
  }
}

// |features| columns of a row of the gradient: place e of part p of the products is at
// from + p * part + e * step, and place t of the window goes to to + places[t].
PJ_TARGET static bool PJ_V(gradient_window)(int64_t features, const float *from, int64_t parts,
                                            int64_t part, int64_t step, const int64_t *places,
                                            float *to) {
  typedef PJ_V(Vec) Vec;
  Vec bad = {0};
  for (int64_t f = 0; f < features; f += LANES) {
    Vec m[16], t[3][4];
    PJ_UNROLL for (int e = 0; e < 16; ++e) m[e] = *(const Vec *)(from + e * step + f);
    for (int64_t p = 1; p < parts; ++p)
      PJ_UNROLL for (int e = 0; e < 16; ++e) m[e] += *(const Vec *)(from + p * part + e * step + f);
    PJ_UNROLL for (int j = 0; j < 4; ++j) {
      const Vec sum = (m[4 + j] + m[8 + j]) * 0.5f;
      t[0][j] = m[j] + sum;
      t[1][j] = (m[4 + j] - m[8 + j]) * 0.5f;
      t[2][j] = sum + m[12 + j];
    }
    PJ_UNROLL for (int i = 0; i < 3; ++i) {
      const Vec sum = (t[i][1] + t[i][2]) * 0.5f, half = (t[i][1] - t[i][2]) * 0.5f,
                first = t[i][0] + sum, last = sum + t[i][3];
      bad += first * 0.0f + half * 0.0f + last * 0.0f;
      *(Vec *)(to + places[3 * i] + f) = first;
      *(Vec *)(to + places[3 * i + 1] + f) = half;
      *(Vec *)(to + places[3 * i + 2] + f) = last;
    }
  }
  return PJ_V(is_good)(bad);
}

static const PjWinogradTurns PJ_V(turns)[] = {
    {PJ_V(window_rows), PJ_V(input_tile), PJ_V(output_tile), PJ_V(input_row), PJ_V(output_row),
     PJ_V(copy_row), PJ_V(gradient_input), PJ_V(gradient_output), PJ_V(gradient_window)}};
#undef LANES
