// Small functions on vectors, and accesses of memory: printed once each, when first used.
#include "base/hash.h"
#include "emit/clike/emit.h"

static const char *const labels[PJ_KIR_ELEM_COUNT] = {"void", "i1",  "i8",  "i16", "i32",
                                                      "i64",  "f32", "f64", "ptr"};

static int width(PjKirType type) {
  return type.elem == PJ_KIR_I1 ? 32 : pj_kir_elem_bytes((PjKirElem)type.elem) * 8;
}

// True the first time for |name|.
static bool is_new(PjClike *c, const char *name) {
  uint64_t key = pj_hash_bytes(PJ_HASH_SEED, name, strlen(name));
  if (pj_map_find(&c->known, key))
    return false;
  pj_map_set(c->arena, &c->known, key, 1);
  return true;
}

const char *pj_clike__label(PjClike *c, PjKirType type) {
  return type.lanes > 1 ? pj_arena_printf(c->arena, "%sx%d", labels[type.elem], type.lanes)
                        : labels[type.elem];
}

// The least size that the dialect tells apart which holds |bytes|: 16, 32 or 64; else 0.
static int size_class(int bytes) {
  return bytes <= 16 ? 16 : bytes <= 32 ? 32 : bytes <= 64 ? 64 : 0;
}

// Declares a type of |lanes| elements of |bits|.
static const char *vector_type(PjClike *c, const char *elem, const char *prefix, int bits,
                               int lanes) {
  int size = size_class(bits / 8 * lanes);
  const char *name = pj_arena_printf(c->arena, "%sx%d", prefix, lanes);
  if (is_new(c, name)) {
    const char *kind = size ? pj_arena_printf(c->arena, "TYPE%d", size) : "ARRAY";
    pj_strbuf_printf(&c->types, "%s(%s, %s, %d);\n", kind, elem, name, lanes);
  }
  return name;
}

const char *pj_clike__type(PjClike *c, PjKirType type) {
  if (type.lanes <= 1)
    return c->dialect->elems[type.elem];
  // Lanes of masks are signed: what comparisons give.
  const char *const *elems = type.elem == PJ_KIR_I1 ? c->dialect->signeds : c->dialect->elems;
  return vector_type(c, elems[type.elem], labels[type.elem], width(type), type.lanes);
}

static PjKirElem int_of_width(PjKirType type) {
  int bytes = pj_kir_elem_bytes((PjKirElem)type.elem);
  return bytes == 8 ? PJ_KIR_I64 : bytes == 4 ? PJ_KIR_I32 : bytes == 2 ? PJ_KIR_I16 : PJ_KIR_I8;
}

static const char *unsigned_vector(PjClike *c, PjKirType type) {
  return pj_clike__type(c, pj_kir_type(int_of_width(type), type.lanes));
}

static const char *signed_vector(PjClike *c, PjKirType type) {
  if (type.elem == PJ_KIR_I1)
    return pj_clike__type(c, type);
  const char *prefix = pj_arena_printf(c->arena, "s%d", width(type));
  return vector_type(c, c->dialect->signeds[type.elem], prefix, width(type), type.lanes);
}

static void expand_code(PjClike *c, char code, PjKirType result, const PjKirType *types,
                        const char *const *operands, const char *const *signeds,
                        const char *amount) {
  PjStrBuf *out = &c->scratch;
  PjKirType first = types[0];
  const char *elem = c->dialect->elems[result.elem];
  bool narrow = result.elem == PJ_KIR_I8 || result.elem == PJ_KIR_I16;
  switch (code) {
  case 'a':
    pj_strbuf_puts(out, operands[0]);
    break;
  case 'b':
    pj_strbuf_puts(out, operands[1]);
    break;
  case 'c':
    pj_strbuf_puts(out, operands[2]);
    break;
  case '1':
    pj_strbuf_puts(out, signeds[0]);
    break;
  case '2':
    pj_strbuf_puts(out, signeds[1]);
    break;
  case 'n':
    pj_strbuf_puts(out, amount);
    break;
  case 't':
    pj_strbuf_puts(out, elem);
    break;
  case 's':
    pj_strbuf_puts(out, c->dialect->signeds[result.elem]);
    break;
  case 'k':
    if (narrow)
      pj_strbuf_printf(out, "(%s)", elem);
    break;
  case 'x':
    if (narrow)
      pj_strbuf_printf(out, "(%s)", c->dialect->elems[PJ_KIR_I32]);
    break;
  case 'f':
    pj_strbuf_puts(out, first.elem == PJ_KIR_F32 ? "f" : "");
    break;
  case 'w':
    pj_strbuf_printf(out, "%d", width(first));
    break;
  case 'm':
    pj_strbuf_printf(out, "%d", width(first) - 1);
    break;
  case 'g':
    pj_strbuf_puts(out, width(first) == 64 ? "UINT64_C(0x8000000000000000)" : "0x80000000u");
    break;
  case 'V':
    pj_strbuf_printf(out, "RAW(%s)", pj_clike__type(c, result));
    break;
  case 'S':
    pj_strbuf_printf(out, "RAW(%s)", signed_vector(c, result));
    break;
  case 'I':
    pj_strbuf_printf(out, "RAW(%s)", unsigned_vector(c, result));
    break;
  case 'D':
    pj_strbuf_printf(out, "RAW(%s)", signed_vector(c, first));
    break;
  default:
    pj_strbuf_putc(out, '$');
    break;
  }
}

