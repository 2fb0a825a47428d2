// scatter, with any elementwise body and any number of operands.
//
// Updates of one element are applied in the order of the index vectors, so results do not depend on
// who applies them. Threads share the operand: each takes the windows that begin in its part of a
// dimension along which windows are one element wide, or its part of every row, where windows do
// not move along rows.
//
// Either way, each passes over the others' updates, which costs more than half of using them. So
// where there are many updates for few elements, the updates are cut instead, where their shape
// says: the first part of them goes to the operand, each other one to a copy that begins with what
// is neutral, and the copies are combined in their order.
//
// Windows that do not lie within the operand are dropped whole, as the evaluator does.
#include <string.h>

#include "eval/float.h"
#include "eval/structure.h"
#include "routine/copy.h"
#include "routine/scatter.h"

enum {
  WIDTH = PJ_SCATTER_WIDTH,
  BLOCK = PJ_SCATTER_BLOCK,
  MOST_PARTS = 64,
  COLUMN_BYTES = 512,     // of a row for each thread: less, and rows are not cut
  ROW_BYTES = 128,        // from which on two threads are better than one
  COPY_BYTES = 4 << 20,   // of an operand at most, for which there are copies
  MOST_COPIES = 16,       // with the operand
  COPY_SHARE = 512 << 10, // of updates and indices for each
  COPY_UNIT = 1 << 14,    // elements that a thread combines
  NEAR_BYTES = 256 << 10, // what is in a near cache
  AHEAD = 16,             // rows of the operand that are asked for before their turn
  FAR = 32,               // and of updates
  LINES = 64,             // rows that are added to one place at a time
  MANY_UPDATES = 64,      // of one place
};

typedef enum Way { SET, PAIRS, HALF, BODY } Way; // HALF: pairs of 16-bit floats, each rounded

typedef struct Window {
  int32_t num; // dimensions, outermost first, joined where they are contiguous on both sides
  int64_t dims[PJ_MAX_RANK], in[PJ_MAX_RANK], update[PJ_MAX_RANK]; // sizes, strides in elements
  int64_t row, row_in, row_update;                                 // the innermost
} Window;

// How threads share the work.
typedef enum Share { ALONE, KEY, COLUMNS } Share;

typedef struct Scatter {
  PjRoutine routine;
  const PjOp *op;
  Way way;
  uint32_t count;
  PjIndexPlan index;
  int64_t limit[PJ_MAX_RANK];          // largest start of a window that is inside, by index.moved
  int64_t update_strides[PJ_MAX_RANK]; // along the vectors' space
  Window window;
  bool fits;      // windows fit into the operand at all
  bool moves_one; // they move along dimensions only in which they are one wide
  int32_t key;    // index.moved along which windows are one wide, the longest, or -1
  Share share;
  int64_t parts, fewest; // of it at most, and at least if there is more than one
  int64_t copies;        // the operand's memory is the first
  PjFoldKind kind;       // of pairs
  PjPairsFn *pairs;
  PjManyFn *many;       // of pairs where rows are contiguous and no two of a window meet, or NULL
  PjRowsFn *short_rows; // and where they are a few vectors of an operand that is near
  bool rows;            // windows are one row of one operand, to be set or combined by pairs
  const PjSingles *singles; // where windows are single elements, or NULL
  const PjSingles *apart;   // where their elements do not lie side by side, or NULL
  bool direct, packed;      // which of its loops may be used
  const PjScalarBody *body;
  size_t *elem;
  int64_t unit; // all offsets into the operand are multiples of it
  // Equidistant vectors moved by components alone have a function that finds places, or NULL.
  PjLocateFn *locate;
  PjScatterVectors vectors;
  int64_t update_step;
  size_t places_bytes, temp_bytes; // of a thread's scratch, in this order
  size_t copy_bytes;               // of each copy but the first, in what threads share of it
  char neutral[8];
} Scatter;

typedef struct Run {
  const Scatter *s;
  const void *const *in;
  void *const *out;
  char *scratch;
  int64_t parts; // of each copy
} Run;

