// Signatures: which types the operands and results of an op may have, written in the check column
// of ops.def.
//
//   "sfcq -> sfq"        one operand, one result
//   "v,v0+ -> v+"        items are separated by commas; `*` repeats an item any number of times,
//   `+` at least once.
//                        Several repeated items of one list share the values equally (reduce:
//                        inputs, init values)
//
// Letters of an item say what the value may be (any of them), the rest constrains it:
//   p boolean   s signed integer   u unsigned integer   i = su   f float   g f32 or f64   c complex
//   x index q per-tensor quantised   a per-axis quantised   n = pifc   v = pifcq   V = pifcqa   j
//   i32   J ui32 t token   T tuple of values   b buffer   F future 0 1 2 rank   S static shape   B
//   static shape or one bounded dimension   U may be unranked
#include <stdio.h>

#include "ir/verify/check.h"

enum {
  PRED = 1,
  SINT = 2,
  UINT = 4,
  FLOAT = 8,
  FLOAT32_64 = 16,
  COMPLEX = 32,
  INDEX = 64,
  PER_TENSOR = 128,
  PER_AXIS = 256,
  I32 = 512,
  UI32 = 1024,
  TOKEN = 2048,
  TUPLE = 4096,
  BUFFER = 8192,
  FUTURE = 16384,
  ELEMENTS = PRED | SINT | UINT | FLOAT | FLOAT32_64 | COMPLEX | INDEX | PER_TENSOR | PER_AXIS |
             I32 | UI32,
};

typedef struct Item {
  unsigned classes;
  int rank; // -1: any
  bool is_static, is_bounded, unranked;
  char repeat; // 0, '*' or '+'
} Item;

// Reads one item; returns what follows it: ',', ' ' or the end.
static const char *read_item(const char *p, Item *out) {
  *out = (Item){.rank = -1};
  for (;; ++p) {
    switch (*p) {
    case 'p':
      out->classes |= PRED;
      break;
    case 's':
      out->classes |= SINT;
      break;
    case 'u':
      out->classes |= UINT;
      break;
    case 'i':
      out->classes |= SINT | UINT;
      break;
    case 'f':
      out->classes |= FLOAT;
      break;
    case 'g':
      out->classes |= FLOAT32_64;
      break;
    case 'c':
      out->classes |= COMPLEX;
      break;
    case 'x':
      out->classes |= INDEX;
      break;
    case 'q':
      out->classes |= PER_TENSOR;
      break;
    case 'a':
      out->classes |= PER_AXIS;
      break;
    case 'n':
      out->classes |= PRED | SINT | UINT | FLOAT | COMPLEX;
      break;
    case 'v':
      out->classes |= PRED | SINT | UINT | FLOAT | COMPLEX | PER_TENSOR;
      break;
    case 'V':
      out->classes |= PRED | SINT | UINT | FLOAT | COMPLEX | PER_TENSOR | PER_AXIS;
      break;
    case 'j':
      out->classes |= I32;
      break;
    case 'J':
      out->classes |= UI32;
      break;
    case 't':
      out->classes |= TOKEN;
      break;
    case 'T':
      out->classes |= TUPLE;
      break;
    case 'b':
      out->classes |= BUFFER;
      break;
    case 'F':
      out->classes |= FUTURE;
      break;
    case '0':
      out->rank = 0;
      break;
    case '1':
      out->rank = 1;
      break;
    case '2':
      out->rank = 2;
      break;
    case 'S':
      out->is_static = true;
      break;
    case 'B':
      out->is_bounded = true;
      break;
    case 'U':
      out->unranked = true;
      break;
    case '*':
    case '+':
      out->repeat = *p;
      break;
    default:
      return p;
    }
  }
}

// The class bits that a value of |type| matches.
static unsigned classes_of(const PjType *type) {
  switch (type->kind) {
  case PJ_TYPE_TOKEN:
    return TOKEN;
  case PJ_TYPE_TUPLE:
    return TUPLE;
  case PJ_TYPE_BUFFER:
    return BUFFER;
  case PJ_TYPE_FUTURE:
    return FUTURE;
  case PJ_TYPE_TENSOR:
  case PJ_TYPE_UNRANKED:
    break;
  default:
    return 0;
  }
  if (type->quant)
    return type->quant->axis >= 0 ? PER_AXIS : PER_TENSOR;
  switch (type->dtype) {
  case PJ_DT_INDEX:
    return INDEX;
  case PJ_DT_TF32:
    return 0;
  case PJ_DT_S32:
    return SINT | I32;
  case PJ_DT_U32:
    return UINT | UI32;
  case PJ_DT_F32:
  case PJ_DT_F64:
    return FLOAT | FLOAT32_64;
  default:
    break;
  }
  switch (pj_dtype_class(type->dtype)) {
  case PJ_CLASS_PRED:
    return PRED;
  case PJ_CLASS_SINT:
    return SINT;
  case PJ_CLASS_UINT:
    return UINT;
  case PJ_CLASS_FLOAT:
    return FLOAT;
  case PJ_CLASS_COMPLEX:
    return COMPLEX;
  case PJ_CLASS_NONE:
    break;
  }
  return 0;
}

