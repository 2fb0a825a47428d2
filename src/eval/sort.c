// sort, with any comparator and any number of operands, always stable; chlo.top_k.
//
// Comparators that compare keys (sort_key.h) are sorted by radix. Any other one runs in a merge
// sort: compiled, or as a region. A comparator that is no order at all still gives a permutation.
#include <inttypes.h>

#include "eval/float.h"
#include "eval/sort_key.h"

enum { WIDTH = 1024, RUN = 8 };

// Slices along a dimension: element i of slice s lies at base(s) + i * stride.
typedef struct Slices {
  int64_t n, outer, stride; // stride = product of the sizes behind the dimension
} Slices;

static int64_t slice_base(const Slices *s, int64_t index) {
  return index / s->stride * s->n * s->stride + index % s->stride;
}

// out..[base + i * stride] = in..[base + order[i] * stride]
static void permute(const Slices *s, int64_t base, int64_t n, const uint32_t *order, size_t elem,
                    const char *in, char *out) {
#define MOVE(T)                                                                               \
  for (int64_t i = 0; i < n; ++i)                                                             \
    ((T *)out)[base + i * s->stride] = ((const T *)in)[base + (int64_t)order[i] * s->stride]; \
  return
  switch (elem) {
  case 1:
    MOVE(uint8_t);
  case 2:
    MOVE(uint16_t);
  case 4:
    MOVE(uint32_t);
  case 8:
    MOVE(uint64_t);
  }
#undef MOVE
  for (int64_t i = 0; i < n; ++i)
    memcpy(out + (size_t)(base + i * s->stride) * elem,
           in + (size_t)(base + (int64_t)order[i] * s->stride) * elem, elem);
}

// ---- by keys
// The keys of all elements as integers, key after key; NULL if some element is not comparable
// or the keys do not compile.
static uint64_t *make_keys(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t num_keys,
                           const PjSortKey *keys) {
  const PjRegion *region = &op->regions[0];
  int64_t count = in[0]->count;
  PjValue *wanted[PJ_MAX_SORT_KEYS];
  const void *values[PJ_MAX_SORT_KEYS];
  for (uint32_t k = 0; k < num_keys; ++k)
    wanted[k] = keys[k].left;
  PjBody *body =
      pj_body_compile_values(ev, region, num_keys, wanted, count < WIDTH ? count : WIDTH);
  if (!body)
    return NULL;
  uint64_t *out = pj_eval_scratch(ev, num_keys * (size_t)count * sizeof *out);
  const void **args = pj_eval_scratch(ev, region->num_args * sizeof *args);
  bool comparable = true;
  for (int64_t at = 0; comparable && at < count; at += WIDTH) {
    int64_t n = count - at < WIDTH ? count - at : WIDTH;
    for (uint32_t i = 0; i < region->num_args; ++i)
      args[i] = (const char *)in[i / 2]->data + (size_t)at * pj_dtype_bytes(in[i / 2]->dtype);
    pj_body_run(body, n, args, values);
    for (uint32_t k = 0; comparable && k < num_keys; ++k)
      comparable = pj_sort_encode(&keys[k], n, values[k], out + k * count + at);
  }
  pj_eval_free(ev, args);
  if (comparable)
    return out;
  pj_eval_free(ev, out);
  return NULL;
}

typedef struct KeySort {
  uint64_t *keys, *spare_keys;
  uint32_t *order, *spare_order;
} KeySort;

static KeySort key_sort_init(PjEval *ev, int64_t n) {
  KeySort k;
  k.keys = pj_eval_scratch(ev, (size_t)n * 2 * (sizeof *k.keys + sizeof *k.order));
  k.spare_keys = k.keys + n;
  k.order = (uint32_t *)(k.spare_keys + n);
  k.spare_order = k.order + n;
  return k;
}

// The order of the slice at |base|: the least significant key first, each sort keeping the order of
// the one before.
static void sort_slice(const KeySort *k, const Slices *s, int64_t base, int64_t count,
                       uint32_t num_keys, const uint64_t *keys) {
  for (int64_t i = 0; i < s->n; ++i)
    k->order[i] = (uint32_t)i;
  for (uint32_t key = num_keys; key-- > 0;) {
    const uint64_t *values = keys + key * count + base;
    for (int64_t i = 0; i < s->n; ++i)
      k->keys[i] = values[(int64_t)k->order[i] * s->stride];
    pj_sort_by_key(s->n, k->keys, k->order, k->spare_keys, k->spare_order);
  }
}

