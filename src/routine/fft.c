// fft: a list of jobs, each transforming many lines, planned with all roots of unity when the
// routine is selected.
//
// A group of lines is transformed together, one to a lane (fft_variant.h), in the precision of the
// operand. A long line alone is itself two dimensions (n = n1 * n2): n2 lines of n1, a
// multiplication by roots, n1 lines of n2; so it takes all lanes and threads, and stays in the
// cache. A long real line is a complex one of half the length and a pass over pairs of elements; a
// long line of another length than products of small primes a convolution (Bluestein), itself in
// two dimensions: columns, then rows forth and, multiplied, back, then columns.
#include <math.h>
#include <string.h>

#include "eval/strided.h"
#include "routine/fft_roots.h"
#include "routine/plan.h"
#include "routine/variant.h"

enum {
  MAX_RADIX = 31,
  MAX_FACTORS = 64,
  SPLIT_FROM = 1024,
  FEW_FROM = 192, // of few lines, which would leave most lanes idle
  SPLIT_ALWAYS = 1 << 15,
  MAX_SPLIT = 1 << 24,
  MAX_WORK = 1 << 18,
  MAX_JOBS = 16,
  CHIRP_FROM = 512, // lines that are convolutions of their own
  CHIRP_TILE = 16   // both dimensions of which are multiples of this
};

// A length: its passes, or, for Bluestein, the convolution's.
typedef struct Line Line;
struct Line {
  int64_t n, work; // work: elements of a buffer
  int num_factors;
  uint8_t factors[MAX_FACTORS];
  const void *roots; // exp(-2 pi i k / n)
  const Line *inner;
  const void *chirp, *kernel;
};

typedef enum JobKind {
  COMPLEX,
  REAL_FORWARD,
  REAL_INVERSE,
  REAL_LAST,  // of a long real line: the pass over pairs behind the complex transform, in place,
  REAL_FIRST, // and the one in front of the inverse
  CHIRP_FIRST,
  CHIRP_MIDDLE,
  CHIRP_LAST
} JobKind;
typedef enum Place { INPUT, RESULT, WORK } Place; // arrays of a job

// |outer| times |lines| lines: steps between elements, lines and outer ones, in complex elements
// (of real arrays: in complex elements for even lengths, in real ones for odd).
typedef struct Job {
  JobKind kind;
  const Line *line;
  Place from, to;
  int64_t outer, lines, in_outer, out_outer;
  int64_t in_step, in_next, out_step, out_next;
  bool swap_in,
      swap_out; // the inverse is the forward transform with real and imaginary parts swapped
  double factor;
  const void *twiddles; // by group, or NULL
  const void *roots;    // real: of the whole length, NULL if it is odd; chirp, or its transform
  int64_t length;       // chirp: of the line; pairs: complex elements of the line
} Job;

typedef struct Kernels {
  int lanes;
  void (*group)(const Job *job, int64_t first, int count, const void *in, void *out, void *scratch);
} Kernels;

#define PJ_VARIANT_FILE "routine/fft_variant.h"
#include "routine/variants.h"

typedef struct Fft {
  PjRoutine routine;
  const Kernels *kernels;
  bool wide;
  size_t part; // bytes of a real number
  int num;
  Job jobs[MAX_JOBS];
} Fft;

// ---- running
typedef struct Run {
  const Fft *f;
  const Job *job;
  const char *in;
  char *out, *scratch;
  int64_t groups;
} Run;

static void run_groups(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Job *job = run->job;
  const int lanes = run->f->kernels->lanes;
  // Real arrays of odd lengths are addressed by real elements.
  const size_t in_size = run->f->part * (job->kind == REAL_FORWARD && !job->roots ? 1 : 2);
  const size_t out_size = run->f->part * (job->kind == REAL_INVERSE && !job->roots ? 1 : 2);
  void *scratch = pj__thread_scratch(&run->f->routine, run->scratch, thread);
  for (int64_t at = begin; at < end; ++at) {
    const int64_t outer = at / run->groups, first = at % run->groups * lanes;
    const int count = (int)pj__min(lanes, job->lines - first);
    run->f->kernels->group(
        job, first, count,
        run->in + (size_t)(outer * job->in_outer + first * job->in_next) * in_size,
        run->out + (size_t)(outer * job->out_outer + first * job->out_next) * out_size, scratch);
  }
}

