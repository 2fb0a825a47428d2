// The packed product: blocks, tasks and threads (the algorithm is that of Goto and van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008). Packing and its panels: gemm_pack.c.
//
// Two ways to share the work. Where every task needs much of b, b is packed first, by all threads,
// then tasks of some rows pack their part of a and multiply. Where b is small or only one block of
// rows high, each task packs its own. Either way several tasks of the same rows would each pack the
// same part of a: if it is not too much, all threads pack a first, too.
#include "routine/gemm.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/machine.h"
#include "eval/strided.h"
#include "routine/variant.h"

typedef PjMicro Micro;
typedef void TileCopy(int64_t rows, int64_t words, const char *from, int64_t from_row, char *to,
                      int64_t to_row);

#define PJ_VARIANT_FILE "routine/gemm_variant.h"
#include "routine/variants.h"

enum {
  ROWS = 288,              // of a block at most; a multiple of every kernel's mr
  FEW_ROWS = 384,          // up to here each task packs what it needs of b
  SUMS = 256,              // p in one block
  SUMS_ONE = 512,          // up to here one block
  SUMS_ONE_WIDE = 640,     // with AVX-512, whose processors have a larger second cache;
  SUMS_BYTES = 2048,       // without it, of an element's sums in a block of several
  SUMS_UNIT = 8,           // whole complex numbers, and squares that packing turns
  CACHE_LEAST = 256 << 10, // the second cache of processors that do not say
  COLS = 1024,
  OWN_COLS = 256,
  BUFFER_COLS = 512, // of a task; multiples of every kernel's nr
  REACH_COLS = 128,  // up to here packing a takes longer than reading it where it lies
  LINE = 64,
  NEAREST_BYTES = 16 << 10, // of a packed block of b that stays in the nearest cache,
  NEAREST_SLIVERS = 32,     // of so many slivers at most
  MAX_TILE_BYTES = 32 * 32 * 4,
  MAX_TILE_COLS = 32,
  SHARED_BYTES = 16 << 20, // of packed b at a time
  ALL_A_BYTES = 4 << 20,   // of a that is packed before the tasks
  OWN_BYTES = 256 << 10,   // of b that a task packs whole
  KEPT_BYTES = 64 << 20,   // of b that is packed once,
  KEPT_COLS = 8,           // of so many columns at least: fewer have ways of their own
  TASKS = 16,              // batches whose tasks pack b whole
  TASKS_EACH = 4,          // wanted for each thread
  TASK_WORK = 1 << 20,     // multiplications that are worth a task of their own
};

static int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}
static bool is_complex(PjComp comp) {
  return comp == PJ_COMP_C64 || comp == PJ_COMP_C128;
}

// ---- one block
// Of a: packed, or where its rows lie (PjReachFn).
typedef struct Left {
  char *packed; // or the room of what does not lie there
  int64_t runs, *sums;
  const void **lines; // NULL: packed
} Left;

// A sliver of b, and how it is multiplied: PjGroups.
typedef struct Right {
  const char *packed;
  bool exact;
  uint32_t start[MAX_TILE_COLS];
} Right;

// Memory that is read later and brought nearer meanwhile: |lines| cache lines side by side from
// |at| on, and so many more |step| bytes further on, and so on.
typedef struct Ahead {
  const char *at;
  int64_t lines, step;
} Ahead;

// Tile |at|, of rows from at * mr on, the first |height| of them, by the first columns of the
// sliver |b| that |tiles| have.
static inline void tile(const PjProduct *g, const PjTiles *tiles, const Left *a, int64_t at,
                        int64_t height, int64_t sums, size_t bytes, const Right *b, char *c,
                        int64_t c_row, bool add, Ahead *ahead) {
  const Micro *micro = g->micro;
  const PjGroups *groups = g->groups;
  const void *const *lines = a->lines ? a->lines + at * a->runs * micro->mr : NULL;
  const char *packed = a->packed + (size_t)(at * micro->mr * sums) * bytes;
  const int64_t kernel = (height - 1) / micro->low;
  if (groups) {
    if (lines)
      (b->exact ? groups->exact_lines : groups->lines)[kernel](a->runs, a->sums, lines, b->packed,
                                                               b->start, c, c_row, add);
    else
      (b->exact ? groups->exact : groups->tile)[kernel](sums, packed, b->packed, b->start, c, c_row,
                                                        add);
    return;
  }
  const char *next = b->packed;
  int64_t step = 0;
  if (ahead->lines) {
    next = ahead->at;
    step = ahead->step;
    ahead->at += LINE;
    --ahead->lines;
  }
  if (lines)
    tiles->lines[kernel](a->runs, a->sums, lines, b->packed, c, c_row, add, next, step);
  else
    tiles->tile[kernel](sums, packed, b->packed, c, c_row, add, next, step);
}