const char *pj_clike__expand(PjClike *c, const char *form, PjKirType result, const PjKirType *types,
                             const char *const *operands, const char *const *signeds,
                             const char *amount) {
  c->scratch.len = 0;
  for (const char *p = form; *p; ++p)
    if (*p == '$' && p[1])
      expand_code(c, *++p, result, types, operands, signeds, amount);
    else
      pj_strbuf_putc(&c->scratch, *p);
  return c->scratch.failed ? "" : pj_arena_strndup(c->arena, c->scratch.data, c->scratch.len);
}

// One lane of |op| and the form on whole vectors where masks or bits make them special.
PjClikeForm pj_clike__form(PjClike *c, PjKirOp op, PjKirType result, PjKirType first) {
  PjClikeForm form = c->dialect->forms[op];
  bool from_mask = first.elem == PJ_KIR_I1, to_mask = result.elem == PJ_KIR_I1;
  bool vector = result.lanes > 1;
  if (op == PJ_KIR_SEXT && from_mask) // Lanes of vectors are -1 already.
    form = (PjClikeForm){vector ? "($t)$a" : "($t)-(int)$a", "($V)CONVERT(a.at, $S)"};
  else if (op == PJ_KIR_ZEXT && from_mask)
    form = (PjClikeForm){vector ? "($t)($a & 1)" : "($t)$a", "($V)-CONVERT(a.at, $S)"};
  else if (op == PJ_KIR_TRUNC && to_mask)
    form = (PjClikeForm){"($a & 1)", "CONVERT(-(($D)a.at & 1), $V)"};
  else if (op == PJ_KIR_BITCAST)
    form = (PjClikeForm){result.elem == PJ_KIR_F32   ? "f32_of_bits($a)"
                         : result.elem == PJ_KIR_F64 ? "f64_of_bits($a)"
                                                     : "i$w_of_float($a)",
                         "($V)a.at"};
  return form;
}

const char *pj_clike__lanewise(PjClike *c, PjKirOp op, PjKirType result, uint32_t n,
                               const PjKirType *types) {
  const char *names[3] = {"a", "b", "c"}, *lanes[3], *signeds[2] = {"", ""}, *amount = "";
  const PjClikeForm form = pj_clike__form(c, op, result, types[0]);
  bool cast = op >= PJ_KIR_SEXT && op <= PJ_KIR_F32TOF16,
       compare = op >= PJ_KIR_EQ && op <= PJ_KIR_UNO;
  const char *name =
      pj_arena_printf(c->arena, "%s_%s%s%s", pj_clike__label(c, compare ? types[0] : result),
                      pj_kir_op_info[op].text, cast ? "_" : "", cast ? labels[types[0].elem] : "");
  if (!is_new(c, name))
    return name;
  if (!form.scalar) {
    c->unsupported = true;
    return name;
  }
  bool vector = result.lanes > 1;
  for (uint32_t i = 0; i < n; ++i)
    lanes[i] = vector ? pj_arena_printf(c->arena, "AT(%s, l)", names[i]) : names[i];
  for (uint32_t i = 0; i < n && i < 2; ++i)
    signeds[i] = pj_arena_printf(c->arena, "(%s)%s", c->dialect->signeds[types[i].elem], lanes[i]);
  if (n > 1)
    amount = pj_arena_printf(c->arena, "(%s & %d)", lanes[1], width(types[0]) - 1);
  const char *one = pj_clike__expand(c, form.scalar, result, types, lanes, signeds, amount);
  const char *whole = form.vector && vector
                          ? pj_clike__expand(c, form.vector, result, types, names, signeds, amount)
                          : NULL;
  const char *type = pj_clike__type(c, result);
  int bytes = width(result) / 8 * result.lanes;
  for (uint32_t i = 0; i < n; ++i)
    if (width(types[i]) / 8 * types[i].lanes > bytes)
      bytes = width(types[i]) / 8 * types[i].lanes;
  PjStrBuf *out = &c->helpers;
  pj_strbuf_printf(out, "%s %s %s(", c->dialect->function, type, name);
  for (uint32_t i = 0; i < n; ++i)
    pj_strbuf_printf(out, "%s%s %s", i ? ", " : "", pj_clike__type(c, types[i]), names[i]);
  pj_strbuf_puts(out, ") { ");
  // Comparisons of lanes give 0 or 1, masks hold 0 or -1.
  const char *minus =
      vector && result.elem == PJ_KIR_I1 && (compare || op == PJ_KIR_TRUNC) ? "-" : "";
  if (!vector)
    pj_strbuf_printf(out, "return %s;", one);
  else if (whole && size_class(bytes))
    pj_strbuf_printf(out, "PICK%d(((%s){%s}), EACH(%s, %d, %s%s))", size_class(bytes), type, whole,
                     type, result.lanes, minus, one);
  else
    pj_strbuf_printf(out, "EACH(%s, %d, %s%s)", type, result.lanes, minus, one);
  pj_strbuf_puts(out, " }\n");
  return name;
}