static PjStatus run_fft(const PjRoutine *self, PjThreads *threads, const void *const *in,
                        void *const *out, void *scratch) {
  const Fft *f = (const Fft *)self;
  for (int i = 0; i < f->num; ++i) {
    const Job *job = &f->jobs[i];
    Run run = {.f = f,
               .job = job,
               .scratch = scratch,
               .groups = pj__divide_up(job->lines, f->kernels->lanes)};
    run.in = job->from == INPUT ? in[0] : job->from == RESULT ? out[0] : scratch;
    run.out = job->to == RESULT ? out[0] : scratch;
    const bool pairs = job->kind == REAL_LAST || job->kind == REAL_FIRST;
    const double work = (double)(pairs ? 2 : job->line->work) * f->kernels->lanes * 16;
    pj_threads_for(threads, job->outer * run.groups, pj__grain(job->outer * run.groups, work),
                   run_groups, &run);
  }
  return PJ_STATUS_OK;
}

// ---- lengths
// Fills line->factors; false when a prime factor is too large.
static bool factorise(Line *line) {
  int64_t rest = line->n;
  line->num_factors = 0;
  // As few passes as there can be, for each goes over all elements: 16 is 4 times 4. But eight
  // complex numbers are all that sixteen registers hold, and with as many results too many lines of
  // a near cache for a length that is a power of two: there fours are better.
  const bool many = PJ_PICK(kernels)[0].lanes >= 16; // registers
  for (int twos = __builtin_ctzll((uint64_t)rest); twos > 2 && (many ? twos != 4 : twos % 2 == 1);
       twos -= 3) {
    line->factors[line->num_factors++] = 8;
    rest /= 8;
  }
  while (rest % 4 == 0) {
    line->factors[line->num_factors++] = 4;
    rest /= 4;
  }
  for (int r = 2; r <= MAX_RADIX && rest > 1; r += r == 2 ? 1 : 2)
    while (rest % r == 0) {
      line->factors[line->num_factors++] = (uint8_t)r;
      rest /= r;
    }
  return rest == 1;
}

static bool is_smooth(int64_t n) {
  Line line = {.n = n};
  return factorise(&line);
}

// The smallest product of 2, 3 and 5 that is not below |n|.
static int64_t smooth_from(int64_t n) {
  int64_t best = INT64_MAX;
  for (int64_t fives = 1; fives < 5 * n; fives *= 5)
    for (int64_t threes = fives; threes < 3 * n; threes *= 3) {
      int64_t all = threes;
      while (all < n)
        all *= 2;
      best = pj__min(best, all);
    }
  return best;
}

static void transform(PjArena *arena, int64_t n, PjRoot *data);

// Bluestein's tables for a line of |n| elements: chirp[k] = exp(-pi i k^2 / n), and the transform
// of its conjugate around zero, cyclic with |length| >= 2 n - 1 elements, over |length|.
static void new_chirp(PjArena *arena, bool wide, int64_t n, int64_t length, const void **out_chirp,
                      const void **out_kernel) {
  void *chirp = pj__root_table(arena, wide, n), *kernel = pj__root_table(arena, wide, length);
  const PjArenaMark mark = pj_arena_mark(arena);
  PjRoot *data = PJ_NEW_ARRAY(arena, PjRoot, (size_t)length);
  const PjRootProducts products =
      wide ? (PjRootProducts){0} : pj__root_products(arena, 2 * n, 2 * n);
  for (int64_t k = 0, square = 0; k < n; ++k) { // square = k^2 mod 2 n
    const PjRoot value = wide ? pj__root(square, 2 * n) : pj__root_product(&products, square);
    pj__put_root(wide, chirp, k, value);
    data[k] = (PjRoot){value.re / (double)length, -value.im / (double)length};
    if (k)
      data[length - k] = data[k];
    square = (square + 2 * k + 1) % (2 * n);
  }
  transform(arena, length, data);
  for (int64_t k = 0; k < length; ++k)
    pj__put_root(wide, kernel, k, data[k]);
  pj_arena_reset(arena, mark);
  *out_chirp = chirp;
  *out_kernel = kernel;
}

static const Line *new_line(PjArena *arena, bool wide, int64_t n) {
  Line *line = PJ_NEW(arena, Line);
  line->n = line->work = n;
  if (factorise(line)) {
    line->roots = pj__fft_roots(arena, wide, n, n);
    return line;
  }
  line->inner = new_line(arena, wide, smooth_from(2 * n - 1));
  line->work = line->inner->n;
  new_chirp(arena, wide, n, line->work, &line->chirp, &line->kernel);
  return line;
}

