// Shapes of groups: which loops, how they are shared among threads, and where long reductions are
// cut.
//
// All of it follows from sizes alone, never from the number of threads, so that results do not
// depend on it.
#include "sched/emit_reduce.h"
#include "sched/shape_map.h"

enum {
  MAP_BLOCK = 8192,     // elements of the last loop per unit
  SPLIT_FROM = 1 << 15, // elements per kept one from which a reduction may be cut
  SPLIT_PART = 1 << 14, // elements of a part, at least
  SPLIT_MAX = 64,
  SPLIT_BELOW = 16, // rows; more of them keep all threads busy by themselves
  COLUMN_VECTORS = 8,
  TINY = 8,
  TINY_JOINED = 15,      // of rows that are joined
  WRITTEN = 8,           // vectors of a short row
  ACROSS = 8,            // vectors that are written out
  ACROSS_JOINED = 16,    // of what else would move element by element
  JOINED_IN_LOOPS = 2,   // operands that are joined one loop after the other
  STREAM_BYTES = 4096,   // of a row that a unit takes
  STREAM_FROM = 1 << 18, // bytes of the operand
  STREAM_ROWS = 64,      // of a part, at least
  STREAM_PART = 1 << 15, // elements of a part, at least
  STREAM_UNITS = 32,
  WHOLE_ROWS = 64,       // of a few vectors, behind each other
  APART_BYTES = 1 << 14, // between the pieces of a row
  APART_PARTS = 256,     // at most
  APART_PIECE = 512,     // elements of a part, at least: lanes are added up once for each
};

#define TINY_NS    12.0 // of what is written out
#define WRITTEN_NS 16.0 // of all its vectors, per lane
#define ACROSS_NS  40.0 // of all its vectors, per lane
#define DOWN_NS    800. // of all elements of a matrix

static bool loops_of(PjGroup *g, const PjCuts *cuts) {
  if (g->count < 1 || cuts->n + 1 > PJ_MAX_PIECES)
    return false;
  int64_t above = g->count;
  g->num_loops = 0;
  for (int i = cuts->n; i-- > 0; above = cuts->at[i])
    g->loops[g->num_loops++] = (PjLoop){.pos = cuts->at[i], .extent = above / cuts->at[i]};
  g->loops[g->num_loops++] = (PjLoop){.pos = 1, .extent = above};
  return true;
}

static void number_outer(PjGroup *g) {
  int64_t product = 1;
  for (int i = g->num_loops; i-- > 0;)
    if (!g->loops[i].inner) {
      g->loops[i].out_pos = product;
      product *= g->loops[i].extent;
    }
}

static size_t row_bytes(const PjGroup *g) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjRoot *root = &g->roots[i];
    if (root->role == PJ_ROOT_ELEMENTS && root->reused && !root->stored)
      bytes += ((size_t)g->inner * pj_dtype_bytes(root->op->results[0].type->dtype) + 63) / 64 * 64;
  }
  return bytes;
}

// A long reduction of few kept elements becomes parts along its first inner loop.
static void choose_split(PjGroup *g) {
  g->split = 1;
  if (g->num_stages > 1 || g->inner < SPLIT_FROM || g->outer >= SPLIT_BELOW)
    return;
  for (uint32_t i = 0; i < g->num_roots; i++)
    if (g->roots[i].role != PJ_ROOT_REDUCE)
      return;
  const PjLoop *first = g->loops;
  while (!first->inner)
    first++;
  int64_t parts = g->inner / SPLIT_PART < SPLIT_MAX ? g->inner / SPLIT_PART : SPLIT_MAX;
  if (parts > first->extent)
    parts = first->extent;
  if (parts < 2)
    return;
  int64_t size = (first->extent + parts - 1) / parts;
  if (first->pos == 1) { // whole vectors, several of them
    int64_t turn = g->lanes > 16 ? 8 * (int64_t)g->lanes : 128;
    size = (size + turn - 1) / turn * turn;
  }
  g->split_size = size;
  g->split = (first->extent + size - 1) / size;
}

