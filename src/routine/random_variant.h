// Blocks of the counter-based generators, many at a time: loops over independent blocks, which
// become vector code.

// x[i], y[i]: the words of threefry's block |first| + i.
PJ_TARGET static void PJ_V(threefry)(const uint32_t *key, uint64_t first, uint32_t *x,
                                     uint32_t *y) {
  const uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
  for (int at = 0; at < BLOCKS; at += 16) {
    uint32_t a[16], b[16];
    for (int i = 0; i < 16; ++i) {
      const uint64_t counter = first + (uint64_t)(at + i);
      a[i] = (uint32_t)counter + keys[0];
      b[i] = (uint32_t)(counter >> 32) + keys[1];
    }
#define ROUND(turn)                                     \
  for (int i = 0; i < 16; ++i) {                        \
    a[i] += b[i];                                       \
    b[i] = (b[i] << turn | b[i] >> (32 - turn)) ^ a[i]; \
  }
#define INJECT(group)                      \
  for (int i = 0; i < 16; ++i) {           \
    a[i] += keys[group % 3];               \
    b[i] += keys[(group + 1) % 3] + group; \
  }
    ROUND(13)
    ROUND(15)
    ROUND(26)
    ROUND(6)
    INJECT(1)
    ROUND(17)
    ROUND(29)
    ROUND(16)
    ROUND(24)
    INJECT(2)
    ROUND(13)
    ROUND(15)
    ROUND(26)
    ROUND(6)
    INJECT(3)
    ROUND(17)
    ROUND(29)
    ROUND(16)
    ROUND(24)
    INJECT(4)
    ROUND(13)
    ROUND(15)
    ROUND(26)
    ROUND(6)
    INJECT(5)
#undef ROUND
#undef INJECT
    memcpy(x + at, a, sizeof a);
    memcpy(y + at, b, sizeof b);
  }
}

// The four words of philox' block i at out[4 * i]; the counter is 128 bits, |low| first.
PJ_TARGET static void PJ_V(philox)(const uint32_t *key, uint64_t low, uint64_t high,
                                   uint32_t *out) {
  for (int at = 0; at < BLOCKS; at += 8) {
    uint32_t w[4][8], k0 = key[0], k1 = key[1];
    for (int i = 0; i < 8; ++i) {
      const uint64_t counter = low + (uint64_t)(at + i), carried = high + (counter < low);
      w[0][i] = (uint32_t)counter;
      w[1][i] = (uint32_t)(counter >> 32);
      w[2][i] = (uint32_t)carried;
      w[3][i] = (uint32_t)(carried >> 32);
    }
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 8; ++i) {
        const uint64_t a = (uint64_t)w[0][i] * 0xD2511F53u, b = (uint64_t)w[2][i] * 0xCD9E8D57u;
        w[0][i] = (uint32_t)(b >> 32) ^ w[1][i] ^ k0;
        w[1][i] = (uint32_t)b;
        w[2][i] = (uint32_t)(a >> 32) ^ w[3][i] ^ k1;
        w[3][i] = (uint32_t)a;
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 8; ++i)
      for (int k = 0; k < 4; ++k)
        out[4 * (at + i) + k] = w[k][i];
  }
}