// A factor of |n| near its square root, the larger one of both below |n|; 1 if there is none.
static int64_t split(int64_t n) {
  int64_t best = 1;
  for (int64_t f = 2; f * f <= n; ++f)
    if (n % f == 0)
      best = f;
  return best;
}

// ---- jobs
typedef struct Maker {
  PjArena *arena;
  Fft *f;
  bool fits;
  int64_t work; // complex elements of the array WORK
} Maker;

static Job *add_job(Maker *m, JobKind kind, int64_t n, Place from, Place to) {
  if (m->f->num == MAX_JOBS || n > MAX_WORK) {
    m->fits = false;
    return &m->f->jobs[0];
  }
  Job *job = &m->f->jobs[m->f->num++];
  *job = (Job){.kind = kind, .from = from, .to = to, .factor = 1};
  // Equal lengths share their tables.
  for (int i = 0; i < m->f->num - 1 && !job->line; ++i)
    if (m->f->jobs[i].line && m->f->jobs[i].line->n == n)
      job->line = m->f->jobs[i].line;
  if (!job->line)
    job->line = new_line(m->arena, m->f->wide, n);
  if (job->line->work > MAX_WORK)
    m->fits = false;
  return job;
}

// |outer| lines of n = n1 * n2 elements, in two dimensions; those of the result are |out_outer|
// apart.
static void add_split(Maker *m, bool inverse, int64_t outer, int64_t n1, int64_t n2,
                      int64_t out_outer, double factor, Place from, Place to) {
  Job *a = add_job(m, COMPLEX, n1, from, WORK);
  if (!m->fits)
    return;
  a->outer = outer;
  a->in_outer = a->out_outer = n1 * n2;
  a->lines = a->in_step = a->out_step = n2;
  a->in_next = a->out_next = 1;
  a->swap_in = inverse;
  a->twiddles = pj__fft_twiddles(m->arena, m->f->wide, n1, n2, m->f->kernels->lanes);
  Job *b = add_job(m, COMPLEX, n2, WORK, to);
  if (!m->fits)
    return;
  b->outer = outer;
  b->in_outer = n1 * n2;
  b->out_outer = out_outer;
  b->lines = b->out_step = n1;
  b->in_next = n2;
  b->in_step = b->out_next = 1;
  b->swap_out = inverse;
  b->factor = factor;
  m->work = pj__max(m->work, outer * n1 * n2);
}

// |outer| lines of any length |n| as convolutions in two dimensions.
static void add_chirp(Maker *m, bool inverse, int64_t outer, int64_t n, double factor, Place from,
                      Place to) {
  enum { SQUARE = CHIRP_TILE * CHIRP_TILE };
  const int64_t tiles = smooth_from(pj__divide_up(2 * n - 1, SQUARE)), part = split(tiles),
                n1 = CHIRP_TILE * part, n2 = CHIRP_TILE * (tiles / part);
  const void *chirp, *kernel;
  new_chirp(m->arena, m->f->wide, n, n1 * n2, &chirp, &kernel);
  Job *a = add_job(m, CHIRP_FIRST, n1, from, WORK);
  if (!m->fits)
    return;
  a->outer = outer;
  a->in_outer = n;
  a->out_outer = n1 * n2;
  a->lines = a->in_step = a->out_step = n2;
  a->in_next = a->out_next = 1;
  a->swap_in = inverse;
  a->twiddles = pj__fft_twiddles(m->arena, m->f->wide, n1, n2, m->f->kernels->lanes);
  a->roots = chirp;
  a->length = n;
  Job *b = add_job(m, CHIRP_MIDDLE, n2, WORK, WORK);
  if (!m->fits)
    return;
  b->outer = outer;
  b->in_outer = b->out_outer = n1 * n2;
  b->lines = n1;
  b->in_step = b->out_step = 1;
  b->in_next = b->out_next = n2;
  b->roots = kernel;
  Job *c = add_job(m, CHIRP_LAST, n1, WORK, to);
  if (!m->fits)
    return;
  c->outer = outer;
  c->in_outer = n1 * n2;
  c->out_outer = n;
  c->lines = c->in_step = c->out_step = n2;
  c->in_next = c->out_next = 1;
  c->swap_out = inverse;
  c->factor = factor;
  c->twiddles = a->twiddles;
  c->roots = chirp;
  c->length = n;
  m->work = pj__max(m->work, outer * n1 * n2);
}

