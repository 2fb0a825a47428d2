#include "wire.h"

static void put(PjStrBuf *out, uint64_t value) {
  pj_strbuf_append(out, &value, sizeof value);
}

void wire_write(const PjKir *k, PjStrBuf *out) {
  put(out, k->target->isa);
  put(out, k->num_buffers);
  put(out, k->num_params);
  put(out, k->insts.len);
  for (size_t v = 1; v < k->insts.len; ++v) {
    const PjKirInst *i = &k->insts.data[v];
    put(out, i->op);
    put(out, i->type.elem | (uint64_t)i->type.lanes << 8 | (uint64_t)i->alias << 16);
    put(out, i->block);
    put(out, i->imm);
    put(out, i->blocks[0]);
    put(out, i->blocks[1]);
    put(out, i->num_args);
    pj_strbuf_append(out, i->args, i->num_args * sizeof *i->args);
    if (i->op == PJ_KIR_SHUFFLE)
      pj_strbuf_append(out, i->pattern, i->type.lanes);
  }
  put(out, k->blocks.len);
  for (size_t b = 1; b < k->blocks.len; ++b) {
    const PjKirBlock *block = &k->blocks.data[b];
    put(out, block->parent);
    put(out, block->depth);
    put(out, block->owner);
    put(out, block->args.len);
    put(out, block->insts.len);
    pj_strbuf_append(out, block->args.data, block->args.len * sizeof(PjKirVal));
    pj_strbuf_append(out, block->insts.data, block->insts.len * sizeof(PjKirVal));
  }
}

typedef struct Reader {
  PjArena *arena;
  const char *at, *end;
  bool failed;
} Reader;

static void *take(Reader *r, size_t count, size_t size) {
  if (r->failed || (size && count > (size_t)(r->end - r->at) / size)) {
    r->failed = true;
    return NULL;
  }
  void *copy = pj_arena_memdup(r->arena, r->at, count * size);
  r->at += count * size;
  return copy;
}

static uint64_t get(Reader *r) {
  const uint64_t *word = take(r, 1, 8);
  return word ? *word : 0;
}

static void read_inst(Reader *r, PjKirInst *i) {
  i->op = (uint8_t)get(r);
  uint64_t type = get(r);
  i->type = pj_kir_type((PjKirElem)(type & 255), type >> 8 & 255);
  i->alias = (uint8_t)(type >> 16);
  i->block = (uint32_t)get(r);
  i->imm = get(r);
  i->blocks[0] = (uint32_t)get(r);
  i->blocks[1] = (uint32_t)get(r);
  i->num_args = (uint32_t)get(r);
  i->args = take(r, i->num_args, sizeof *i->args);
  if (i->op == PJ_KIR_SHUFFLE)
    i->pattern = take(r, i->type.lanes, 1);
}

static void read_block(Reader *r, PjKirBlock *b) {
  b->parent = (uint32_t)get(r);
  b->depth = (uint32_t)get(r);
  b->owner = (PjKirVal)get(r);
  b->args.len = get(r);
  b->insts.len = get(r);
  b->args.data = take(r, b->args.len, sizeof(PjKirVal));
  b->insts.data = take(r, b->insts.len, sizeof(PjKirVal));
}

PjStatus wire_read(PjArena *arena, const void *data, size_t size, PjKir **out) {
  Reader r = {arena, data, (const char *)data + size, false};
  PjKirTarget *target = PJ_NEW(arena, PjKirTarget);
  *target = pj_kir_target_of((PjIsa)(get(&r) % PJ_ISA_COUNT));
  PjKir *k = pj_kir_create(arena, target, "wire");
  k->num_buffers = (uint32_t)get(&r);
  k->num_params = (uint32_t)get(&r);
  k->insts.len = get(&r);
  k->insts.data = PJ_NEW_ARRAY(arena, PjKirInst, r.failed ? 1 : k->insts.len);
  for (size_t v = 1; v < k->insts.len && !r.failed; ++v)
    read_inst(&r, &k->insts.data[v]);
  k->blocks.len = get(&r);
  k->blocks.data = PJ_NEW_ARRAY(arena, PjKirBlock, r.failed ? 1 : k->blocks.len);
  for (size_t b = 1; b < k->blocks.len && !r.failed; ++b)
    read_block(&r, &k->blocks.data[b]);
  PJ_FAIL_IF(r.failed || r.at != r.end, INTERNAL, "these bytes are no kernel");
  *out = k;
  return NULL;
}