// The least of PjGroups over a block of a.
static int least_left(const PjProduct *g, int64_t tiles, int64_t sums, const Left *a) {
  const int mr = g->micro->mr;
  if (!a->lines)
    return g->groups->least(tiles * mr * sums, a->packed);
  int least = INT32_MAX;
  for (int64_t run = 0; run < tiles * a->runs; ++run) {
    const int64_t words = a->sums[run % a->runs];
    uintptr_t begin = 0, end = 0; // of the row before: those of neighbouring windows overlap
    for (int i = 0; i < mr; ++i) {
      const uintptr_t from = (uintptr_t)a->lines[run * mr + i],
                      known = from >= begin && from <= end ? end : from;
      begin = from;
      end = from + (uintptr_t)words * 4;
      const int of = g->groups->least((int64_t)(end - known) / 4, (const void *)known);
      least = of < least ? of : least;
    }
  }
  return least;
}

// One block: c[rows, cols] (+)= a x packed b; |c| in elements of the part type.
typedef struct Block {
  const PjProduct *g;
  const Left *a;
  int64_t rows, cols, sums, c_row, bytes; // of an element of b
  TileCopy *copy;
  char *c;
  bool add;
  Ahead *ahead;
} Block;

// How the sliver at |packed| is multiplied; |least|: that of a.
static void prepare(const Block *f, const char *packed, int least, Right *right) {
  const PjGroups *groups = f->g->groups;
  const int nr = f->g->micro->nr;
  right->packed = packed;
  right->exact = false;
  if (groups && groups->start)
    groups->start(f->sums, nr, packed, right->start);
  if (groups && groups->least)
    right->exact = !pj__keeps_normal(least, groups->least(nr * f->sums, packed));
}

// The tiles for |width| columns of a sliver.
static inline const PjTiles *tiles_of(const Micro *micro, int64_t width) {
  for (int i = 0; i < PJ_GEMM_THIN; ++i)
    if (width <= micro->thin[i].columns)
      return &micro->thin[i];
  return &micro->tiles;
}

// The tile at row |i| and column |j|.
static inline void block_tile(const Block *f, int64_t i, int64_t j, const Right *right) {
  const PjProduct *g = f->g;
  const Micro *micro = g->micro;
  const int64_t bytes = f->bytes, words = bytes / 4,
                c_bytes = g->encode ? (int64_t)sizeof(uint16_t) : bytes,
                beside_row = micro->nr * bytes, height = pj__min(micro->mr, f->rows - i),
                width = pj__min(micro->nr, f->cols - j), at = i / micro->mr;
  const PjTiles *tiles = width < micro->nr ? tiles_of(micro, width) : &micro->tiles;
  char *to = f->c + (i * f->c_row + j) * c_bytes;
  if (height % micro->low == 0 && width == tiles->columns && !g->encode) {
    tile(g, tiles, f->a, at, height, f->sums, (size_t)bytes, right, to, f->c_row, f->add, f->ahead);
    return;
  }
  // A tile at the edge, or of another type: computed whole beside c.
  _Alignas(64) char beside[MAX_TILE_BYTES];
  if (f->add)
    f->copy(height, width * words, to, f->c_row * bytes, beside, beside_row);
  tile(g, tiles, f->a, at, height, f->sums, (size_t)bytes, right, beside, micro->nr, f->add,
       f->ahead);
  if (g->encode)
    g->encode(height, width, (const float *)beside, micro->nr, (uint16_t *)to, f->c_row);
  else
    f->copy(height, width * words, beside, beside_row, to, f->c_row * bytes);
}