// Rows that lie in pieces far apart, since a dimension before the kept ones is reduced too: parts
// of a piece, or of a few where pieces are short, are taken in the order of memory, and joined
// afterwards. (One row after the other would jump from page to page.)
static void choose_apart(PjGroup *g, size_t bytes) {
  const PjLoop *first = g->loops, *last = &g->loops[g->num_loops - 1];
  int64_t piece = 1;
  for (const PjLoop *loop = last; loop > first && loop->inner; loop--)
    piece *= loop->extent;
  if (!first->inner || piece == g->inner || last->extent < g->lanes ||
      g->count * (int64_t)bytes < STREAM_FROM || first->pos * (int64_t)bytes < APART_BYTES ||
      g->outer < SPLIT_BELOW)
    return;
  int64_t size = (APART_PIECE * first->extent + g->inner - 1) / g->inner,
          least = (first->extent + APART_PARTS - 1) / APART_PARTS;
  g->split_size = size > least ? size : least;
  g->split = (first->extent + g->split_size - 1) / g->split_size;
  g->apart = g->split > 1;
}

// Rows of a few vectors, all read in the order of memory: their accumulators stay in registers.
static bool is_whole(const PjGroup *g) {
  const PjLoop *last = &g->loops[g->num_loops - 1], *rows = last - 1;
  int64_t vectors = last->extent / g->lanes, kept = 0;
  bool ordered = false;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    kept += g->roots[i].reducer.count * vectors;
    ordered |= g->roots[i].reducer.ordered;
  }
  return g->plain && !ordered && last->extent % g->lanes == 0 && kept <= COLUMN_VECTORS &&
         (vectors & (vectors - 1)) == 0 && rows->inner && rows->pos == last->extent &&
         (rows->extent == g->inner || rows->extent >= WHOLE_ROWS);
}

// Columns of an array beyond the second cache are read a page of a row at a time; the rows are cut
// into parts where columns alone keep few threads busy.
static bool choose_stream(PjGroup *g, size_t bytes) {
  const PjLoop *last = &g->loops[g->num_loops - 1], *first = g->loops;
  if (g->count * (int64_t)bytes < STREAM_FROM || last->extent < g->lanes || g->inner < STREAM_ROWS)
    return false;
  while (!first->inner)
    first++;
  int64_t wide = STREAM_BYTES / (int64_t)bytes / g->lanes * g->lanes;
  g->blocks = (last->extent + wide - 1) / wide;
  g->block = ((last->extent + g->blocks - 1) / g->blocks + g->lanes - 1) / g->lanes * g->lanes;
  g->blocks = (last->extent + g->block - 1) / g->block;
  int64_t units = g->outer / last->extent * g->blocks;
  int64_t parts = STREAM_UNITS / units, rows = g->inner / first->extent;
  int64_t least = (STREAM_ROWS + rows - 1) / rows; // of the first loop, in a part
  if (least < STREAM_PART / g->block / rows)
    least = STREAM_PART / g->block / rows;
  if (parts > first->extent / least)
    parts = first->extent / least;
  g->split = 1;
  if (parts >= 2) {
    g->split_size = (first->extent + parts - 1) / parts;
    if (rows == 1) // whole turns of the loop over rows
      g->split_size = (g->split_size + 7) / 8 * 8;
    g->split = (first->extent + g->split_size - 1) / g->split_size;
  }
  g->units = units * g->split;
  g->whole = is_whole(g);
  g->streamed = !g->whole;
  if (g->streamed)
    g->scratch_bytes = pj_stream_scratch(g);
  return true;
}