// Whether |lines| of |n| elements, side by side, are better done one by one in two dimensions: long
// ones, unless there are many not too long ones; of a few, shorter ones too.
static bool one_by_one(const Maker *m, int64_t n, int64_t lines, int64_t long_from) {
  const int lanes = m->f->kernels->lanes;
  if (n > MAX_SPLIT)
    return false;
  return n >= long_from ? n >= SPLIT_ALWAYS || lines < lanes : n >= FEW_FROM && 4 * lines <= lanes;
}

static bool is_split(const Maker *m, int64_t n, int64_t lines) {
  return is_smooth(n) && split(n) > 1 && one_by_one(m, n, lines, SPLIT_FROM + 1);
}

// Complex |from| to |to| [outer, n, inner] along the middle.
static void add_complex(Maker *m, bool inverse, int64_t outer, int64_t n, int64_t inner, Place from,
                        Place to) {
  const double factor = inverse ? 1 / (double)n : 1;
  const int64_t lines = inner == 1 ? outer : inner;
  const bool alone = inner == 1 && to != WORK;
  if (alone && is_split(m, n, lines)) {
    add_split(m, inverse, outer, split(n), n / split(n), n, factor, from, to);
    return;
  }
  if (alone && !is_smooth(n) && one_by_one(m, n, lines, CHIRP_FROM)) {
    add_chirp(m, inverse, outer, n, factor, from, to);
    return;
  }
  Job *job = add_job(m, COMPLEX, n, from, to);
  if (!m->fits)
    return;
  job->outer = inner == 1 ? 1 : outer;
  job->lines = lines;
  job->in_outer = job->out_outer = n * inner;
  job->in_step = job->out_step = inner;
  job->in_next = job->out_next = inner == 1 ? n : 1;
  job->swap_in = job->swap_out = inverse;
  job->factor = factor;
}

// The pass over pairs of complex elements of a real line of |n|, from |from| to RESULT.
static void add_pairs(Maker *m, JobKind kind, int64_t outer, int64_t n, Place from) {
  if (m->f->num == MAX_JOBS)
    m->fits = false;
  if (!m->fits)
    return;
  Job *job = &m->f->jobs[m->f->num++];
  const int64_t half = n / 2;
  *job = (Job){.kind = kind,
               .from = from,
               .to = RESULT,
               .outer = outer,
               .lines = half / 2 + 1,
               .in_outer = half + 1,
               .out_outer = kind == REAL_LAST ? half + 1 : half,
               .roots = pj__fft_roots(m->arena, m->f->wide, n, half / 2 + 1),
               .length = half};
}

static void add_real(Maker *m, bool inverse, int64_t outer, int64_t n, Place from, Place to) {
  const bool even = n % 2 == 0;
  const int64_t half = n / 2;
  if (even && from == INPUT && is_split(m, half, outer)) {
    if (inverse)
      add_pairs(m, REAL_FIRST, outer, n, INPUT);
    add_split(m, inverse, outer, split(half), half / split(half), inverse ? half : half + 1,
              inverse ? 1 / (double)n : 1, inverse ? RESULT : INPUT, RESULT);
    if (!inverse)
      add_pairs(m, REAL_LAST, outer, n, RESULT);
    return;
  }
  Job *job = add_job(m, inverse ? REAL_INVERSE : REAL_FORWARD, even ? n / 2 : n, from, to);
  if (!m->fits)
    return;
  job->outer = 1;
  job->lines = outer;
  job->in_next = inverse ? n / 2 + 1 : even ? n / 2 : n;
  job->out_next = !inverse ? n / 2 + 1 : even ? n / 2 : n;
  job->in_step = job->out_step = 1;
  job->factor = inverse ? 1 / (double)n : 1;
  if (even)
    job->roots = pj__fft_roots(m->arena, m->f->wide, n, n / 2 + 1);
}