static void multiply(const PjProduct *g, int64_t rows, int64_t cols, int64_t sums, const Left *a,
                     const char *b, int64_t b_sliver, char *c, int64_t c_row, bool add,
                     Ahead *ahead) {
  const Micro *micro = g->micro;
  const int64_t bytes = (int64_t)pj_comp_bytes(g->a.part), tiles = pj__divide_up(rows, micro->mr);
  const int least = g->groups && g->groups->least ? least_left(g, tiles, sums, a) : 0;
  const Block block = {g, a, rows, cols, sums, c_row, bytes, PJ_PICK(copy_tile), c, add, ahead};
  b_sliver *= bytes;
  if (cols * sums * bytes <= NEAREST_BYTES && cols <= NEAREST_SLIVERS * micro->nr) {
    // All of b stays in the nearest cache: c is written row by row.
    Right each[NEAREST_SLIVERS];
    for (int64_t j = 0; j < cols; j += micro->nr)
      prepare(&block, b + j / micro->nr * b_sliver, least, each + j / micro->nr);
    for (int64_t i = 0; i < rows; i += micro->mr)
      for (int64_t j = 0; j < cols; j += micro->nr)
        block_tile(&block, i, j, each + j / micro->nr);
    return;
  }
  for (int64_t j = 0; j < cols; j += micro->nr, b += b_sliver) {
    Right right;
    prepare(&block, b, least, &right);
    // While one sliver of b is used, the next one comes nearer, a share with each tile; and while a
    // tile is computed, so does the next tile's c.
    const char *next = b + b_sliver;
    const int64_t share =
        j + micro->nr < cols ? pj__divide_up(micro->nr * sums * bytes, tiles * LINE) * LINE : 0;
    const bool whole = j + micro->nr <= cols && !g->encode;
    for (int64_t i = 0; i < rows; i += micro->mr) {
      for (int64_t line = 0; line < share; line += LINE)
        __builtin_prefetch(next + line, 0, 2);
      next += share;
      for (int r = 0; whole && i + 2 * micro->mr <= rows && r < micro->mr; ++r)
        __builtin_prefetch(c + ((i + micro->mr + r) * c_row + j) * bytes, 1);
      block_tile(&block, i, j, &right);
    }
  }
}

// ---- tasks
typedef struct Run {
  const PjProduct *g;
  const char *a, *b;
  char *c, *scratch;
  char *packed_a;                       // of all rows, or NULL: each task packs what it needs
  int64_t first_batch, first_col, cols; // of what is packed
  int64_t rows, row_tasks, col_tasks, task_cols;
} Run;

static void batch_offsets(const PjProduct *g, int64_t batch, int64_t *a, int64_t *b, int64_t *c) {
  *a = *b = *c = 0;
  for (int32_t d = g->num_batch - 1; d >= 0; --d) {
    const int64_t at = batch % g->batch_dims[d];
    batch /= g->batch_dims[d];
    *a += at * g->a_batch[d];
    *b += at * g->b_batch[d];
    *c += at * g->c_batch[d];
  }
}

// Stores a block of c, [rows, cols] numbers of the part type, at element |c| of the result.
static void store(const PjProduct *g, int64_t rows, int64_t cols, const char *block,
                  int64_t block_row, char *c, char *temp) {
  const size_t elem = pj_dtype_bytes(g->out_dtype), part = pj_comp_bytes(g->a.part);
  const int64_t n = is_complex(g->comp) ? cols / 2 : cols;
  if (pj_comp_is_native(g->comp, g->out_dtype)) {
    const int64_t dims[] = {rows, n}, from[] = {is_complex(g->comp) ? block_row / 2 : block_row, 1},
                  to[] = {g->c_row, g->c_col};
    pj_strided_copy(elem, 2, dims, block, from, c, to);
    return;
  }
  for (int64_t i = 0; i < rows; ++i, block += (size_t)block_row * part) {
    char *to = c + i * g->c_row * (int64_t)elem;
    if (g->c_col == 1) {
      pj_comp_store(g->comp, g->out_dtype, n, block, to);
      continue;
    }
    for (int64_t j = 0; j < n; j += 256) {
      const int64_t count = pj__min(256, n - j), dims[] = {count}, one[] = {1};
      pj_comp_store(g->comp, g->out_dtype, count, block + (size_t)j * pj_comp_bytes(g->comp), temp);
      pj_strided_copy(elem, 1, dims, temp, one, to + j * g->c_col * (int64_t)elem, &g->c_col);
    }
  }
}

