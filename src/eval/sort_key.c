// Comparators as keys. A comparator that is a chain of comparisons of f(a) with f(b), the same f on
// both sides, orders by the keys f: they are computed once per element instead of once per
// comparison, mapped to integers of the same order, and sorted by radix.
#include "eval/sort_key.h"

#include "eval/float.h"

enum { MATCH_BUDGET = 4096, RADIX_FROM = 256, RUN = 16 };

// ---- recognising
// True if |b| is |a| with each even argument replaced by the odd one after it.
static bool mirrors(const PjRegion *region, const PjValue *a, const PjValue *b, int *budget) {
  if (--*budget < 0 || !pj_type_eq(a->type, b->type))
    return false;
  if (a->region == region || b->region == region)
    return a->region == b->region && a->index % 2 == 0 && b->index == a->index + 1;
  const PjOp *x = a->def, *y = b->def;
  bool inside = x && x->region == region;
  if (!inside)
    return a == b; // captured from outside
  if (!y || y->region != region || x->kind != y->kind || a->index != b->index || x->num_regions ||
      x->num_operands != y->num_operands || y->num_regions)
    return false;
  for (int i = 0; i < pj_op_info[x->kind].num_attrs; ++i)
    if (!pj_attr_eq(x->attrs[i], y->attrs[i]))
      return false;
  for (uint32_t i = 0; i < x->num_operands; ++i)
    if (!mirrors(region, x->operands[i], y->operands[i], budget))
      return false;
  return true;
}

static const PjOp *as_op(const PjRegion *region, const PjValue *value, PjOpKind kind) {
  return value->def && value->def->region == region && value->def->kind == kind ? value->def : NULL;
}

// A comparison by which of two keys is less.
static bool match_less(const PjRegion *region, const PjOp *op, int *budget, PjSortKey *key) {
  int64_t direction = PJ_INT(op, comparison_direction);
  if (direction != PJ_CMP_LT && direction != PJ_CMP_GT)
    return false;
  PjValue *a = op->operands[0], *b = op->operands[1];
  bool straight = mirrors(region, a, b, budget);
  if (!straight && !mirrors(region, b, a, budget))
    return false;
  *key = (PjSortKey){.left = straight ? a : b,
                     .dtype = a->type->dtype,
                     .total_order = PJ_INT(op, compare_type) == PJ_CMPTYPE_TOTALORDER,
                     .descending = (direction == PJ_CMP_GT) == straight};
  return pj_dtype_class(key->dtype) != PJ_CLASS_COMPLEX && !a->type->quant;
}

// compare(EQ, x, y) on what |less| compares.
static bool is_equality(const PjOp *op, const PjOp *less, int64_t direction) {
  const PjValue *a = op->operands[0], *b = op->operands[1];
  const PjValue *x = less->operands[0], *y = less->operands[1];
  return PJ_INT(op, comparison_direction) == direction &&
         PJ_INT(op, compare_type) == PJ_INT(less, compare_type) &&
         ((a == x && b == y) || (a == y && b == x));
}

// value = or(less, and(equal, rest)), operands in any order.
static bool match_chain(const PjRegion *region, const PjValue *value, const PjOp **out_less,
                        const PjValue **out_rest) {
  const PjOp *either = as_op(region, value, PJ_OP_OR);
  if (!either)
    return false;
  for (int i = 0; i < 2; ++i) {
    const PjOp *less = as_op(region, either->operands[i], PJ_OP_COMPARE);
    const PjOp *both = as_op(region, either->operands[1 - i], PJ_OP_AND);
    if (!less || !both)
      continue;
    for (int k = 0; k < 2; ++k) {
      const PjOp *equal = as_op(region, both->operands[k], PJ_OP_COMPARE);
      if (!equal || !is_equality(equal, less, PJ_CMP_EQ))
        continue;
      *out_less = less;
      *out_rest = both->operands[1 - k];
      return true;
    }
  }
  return false;
}

// value = select(equal, rest, less) or select(different, less, rest).
static bool match_select(const PjRegion *region, const PjValue *value, const PjOp **out_less,
                         const PjValue **out_rest) {
  const PjOp *choice = as_op(region, value, PJ_OP_SELECT);
  const PjOp *test = choice ? as_op(region, choice->operands[0], PJ_OP_COMPARE) : NULL;
  if (!test)
    return false;
  bool equal = PJ_INT(test, comparison_direction) == PJ_CMP_EQ;
  *out_less = as_op(region, choice->operands[equal ? 2 : 1], PJ_OP_COMPARE);
  *out_rest = choice->operands[equal ? 1 : 2];
  return *out_less && is_equality(test, *out_less, equal ? PJ_CMP_EQ : PJ_CMP_NE);
}

uint32_t pj_sort_keys(const PjRegion *comparator, PjSortKey keys[PJ_MAX_SORT_KEYS]) {
  const PjOp *end = pj_region_terminator(comparator), *less;
  if (!end || end->num_operands != 1)
    return 0;
  const PjValue *value = end->operands[0], *rest;
  int budget = MATCH_BUDGET;
  for (uint32_t count = 0; count < PJ_MAX_SORT_KEYS; ++count) {
    less = as_op(comparator, value, PJ_OP_COMPARE);
    if (less)
      return match_less(comparator, less, &budget, &keys[count]) ? count + 1 : 0;
    if (!match_chain(comparator, value, &less, &rest) &&
        !match_select(comparator, value, &less, &rest))
      return 0;
    if (!match_less(comparator, less, &budget, &keys[count]))
      return 0;
    value = rest;
  }
  return 0;
}

