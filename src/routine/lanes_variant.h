// Vectors of as many real numbers as the instruction set holds, and squares of them turned: what
// routines need that work on several lines or matrices at a time, one to a lane. Included at the
// head of such a routine's variant file.
#define PJ_SHUFFLE __builtin_shufflevector
#undef PJ_LANES_f32
#undef PJ_LANES_f64
#undef PJ_LOWS_f32
#undef PJ_LOWS_f64
#undef PJ_HIGHS_f32
#undef PJ_HIGHS_f64
#undef PJ_EVENS_f32
#undef PJ_EVENS_f64
#undef PJ_ODDS_f32
#undef PJ_ODDS_f64
#if PJ_VB == 64
#define PJ_LANES_f32      16
#define PJ_LANES_f64      8
#define PJ_LOWS_f32(a, b) PJ_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define PJ_HIGHS_f32(a, b) \
  PJ_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define PJ_LOWS_f64(a, b)  PJ_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define PJ_HIGHS_f64(a, b) PJ_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define PJ_EVENS_f32(a, b) \
  PJ_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define PJ_ODDS_f32(a, b) \
  PJ_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define PJ_EVENS_f64(a, b) PJ_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define PJ_ODDS_f64(a, b)  PJ_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#elif PJ_VB == 32
#define PJ_LANES_f32       8
#define PJ_LANES_f64       4
#define PJ_EVENS_f32(a, b) PJ_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define PJ_ODDS_f32(a, b)  PJ_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define PJ_EVENS_f64(a, b) PJ_SHUFFLE(a, b, 0, 2, 4, 6)
#define PJ_ODDS_f64(a, b)  PJ_SHUFFLE(a, b, 1, 3, 5, 7)
#define PJ_LOWS_f32(a, b)  PJ_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define PJ_HIGHS_f32(a, b) PJ_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define PJ_LOWS_f64(a, b)  PJ_SHUFFLE(a, b, 0, 4, 1, 5)
#define PJ_HIGHS_f64(a, b) PJ_SHUFFLE(a, b, 2, 6, 3, 7)
#else
#define PJ_LANES_f32       4
#define PJ_LANES_f64       2
#define PJ_EVENS_f32(a, b) PJ_SHUFFLE(a, b, 0, 2, 4, 6)
#define PJ_ODDS_f32(a, b)  PJ_SHUFFLE(a, b, 1, 3, 5, 7)
#define PJ_EVENS_f64(a, b) PJ_SHUFFLE(a, b, 0, 2)
#define PJ_ODDS_f64(a, b)  PJ_SHUFFLE(a, b, 1, 3)
#define PJ_LOWS_f32(a, b)  PJ_SHUFFLE(a, b, 0, 4, 1, 5)
#define PJ_HIGHS_f32(a, b) PJ_SHUFFLE(a, b, 2, 6, 3, 7)
#define PJ_LOWS_f64(a, b)  PJ_SHUFFLE(a, b, 0, 2)
#define PJ_HIGHS_f64(a, b) PJ_SHUFFLE(a, b, 1, 3)
#endif

// Loose vectors lie anywhere.
#define LANES(S, T, I)                                        \
  typedef T PJ_V(Vec##S) __attribute__((vector_size(PJ_VB))); \
  typedef I PJ_V(Int##S) __attribute__((vector_size(PJ_VB))); \
  typedef T PJ_V(Loose##S) __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));
LANES(f32, float, int32_t)
LANES(f64, double, int64_t)
#undef LANES

// Element j of vector i changes places with element i of vector j.
#if PJ_VB == 32
// Halves of 128 bits cross in the last step only: each step is then one instruction a vector.
static inline PJ_TARGET void PJ_V(turn_f32)(PJ_V(Vecf32) * v) {
  PJ_V(Vecf32) a[8], b[8];
  PJ_UNROLL for (int i = 0; i < 8; i += 2) {
    a[i] = PJ_SHUFFLE(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    a[i + 1] = PJ_SHUFFLE(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  PJ_UNROLL for (int i = 0; i < 8; i += 4) {
    PJ_UNROLL for (int j = 0; j < 2; ++j) {
      b[i + 2 * j] = PJ_SHUFFLE(a[i + j], a[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + 2 * j + 1] = PJ_SHUFFLE(a[i + j], a[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  PJ_UNROLL for (int i = 0; i < 4; ++i) {
    v[i] = PJ_SHUFFLE(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[i + 4] = PJ_SHUFFLE(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
static inline PJ_TARGET void PJ_V(turn_f64)(PJ_V(Vecf64) * v) {
  PJ_V(Vecf64) a[4];
  PJ_UNROLL for (int i = 0; i < 4; i += 2) {
    a[i] = PJ_SHUFFLE(v[i], v[i + 1], 0, 4, 2, 6);
    a[i + 1] = PJ_SHUFFLE(v[i], v[i + 1], 1, 5, 3, 7);
  }
  PJ_UNROLL for (int i = 0; i < 2; ++i) {
    v[i] = PJ_SHUFFLE(a[i], a[i + 2], 0, 1, 4, 5);
    v[i + 2] = PJ_SHUFFLE(a[i], a[i + 2], 2, 3, 6, 7);
  }
}
#else
// Each step rotates the bits of (i, j) by one.
#define TURN(S)                                                   \
  static inline PJ_TARGET void PJ_V(turn_##S)(PJ_V(Vec##S) * v) { \
    enum { N = PJ_LANES_##S };                                    \
    PJ_V(Vec##S) a[N];                                            \
    PJ_UNROLL for (int step = 1; step < N; step *= 2) {           \
      PJ_UNROLL for (int i = 0; i < N / 2; ++i) {                 \
        a[2 * i] = PJ_LOWS_##S(v[i], v[i + N / 2]);               \
        a[2 * i + 1] = PJ_HIGHS_##S(v[i], v[i + N / 2]);          \
      }                                                           \
      PJ_UNROLL for (int i = 0; i < N; ++i) v[i] = a[i];          \
    }                                                             \
  }
TURN(f32)
TURN(f64)
#undef TURN
#endif