static bool sort_by_keys(PjEval *ev, const PjOp *op, PjTensor *const *in, const Slices *s,
                         PjTensor *const *out) {
  PjSortKey keys[PJ_MAX_SORT_KEYS];
  uint32_t num_keys = pj_sort_keys(&op->regions[0], keys);
  uint64_t *values = num_keys ? make_keys(ev, op, in, num_keys, keys) : NULL;
  if (!values)
    return false;
  KeySort k = key_sort_init(ev, s->n);
  for (int64_t index = 0; index < s->outer; ++index) {
    int64_t base = slice_base(s, index);
    sort_slice(&k, s, base, in[0]->count, num_keys, values);
    for (uint32_t i = 0; i < op->num_operands; ++i)
      permute(s, base, s->n, k.order, pj_dtype_bytes(in[i]->dtype), in[i]->data, out[i]->data);
  }
  pj_eval_free(ev, k.keys);
  pj_eval_free(ev, values);
  return true;
}

// ---- by comparisons
typedef struct Comparing {
  PjEval *ev;
  const PjOp *op;
  PjTensor *const *in;
  PjBody *body;      // or NULL
  const void **args; // 2 * operands
  int64_t base, stride;
} Comparing;

static PjStatus is_less(Comparing *c, uint32_t a, uint32_t b, bool *out) {
  uint32_t num_args = 2 * c->op->num_operands;
  for (uint32_t i = 0; i < num_args; ++i) {
    const PjTensor *tensor = c->in[i / 2];
    int64_t at = c->base + (int64_t)(i % 2 ? b : a) * c->stride;
    c->args[i] = (const char *)tensor->data + (size_t)at * pj_dtype_bytes(tensor->dtype);
  }
  if (c->body) {
    const void *result;
    pj_body_run(c->body, 1, c->args, &result);
    *out = *(const uint8_t *)result != 0;
    return PJ_STATUS_OK;
  }
  PjTensor **tensors = (PjTensor **)c->args, *result;
  for (uint32_t i = 0; i < num_args; ++i) {
    PjTensor *scalar = pj_eval_new(c->ev, c->in[i / 2]->dtype, 0, NULL);
    memcpy(scalar->data, c->args[i], scalar->bytes);
    tensors[i] = scalar;
  }
  PJ_TRY(pj_eval_region(c->ev, &c->op->regions[0], tensors, &result, 1));
  *out = *(const uint8_t *)result->data != 0;
  pj_eval_drop(c->ev, result);
  for (uint32_t i = 0; i < num_args; ++i)
    pj_eval_drop(c->ev, tensors[i]);
  return PJ_STATUS_OK;
}

// Merge sort of |order| with |spare|; an element moves before another only if it is less.
static PjStatus compare_sort(Comparing *c, int64_t n, uint32_t *order, uint32_t *spare) {
  bool less;
  for (int64_t i = 0; i < n; ++i)
    order[i] = (uint32_t)i;
  for (int64_t begin = 0; begin < n; begin += RUN) {
    int64_t end = begin + RUN < n ? begin + RUN : n;
    for (int64_t i = begin + 1; i < end; ++i) {
      uint32_t at = order[i];
      int64_t j = i;
      for (; j > begin; --j) {
        PJ_TRY(is_less(c, at, order[j - 1], &less));
        if (!less)
          break;
        order[j] = order[j - 1];
      }
      order[j] = at;
    }
  }
  for (int64_t run = RUN; run < n; run *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * run) {
      int64_t middle = begin + run < n ? begin + run : n;
      int64_t end = begin + 2 * run < n ? begin + 2 * run : n;
      for (int64_t a = begin, b = middle, to = begin; to < end; ++to) {
        less = a == middle;
        if (a < middle && b < end)
          PJ_TRY(is_less(c, order[b], order[a], &less));
        spare[to] = order[less ? b++ : a++];
      }
    }
    memcpy(order, spare, (size_t)n * sizeof *order);
  }
  return PJ_STATUS_OK;
}