// What a thread does: vectors [first, last), those of the bounds, columns of each row.
typedef struct Part {
  const Run *run;
  int64_t first, last;
  PjScatterBounds bounds;
  int64_t column, columns;
  char *acc; // of the first operand
} Part;

// Combines |n| elements at |to| of the operands with those at |from| of the updates.
static void combine(const Part *part, int64_t n, int64_t to, int64_t from, int64_t from_step,
                    char *temp) {
  const Run *run = part->run;
  const Scatter *s = run->s;
  const int64_t elem = (int64_t)s->elem[0];
  if (s->way == PAIRS) {
    char *acc = part->acc + to * elem;
    s->pairs(n, acc, (const char *)run->in[s->count + 1] + from * elem, from_step, acc);
    return;
  }
  if (s->way == HALF) {
    const PjDtype dtype = pj__in(s->op, 0)->dtype;
    float *a = (float *)temp, *b = a + WIDTH;
    uint16_t *raw = (uint16_t *)(b + WIDTH);
    uint16_t *acc = (uint16_t *)part->acc + to;
    const uint16_t *x = (const uint16_t *)run->in[s->count + 1] + from;
    if (from_step != 1) {
      for (int64_t i = 0; i < n; ++i)
        raw[i] = x[i * from_step];
      x = raw;
    }
    pj_float_decode_n(dtype, n, acc, a);
    pj_float_decode_n(dtype, n, x, b);
    s->pairs(n, a, b, 1, a);
    pj_float_encode_n(dtype, n, a, acc);
    return;
  }
  const void **args = (const void **)temp, **outs = args + 2 * s->count;
  temp += pj__scratch_round((size_t)s->count * 3 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i) {
    char *acc = (char *)run->out[i] + to * (int64_t)s->elem[i];
    const char *x = (const char *)run->in[s->count + 1 + i] + from * (int64_t)s->elem[i];
    if (from_step != 1 && n > 1) {
      const int64_t one = 1;
      pj_strided_copy(s->elem[i], 1, &n, x, &from_step, temp, &one);
      x = temp;
    }
    temp += pj__scratch_round(WIDTH * s->elem[i]);
    args[i] = acc;
    args[s->count + i] = x;
  }
  if (s->way == SET) {
    for (uint32_t i = 0; i < s->count; ++i)
      memcpy((void *)args[i], args[s->count + i], (size_t)n * s->elem[i]);
    return;
  }
  char *copies = temp;
  for (uint32_t i = 0; i < s->count; ++i)
    temp += pj__scratch_round(WIDTH * s->elem[i]);
  pj__body_run(s->body, n, args, outs, temp);
  // A body may return another accumulator as it is: all are read before any is written.
  for (uint32_t i = 0; s->count > 1 && i < s->count; ++i) {
    memcpy(copies, outs[i], (size_t)n * s->elem[i]);
    outs[i] = copies;
    copies += pj__scratch_round(WIDTH * s->elem[i]);
  }
  for (uint32_t i = 0; i < s->count; ++i)
    if (outs[i] != args[i])
      memcpy((void *)args[i], outs[i], (size_t)n * s->elem[i]);
}

static void row(const Part *part, int64_t to, int64_t from, char *temp) {
  const Window *w = &part->run->s->window;
  if (w->row_in != 1 && w->row > 1) {
    for (int64_t j = 0; j < w->row; ++j)
      combine(part, 1, to + j * w->row_in, from + j * w->row_update, 1, temp);
    return;
  }
  to += part->column;
  from += part->column * w->row_update;
  const int64_t most = part->run->s->way == PAIRS ? part->columns : WIDTH;
  for (int64_t j = 0; j < part->columns; j += most)
    combine(part, pj__min(most, part->columns - j), to + j, from + j * w->row_update, w->row_update,
            temp);
}