// A last loop that no vector fits: it is written out, element by element. So is one whose vectors
// would be put together from several operands.
static bool is_tiny(const PjGroup *g) {
  int64_t extent = g->loops[g->num_loops - 1].extent;
  if (extent > TINY_JOINED || g->num_roots > 2 || g->cost * (double)extent > TINY_NS)
    return false;
  bool joins = false;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjOp *op = g->roots[i].op;
    if (op->kind == PJ_OP_CONCATENATE)
      joins |= PJ_INT(op, dimension) == op->results[0].type->rank - 1;
  }
  return joins || (extent <= TINY && extent < g->lanes);
}

// Whether a last loop goes through many joined operands, of which each vector lies in one: written
// out, it need not ask in which.
static bool joins_vectors(const PjGroup *g) {
  const PjOp *op = g->roots[0].op;
  if (g->num_roots > 1 || op->kind != PJ_OP_CONCATENATE || op->num_operands <= JOINED_IN_LOOPS)
    return false;
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjType *type = op->operands[i]->type;
    int64_t length = 1;
    for (int d = (int)PJ_INT(op, dimension); d < type->rank; d++)
      length *= type->dims[d];
    if (length % g->lanes)
      return false;
  }
  return true;
}

int64_t pj_group_across(const PjGroup *g, int lanes) {
  int64_t extent = g->loops[g->num_loops - 1].extent, common = lanes;
  while (extent % common)
    common /= 2;
  return extent / common;
}

int pj_group_lanes(int64_t extent, int most, int least) {
  int best = most;
  for (int lanes = most / 2; lanes >= least; lanes /= 2)
    if (extent / lanes + extent % lanes < extent / best + extent % best)
      best = lanes;
  return best;
}

PjEnds pj_group_ends(const PjGroup *g, const PjKirTarget *target) {
  const int64_t extent = g->loops[g->num_loops - 1].extent;
  const bool rows = g->kind == PJ_GROUP_ROWS && g->split == 1;
  const bool map = g->kind == PJ_GROUP_MAP && g->num_loops > 1 && !g->tiny;
  const bool columns = g->kind == PJ_GROUP_COLUMNS;
  if (!g->maskable || !(rows || map || columns) || g->lanes == 1 || extent % g->lanes < 2)
    return PJ_ENDS_SINGLE;
  if (target->vector_bytes == 64 && !g->in_place)
    return PJ_ENDS_MASKED;
  // What others may be changing is not read again.
  const int64_t least = map && g->blocks > 1 ? extent - (g->blocks - 1) * g->block : extent;
  return !g->within && !g->streamed && least >= g->lanes ? PJ_ENDS_AGAIN : PJ_ENDS_SINGLE;
}

// Whether each element of a row is one of another array: read down the rows these are vectors.
// (Columns of one array would have to be picked from its rows, which of vectors of 16 lanes takes
// two shuffles.)
static bool stacks(const PjGroup *g) {
  if (g->inputs < g->loops[g->num_loops - 1].extent)
    return false;
  for (uint32_t r = 0; r < g->num_roots; r++) {
    const PjOp *op = g->roots[r].op;
    const int last = op->results[0].type->rank - 1;
    if (op->kind != PJ_OP_CONCATENATE || PJ_INT(op, dimension) != last)
      return false;
    for (uint32_t i = 0; i < op->num_operands; i++)
      if (op->operands[i]->type->dims[last] != 1)
        return false;
  }
  return true;
}

// Rows shorter than a vector, or that fill one badly.
static bool is_across(const PjGroup *g) {
  int64_t extent = g->loops[g->num_loops - 1].extent, vectors = pj_group_across(g, g->lanes);
  // Of what is joined within a row, too, each lane's place is known.
  return (g->plain || g->joined <= extent) && !stacks(g) && g->lanes > 1 && extent < 2 * g->lanes &&
         extent % g->lanes && vectors <= (g->plain ? ACROSS : ACROSS_JOINED) &&
         g->cost * (double)vectors <= ACROSS_NS &&
         g->loops[g->num_loops - 2].extent * extent >= vectors * g->lanes;
}