typedef struct Spaces {
  Left a;
  char *b, *c, *temp; // of one thread
} Spaces;

// Bytes of a packed block of a, in front of what reached ones need.
static size_t packed_bytes(const PjProduct *g) {
  return pj__scratch_round((size_t)(round_up(pj__min(g->block, g->m), g->micro->mr) * g->sums) *
                           pj_comp_bytes(g->a.part));
}

static Spaces spaces(const Run *run, int thread) {
  const PjProduct *g = run->g;
  char *at = pj__thread_scratch(&g->routine, run->scratch, thread);
  Spaces s = {.temp = at, .a.packed = at + PJ_PACK_TEMP};
  if (g->reached) {
    s.a.sums = (int64_t *)(s.a.packed + packed_bytes(g));
    s.a.lines = (const void **)(s.a.sums + g->runs);
  }
  s.b = s.a.packed + g->a_bytes;
  s.c = s.b + (g->shared ? 0 : g->b_bytes);
  return s;
}

static int64_t all_rows(const PjProduct *g) {
  return round_up(g->m, g->micro->mr);
}

// Where the slivers of row |i| and |sums| sums from |p| on lie in a that is packed whole.
static size_t packed_at(const PjProduct *g, int64_t batch, int64_t i, int64_t p, int64_t sums) {
  return (size_t)(all_rows(g) * (batch * g->real_k + p) + i * sums) * pj_comp_bytes(g->a.part);
}

// What packing of columns [j, j + cols), |sums| from |p| on, will read of b: its lines along the
// rows, if such they are.
static Ahead ahead_of(const Run *run, int64_t batch, int64_t j, int64_t cols, int64_t p) {
  const PjProduct *g = run->g;
  const size_t elem = pj_dtype_bytes(g->b.dtype);
  if (g->b.outer_step != 1 || g->b.sum_step <= 1 || !pj_comp_is_native(g->b.part, g->b.dtype))
    return (Ahead){0};
  int64_t at_a, at_b, at_c;
  batch_offsets(g, batch, &at_a, &at_b, &at_c);
  const char *at = run->b + at_b + (p * g->b.sum_step + j) * (int64_t)elem,
             *end = at + (size_t)cols * elem;
  at -= (uintptr_t)at % LINE;
  return (Ahead){at, (end - at + LINE - 1) / LINE, g->b.sum_step * (int64_t)elem};
}

// Rows [i, i + rows) and columns [j, j + cols) of one batch; |packed| is b's packed slivers, or
// NULL: then |next| is what to bring nearer while the last sums are added.
static void block(const Run *run, Spaces *s, int64_t batch, int64_t i, int64_t rows, int64_t j,
                  int64_t cols, const char *packed, Ahead next) {
  const PjProduct *g = run->g;
  const size_t bytes = pj_comp_bytes(g->a.part), elem = pj_dtype_bytes(g->out_dtype);
  const int64_t per = is_complex(g->comp) ? 2 : 1;
  int64_t at_a, at_b, at_c;
  batch_offsets(g, batch, &at_a, &at_b, &at_c);
  char *c = run->c + (at_c + i * g->c_row + j / per * g->c_col) * (int64_t)elem;
  const int64_t each = round_up(pj__divide_up(rows, pj__divide_up(rows, g->block)), g->micro->mr);
  for (int64_t p = 0; p < g->real_k; p += g->sums) {
    const int64_t sums = pj__min(g->sums, g->real_k - p);
    const char *b = packed ? packed + (size_t)(p * g->micro->nr) * bytes : s->b;
    const int64_t b_sliver = g->micro->nr * (packed ? g->real_k : sums);
    if (!packed)
      g->b.pack(&g->b, run->b + at_b, j, cols, p, sums, g->micro->nr, s->b, b_sliver, s->temp);
    Ahead ahead = packed || p + sums == g->real_k ? next : ahead_of(run, batch, j, cols, p + sums);
    for (int64_t r = 0; r < rows; r += each) {
      const int64_t height = pj__min(each, rows - r);
      Left a = s->a;
      if (run->packed_a)
        a.packed = run->packed_a + packed_at(g, batch - run->first_batch, i + r, p, sums);
      else if (g->reached)
        a.runs = g->a.reach(&g->a, run->a + at_a, i + r, height, p, sums, g->micro->mr, s->a.sums,
                            s->a.lines, s->a.packed);
      else
        g->a.pack(&g->a, run->a + at_a, i + r, height, p, sums, g->micro->mr, s->a.packed,
                  g->micro->mr * sums, s->temp);
      char *to = c + r * g->c_row * (int64_t)elem;
      if (!g->buffered) {
        multiply(g, height, cols, sums, &a, b, b_sliver, to, g->c_row * per, p > 0, &ahead);
        continue;
      }
      multiply(g, height, cols, sums, &a, b, b_sliver, s->c, g->cols, p > 0, &ahead);
      if (p + sums == g->real_k)
        store(g, height, cols, s->c, g->cols, to, s->temp);
    }
  }
}