// The next row of a window, whose index is |at|, in the operand and in the updates; false behind
// the last one.
static inline bool next_row(const Window *w, int64_t *at, int64_t *to, int64_t *from) {
  for (int32_t d = w->num - 1; d >= 0; --d) {
    *to += w->in[d];
    *from += w->update[d];
    if (++at[d] < w->dims[d])
      return true;
    *to -= w->in[d] * w->dims[d];
    *from -= w->update[d] * w->dims[d];
    at[d] = 0;
  }
  return false;
}

static void window(const Part *part, int64_t to, int64_t from, char *temp) {
  const Window *w = &part->run->s->window;
  int64_t at[PJ_MAX_RANK];
  for (int32_t d = 0; d < w->num; ++d)
    at[d] = 0;
  do
    row(part, to, from, temp);
  while (next_row(w, at, &to, &from));
}

// As PjLocateFn, for vectors that lie anyhow. |updates|: where the updates of all of them begin.
static void locate(const Part *part, PjIndexWalk *walk, int64_t count, PjScatterPlaces *out,
                   int64_t *updates) {
  const Scatter *s = part->run->s;
  const void *indices = part->run->in[s->count];
  out->count = 0;
  for (int64_t i = 0; i < count; ++i, pj__index_next(walk)) {
    uint64_t to = 0; // wraps for starts outside
    bool inside = true;
    for (int32_t k = 0; k < s->index.num; ++k) {
      const uint64_t start = (uint64_t)pj__index_start(walk, &s->index.moved[k], indices);
      inside &= start - part->bounds.low[k] < part->bounds.size[k];
      to += start * s->vectors.factor[k];
    }
    updates[i] = walk->other;
    out->to[out->count] = (uint32_t)to;
    out->from[out->count] = (uint32_t)i;
    out->count += inside;
  }
}

static inline void ask_for(const char *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += PJ_SCRATCH_ALIGN)
    __builtin_prefetch(from + i);
}

// What is read once: it need not displace the operand in the nearer caches.
static inline void ask_once(const char *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += PJ_SCRATCH_ALIGN)
    __builtin_prefetch(from + i, 0, 0);
}

// Rows that are combined as whole vectors, whose updates are at |first| + from * step: those for
// one place in turn, as sorted ones are, while it stays in registers. Short rows cost little more
// than the way to them, so all that is the same for all is at hand. |within|: where in a window.
static void combine_rows(const Part *part, const PjScatterPlaces *places, int64_t first,
                         int64_t within) {
  const Scatter *s = part->run->s;
  PjManyFn *const many = s->many;
  const int64_t elem = (int64_t)s->elem[0], columns = part->columns, count = places->count,
                unit = s->unit * elem, step = s->update_step * elem,
                near = pj__min(512, columns * elem);
  char *const acc = part->acc + (within + part->column) * elem;
  const char *const source =
      (const char *)part->run->in[s->count + 1] + (first + part->column) * elem;
  const uint32_t *const to = places->to, *const from = places->from;
  const bool far = pj__bytes(pj__in(s->op, 0)) > NEAR_BYTES;
  const void *lines[LINES];
  if (s->short_rows && columns == s->window.row) {
    s->short_rows(count, columns, to, s->unit, from, s->update_step, source, acc);
    return;
  }
  for (int64_t i = 0, next; i < count; i = next) {
    if (far && i + AHEAD < count)
      ask_for(acc + to[i + AHEAD] * unit, near);
    if (i + FAR < count)
      ask_once(source + from[i + FAR] * step, near);
    next = i + 1;
    int rows = 1;
    lines[0] = source + from[i] * step;
    for (; next < count && to[next] == to[i] && rows < LINES; ++next) {
      lines[rows++] = source + from[next] * step;
      if (next + FAR < count)
        ask_for(source + from[next + FAR] * step, near);
    }
    // One row, too: of two NaNs the same one stays, however threads share the rows.
    many(columns, rows, lines, acc + to[i] * unit);
  }
}