// ---- keys as integers
// The bits of a signed-magnitude number as an unsigned integer of the same order.
static uint64_t ordered(uint64_t bits, unsigned width) {
  uint64_t sign = (uint64_t)1 << (width - 1), mask = sign | (sign - 1);
  bits &= mask;
  return bits & sign ? ~bits & mask : bits | sign;
}

static bool encode_float(const PjSortKey *key, const void *element, uint64_t *out) {
  unsigned width = pj_dtype_bits(key->dtype);
  if (key->total_order) {
    uint64_t bits = 0;
    memcpy(&bits, element, pj_dtype_bytes(key->dtype));
    if (key->dtype == PJ_DT_TF32)
      width = 32; // stored as the float it is
    *out = key->dtype == PJ_DT_F8E8M0FNU ? bits : ordered(bits, width);
    return true;
  }
  // -0 equals +0: adding zero drops the sign.
  if (key->dtype == PJ_DT_F64) {
    double x;
    memcpy(&x, element, sizeof x);
    if (x != x)
      return false;
    x += 0.0;
    memcpy(out, &x, sizeof x);
    *out = ordered(*out, 64);
    return true;
  }
  float x = pj_float_decode(key->dtype, element);
  if (x != x)
    return false;
  x += 0.0f;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  *out = ordered(bits, 32);
  return true;
}

bool pj_sort_encode(const PjSortKey *key, int64_t n, const void *elements, uint64_t *out) {
  size_t elem = pj_dtype_bytes(key->dtype);
  unsigned width = (unsigned)elem * 8;
  const char *data = elements;
  bool is_float = pj_dtype_is_float(key->dtype);
  uint64_t sign = pj_dtype_class(key->dtype) == PJ_CLASS_SINT ? (uint64_t)1 << (width - 1) : 0;
  if (key->dtype == PJ_DT_F32 && key->total_order) {
    for (int64_t i = 0; i < n; ++i)
      out[i] = ordered(((const uint32_t *)elements)[i], 32);
  } else if (is_float) {
    for (int64_t i = 0; i < n; ++i)
      if (!encode_float(key, data + (size_t)i * elem, &out[i]))
        return false;
  } else {
    for (int64_t i = 0; i < n; ++i) {
      uint64_t bits = 0;
      memcpy(&bits, data + (size_t)i * elem, elem);
      out[i] = bits ^ sign;
    }
  }
  if (!key->descending)
    return true;
  // Only the bits in use are turned, so that the radix sort still skips the others.
  uint64_t mask = key->dtype == PJ_DT_F64 || width == 64 ? ~(uint64_t)0
                  : is_float                             ? ~(uint64_t)0 >> 32
                                                         : ((uint64_t)1 << width) - 1;
  for (int64_t i = 0; i < n; ++i)
    out[i] = ~out[i] & mask;
  return true;
}

// ---- sorting keys
// Bottom-up merge sort for short lists; the result is in |keys| and |order|.
static void merge_sort(int64_t n, uint64_t *keys, uint32_t *order, uint64_t *spare_keys,
                       uint32_t *spare_order) {
  for (int64_t begin = 0; begin < n; begin += RUN) {
    int64_t end = begin + RUN < n ? begin + RUN : n;
    for (int64_t i = begin + 1; i < end; ++i) {
      uint64_t key = keys[i];
      uint32_t at = order[i];
      int64_t j = i;
      for (; j > begin && key < keys[j - 1]; --j) {
        keys[j] = keys[j - 1];
        order[j] = order[j - 1];
      }
      keys[j] = key;
      order[j] = at;
    }
  }
  for (int64_t run = RUN; run < n; run *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * run) {
      int64_t middle = begin + run < n ? begin + run : n;
      int64_t end = begin + 2 * run < n ? begin + 2 * run : n;
      for (int64_t a = begin, b = middle, to = begin; to < end; ++to) {
        int64_t from = b == end || (a < middle && keys[a] <= keys[b]) ? a++ : b++;
        spare_keys[to] = keys[from];
        spare_order[to] = order[from];
      }
    }
    memcpy(keys, spare_keys, (size_t)n * sizeof *keys);
    memcpy(order, spare_order, (size_t)n * sizeof *order);
  }
}

void pj_sort_by_key(int64_t n, uint64_t *keys, uint32_t *order, uint64_t *spare_keys,
                    uint32_t *spare_order) {
  if (n < RADIX_FROM) {
    merge_sort(n, keys, order, spare_keys, spare_order);
    return;
  }
  // Radix sort, eight bits at a time from the lowest; digits that all keys share are skipped.
  uint32_t counts[8][256];
  memset(counts, 0, sizeof counts);
  for (int64_t i = 0; i < n; ++i)
    for (int digit = 0; digit < 8; ++digit)
      ++counts[digit][keys[i] >> (8 * digit) & 255];
  uint64_t *from_keys = keys, *to_keys = spare_keys;
  uint32_t *from_order = order, *to_order = spare_order;
  for (int digit = 0; digit < 8; ++digit) {
    uint32_t *count = counts[digit], place = 0;
    if (count[from_keys[0] >> (8 * digit) & 255] == (uint64_t)n)
      continue;
    for (int i = 0; i < 256; ++i) {
      uint32_t size = count[i];
      count[i] = place;
      place += size;
    }
    for (int64_t i = 0; i < n; ++i) {
      uint32_t to = count[from_keys[i] >> (8 * digit) & 255]++;
      to_keys[to] = from_keys[i];
      to_order[to] = from_order[i];
    }
    uint64_t *keys_swap = from_keys;
    uint32_t *order_swap = from_order;
    from_keys = to_keys;
    from_order = to_order;
    to_keys = keys_swap;
    to_order = order_swap;
  }
  if (from_keys == keys)
    return;
  memcpy(keys, from_keys, (size_t)n * sizeof *keys);
  memcpy(order, from_order, (size_t)n * sizeof *order);
}