static void begin_tiles(const PjProduct *g) {
  if (g->groups && g->groups->begin)
    g->groups->begin();
}
static void end_tiles(const PjProduct *g) {
  if (g->groups && g->groups->end)
    g->groups->end();
}

static void own_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjProduct *g = run->g;
  Spaces s = spaces(run, thread);
  begin_tiles(g);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t j = task % run->col_tasks * run->task_cols, rest = task / run->col_tasks;
    const int64_t i = rest % run->row_tasks * run->rows;
    Ahead next = {0}; // of the next task, which nearly always comes to the same thread
    if (!g->kept && task + 1 < g->batch * run->row_tasks * run->col_tasks) {
      const int64_t col = (task + 1) % run->col_tasks * run->task_cols;
      next = ahead_of(run, (task + 1) / run->col_tasks / run->row_tasks, col,
                      pj__min(run->task_cols, g->real_n - col), 0);
    }
    block(run, &s, rest / run->row_tasks, i, pj__min(run->rows, g->m - i), j,
          pj__min(run->task_cols, g->real_n - j),
          g->kept ? g->kept + (size_t)(j * g->real_k) * pj_comp_bytes(g->b.part) : NULL, next);
  }
  end_tiles(g);
}

// Slivers of a, of |group| batches.
static void pack_a_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjProduct *g = run->g;
  const Spaces s = spaces(run, thread);
  const int mr = g->micro->mr;
  const int64_t per_batch = pj__divide_up(g->m, mr);
  for (int64_t at = begin; at < end;) {
    const int64_t batch = at / per_batch, first = at % per_batch,
                  last = pj__min(per_batch, first + end - at);
    const int64_t i = first * mr, rows = pj__min(last * mr, g->m) - i;
    int64_t at_a, at_b, at_c;
    batch_offsets(g, run->first_batch + batch, &at_a, &at_b, &at_c);
    for (int64_t p = 0; p < g->real_k; p += g->sums) {
      const int64_t sums = pj__min(g->sums, g->real_k - p);
      g->a.pack(&g->a, run->a + at_a, i, rows, p, sums, mr,
                run->packed_a + packed_at(g, batch, i, p, sums), mr * sums, s.temp);
    }
    at += last - first;
  }
}

// Packs all of a, of |batches| batches, if tasks would else pack the same part of it.
static void pack_a(Run *run, PjThreads *threads, int64_t batches) {
  const PjProduct *g = run->g;
  run->packed_a = NULL;
  // One thread whose b is packed before has few tasks of the same rows, and blocks of a that stay
  // near.
  if (!g->all_a_bytes || run->col_tasks == 1 || (g->shared && pj_threads_count(threads) == 1))
    return;
  run->packed_a = run->scratch + (g->shared ? g->b_bytes : 0);
  const int64_t slivers = batches * pj__divide_up(g->m, g->micro->mr);
  pj_threads_for(threads, slivers, pj__grain(slivers, (double)(g->real_k * g->micro->mr) * 4),
                 pack_a_tasks, run);
}