// Windows whose elements do not lie side by side: the first ones of all windows, then the next
// ones. No two windows meet but at the same one, so each element's updates keep their order.
static void combine_apart(const Part *part, const PjScatterPlaces *places, int64_t first) {
  const Scatter *s = part->run->s;
  const Window *w = &s->window;
  const int64_t elem = (int64_t)s->elem[0];
  const char *source = part->run->in[s->count + 1];
  int64_t at[PJ_MAX_RANK] = {0}, to = 0, from = first;
  do {
    for (int64_t j = 0; j < w->row; ++j)
      s->apart->listed(places, s->unit, s->update_step, part->acc + (to + j * w->row_in) * elem,
                       source + (from + j * w->row_update) * elem);
  } while (next_row(w, at, &to, &from));
}

// Windows of several rows: the first ones of all windows, then the next ones, for the same reason.
static void combine_stacks(const Part *part, const PjScatterPlaces *places, int64_t first) {
  const Window *w = &part->run->s->window;
  int64_t at[PJ_MAX_RANK] = {0}, to = 0, from = first;
  do
    combine_rows(part, places, from, to);
  while (next_row(w, at, &to, &from));
}

// Combines the windows at |places|, whose updates are at |first| + from * step, or at
// updates[from].
static void combine_places(const Part *part, const PjScatterPlaces *places, int64_t first,
                           const int64_t *updates, char *temp) {
  const Scatter *s = part->run->s;
  const int64_t elem = (int64_t)s->elem[0];
  const char *source = part->run->in[s->count + 1];
  if (s->singles && !updates) {
    s->singles->listed(places, s->unit, s->update_step, part->acc, source + first * elem);
    return;
  }
  if (s->apart && !updates) {
    combine_apart(part, places, first);
    return;
  }
  if (s->many && !updates) {
    combine_stacks(part, places, first);
    return;
  }
  const int64_t near = pj__min(512, part->columns * elem);
  for (int64_t i = 0; i < places->count; ++i) {
    if (i + AHEAD < places->count && !updates)
      ask_for(part->acc + (places->to[i + AHEAD] * s->unit + part->column) * elem, near);
    if (i + FAR < places->count && !updates)
      ask_once(source + (first + places->from[i + FAR] * s->update_step + part->column) * elem,
               near);
    const int64_t from =
        updates ? updates[places->from[i]] : first + places->from[i] * s->update_step;
    if (!s->rows) {
      window(part, places->to[i] * s->unit, from, temp);
      continue;
    }
    char *acc = part->acc + (places->to[i] * s->unit + part->column) * elem;
    const char *x = source + (from + part->column * s->window.row_update) * elem;
    if (s->way == SET) {
      memcpy(acc, x, (size_t)(part->columns * elem));
      continue;
    }
    s->pairs(part->columns, acc, x, s->window.row_update, acc);
  }
}

static void scatter_part(const Part *part, char *scratch) {
  const Scatter *s = part->run->s;
  const char *indices = part->run->in[s->count];
  const char *updates_at = part->run->in[s->count + 1];
  const int64_t elem = (int64_t)s->elem[0], index_elem = (int64_t)pj_dtype_bytes(s->index.dtype);
  PjScatterPlaces *places = (PjScatterPlaces *)scratch;
  int64_t *updates = (int64_t *)(places + 1);
  char *temp = scratch + s->places_bytes;
  PjIndexWalk walk;
  if (s->direct && !part->bounds.low[0] && part->bounds.size[0] == (uint64_t)s->limit[0] + 1) {
    const int64_t count = part->last - part->first;
    // Of updates in any order, the n-th of a place is its new extremum one time in n.
    const bool seldom = s->singles->seldom && count / MANY_UPDATES >= s->limit[0] + 1;
    (seldom ? s->singles->seldom
            : s->singles->direct)(count, (const int32_t *)indices + part->first * s->vectors.step,
                                  s->vectors.step, part->bounds.size[0], s->unit, s->update_step,
                                  part->acc, updates_at + part->first * s->update_step * elem);
    return;
  }
  if (!s->locate)
    pj__index_walk(&walk, &s->index, s->update_strides, part->first);
  for (int64_t i = part->first; i < part->last; i += BLOCK) {
    const int64_t count = pj__min(BLOCK, part->last - i);
    const char *block = indices + i * s->vectors.step * index_elem;
    if (!s->locate) {
      locate(part, &walk, count, places, updates);
      combine_places(part, places, 0, updates, temp);
    } else if (s->packed) {
      s->locate(&s->vectors, &part->bounds, block, (const uint32_t *)updates_at + i, count, places);
      s->singles->packed(places, s->unit, part->acc);
    } else {
      s->locate(&s->vectors, &part->bounds, block, NULL, count, places);
      combine_places(part, places, i * s->update_step, NULL, temp);
    }
  }
}

