// The writer's tables, and the turning of tokens into bytes.
#include "import/bytecode/writer.h"

#include "base/hash.h"

void pj__bcw_put(PjBcw *w, PjTokens *out, PjTokenTag tag, uint64_t value) {
  PJ_PUSH(w->arena, out, ((PjToken){tag, value}));
}

// ----------------------------------------------------------------------------------------
// interning |by_hash| leads to the newest element with a hash (plus 1), |next| from each to an
// older one (plus 1).
typedef PJ_VEC(PjStr) Strs;
typedef PJ_VEC(uint64_t) Chain;

static uint32_t intern_bytes(PjBcw *w, Strs *list, PjMap *by_hash, Chain *next, PjStr text) {
  uint64_t hash = pj_hash_bytes(PJ_HASH_SEED, text.ptr, text.len);
  uint64_t *head = pj_map_find(by_hash, hash), first = head ? *head : 0;
  for (uint64_t at = first; at; at = next->data[at - 1])
    if (pj_str_eq(list->data[at - 1], text))
      return (uint32_t)(at - 1);
  PJ_PUSH(w->arena, list, text);
  PJ_PUSH(w->arena, next, first);
  pj_map_set(w->arena, by_hash, hash, list->len);
  return (uint32_t)(list->len - 1);
}

uint32_t pj__bcw_string(PjBcw *w, PjStr text) {
  return intern_bytes(w, (Strs *)&w->strings, &w->strings_by_hash, (Chain *)&w->strings_next, text);
}

uint32_t pj__bcw_blob(PjBcw *w, const void *data, size_t size) {
  return intern_bytes(w, (Strs *)&w->blobs, &w->blobs_by_hash, (Chain *)&w->blobs_next,
                      (PjStr){data, size});
}

static bool same_entry(const PjBcwTable *table, const PjBcwEntry *entry, PjBcwDialect dialect,
                       const PjTokens *tokens) {
  return entry->dialect == dialect && entry->end - entry->begin == tokens->len &&
         !memcmp(table->tokens.data + entry->begin, tokens->data, tokens->len * sizeof(PjToken));
}

uint32_t pj__bcw_intern(PjBcw *w, PjBcwTable *table, PjBcwDialect dialect, const PjTokens *tokens) {
  uint64_t hash =
      pj_hash_bytes(PJ_HASH_SEED + dialect, tokens->data, tokens->len * sizeof(PjToken));
  uint64_t *head = pj_map_find(&table->by_hash, hash), first = head ? *head : 0;
  for (uint64_t at = first; at; at = table->next.data[at - 1])
    if (same_entry(table, &table->entries.data[at - 1], dialect, tokens))
      return (uint32_t)(at - 1);
  size_t begin = table->tokens.len;
  for (size_t i = 0; i < tokens->len; ++i)
    PJ_PUSH(w->arena, &table->tokens, tokens->data[i]);
  PJ_PUSH(w->arena, &table->entries, ((PjBcwEntry){dialect, begin, table->tokens.len, 0}));
  PJ_PUSH(w->arena, &table->next, first);
  pj_map_set(w->arena, &table->by_hash, hash, table->entries.len);
  return (uint32_t)(table->entries.len - 1);
}

uint32_t pj__bcw_op_name(PjBcw *w, PjBcwDialect dialect, const char *name) {
  uint32_t string = pj__bcw_string(w, pj_str(name));
  for (size_t i = 0; i < w->ops.len; ++i)
    if (w->ops.data[i].dialect == dialect && w->ops.data[i].string == string)
      return (uint32_t)i;
  PJ_PUSH(w->arena, &w->ops, ((PjBcwOpName){dialect, name, string, 0}));
  return (uint32_t)(w->ops.len - 1);
}

// ----------------------------------------------------------------------------------------
// numbering
static void number_entries(PjBcwTable *table) {
  uint32_t next = 0;
  for (PjBcwDialect d = 0; d < PJ_BCW_DIALECTS; ++d)
    for (size_t i = 0; i < table->entries.len; ++i)
      if (table->entries.data[i].dialect == d)
        table->entries.data[i].number = next++;
}

