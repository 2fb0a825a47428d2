// The hash of a finished function. Its values are numbered in the order of printing (kir_finish.c),
// so equal functions hash equally however they were built.
#include "base/hash.h"
#include "kernel/kir_build.h"

typedef struct Hash {
  uint64_t a, b;
} Hash;

static void add(Hash *h, uint64_t value) {
  h->a = pj_hash_u64(h->a, value);
  // Another mix, so that the two halves do not collide together.
  h->b = (h->b ^ (value + 0x9E3779B97F4A7C15ull)) * 0xD6E8FEB86659FD93ull;
  h->b ^= h->b >> 29;
}

void pj_kir_hash(const PjKir *k, uint64_t out[2]) {
  Hash hash = {PJ_HASH_SEED, 0x243F6A8885A308D3ull}, *h = &hash;
  add(h, (uint64_t)k->target->isa << 32 | (uint64_t)k->target->vector_bytes << 2 |
             (uint64_t)k->target->bytes_move << 1 | k->target->fma);
  // Instructions carry their block and blocks are numbered in order, so this says the structure as
  // well. Results and block arguments are instructions too.
  for (PjKirVal v = 1; v < k->insts.len; ++v) {
    const PjKirInst *inst = pj_kir_inst(k, v);
    add(h, (uint64_t)inst->op << 56 | (uint64_t)inst->type.elem << 48 |
               (uint64_t)inst->type.lanes << 40 | (uint64_t)inst->alias << 32 | inst->block);
    add(h, inst->imm);
    add(h, (uint64_t)inst->num_args << 32 | inst->blocks[0]);
    for (uint32_t i = 0; i < inst->num_args; ++i)
      add(h, inst->args[i]);
    for (int i = 0; inst->pattern && i < inst->type.lanes; ++i)
      add(h, inst->pattern[i]);
  }
  add(h, k->blocks.len);
  out[0] = hash.a;
  out[1] = hash.b;
}