// The memory of copy |i|.
static char *copy_at(const Run *run, int64_t i) {
  return i ? run->scratch + (size_t)(i - 1) * run->s->copy_bytes : run->out[0];
}

// Parts [begin, end) of one copy.
static void copy_parts(const Run *run, int64_t copy, int64_t begin, int64_t end, char *scratch) {
  const Scatter *s = run->s;
  const int64_t vectors = pj__divide_up(s->index.count, s->copies);
  Part part = {.run = run, .columns = s->window.row, .acc = copy_at(run, copy)};
  part.first = pj__min(s->index.count, copy * vectors);
  part.last = pj__min(s->index.count, part.first + vectors);
  for (int32_t k = 0; k < s->index.num; ++k) {
    part.bounds.low[k] = 0;
    part.bounds.size[k] = (uint64_t)(s->limit[k] + 1);
  }
  if (s->share == KEY) {
    const int64_t all = s->limit[s->key] + 1, size = pj__divide_up(all, run->parts),
                  low = pj__min(all, begin * size);
    part.bounds.low[s->key] = (uint64_t)low;
    part.bounds.size[s->key] = (uint64_t)(pj__min(all, end * size) - low);
  } else if (s->share == COLUMNS) {
    const int64_t line = PJ_SCRATCH_ALIGN / (int64_t)s->elem[0],
                  size = pj__divide_up(pj__divide_up(s->window.row, run->parts), line) * line;
    part.column = pj__min(s->window.row, begin * size);
    part.columns = pj__min(s->window.row, end * size) - part.column;
  }
  scatter_part(&part, scratch);
}

static void scatter_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  char *scratch = pj__thread_scratch(&run->s->routine, run->scratch, thread);
  for (int64_t next; begin < end; begin = next) {
    const int64_t copy = begin / run->parts, first = copy * run->parts;
    next = pj__min(end, first + run->parts);
    copy_parts(run, copy, begin - first, next - first, scratch);
  }
}

static void combine_copies(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Scatter *s = run->s;
  const int64_t all = pj__count(pj__in(s->op, 0)), last = pj__min(all, end * COPY_UNIT);
  for (int64_t at = begin * COPY_UNIT; at < last; at += COPY_UNIT) {
    const size_t offset = (size_t)at * s->elem[0];
    char *acc = (char *)run->out[0] + offset;
    for (int64_t i = 1; i < s->copies; ++i)
      s->pairs(pj__min(COPY_UNIT, last - at), acc, copy_at(run, i) + offset, 1, acc);
  }
}

static PjStatus run_scatter(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const Scatter *s = (const Scatter *)self;
  Run run = {s, in, out, scratch, 1};
  for (uint32_t i = 0; i < s->count; ++i)
    pj__move(threads, out[i], in[i], pj__bytes(pj__in(s->op, i)));
  if (!s->fits)
    return PJ_STATUS_OK;
  const int64_t elements = pj__count(pj__in(s->op, 0));
  for (int64_t i = 1; i < s->copies; ++i)
    pj__fill(threads, s->elem[0], elements, s->neutral, copy_at(&run, i));
  run.parts = pj__max(1, pj__min(s->parts, pj_threads_count(threads) / s->copies));
  if (run.parts < s->fewest)
    run.parts = 1;
  pj_threads_for(threads, s->copies * run.parts, 1, scatter_parts, &run);
  if (s->copies > 1)
    pj_threads_for(threads, pj__divide_up(elements, COPY_UNIT), 1, combine_copies, &run);
  return PJ_STATUS_OK;
}