// Slivers of b, |group| batches of |chunk| columns.
static void pack_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjProduct *g = run->g;
  const Spaces s = spaces(run, thread);
  const int nr = g->micro->nr;
  const int64_t per_batch = pj__divide_up(run->cols, nr), sliver = nr * g->real_k;
  for (int64_t at = begin; at < end;) {
    const int64_t batch = at / per_batch, first = at % per_batch,
                  last = pj__min(per_batch, first + end - at);
    int64_t at_a, at_b, at_c;
    batch_offsets(g, run->first_batch + batch, &at_a, &at_b, &at_c);
    const int64_t cols = pj__min(last * nr, run->cols) - first * nr;
    g->b.pack(&g->b, run->b + at_b, run->first_col + first * nr, cols, 0, g->real_k, nr,
              run->scratch + (size_t)(at * sliver) * pj_comp_bytes(g->b.part), sliver, s.temp);
    at += last - first;
  }
}

static void shared_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjProduct *g = run->g;
  Spaces s = spaces(run, thread);
  const int nr = g->micro->nr;
  const int64_t per_batch = pj__divide_up(run->cols, nr), sliver = nr * g->real_k;
  begin_tiles(g);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t j = task % run->col_tasks * run->task_cols, rest = task / run->col_tasks;
    const int64_t i = rest % run->row_tasks * run->rows, batch = rest / run->row_tasks;
    const char *packed =
        run->scratch + (size_t)((batch * per_batch + j / nr) * sliver) * pj_comp_bytes(g->b.part);
    block(run, &s, run->first_batch + batch, i, pj__min(run->rows, g->m - i), run->first_col + j,
          pj__min(run->task_cols, run->cols - j), packed, (Ahead){0});
  }
  end_tiles(g);
}

static int64_t task_grain(const Run *run, int64_t tasks) {
  const PjProduct *g = run->g;
  const double work = (double)pj__min(run->rows, g->m) *
                      (double)pj__min(run->task_cols, g->real_n) * (double)g->real_k;
  return pj__grain(tasks, work / 8);
}

// Columns of a task, of |all| that |tasks| have in turn: each packs its part of a again, so they
// are as few as the threads need.
static int64_t task_cols(const PjProduct *g, int64_t tasks, int64_t all, const PjThreads *threads) {
  const int64_t wanted = pj_threads_count(threads) > 1 ? TASKS_EACH * pj_threads_count(threads) : 1;
  int64_t cols = g->cols;
  while (tasks * pj__divide_up(all, cols) < wanted && cols >= 4 * g->micro->nr &&
         (double)g->real_k * (double)cols * (double)pj__min(g->m, g->rows) > 2 * TASK_WORK)
    cols = round_up(cols / 2, g->micro->nr);
  return cols;
}

// Cuts the rows of tasks whose b is packed before, where they are so few that threads would wait
// for the last: |others| tasks have the same rows. Of the numbers of tasks that do, that which
// leaves the busiest thread the least.
static void cut_rows(Run *run, int64_t others, const PjThreads *threads) {
  const PjProduct *g = run->g;
  const int64_t count = pj_threads_count(threads), tiles = pj__divide_up(g->m, g->micro->mr);
  const double work = (double)pj__min(run->task_cols, g->real_n) * (double)g->real_k;
  if (count == 1 || run->row_tasks * others >= TASKS_EACH * count)
    return;
  const int64_t most = pj__min(pj__divide_up(TASKS_EACH * count, others),
                               (int64_t)((double)g->m * work / TASK_WORK));
  int64_t least = INT64_MAX;
  for (int64_t parts = most; parts >= run->row_tasks; --parts) {
    const int64_t each = pj__divide_up(tiles, parts),
                  busiest = each * pj__divide_up(pj__divide_up(tiles, each) * others, count);
    if (busiest < least) {
      least = busiest;
      run->rows = each * g->micro->mr;
    }
  }
  run->row_tasks = pj__divide_up(g->m, run->rows);
}

