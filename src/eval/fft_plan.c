// One-dimensional Fourier transforms.
//
// Lengths whose prime factors are at most MAX_RADIX: Stockham's self-sorting passes, from one
// buffer to the other, one per factor. Other lengths: Bluestein's chirp, which turns the transform
// into a cyclic convolution of a power of two. Real transforms of even length are complex ones of
// half the length, untangled. Roots of unity are computed one by one from an angle reduced to an
// eighth of the circle, so each is right to the last bit or so.
#include "eval/fft_plan.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

typedef struct Pair {
  double re, im;
} Pair;

enum { MAX_RADIX = 31, MAX_FACTORS = 64 };

struct PjFftPlan {
  int64_t n;
  int num_factors; // 0 for n = 1 and for Bluestein
  int8_t factors[MAX_FACTORS];
  Pair *roots;      // exp(-2 pi i k / n), k < n; real plans of even length: of the real length
  PjFftPlan *inner; // Bluestein: of the convolution's length; real plans: the complex transform
  Pair *chirp;      // Bluestein: exp(-pi i k^2 / n), k < n
  Pair *kernel;     // Bluestein: transform of the conjugate chirp, divided by its length
};

static inline Pair add(Pair a, Pair b) {
  return (Pair){a.re + b.re, a.im + b.im};
}
static inline Pair sub(Pair a, Pair b) {
  return (Pair){a.re - b.re, a.im - b.im};
}
static inline Pair mul(Pair a, Pair b) {
  return (Pair){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline Pair scale(Pair a, double s) {
  return (Pair){a.re * s, a.im * s};
}
static inline Pair minus_i(Pair a) {
  return (Pair){a.im, -a.re};
} // a * -i
static inline Pair swap(Pair a) {
  return (Pair){a.im, a.re};
}
static inline Pair conjugate(Pair a) {
  return (Pair){a.re, -a.im};
}

// exp(-2 pi i k / n) for 0 <= k < n.
static Pair root(int64_t k, int64_t n) {
  const int64_t octant = k / n * 8 + (int64_t)((__int128)(k % n) * 8 / n);
  int64_t rest =
      (int64_t)((__int128)k * 8 - (__int128)octant * n); // of the octant, in 1 / (8 n) turns
  if (octant & 1)
    rest = n - rest;
  const double angle = 0.78539816339744830962 * ((double)rest / (double)n);
  const double c = cos(angle), s = sin(angle);
  switch (octant & 7) {
  case 0:
    return (Pair){c, -s};
  case 1:
    return (Pair){s, -c};
  case 2:
    return (Pair){-s, -c};
  case 3:
    return (Pair){-c, -s};
  case 4:
    return (Pair){-c, s};
  case 5:
    return (Pair){-s, c};
  case 6:
    return (Pair){s, c};
  default:
    return (Pair){c, s};
  }
}

// --- passes --------------------------------------------------------------------------------------

// A pass of radix r over the first buffer, seen as [r][m][s], to the second, [m][r][s]:
// to[p][k][q] = root(p * k * s) * sum over j of from[j][p][q] * exp(-2 pi i j k / r).

static void pass2(int64_t m, int64_t s, const Pair *roots, const Pair *from, Pair *to) {
  for (int64_t p = 0; p < m; ++p) {
    const Pair w = roots[p * s];
    const Pair *x = from + p * s;
    Pair *y = to + 2 * p * s;
    for (int64_t q = 0; q < s; ++q) {
      const Pair a = x[q], b = x[q + m * s];
      y[q] = add(a, b);
      y[q + s] = mul(sub(a, b), w);
    }
  }
}

static void pass3(int64_t m, int64_t s, const Pair *roots, const Pair *from, Pair *to) {
  const double half_sqrt3 = 0.86602540378443864676;
  for (int64_t p = 0; p < m; ++p) {
    const Pair w1 = roots[p * s], w2 = roots[2 * p * s];
    const Pair *x = from + p * s;
    Pair *y = to + 3 * p * s;
    for (int64_t q = 0; q < s; ++q) {
      const Pair a = x[q], b = x[q + m * s], c = x[q + 2 * m * s];
      const Pair t = add(b, c), u = sub(a, scale(t, 0.5)),
                 v = minus_i(scale(sub(b, c), half_sqrt3));
      y[q] = add(a, t);
      y[q + s] = mul(add(u, v), w1);
      y[q + 2 * s] = mul(sub(u, v), w2);
    }
  }
}

static void pass4(int64_t m, int64_t s, const Pair *roots, const Pair *from, Pair *to) {
  for (int64_t p = 0; p < m; ++p) {
    const Pair w1 = roots[p * s], w2 = roots[2 * p * s], w3 = roots[3 * p * s];
    const Pair *x = from + p * s;
    Pair *y = to + 4 * p * s;
    for (int64_t q = 0; q < s; ++q) {
      const Pair a = x[q], b = x[q + m * s], c = x[q + 2 * m * s], d = x[q + 3 * m * s];
      const Pair ac = add(a, c), bd = add(b, d), a_c = sub(a, c), b_d = minus_i(sub(b, d));
      y[q] = add(ac, bd);
      y[q + s] = mul(add(a_c, b_d), w1);
      y[q + 2 * s] = mul(sub(ac, bd), w2);
      y[q + 3 * s] = mul(sub(a_c, b_d), w3);
    }
  }
}

static void pass5(int64_t m, int64_t s, const Pair *roots, const Pair *from, Pair *to) {
  const double c1 = 0.30901699437494742410,
               c2 = -0.80901699437494742410; // cos of 2 pi / 5, 4 pi / 5
  const double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
  for (int64_t p = 0; p < m; ++p) {
    const Pair w1 = roots[p * s], w2 = roots[2 * p * s], w3 = roots[3 * p * s],
               w4 = roots[4 * p * s];
    const Pair *x = from + p * s;
    Pair *y = to + 5 * p * s;
    for (int64_t q = 0; q < s; ++q) {
      const Pair a = x[q], b = x[q + m * s], c = x[q + 2 * m * s], d = x[q + 3 * m * s],
                 e = x[q + 4 * m * s];
      const Pair be = add(b, e), cd = add(c, d), b_e = sub(b, e), c_d = sub(c, d);
      const Pair u1 = add(a, add(scale(be, c1), scale(cd, c2))),
                 u2 = add(a, add(scale(be, c2), scale(cd, c1)));
      const Pair v1 = minus_i(add(scale(b_e, s1), scale(c_d, s2))),
                 v2 = minus_i(sub(scale(b_e, s2), scale(c_d, s1)));
      y[q] = add(a, add(be, cd));
      y[q + s] = mul(add(u1, v1), w1);
      y[q + 2 * s] = mul(add(u2, v2), w2);
      y[q + 3 * s] = mul(sub(u2, v2), w3);
      y[q + 4 * s] = mul(sub(u1, v1), w4);
    }
  }
}

static void pass_any(int r, int64_t m, int64_t s, const Pair *roots, const Pair *from, Pair *to) {
  const int64_t turn = m * s; // roots[turn * j] = exp(-2 pi i j / r)
  for (int64_t p = 0; p < m; ++p) {
    for (int64_t q = 0; q < s; ++q) {
      const Pair *x = from + p * s + q;
      for (int k = 0; k < r; ++k) {
        Pair sum = x[0];
        for (int j = 1, jk = k; j < r; ++j, jk = jk + k < r ? jk + k : jk + k - r)
          sum = add(sum, mul(x[j * turn], roots[jk * turn]));
        to[(r * p + k) * s + q] = mul(sum, roots[p * k * s]);
      }
    }
  }
}

static void run_passes(const PjFftPlan *plan, Pair *data, Pair *work) {
  Pair *from = data, *to = work;
  int64_t s = 1, m = plan->n;
  for (int i = 0; i < plan->num_factors; ++i) {
    const int r = plan->factors[i];
    m /= r;
    switch (r) {
    case 2:
      pass2(m, s, plan->roots, from, to);
      break;
    case 3:
      pass3(m, s, plan->roots, from, to);
      break;
    case 4:
      pass4(m, s, plan->roots, from, to);
      break;
    case 5:
      pass5(m, s, plan->roots, from, to);
      break;
    default:
      pass_any(r, m, s, plan->roots, from, to);
      break;
    }
    s *= r;
    Pair *other = from;
    from = to;
    to = other;
  }
  if (from != data)
    memcpy(data, from, (size_t)plan->n * sizeof *data);
}

// --- plans ---------------------------------------------------------------------------------------

static void *scratch(PjEval *ev, int64_t count, size_t size) {
  size_t bytes;
  if (!pj_mul_size((size_t)count, size, &bytes))
    pj_arena_exhausted(ev->arena);
  return pj_eval_scratch(ev, bytes);
}

static PjFftPlan *new_plan(PjEval *ev, int64_t n) {
  PjFftPlan *plan = scratch(ev, 1, sizeof *plan);
  *plan = (PjFftPlan){.n = n};
  return plan;
}

static Pair *new_roots(PjEval *ev, int64_t n) {
  Pair *roots = scratch(ev, n, sizeof *roots);
  for (int64_t k = 0; k < n; ++k)
    roots[k] = root(k, n);
  return roots;
}

// Fills plan->factors; false when a prime factor is too large.
static bool factorise(PjFftPlan *plan) {
  int64_t rest = plan->n;
  while (rest % 4 == 0) {
    plan->factors[plan->num_factors++] = 4;
    rest /= 4;
  }
  for (int r = 2; r <= MAX_RADIX && rest > 1; r += r == 2 ? 1 : 2) {
    while (rest % r == 0) {
      plan->factors[plan->num_factors++] = (int8_t)r;
      rest /= r;
    }
  }
  if (rest == 1)
    return true;
  plan->num_factors = 0;
  return false;
}

static void plan_bluestein(PjEval *ev, PjFftPlan *plan) {
  const int64_t n = plan->n;
  int64_t length = 1;
  while (length < 2 * n - 1)
    length *= 2;
  plan->inner = pj_fft_plan(ev, length);
  plan->chirp = scratch(ev, n, sizeof(Pair));
  plan->kernel = scratch(ev, length, sizeof(Pair));
  memset(plan->kernel, 0, (size_t)length * sizeof(Pair));
  for (int64_t k = 0, square = 0; k < n; ++k) { // square = k^2 mod 2 n
    plan->chirp[k] = root(square, 2 * n);
    const Pair value = scale(conjugate(plan->chirp[k]), 1 / (double)length);
    plan->kernel[k] = value;
    if (k)
      plan->kernel[length - k] = value;
    square = (square + 2 * k + 1) % (2 * n);
  }
  Pair *work = scratch(ev, length, sizeof(Pair));
  run_passes(plan->inner, plan->kernel, work);
  pj_eval_free(ev, work);
}

PjFftPlan *pj_fft_plan(PjEval *ev, int64_t n) {
  PjFftPlan *plan = new_plan(ev, n);
  if (n > INT64_MAX / 64)
    pj_arena_exhausted(ev->arena);
  if (factorise(plan))
    plan->roots = new_roots(ev, n);
  else
    plan_bluestein(ev, plan);
  return plan;
}

PjFftPlan *pj_fft_plan_real(PjEval *ev, int64_t n) {
  PjFftPlan *plan = new_plan(ev, n);
  plan->inner = pj_fft_plan(ev, n % 2 ? n : n / 2);
  if (n % 2 == 0)
    plan->roots = new_roots(ev, n);
  return plan;
}

void pj_fft_free(PjEval *ev, PjFftPlan *plan) {
  if (plan->inner)
    pj_fft_free(ev, plan->inner);
  if (plan->roots)
    pj_eval_free(ev, plan->roots);
  if (plan->chirp)
    pj_eval_free(ev, plan->chirp);
  if (plan->kernel)
    pj_eval_free(ev, plan->kernel);
  pj_eval_free(ev, plan);
}

int64_t pj_fft_work(const PjFftPlan *plan) {
  if (plan->chirp)
    return 4 * plan->inner->n; // the padded line and its own work space
  if (plan->inner)
    return pj_fft_work(plan->inner) + 2 * plan->inner->n; // real: the complex line
  return 2 * plan->n;
}

// --- running -------------------------------------------------------------------------------------

static void forward(const PjFftPlan *plan, Pair *data, Pair *work) {
  if (!plan->chirp) {
    run_passes(plan, data, work);
    return;
  }
  const int64_t n = plan->n, length = plan->inner->n;
  for (int64_t k = 0; k < n; ++k)
    work[k] = mul(data[k], plan->chirp[k]);
  memset(work + n, 0, (size_t)(length - n) * sizeof *work);
  run_passes(plan->inner, work, work + length);
  // The inverse transform is the forward one with real and imaginary parts swapped, before and
  // after.
  for (int64_t k = 0; k < length; ++k)
    work[k] = swap(mul(work[k], plan->kernel[k]));
  run_passes(plan->inner, work, work + length);
  for (int64_t k = 0; k < n; ++k)
    data[k] = mul(swap(work[k]), plan->chirp[k]);
}

static void backward(const PjFftPlan *plan, double factor, Pair *data, Pair *work) {
  for (int64_t k = 0; k < plan->n; ++k)
    data[k] = swap(data[k]);
  forward(plan, data, work);
  for (int64_t k = 0; k < plan->n; ++k)
    data[k] = scale(swap(data[k]), factor);
}

void pj_fft_run(const PjFftPlan *plan, bool inverse, double *data, double *work) {
  if (inverse)
    backward(plan, 1 / (double)plan->n, (Pair *)data, (Pair *)work);
  else
    forward(plan, (Pair *)data, (Pair *)work);
}

void pj_fft_run_real(const PjFftPlan *plan, double *in, double *out, double *work) {
  const int64_t n = plan->n, half = n / 2;
  Pair *result = (Pair *)out, *line = (Pair *)work;
  if (n % 2) {
    for (int64_t j = 0; j < n; ++j)
      line[j] = (Pair){in[j], 0};
    forward(plan->inner, line, line + n);
    memcpy(result, line, (size_t)(half + 1) * sizeof *result);
    return;
  }
  // z = even elements + i odd elements; their transforms are the (anti)symmetric parts of Z.
  memcpy(line, in, (size_t)half * sizeof *line);
  forward(plan->inner, line, line + half);
  for (int64_t k = 0; k <= half; ++k) {
    const Pair a = line[k % half], b = conjugate(line[(half - k) % half]);
    const Pair even = scale(add(a, b), 0.5), odd = minus_i(scale(sub(a, b), 0.5));
    result[k] = add(even, mul(odd, plan->roots[k]));
  }
  result[0].im = result[half].im = 0;
}

void pj_fft_run_real_inverse(const PjFftPlan *plan, double *in, double *out, double *work) {
  const int64_t n = plan->n, half = n / 2;
  Pair *from = (Pair *)in, *line = (Pair *)work;
  from[0].im = 0;
  if (n % 2) {
    line[0] = from[0];
    for (int64_t k = 1; k <= half; ++k) {
      line[k] = from[k];
      line[n - k] = conjugate(from[k]);
    }
    backward(plan->inner, 1 / (double)n, line, line + n);
    for (int64_t j = 0; j < n; ++j)
      out[j] = line[j].re;
    return;
  }
  from[half].im = 0;
  for (int64_t k = 0; k < half; ++k) {
    const Pair a = from[k], b = conjugate(from[half - k]);
    const Pair even = add(a, b), odd = mul(sub(a, b), conjugate(plan->roots[k]));
    line[k] = (Pair){even.re - odd.im, even.im + odd.re}; // even + i odd
  }
  backward(plan->inner, 1 / (double)n, line, line + half);
  memcpy(out, line, (size_t)half * sizeof *line);
}