// Dimensions of the window that are contiguous to each other on both sides become one.
static void join(Window *w) {
  int32_t num = 0;
  for (int32_t d = 0; d < w->num; ++d) {
    if (w->dims[d] == 1)
      continue;
    if (num && w->in[num - 1] == w->in[d] * w->dims[d] &&
        w->update[num - 1] == w->update[d] * w->dims[d]) {
      w->dims[num - 1] *= w->dims[d];
      w->in[num - 1] = w->in[d];
      w->update[num - 1] = w->update[d];
      continue;
    }
    w->dims[num] = w->dims[d];
    w->in[num] = w->in[d];
    w->update[num++] = w->update[d];
  }
  w->row = w->row_in = w->row_update = 1;
  w->num = num;
  if (num) {
    --w->num;
    w->row = w->dims[w->num];
    w->row_in = w->in[w->num];
    w->row_update = w->update[w->num];
  }
}

// Window and strides of the updates; false when they do not fit each other.
static bool make_window(Scatter *s, const PjType *operand, const PjType *update) {
  uint32_t num_window, num_inserted;
  const int64_t *window_dims = PJ_INTS(s->op, update_window_dims, &num_window),
                *inserted = PJ_INTS(s->op, inserted_window_dims, &num_inserted);
  int64_t strides[PJ_MAX_RANK], operand_strides[PJ_MAX_RANK], sizes[PJ_MAX_RANK];
  int32_t rank = 0;
  pj_strides(update->rank, update->dims, strides);
  pj_strides(operand->rank, operand->dims, operand_strides);
  s->fits = pj__count(operand) && pj__count(update);
  for (int32_t d = 0; d < operand->rank; ++d) {
    sizes[d] = 1;
    bool dropped = pj_contains(inserted, num_inserted, d);
    for (int32_t k = 0; k < s->index.num; ++k)
      dropped |= s->index.moved[k].component < 0 && s->index.moved[k].dim == d;
    if (dropped)
      continue;
    if (s->window.num == (int32_t)num_window)
      return false;
    const int64_t from = window_dims[s->window.num];
    sizes[d] = update->dims[from];
    s->fits &= sizes[d] <= operand->dims[d];
    s->window.dims[s->window.num] = sizes[d];
    s->window.in[s->window.num] = operand_strides[d];
    s->window.update[s->window.num++] = strides[from];
  }
  for (int32_t d = 0; d < update->rank; ++d) {
    if (pj_contains(window_dims, num_window, d))
      continue;
    if (rank == s->index.rank || s->index.dims[rank] != update->dims[d])
      return false;
    s->update_strides[rank++] = strides[d];
  }
  if (rank != s->index.rank)
    return false;
  s->key = -1;
  s->moves_one = true;
  for (int32_t k = 0; k < s->index.num; ++k) {
    const int32_t d = s->index.moved[k].dim;
    s->limit[k] = operand->dims[d] - sizes[d];
    s->moves_one &= sizes[d] == 1 || !s->limit[k];
    if (sizes[d] == 1 && (s->key < 0 || s->limit[k] > s->limit[s->key]))
      s->key = k;
  }
  join(&s->window);
  return true;
}