static PjStatus run_product(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const PjProduct *g = (const PjProduct *)self;
  Run run = {.g = g,
             .a = in[g->swapped],
             .b = in[!g->swapped],
             .c = out[0],
             .scratch = scratch,
             .rows = g->rows,
             .row_tasks = pj__divide_up(g->m, g->rows),
             .task_cols = g->cols};
  if (!g->shared) {
    if (!g->whole)
      run.task_cols = task_cols(g, g->batch * run.row_tasks, g->real_n, threads);
    run.col_tasks = pj__divide_up(g->real_n, run.task_cols);
    pack_a(&run, threads, g->batch);
    const int64_t tasks = g->batch * run.row_tasks * run.col_tasks;
    pj_threads_for(threads, tasks, task_grain(&run, tasks), own_tasks, &run);
    return PJ_STATUS_OK;
  }
  run.task_cols = task_cols(g, g->group * run.row_tasks, g->chunk, threads);
  cut_rows(&run, g->group * pj__divide_up(g->chunk, run.task_cols), threads);
  for (run.first_batch = 0; run.first_batch < g->batch; run.first_batch += g->group) {
    const int64_t batches = pj__min(g->group, g->batch - run.first_batch);
    for (run.first_col = 0; run.first_col < g->real_n; run.first_col += g->chunk) {
      run.cols = pj__min(g->chunk, g->real_n - run.first_col);
      const int64_t slivers = batches * pj__divide_up(run.cols, g->micro->nr);
      pj_threads_for(threads, slivers, pj__grain(slivers, (double)(g->real_k * g->micro->nr) * 4),
                     pack_tasks, &run);
      run.col_tasks = pj__divide_up(run.cols, run.task_cols);
      if (run.first_col == 0)
        pack_a(&run, threads, batches);
      const int64_t tasks = batches * run.row_tasks * run.col_tasks;
      pj_threads_for(threads, tasks, task_grain(&run, tasks), shared_tasks, &run);
    }
  }
  return PJ_STATUS_OK;
}

// ---- plan
const PjMicro *pj__micro(PjComp part) {
  return &PJ_PICK(micros)[part];
}

// Sums of a block, |k| in all of |bytes| each. With 32 registers a tile does more with what it
// reads, so that c may be read and written again sooner.
static int64_t sums_of(int64_t k, int64_t bytes) {
  if (pj_cpu_has(PJ_CPU_AVX512))
    return k <= SUMS_ONE_WIDE ? k : SUMS;
  const int64_t blocks = pj__divide_up(k * bytes, SUMS_BYTES);
  return k <= SUMS_ONE ? k : round_up(pj__divide_up(k, blocks), SUMS_UNIT); // about alike
}

// Rows of a block of a, |line| bytes each: with the slivers of b that pass it stays in the second
// cache.
static int64_t block_rows(int64_t line, int mr) {
  if (pj_cpu_has(PJ_CPU_AVX512))
    return ROWS;
  const int64_t cache = (int64_t)pj_second_cache(),
                fits = 2 * (cache ? cache : CACHE_LEAST) / 3 / line;
  return pj__max(1, pj__min(ROWS, fits) / mr) * mr;
}