// Rows much shorter than a vector, of what is too dear to be computed for lanes that do not want
// it, or one element at a time.
static bool is_down(const PjGroup *g) {
  int64_t extent = g->loops[g->num_loops - 1].extent;
  if (extent > PJ_MAX_DOWN || extent >= g->lanes || g->num_roots > PJ_MAX_DOWN ||
      g->loops[g->num_loops - 2].extent < g->lanes)
    return false;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjOp *op = g->roots[i].op;
    const PjDtype dtype = op->results[0].type->dtype;
    if (op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE || pj_dtype_is_complex(dtype))
      return false;
  }
  return true;
}

// The same of small matrices, and of rows that are little more than a vector, of whose elements
// each is made in its own way: the gradient of what reads them one by one, say. How many loops are
// written out, or 0.
static int down_matrices(const PjGroup *g) {
  const int n = g->num_loops;
  const int64_t last = g->loops[n - 1].extent, rows = n > 2 ? g->loops[n - 2].extent : 0;
  const bool square = rows > 0 && last < g->lanes && rows < g->lanes;
  const int64_t columns = square ? last * rows : last;
  if (!g->joins || g->num_roots > PJ_MAX_DOWN ||
      (!square && (last < g->lanes || !(last % g->lanes))) || columns > PJ_MOST_DOWN ||
      g->loops[n - 2 - square].extent < g->lanes || g->cost * (double)columns > DOWN_NS)
    return 0;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjOp *op = g->roots[i].op;
    const PjDtype dtype = op->results[0].type->dtype;
    if (op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE || pj_dtype_is_complex(dtype) ||
        pj_dtype_bytes(dtype) < 4)
      return 0;
  }
  return square ? 2 : 1;
}

int64_t pj_group_columns(const PjGroup *g) {
  int64_t columns = 1;
  for (int i = g->num_loops - g->written_loops; i < g->num_loops; i++)
    columns *= g->loops[i].extent;
  return columns;
}

bool pj_group_shape(PjGroup *g, const PjCuts *given) {
  PjCuts cuts = *given;
  if (!pj_cuts_add(&cuts, g->inner, g->count) || !loops_of(g, &cuts))
    return false;
  g->split = g->align = g->blocks = 1;
  g->outer = g->count / g->inner;
  const PjLoop *last = &g->loops[g->num_loops - 1];
  if (g->kind == PJ_GROUP_MAP) {
    number_outer(g);
    g->tiny = g->across = g->down = g->written = false;
    g->written_loops = 1;
    if (g->num_loops == 1) {
      g->units = g->count;
      g->align = g->lanes * 4;
      return true;
    }
    g->across = is_across(g);
    g->down = !g->across && is_down(g) && (stacks(g) || !is_tiny(g) || g->lanes >= 16);
    const int matrices = g->across || g->down || is_tiny(g) ? 0 : down_matrices(g);
    if (matrices) {
      g->down = true;
      g->written_loops = matrices;
    }
    g->tiny = g->across || g->down || is_tiny(g);
    if (g->tiny) {
      const PjLoop *second = last - g->written_loops;
      const int64_t columns = pj_group_columns(g);
      // Whole turns of vectors across and down rows, whose number is a power of two.
      int64_t most = MAP_BLOCK / columns / PJ_KIR_MAX_LANES * PJ_KIR_MAX_LANES;
      g->block = second->extent > 2 * most ? most : second->extent;
      g->blocks = (second->extent + g->block - 1) / g->block;
      g->units = g->count / columns / second->extent * g->blocks;
      return true;
    }
    g->block = last->extent > 2 * MAP_BLOCK ? MAP_BLOCK : last->extent;
    g->blocks = (last->extent + g->block - 1) / g->block;
    g->units = g->count / last->extent * g->blocks;
    int64_t vectors = last->extent / g->lanes;
    g->written = g->lanes > 1 && last->extent % g->lanes == 0 &&
                 ((vectors <= WRITTEN && g->cost * (double)vectors <= WRITTEN_NS) ||
                  (vectors <= PJ_GROUP_WRITTEN && joins_vectors(g) &&
                   g->cost * (double)vectors / g->roots[0].op->num_operands <= WRITTEN_NS));
    return true;
  }
  for (int i = 0; i < g->num_loops; i++)
    g->loops[i].inner = g->loops[i].pos < g->inner;
  number_outer(g);
  choose_split(g);
  g->units = g->outer * g->split;
  g->scratch_bytes = row_bytes(g);
  return true;
}