static bool make_body(PjArena *arena, Scatter *s) {
  const PjRegion *body = &s->op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  const PjDtype dtype = pj__in(s->op, 0)->dtype;
  if (!end || end->num_operands != s->count || body->num_args != 2 * s->count)
    return false;
  for (uint32_t i = 0; i < s->count; ++i) {
    const PjDtype own = pj__in(s->op, i)->dtype;
    if (pj__out(s->op, i)->dtype != own || pj__in(s->op, s->count + 1 + i)->dtype != own ||
        body->args[i].type->dtype != own || body->args[s->count + i].type->dtype != own)
      return false;
  }
  bool set = true;
  for (uint32_t i = 0; i < s->count; ++i)
    set &= end->operands[i] == &body->args[s->count + i];
  const bool half = dtype == PJ_DT_BF16 || dtype == PJ_DT_F16;
  if (set) {
    s->way = SET;
  } else if (s->count == 1 && pj__fold_kind(body, &s->kind) &&
             (s->pairs = pj__fold_pairs(s->kind, half ? PJ_DT_F32 : dtype))) {
    s->way = half ? HALF : PAIRS;
  } else {
    s->way = BODY;
    s->body = pj__body_returns(arena, body, WIDTH);
  }
  return s->way != BODY || s->body;
}