void pj__product_plan(PjProduct *g) {
  const int64_t per = is_complex(g->comp) ? 2 : 1;
  const size_t bytes = pj_comp_bytes(g->a.part);
  g->groups = pj__panels_tile(&g->a, &g->b, g->comp, g->m, g->n, g->k);
  const bool by_tiles = g->groups;
  if (!by_tiles)
    g->groups = pj__panels_group(&g->a, &g->b, g->comp, g->n, g->k);
  g->real_n = g->n * per;
  const Micro *narrow = &PJ_PICK(narrow_micros)[g->a.part];
  g->micro = g->groups                 ? &g->groups->micro
             : g->real_n <= narrow->nr ? narrow
                                       : &PJ_PICK(micros)[g->a.part];
  const int nr = g->micro->nr, mr = g->micro->mr;
  g->real_k = g->groups ? pj__divide_up(g->k, g->groups->size) : g->k * per;
  if (by_tiles)
    g->real_k = round_up(g->real_k, g->groups->depth);
  g->sums = sums_of(g->real_k, (int64_t)bytes);
  g->block = block_rows(g->sums * (int64_t)bytes, mr);
  const int way = g->out_dtype == PJ_DT_F16    ? 2
                  : g->out_dtype == PJ_DT_BF16 ? pj_cpu_has(PJ_CPU_AVX512_BF16)
                                               : -1;
  g->encode = way >= 0 && g->comp == PJ_COMP_F32 && g->c_col == 1 && g->sums == g->real_k
                  ? PJ_PICK(encode)[way]
                  : NULL;
  g->buffered = !g->encode && (g->c_col != 1 || !pj_comp_is_native(g->comp, g->out_dtype));
  const double work = (double)g->m * (double)g->real_n * (double)g->real_k,
               all_work = work * (double)g->batch;
  const int64_t n_up = round_up(g->real_n, nr);
  const double b_bytes = (double)n_up * (double)g->real_k * (double)bytes;
  g->whole = b_bytes <= OWN_BYTES && (g->batch >= TASKS || all_work <= TASK_WORK);
  g->rows = g->block;
  g->shared = !g->whole && g->m > FEW_ROWS &&
              (double)g->real_k * (double)(nr * 8) * (double)bytes <= SHARED_BYTES;
  if (g->shared) {
    g->rows = round_up(pj__divide_up(g->m, pj__divide_up(g->m, g->block)), mr); // all alike
    g->cols = pj__min(n_up, g->buffered ? BUFFER_COLS : COLS);
    const int64_t fits = (int64_t)(SHARED_BYTES / ((double)g->real_k * (double)bytes)) / nr * nr;
    g->chunk = pj__min(n_up, pj__max(fits, nr));
    g->group = pj__max(1, pj__min(g->batch, fits / n_up));
    g->b_bytes = (size_t)(g->group * round_up(g->chunk, nr) * g->real_k) * bytes;
  } else {
    g->cols = pj__min(n_up, OWN_COLS);
    if (g->whole) {
      g->cols = n_up;
      // Converted blocks must be done with when the next rows come.
      if (!g->buffered || g->sums == g->real_k)
        g->rows = pj__max(g->m, 1);
    } else if (g->m <= FEW_ROWS && !g->buffered) {
      g->rows = FEW_ROWS;
    }
  }
  g->a_bytes = packed_bytes(g);
  g->reached = g->real_n <= REACH_COLS && (!g->groups || g->groups->can_reach) &&
               (g->a.reach || pj__panel_reach_rows(&g->a, g->real_k));
  if (g->reached) {
    g->runs = g->sums / g->a.run + 2;
    const int64_t tiles = pj__divide_up(pj__min(g->block, g->m), mr);
    g->a_bytes += pj__scratch_round((size_t)(g->runs * (1 + tiles * mr)) * sizeof(void *));
  }
  if (!g->shared)
    g->b_bytes = (size_t)(round_up(g->cols, nr) * g->sums) * bytes;
  g->b_bytes = pj__scratch_round(g->b_bytes);
  const size_t c_bytes = g->buffered ? pj__scratch_round((size_t)(g->block * g->cols) * bytes) : 0;
  g->routine.run = run_product;
  g->routine.in_place = -1;
  const double all_a =
      (double)(g->shared ? g->group : g->batch) * (double)(all_rows(g) * g->real_k) * (double)bytes;
  g->all_a_bytes = !g->whole && !g->reached && all_a <= ALL_A_BYTES ? (size_t)all_a : 0;
  g->routine.scratch_bytes = (g->shared ? g->b_bytes : 0) + pj__scratch_round(g->all_a_bytes);
  g->routine.thread_scratch_bytes =
      PJ_PACK_TEMP + g->a_bytes + (g->shared ? 0 : g->b_bytes) + c_bytes;
  if (!g->routine.name)
    g->routine.name = by_tiles ? "gemm_tiles" : "gemm";
  g->routine.flops = 2 * all_work;
}

bool pj__product_keeps(const PjProduct *g) {
  // Of types whose neighbours are zipped or that are converted; others are read as they lie, or
  // packed at the speed of memory.
  return g->constant && !g->swapped && g->batch == 1 && g->m > 1 && g->m <= FEW_ROWS &&
         g->n >= KEPT_COLS && !pj_comp_is_native(g->comp, g->b.dtype) &&
         (double)g->n * (double)g->k * 4 <= KEPT_BYTES;
}

void pj__product_keep(PjArena *arena, PjProduct *g) {
  if (!pj__product_keeps(g) || g->shared)
    return;
  const int nr = g->micro->nr;
  const size_t bytes = pj_comp_bytes(g->b.part);
  char *at = pj_arena_alloc(arena, (size_t)(round_up(g->real_n, nr) * g->real_k) * bytes + LINE);
  at += -(uintptr_t)at % LINE;
  char temp[PJ_PACK_TEMP] __attribute__((aligned(64)));
  g->b.pack(&g->b, g->constant, 0, g->real_n, 0, g->real_k, nr, at, nr * g->real_k, temp);
  g->kept = at;
}
