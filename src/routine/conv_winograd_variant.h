// Transforms of 4 x 4 tiles: B^T d B of the input, G g G^T of the window, A^T m A of the products.
// Elements of a vector are neighbouring features, of input or output.
typedef float PJ_V(Vec) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
#define LANES ((int64_t)(PJ_VB / sizeof(float)))

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

// The window's places w[t] of |lanes| elements, each turned into place e at to + e * step.
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

// Windows of |rows| input features by |count| output features, at most |width|: element (r, i) of
// place t is w[places[t] + r * row + i * lane]. Place e goes to rows of |width| elements from
// to + e * step on, zeros behind |count|.
PJ_TARGET static void PJ_V(window_rows)(int64_t rows, int64_t count, int64_t width, const float *w,
                                        const int64_t *places, int64_t row, int64_t lane, float *to,
                                        int64_t step) {
  typedef PJ_V(Vec) Vec;
  if (lane == 1 && count == width) {
    for (int64_t r = 0; r < rows; ++r, w += row, to += width)
      for (int64_t j = 0; j < width; j += LANES) {
        Vec x[9];
        PJ_UNROLL for (int t = 0; t < 9; ++t) x[t] = *(const Vec *)(w + places[t] + j);
        PJ_V(window_tile)(x, to + j, step);
      }
    return;
  }
  // Turned, some rows at a time: lines of both are used whole.
  float each[9][TURNED_ROWS][LANES];
  for (int64_t j = 0; j < width; j += LANES)
    for (int64_t r = 0; r < rows; r += TURNED_ROWS) {
      const int64_t have = pj__min(TURNED_ROWS, rows - r), lanes = pj__min(LANES, count - j);
      if (lanes < LANES)
        memset(each, 0, sizeof each);
      for (int t = 0; t < 9; ++t) {
        const float *from = w + places[t] + r * row + j * lane;
        for (int64_t l = 0; l < lanes; ++l, from += lane)
          for (int64_t i = 0; i < have; ++i)
            each[t][i][l] = from[i * row];
      }
      for (int64_t i = 0; i < have; ++i) {
        Vec x[9];
        PJ_UNROLL for (int t = 0; t < 9; ++t) x[t] = *(const Vec *)each[t][i];
        PJ_V(window_tile)(x, to + (r + i) * width + j, step);
      }
    }
}

// One tile of |features| output elements: place e of the products is at from + e * step; |to| are
// its four positions. False if a result is not finite.
PJ_TARGET static bool PJ_V(output_tile)(int64_t features, const float *from, int64_t step,
                                        float *const *to) {
  typedef PJ_V(Vec) Vec;
  Vec bad = {0};
  for (int64_t f = 0; f < features; f += LANES) {
    Vec t[2][4];
    PJ_UNROLL for (int j = 0; j < 4; ++j) {
      const float *at = from + j * step + f;
      const Vec m0 = *(const Vec *)at, m1 = *(const Vec *)(at + 4 * step),
                m2 = *(const Vec *)(at + 8 * step), m3 = *(const Vec *)(at + 12 * step);
      t[0][j] = m0 + m1 + m2;
      t[1][j] = m1 - m2 - m3;
    }
    PJ_UNROLL for (int i = 0; i < 2; ++i) {
      const Vec left = t[i][0] + t[i][1] + t[i][2], right = t[i][1] - t[i][2] - t[i][3];
      bad += left * 0.0f + right * 0.0f;
      *(Vec *)(to[2 * i] + f) = left;
      *(Vec *)(to[2 * i + 1] + f) = right;
    }
  }
  float sum = 0;
  PJ_UNROLL for (int i = 0; i < LANES; ++i) sum += bad[i];
  return sum == 0;
}

static const Transforms PJ_V(transforms)[] = {
    {PJ_V(input_tile), PJ_V(window_rows), PJ_V(output_tile)}};
#undef LANES