// Tuples hold tensors, buffers and tokens, nested as one likes.
static bool tuple_ok(const PjType *type) {
  for (uint32_t i = 0; i < type->num_elems; ++i) {
    const PjType *elem = type->elems[i];
    if (elem->kind == PJ_TYPE_TUPLE
            ? !tuple_ok(elem)
            : !(classes_of(elem) & ((ELEMENTS & ~(unsigned)INDEX) | TOKEN | BUFFER)))
      return false;
  }
  return true;
}

static bool one_bounded_dimension(const PjType *type) {
  int dynamic = 0, bounded = 0;
  for (int32_t i = 0; i < type->rank; ++i) {
    dynamic += type->dims[i] == PJ_DYN;
    bounded += pj__bound(type, i) != PJ_DYN;
  }
  return dynamic == 1 && bounded == 1;
}

static bool matches(const Item *item, const PjType *type) {
  unsigned classes = classes_of(type) & item->classes;
  if (!classes)
    return false;
  if (!(classes & ELEMENTS))
    return !(classes & TUPLE) || tuple_ok(type);
  if (type->kind == PJ_TYPE_UNRANKED)
    return item->unranked;
  if (item->rank >= 0 && type->rank != item->rank)
    return false;
  if (item->is_static || item->is_bounded)
    return pj_type_is_static(type) || (item->is_bounded && one_bounded_dimension(type));
  return true;
}

static const char *describe(PjCheck *check, const Item *item) {
  static const struct {
    unsigned bits;
    const char *text;
  } names[] = {{PRED, "boolean"},
               {SINT, "signed integer"},
               {UINT, "unsigned integer"},
               {FLOAT, "float"},
               {FLOAT32_64, "f32 or f64"},
               {COMPLEX, "complex"},
               {INDEX, "index"},
               {PER_TENSOR, "per-tensor quantized"},
               {PER_AXIS, "per-axis quantized"},
               {I32, "i32"},
               {UI32, "ui32"}};
  static const struct {
    unsigned bits;
    const char *text;
  } others[] = {{TOKEN, "a token"}, {TUPLE, "a tuple"}, {BUFFER, "a buffer"}, {FUTURE, "a future"}};
  PjStrBuf buf = {0};
  bool any = false;
  if (item->classes & ELEMENTS) {
    pj_strbuf_printf(&buf, "a%s tensor",
                     item->is_static  ? " statically shaped"
                     : item->unranked ? ""
                                      : " ranked");
    if (item->is_bounded)
      pj_strbuf_puts(&buf, " (statically shaped or with a single bounded dimension)");
    if (item->rank >= 0)
      pj_strbuf_printf(&buf, " of rank %d", item->rank);
    pj_strbuf_puts(&buf, " of ");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
      if (!(item->classes & names[i].bits))
        continue;
      pj_strbuf_printf(&buf, "%s%s", any ? ", " : "", names[i].text);
      any = true;
    }
    pj_strbuf_puts(&buf, " values");
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
    if (!(item->classes & others[i].bits))
      continue;
    pj_strbuf_printf(&buf, "%s%s", any ? " or " : "", others[i].text);
    any = true;
  }
  char stack[320];
  snprintf(stack, sizeof stack, "%s", buf.data ? buf.data : "");
  pj_strbuf_free(&buf);
  return pj_arena_strndup(check->arena, stack, strlen(stack));
}

static const PjType *value_type(const PjOp *op, bool results, uint32_t i) {
  return results ? pj__out(op, i) : pj__in(op, i);
}

// Checks one side of the signature, which begins at |p|.
static PjStatus check_side(PjCheck *check, const PjOp *op, const char *p, bool results) {
  const char *side = results ? "result" : "operand";
  uint32_t count = results ? op->num_results : op->num_operands, fixed = 0, repeated = 0, least = 0;
  Item item;
  for (const char *q = p; *q && *q != ' '; q += *q == ',') {
    q = read_item(q, &item);
    if (item.repeat)
      ++repeated;
    else
      ++fixed;
    least += item.repeat != '*';
  }
  PJ_REQUIRE(op, count >= least, "needs at least %u %s%s, but has %u", least, side,
             least == 1 ? "" : "s", count);
  PJ_REQUIRE(op, repeated || count == fixed, "needs %u %s%s, but has %u", fixed, side,
             fixed == 1 ? "" : "s", count);
  uint32_t share = repeated ? (count - fixed) / repeated : 0;
  PJ_REQUIRE(op, !repeated || share * repeated == count - fixed,
             "its %u %ss do not split into %u groups of one length", count - fixed, side, repeated);
  uint32_t i = 0;
  for (; *p && *p != ' '; p += *p == ',') {
    p = read_item(p, &item);
    for (uint32_t n = item.repeat ? share : 1; n; --n, ++i)
      PJ_REQUIRE(op, matches(&item, value_type(op, results, i)), "%s #%u must be %s, but got %s",
                 side, i, describe(check, &item), pj__type_text(check, value_type(op, results, i)));
  }
  return NULL;
}

PjStatus pj__check_signature(PjCheck *check, const PjOp *op, bool results) {
  const char *signature = pj__rules[op->kind].signature;
  if (!signature)
    return NULL;
  if (results) {
    signature = strstr(signature, "->") + 2;
    signature += *signature == ' ';
  }
  return check_side(check, op, *signature == '-' ? "" : signature, results);
}