// The dimensions of |shape| from the last but |first| to the last but |count| - 1.
static void add_dims(Maker *m, bool inverse, const PjType *shape, uint32_t first, uint32_t count,
                     Place from, Place to) {
  for (uint32_t i = first; i < count && m->fits; ++i) {
    const int32_t axis = shape->rank - 1 - (int32_t)i;
    int64_t outer = 1, inner = 1;
    for (int32_t d = 0; d < axis; ++d)
      outer *= shape->dims[d];
    for (int32_t d = axis + 1; d < shape->rank; ++d)
      inner *= shape->dims[d];
    add_complex(m, inverse, outer, shape->dims[axis], inner, i == first ? from : to, to);
  }
}

// Sizes of the work space, when all jobs are there.
static void finish(const Maker *m) {
  Fft *f = m->f;
  f->routine.scratch_bytes = pj__scratch_round((size_t)m->work * 2 * f->part);
  for (int i = 0; i < f->num; ++i) {
    if (!f->jobs[i].line)
      continue;
    const size_t bytes =
        2 * (size_t)(f->jobs[i].line->work + 1) * (size_t)f->kernels->lanes * 2 * f->part;
    if (bytes > f->routine.thread_scratch_bytes)
      f->routine.thread_scratch_bytes = pj__scratch_round(bytes);
  }
}

// Transforms |data|, of a length of small primes, in double.
static void transform(PjArena *arena, int64_t n, PjRoot *data) {
  Fft *f = PJ_NEW(arena, Fft);
  f->wide = true;
  f->part = sizeof(double);
  f->kernels = &PJ_PICK(kernels)[true];
  Maker m = {arena, f, true, 0};
  if (n > SPLIT_FROM && split(n) > 1)
    add_split(&m, false, 1, split(n), n / split(n), n, 1, INPUT, RESULT);
  else
    add_complex(&m, false, 1, n, 1, INPUT, RESULT);
  finish(&m);
  char *scratch = pj_arena_alloc(arena, f->routine.scratch_bytes + f->routine.thread_scratch_bytes +
                                            PJ_SCRATCH_ALIGN);
  scratch += -(uintptr_t)scratch & (PJ_SCRATCH_ALIGN - 1);
  const void *in = data;
  void *out = data;
  run_fft(&f->routine, NULL, &in, &out, scratch);
}

static PjStatus run_nothing(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  return PJ_STATUS_OK;
}

const PjRoutine *pj__routine_fft(PjArena *arena, const PjOp *op) {
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  const int64_t type = PJ_INT(op, fft_type);
  uint32_t count;
  const int64_t *lengths = PJ_INTS(op, fft_length, &count);
  Fft *f = PJ_NEW(arena, Fft);
  const PjDtype part = pj_dtype_part(out->dtype);
  if (part != pj_dtype_part(in->dtype) || (part != PJ_DT_F32 && part != PJ_DT_F64) || count < 1)
    return NULL;
  f->wide = part == PJ_DT_F64;
  f->part = pj_dtype_bytes(part);
  f->routine = (PjRoutine){.name = "fft", .run = run_fft, .in_place = -1};
  if (!pj__count(out) || !pj__count(in)) {
    f->routine.run = run_nothing;
    return pj__count(out) ? NULL : &f->routine;
  }
  for (uint32_t i = 0; i < count; ++i)
    if (lengths[i] > MAX_SPLIT)
      return NULL;
  f->kernels = &PJ_PICK(kernels)[f->wide];
  Maker m = {arena, f, true, 0};
  const bool inverse = type == PJ_FFT_IFFT || type == PJ_FFT_IRFFT;
  const int64_t n = lengths[count - 1];
  if (type == PJ_FFT_RFFT) {
    add_real(&m, false, pj__count(in) / n, n, INPUT, RESULT);
    add_dims(&m, false, out, 1, count, RESULT, RESULT);
  } else if (type == PJ_FFT_IRFFT) {
    // The other dimensions first, in a copy of the operand; a split one needs WORK for itself.
    m.work = count > 1 ? pj__count(in) : 0;
    add_dims(&m, true, in, 1, count, INPUT, WORK);
    add_real(&m, true, pj__count(out) / n, n, count > 1 ? WORK : INPUT, RESULT);
  } else {
    add_dims(&m, inverse, out, 0, count, INPUT, RESULT);
  }
  if (!m.fits)
    return NULL;
  finish(&m);
  f->routine.bytes = (double)pj__bytes(in) + (double)pj__bytes(out);
  for (uint32_t i = 0; i < count; ++i)
    f->routine.flops += 5 * (double)pj__count(out) * log2((double)lengths[i] + 1);
  return &f->routine;
}