const char *pj_clike__splat(PjClike *c, PjKirType type) {
  const char *name = pj_arena_printf(c->arena, "%s_splat", pj_clike__label(c, type));
  if (!is_new(c, name))
    return name;
  const char *vector = pj_clike__type(c, type);
  PjStrBuf *out = &c->helpers;
  bool mask = type.elem == PJ_KIR_I1;
  pj_strbuf_printf(out, "%s %s %s(%s a) { ", c->dialect->function, vector, name,
                   c->dialect->elems[type.elem]);
  pj_strbuf_printf(out, "return (%s){{", vector);
  for (int l = 0; l < type.lanes; ++l)
    pj_strbuf_printf(out, "%s%sa", l ? ", " : "", mask ? "-" : "");
  pj_strbuf_puts(out, "}}; }\n");
  return name;
}

// Loads and stores of |type| at p + i, all lanes.
static void print_contiguous(PjClike *c, const char *name, PjKirType type, bool store) {
  const char *vector = pj_clike__type(c, type);
  int bytes = pj_kir_elem_bytes((PjKirElem)type.elem);
  if (store)
    pj_strbuf_printf(
        &c->helpers,
        "%s void %s(%s a, void *p, int64_t i) { memcpy((char *)p + i * %d, &a, sizeof a); }\n",
        c->dialect->function, name, vector, bytes);
  else
    pj_strbuf_printf(&c->helpers,
                     "%s %s %s(const void *p, int64_t i) { %s r; memcpy(&r, (const char *)p + i * "
                     "%d, sizeof r); "
                     "return r; }\n",
                     c->dialect->function, vector, name, vector, bytes);
}

// The others touch one element at a time.
static void print_by_lanes(PjClike *c, const char *name, PjKirType type, PjKirType index,
                           bool store, bool indexed, bool masked) {
  PjKirType elem = {type.elem, 1}, mask = {PJ_KIR_I1, type.lanes};
  bool vector = type.lanes > 1;
  const char *at = !indexed
                       ? vector ? "i + l" : "i"
                       : pj_arena_printf(c->arena, "(%s)AT(i, l)", c->dialect->signeds[index.elem]);
  const char *one = pj_clike__access(c, store ? PJ_KIR_STORE : PJ_KIR_LOAD, elem, index, false);
  const char *index_type = indexed ? pj_clike__type(c, index) : "int64_t",
             *type_name = pj_clike__type(c, type);
  const char *mask_param =
      masked ? pj_arena_printf(c->arena, ", %s m", pj_clike__type(c, mask)) : "";
  const char *when = !masked  ? ""
                     : vector ? "if (AT(m, l)) "
                              : "if (m) ",
             *lane = vector ? "AT(a, l)" : "a";
  const char *each =
      vector ? pj_arena_printf(c->arena, "for (int l = 0; l < %d; ++l) ", type.lanes) : "";
  PjStrBuf *out = &c->helpers;
  if (store)
    pj_strbuf_printf(out, "%s void %s(%s a, void *p, %s i%s) { %s%s%s(%s, p, %s); }\n",
                     c->dialect->function, name, type_name, index_type, mask_param, each, when, one,
                     lane, at);
  else
    pj_strbuf_printf(out,
                     "%s %s %s(const void *p, %s i%s) { %s a%s; %s%s%s = %s(p, %s); return a; }\n",
                     c->dialect->function, type_name, name, index_type, mask_param, type_name,
                     !masked  ? ""
                     : vector ? " = {{0}}"
                              : " = 0",
                     each, when, lane, one, at);
}

const char *pj_clike__access(PjClike *c, PjKirOp op, PjKirType value, PjKirType index,
                             bool masked) {
  bool store = op == PJ_KIR_STORE || op == PJ_KIR_SCATTER;
  bool indexed = op == PJ_KIR_SCATTER || op == PJ_KIR_GATHER || op == PJ_KIR_READG;
  const char *verb = indexed ? store ? "scatter" : "gather" : store ? "store" : "load";
  const char *name = pj_arena_printf(c->arena, "%s_%s%s%s", pj_clike__label(c, value), verb,
                                     !indexed                   ? ""
                                     : index.elem == PJ_KIR_I32 ? "_i32"
                                                                : "_i64",
                                     masked ? "_masked" : "");
  if (!is_new(c, name))
    return name;
  if (indexed || masked)
    print_by_lanes(c, name, value, index, store, indexed, masked);
  else
    print_contiguous(c, name, value, store);
  return name;
}
