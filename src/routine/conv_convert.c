// Convolutions of numbers that are not computed in as they lie: operands are converted once, as
// wholes, convolved, and the result is converted back. A window of nine places would otherwise
// convert every element nine times, and most ways take only numbers as they are computed.
//
// Floats become those that their products are summed in. Bytes whose products are summed as 32 bits
// become 16 bits wide where the packed product takes pairs of them (gemm_groups.c), else 32.
#include <string.h>

#include "eval/comp.h"
#include "routine/conv.h"

// An operand or the result; |place|: in the scratch, bytes; |converted| false: it is as it should
// be.
typedef struct Part {
  PjPanel panel; // operands: how to read them
  PjWidenFn *widen;
  PjDtype dtype, as;
  int64_t count;
  size_t place;
  bool converted;
} Part;

enum { LHS, RHS, OUT, PARTS };

typedef struct Converted {
  PjRoutine routine;
  const PjRoutine *inner;
  PjComp comp;
  size_t bytes; // of the scratch, in front of that of |inner|
  Part parts[PARTS];
} Converted;

typedef struct Job {
  const Part *part;
  PjComp comp;
  const char *from;
  char *to;
} Job;

static void read_piece(void *context, int64_t begin, int64_t end, int thread) {
  const Job *job = context;
  const Part *part = job->part;
  const char *from = job->from + begin * (int64_t)pj_dtype_bytes(part->dtype);
  char *to = job->to + begin * (int64_t)pj_dtype_bytes(part->as);
  if (part->widen)
    part->widen(end - begin, from, to);
  else
    pj__panel_load(&part->panel, end - begin, from, to);
}

static void write_piece(void *context, int64_t begin, int64_t end, int thread) {
  const Job *job = context;
  const Part *part = job->part;
  pj_comp_store(job->comp, part->dtype, end - begin,
                job->from + begin * (int64_t)pj_dtype_bytes(part->as),
                job->to + begin * (int64_t)pj_dtype_bytes(part->dtype));
}

static PjStatus run_converted(const PjRoutine *self, PjThreads *threads, const void *const *in,
                              void *const *out, void *scratch) {
  const Converted *c = (const Converted *)self;
  const void *operands[] = {in[LHS], in[RHS]};
  for (int i = LHS; i <= RHS; ++i) {
    const Part *part = &c->parts[i];
    if (!part->converted)
      continue;
    Job job = {part, c->comp, in[i], (char *)scratch + part->place};
    operands[i] = job.to;
    pj_threads_for(threads, part->count, pj__grain(part->count, 1), read_piece, &job);
  }
  const Part *result = &c->parts[OUT];
  void *inner_out = result->converted ? (char *)scratch + result->place : out[0];
  PJ_TRY(c->inner->run(c->inner, threads, operands, &inner_out, (char *)scratch + c->bytes));
  if (result->converted) {
    Job job = {result, c->comp, inner_out, out[0]};
    pj_threads_for(threads, result->count, pj__grain(result->count, 2), write_piece, &job);
  }
  return PJ_STATUS_OK;
}

static PjDtype native_dtype(PjComp comp) {
  switch (comp) {
  case PJ_COMP_F32:
    return PJ_DT_F32;
  case PJ_COMP_F64:
    return PJ_DT_F64;
  case PJ_COMP_U64:
    return PJ_DT_S64;
  default:
    return PJ_DT_S32;
  }
}

bool pj__conv_converts(const PjConvShape *s, PjConvShape *as) {
  *as = *s;
  const int dots = pj__group_of_dots(s->comp, s->lhs_dtype, s->rhs_dtype);
  if (s->comp == PJ_COMP_C64 || s->comp == PJ_COMP_C128 || s->window_size == 1 ||
      (dots && pj__conv_has_words(s, dots) && !pj__conv_spreads(s)))
    return false;
  const PjDtype native = native_dtype(s->comp);
  const bool pairs = s->comp == PJ_COMP_U32 && pj__pairs_widen(s->lhs_dtype) &&
                     pj__pairs_widen(s->rhs_dtype) && pj__conv_has_words(s, 2);
  if (pairs)
    as->lhs_dtype = as->rhs_dtype = PJ_DT_S16;
  else
    as->lhs_dtype = as->rhs_dtype = native;
  as->out_dtype = native;
  // Numbers of one width lie as they should, whatever their sign.
  if (pj_comp_is_native(s->comp, s->lhs_dtype))
    as->lhs_dtype = s->lhs_dtype;
  if (pj_comp_is_native(s->comp, s->rhs_dtype))
    as->rhs_dtype = s->rhs_dtype;
  if (pj_comp_is_native(s->comp, s->out_dtype))
    as->out_dtype = s->out_dtype;
  return as->lhs_dtype != s->lhs_dtype || as->rhs_dtype != s->rhs_dtype;
}

const PjRoutine *pj__conv_converted(PjArena *arena, const PjConvShape *s, const PjConvShape *as,
                                    const PjOp *op, const PjRoutine *inner) {
  if (!inner)
    return NULL;
  Converted *c = PJ_NEW(arena, Converted);
  c->inner = inner;
  c->comp = s->comp;
  const PjType *types[] = {pj__in(op, 0), pj__in(op, 1), pj__out(op, 0)};
  const PjDtype wanted[] = {as->lhs_dtype, as->rhs_dtype, as->out_dtype};
  for (int i = 0; i < PARTS; ++i) {
    Part *part = &c->parts[i];
    part->dtype = types[i]->dtype;
    part->as = wanted[i];
    part->count = pj__count(types[i]);
    part->converted = part->dtype != part->as;
    if (!part->converted)
      continue;
    part->place = c->bytes;
    c->bytes += pj__scratch_round((size_t)part->count * pj_dtype_bytes(part->as));
    if (part->as == PJ_DT_S16)
      part->widen = pj__pairs_widen(part->dtype);
    else if (i != OUT && !pj__panel_init(&part->panel, s->comp, part->dtype, i == LHS))
      return NULL;
  }
  c->routine = (PjRoutine){.name = inner->name,
                           .run = run_converted,
                           .in_place = -1,
                           .scratch_bytes = c->bytes + inner->scratch_bytes,
                           .thread_scratch_bytes = inner->thread_scratch_bytes};
  return &c->routine;
}