static PjStatus sort_by_comparing(PjEval *ev, const PjOp *op, PjTensor *const *in, const Slices *s,
                                  PjTensor *const *out) {
  Comparing c = {.ev = ev, .op = op, .in = in, .stride = s->stride};
  c.body = pj_body_compile(ev, &op->regions[0], 1);
  c.args = pj_eval_scratch(ev, 2 * op->num_operands * sizeof *c.args);
  uint32_t *order = pj_eval_scratch(ev, 2 * (size_t)s->n * sizeof *order);
  for (int64_t index = 0; index < s->outer; ++index) {
    c.base = slice_base(s, index);
    PJ_TRY(compare_sort(&c, s->n, order, order + s->n));
    for (uint32_t i = 0; i < op->num_operands; ++i)
      permute(s, c.base, s->n, order, pj_dtype_bytes(in[i]->dtype), in[i]->data, out[i]->data);
  }
  pj_eval_free(ev, c.args);
  pj_eval_free(ev, order);
  return PJ_STATUS_OK;
}

static PjStatus check_length(const PjOp *op, int64_t n) {
  if (n < (int64_t)UINT32_MAX)
    return PJ_STATUS_OK;
  return PJ_OP_ERROR(op, UNIMPLEMENTED, "%" PRId64 " elements to sort at once are too many", n);
}

PjStatus pj_ev_sort(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjRegion *comparator = &op->regions[0];
  if (!pj_shapes_agree(op->num_operands, in))
    return pj_meet(ev, op, op->num_operands, in, out, pj_ev_sort);
  bool fits = comparator->num_args == 2 * op->num_operands;
  for (uint32_t i = 0; fits && i < comparator->num_args; ++i)
    fits = pj_type_is_scalar_tensor(comparator->args[i].type) &&
           comparator->args[i].type->dtype == in[i / 2]->dtype;
  if (!fits)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the comparator does not take the operands");
  int32_t rank = in[0]->rank, axis = (int32_t)PJ_INT(op, dimension);
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis >= rank) { // scalars are sorted
    for (uint32_t i = 0; i < op->num_operands; ++i)
      out[i] = pj_eval_keep(ev, in[i]);
    return PJ_STATUS_OK;
  }
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_TRY(pj_result_new(ev, op, i, rank, in[i]->dims, &out[i]));
  if (!in[0]->count)
    return PJ_STATUS_OK;
  Slices s = {.n = in[0]->dims[axis], .outer = in[0]->count / in[0]->dims[axis], .stride = 1};
  for (int32_t d = axis + 1; d < rank; ++d)
    s.stride *= in[0]->dims[d];
  PJ_TRY(check_length(op, s.n));
  if (sort_by_keys(ev, op, in, &s, out))
    return PJ_STATUS_OK;
  return sort_by_comparing(ev, op, in, &s, out);
}

// The k largest of each row in falling total order, the first of equals first (as XLA: a stable
// sort by GT).
PjStatus pj_ev_chlo_top_k(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0];
  int32_t rank = operand->rank;
  int64_t dims[PJ_MAX_RANK];
  if (rank < 1)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the operand is a scalar");
  for (int32_t d = 0; d < rank; ++d)
    dims[d] = operand->dims[d];
  Slices s = {.n = dims[rank - 1], .stride = 1};
  PJ_TRY(check_length(op, s.n));
  int64_t k = PJ_INT(op, k) < s.n ? PJ_INT(op, k) : s.n;
  dims[rank - 1] = k;
  for (uint32_t i = 0; i < 2; ++i)
    PJ_TRY(pj_result_new(ev, op, i, rank, dims, &out[i]));
  if (!out[0]->count)
    return PJ_STATUS_OK;
  const PjSortKey key = {.dtype = operand->dtype, .total_order = true, .descending = true};
  size_t elem = pj_dtype_bytes(operand->dtype), index_bytes = pj_dtype_bytes(out[1]->dtype);
  uint64_t *values = pj_eval_scratch(ev, (size_t)s.n * sizeof *values);
  KeySort sort = key_sort_init(ev, s.n);
  const char *from = operand->data;
  char *to = out[0]->data, *index = out[1]->data;
  for (int64_t row = operand->count / s.n; row > 0; --row) {
    pj_sort_encode(&key, s.n, from, values);
    sort_slice(&sort, &s, 0, s.n, 1, values);
    permute(&s, 0, k, sort.order, elem, from, to);
    for (int64_t i = 0; i < k; ++i)
      pj_int_encode(out[1]->dtype, sort.order[i], index + (size_t)i * index_bytes);
    from += (size_t)s.n * elem;
    to += (size_t)k * elem;
    index += (size_t)k * index_bytes;
  }
  pj_eval_free(ev, values);
  pj_eval_free(ev, sort.keys);
  return PJ_STATUS_OK;
}