void pj__bcw_number(PjBcw *w) {
  uint32_t next = 0;
  number_entries(&w->attrs);
  number_entries(&w->types);
  for (PjBcwDialect d = 0; d < PJ_BCW_DIALECTS; ++d)
    for (size_t i = 0; i < w->ops.len; ++i)
      if (w->ops.data[i].dialect == d)
        w->ops.data[i].number = next++;
}

// ---------------------------------------------------------------------------------------- bytes
void pj__bytes_put(PjBcw *w, PjBytes *out, const void *data, size_t size) {
  if (out->cap - out->len < size) {
    size_t cap = out->cap ? out->cap : 256;
    while (cap - out->len < size)
      cap *= 2;
    uint8_t *grown = pj_arena_alloc(w->arena, cap);
    if (out->len)
      memcpy(grown, out->data, out->len);
    out->data = grown;
    out->cap = cap;
  }
  if (size)
    memcpy(out->data + out->len, data, size);
  out->len += size;
}

// As many low zero bits as bytes follow the first, then a one, then the value.
void pj__bytes_varint(PjBcw *w, PjBytes *out, uint64_t value) {
  unsigned bits = value ? 64 - (unsigned)__builtin_clzll(value) : 1, size = (bits + 6) / 7;
  if (size > 8) {
    pj__bytes_put(w, out, "", 1);
    pj__bytes_put(w, out, &value, 8);
    return;
  }
  uint64_t encoded = (value << 1 | 1) << (size - 1);
  pj__bytes_put(w, out, &encoded, size);
}

static uint64_t zigzag(uint64_t value) {
  return value << 1 ^ (0 - (value >> 63));
}

// Puts a section header before the bytes written since |begin|.
static void close_section(PjBcw *w, PjBytes *out, size_t begin) {
  PjBytes head = {0};
  size_t size = out->len - begin;
  pj__bytes_put(w, &head, &(uint8_t){4}, 1);
  pj__bytes_varint(w, &head, size);
  pj__bytes_put(w, out, head.data, head.len);
  memmove(out->data + begin + head.len, out->data + begin, size);
  memcpy(out->data + begin, head.data, head.len);
}

void pj__bytes_tokens(PjBcw *w, PjBytes *out, const PjToken *tokens, size_t count) {
  PJ_VEC(size_t) open = {0};
  for (size_t i = 0; i < count; ++i) {
    uint64_t v = tokens[i].value;
    switch ((PjTokenTag)tokens[i].tag) {
    case PJ_TOKEN_VARINT:
      pj__bytes_varint(w, out, v);
      break;
    case PJ_TOKEN_SVARINT:
      pj__bytes_varint(w, out, zigzag(v));
      break;
    case PJ_TOKEN_BYTE:
      pj__bytes_put(w, out, &(uint8_t){(uint8_t)v}, 1);
      break;
    case PJ_TOKEN_STRING:
      pj__bytes_varint(w, out, v);
      break;
    case PJ_TOKEN_ATTR:
      pj__bytes_varint(w, out, w->attrs.entries.data[v].number);
      break;
    case PJ_TOKEN_OPT_ATTR:
      pj__bytes_varint(w, out, v ? (uint64_t)w->attrs.entries.data[v - 1].number << 1 | 1 : 0);
      break;
    case PJ_TOKEN_TYPE:
      pj__bytes_varint(w, out, w->types.entries.data[v].number);
      break;
    case PJ_TOKEN_TYPE_LOC:
      pj__bytes_varint(w, out, (uint64_t)w->types.entries.data[v].number << 1 | 1);
      break;
    case PJ_TOKEN_TYPE_BARE:
      pj__bytes_varint(w, out, (uint64_t)w->types.entries.data[v].number << 1);
      break;
    case PJ_TOKEN_BLOB:
      pj__bytes_varint(w, out, w->blobs.data[v].len);
      pj__bytes_put(w, out, w->blobs.data[v].ptr, w->blobs.data[v].len);
      break;
    case PJ_TOKEN_OP:
      pj__bytes_varint(w, out, w->ops.data[v].number);
      break;
    case PJ_TOKEN_OPEN:
      PJ_PUSH(w->arena, &open, out->len);
      break;
    case PJ_TOKEN_CLOSE:
      close_section(w, out, open.data[--open.len]);
      break;
    }
  }
}