static int64_t divisor(int64_t a, int64_t b) {
  while (b) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Units, and how places are found; false if places have more than 32 bits.
static bool make_places(Scatter *s, const PjType *operand) {
  PjScatterVectors *v = &s->vectors;
  bool components = true;
  s->unit = 0;
  for (int32_t k = 0; k < s->index.num; ++k)
    s->unit = divisor(s->unit, s->index.moved[k].stride);
  if (!s->unit)
    s->unit = 1;
  if (pj__count(operand) / s->unit > UINT32_MAX)
    return false;
  for (int32_t k = 0; k < s->index.num; ++k) {
    v->factor[k] = (uint32_t)(s->index.moved[k].stride / s->unit);
    components &= s->index.moved[k].component == k;
  }
  v->num = s->index.num;
  v->component_step = s->index.component_step;
  if (components && pj__index_uniform(&s->index, s->update_strides, &v->step, &s->update_step))
    s->locate = pj__scatter_locate(s->index.dtype, v);
  return true;
}

// How many copies there are of the operand, which decides how updates of one element are put
// together: so of what is known before the run.
static int64_t copies(const Scatter *s, const PjType *operand, const PjType *update) {
  if (s->way != PAIRS || pj__bytes(operand) > COPY_BYTES || PJ_INT(s->op, indices_are_sorted))
    return 1;
  const int64_t updates = pj__count(update) / pj__count(operand),
                shares = (int64_t)((double)pj__bytes(update) / COPY_SHARE);
  // A copy is written, read and added up: nothing beside two updates of each single element.
  // Those of rows cost little more than that, so there had better be eight.
  const bool single = s->window.num == 0 && s->window.row == 1;
  const int64_t wanted = single ? updates / 2 : updates < 8 ? 1 : pj__max(2, updates / 16);
  return pj__max(1, pj__min(pj__min(wanted, shares), MOST_COPIES));
}

// Whether an element of the operand is in the same column of all windows that it is in: rows do not
// reach beyond the least step of a window. Else threads that take columns would meet there.
static bool has_columns(const Scatter *s) {
  int64_t step = INT64_MAX;
  for (int32_t k = 0; k < s->index.num; ++k)
    if (s->limit[k])
      step = pj__min(step, s->index.moved[k].stride);
  return s->window.row <= step;
}

static void make_share(Scatter *s, const PjType *operand, const PjType *update) {
  const Window *w = &s->window;
  const bool whole = w->row_in == 1 && w->row_update == 1 && has_columns(s);
  const int64_t row = whole ? w->row * (int64_t)s->elem[0] : 0;
  s->copies = copies(s, operand, update);
  if (s->copies > 1) {
    s->copy_bytes = pj__scratch_round(pj__bytes(operand));
    pj__fold_neutral(s->kind, operand->dtype, s->neutral);
  }
  // A part costs a look at every index.
  const double all = (double)pj__bytes(update) + 16 * (double)s->index.count;
  s->parts = pj__max(1, pj__min(MOST_PARTS, (int64_t)(all / (double)s->copies / (1 << 16))));
  if (row >= 2 * COLUMN_BYTES || (s->key < 0 && row >= COLUMN_BYTES)) {
    s->share = COLUMNS;
    s->parts = pj__min(s->parts, row / COLUMN_BYTES);
  } else if (s->key >= 0) {
    s->share = KEY;
    s->parts = pj__min(s->parts, s->limit[s->key] + 1);
    // Two threads that pass over each other's updates share a way to memory that one can fill,
    // unless they are rows of whole lines; and looking at an index costs half of adding a single
    // element, if that is near.
    const bool far = s->window.row == 1 && pj__bytes(operand) > NEAR_BYTES;
    s->fewest = far || row >= ROW_BYTES ? 2 : 3;
  } else {
    s->share = ALONE;
    s->parts = 1;
  }
}

const PjRoutine *pj__routine_scatter(PjArena *arena, const PjOp *op) {
  Scatter *s = PJ_NEW(arena, Scatter);
  s->op = op;
  s->count = (op->num_operands - 1) / 2;
  if (!s->count || op->num_operands != 2 * s->count + 1)
    return NULL;
  const PjType *operand = pj__in(op, 0), *update = pj__in(op, s->count + 1);
  s->elem = PJ_NEW_ARRAY(arena, size_t, s->count);
  size_t temp = pj__scratch_round((size_t)s->count * 3 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i) {
    s->elem[i] = pj_dtype_bytes(pj__in(op, i)->dtype);
    temp += 2 * pj__scratch_round(WIDTH * s->elem[i]);
    if (pj__count(pj__in(op, i)) != pj__count(operand) ||
        pj__count(pj__in(op, s->count + 1 + i)) != pj__count(update))
      return NULL;
  }
  if (!pj__index_plan(op, operand, pj__in(op, s->count), PJ_KEY_scatter_dims_to_operand_dims,
                      PJ_KEY_input_batching_dims, PJ_KEY_scatter_indices_batching_dims,
                      &s->index) ||
      !make_window(s, operand, update) || !make_body(arena, s))
    return NULL;
  if (s->body)
    temp += pj__body_scratch(s->body);
  if (s->way == HALF)
    temp = WIDTH * (2 * sizeof(float) + sizeof(uint16_t));
  if (!make_places(s, operand))
    return NULL;
  s->copies = 1;
  if (s->fits)
    make_share(s, operand, update);
  const Window *w = &s->window;
  const PjSingles *singles = s->count > 1     ? NULL
                             : s->way == SET  ? pj__scatter_set_singles(s->elem[0])
                             : s->way != BODY ? pj__scatter_singles(s->kind, operand->dtype)
                                              : NULL;
  if (w->num == 0 && w->row == 1)
    s->singles = singles;
  else if (w->row_in != 1 && w->row > 1 && s->moves_one)
    s->apart = singles;
  s->rows = w->num == 0 && w->row_in == 1 &&
            (s->way == PAIRS || (s->way == SET && s->count == 1 && w->row_update == 1));
  if (s->way == PAIRS && w->row_in == 1 && w->row_update == 1 && (s->rows || s->moves_one))
    s->many = pj__fold_many(s->kind, operand->dtype);
  if (s->many && pj__bytes(operand) <= NEAR_BYTES)
    s->short_rows = pj__fold_rows(s->kind, operand->dtype, w->row);
  s->direct = s->singles && s->locate && s->vectors.num == 1 && s->index.dtype == PJ_DT_S32;
  s->packed = s->singles && s->locate && s->update_step == 1 && s->singles->packed;
  s->places_bytes = pj__scratch_round(sizeof(PjScatterPlaces) + BLOCK * sizeof(int64_t));
  s->temp_bytes = pj__scratch_round(temp);
  s->routine = (PjRoutine){.name = "scatter", .run = run_scatter, .in_place = 0};
  s->routine.scratch_bytes = (size_t)(s->copies - 1) * s->copy_bytes;
  s->routine.thread_scratch_bytes = s->places_bytes + s->temp_bytes;
  s->routine.bytes = 2 * (double)pj__bytes(operand) + 3 * (double)pj__bytes(update);
  return &s->routine;
}