// Elements lie in the order of the domain, so rows that are whole vectors begin where one does;
// blocks and ranges are multiples of vectors.
bool pj_group_is_aligned(const PjGroup *g, uint32_t r) {
  const PjRoot *root = &g->roots[r];
  if (g->kind == PJ_GROUP_COLUMNS || g->tiny || g->split > 1 || root->role != PJ_ROOT_ELEMENTS ||
      root->reused || root->op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE)
    return false;
  return g->num_loops == 1 ? g->align % g->lanes == 0
                           : g->loops[g->num_loops - 1].extent % g->lanes == 0;
}

bool pj_group_shape_reduce(PjGroup *g, const PjCuts *given) {
  const PjOp *op = g->roots[0].op;
  const PjType *from = op->operands[0]->type;
  int64_t strides[PJ_MAX_RANK];
  bool reduced[PJ_MAX_RANK] = {false};
  uint32_t n;
  const int64_t *dims = PJ_INTS(op, dimensions, &n);
  for (uint32_t i = 0; i < n; i++)
    reduced[dims[i]] = true;
  pj_shape_strides(from, strides);
  PjCuts cuts = *given;
  g->count = pj_count(from);
  for (int d = 0, last = -1; d < from->rank; d++) {
    if (from->dims[d] == 1)
      continue;
    if (last >= 0 && reduced[last] != reduced[d] && !pj_cuts_add(&cuts, strides[last], g->count))
      return false;
    last = d;
  }
  if (!loops_of(g, &cuts))
    return false;
  g->inner = 1;
  bool any = false;
  for (int i = 0; i < g->num_loops; i++) {
    PjLoop *loop = &g->loops[i];
    int d = pj_dim_at(from, strides, loop->pos);
    loop->inner =
        d >= 0 ? reduced[d] : true; // a single element: reduced over nothing but sizes of 1
    any |= loop->inner;
    if (loop->inner)
      g->inner *= loop->extent;
  }
  if (!any)
    return false; // over dimensions of size 1 only: the passes make a reshape of it
  g->outer = g->count / g->inner;
  g->align = g->blocks = 1;
  number_outer(g);
  const PjLoop *last = &g->loops[g->num_loops - 1];
  g->kind = last->inner ? PJ_GROUP_ROWS : PJ_GROUP_COLUMNS;
  if (g->kind == PJ_GROUP_ROWS) {
    choose_split(g);
    if (g->split == 1)
      choose_apart(g, pj_dtype_bytes(from->dtype));
    g->units = g->outer * g->split;
    return true;
  }
  if (choose_stream(g, pj_dtype_bytes(from->dtype)))
    return true;
  choose_split(g);
  int64_t sums = 0;
  for (uint32_t i = 0; i < g->num_roots; i++)
    sums += g->roots[i].reducer.count;
  int vectors = COLUMN_VECTORS;
  while (vectors > 1 &&
         (last->extent < (int64_t)vectors * g->lanes || sums * vectors > PJ_MAX_CARRIED / 2))
    vectors /= 2;
  g->block = last->extent < g->lanes ? last->extent : (int64_t)vectors * g->lanes;
  g->blocks = (last->extent + g->block - 1) / g->block;
  g->units = g->outer / last->extent * g->blocks * g->split;
  return true;
}
