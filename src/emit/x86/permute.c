// Lanes in any order, by AVX-512: one instruction takes the lanes of two parts, and its indices are
// a constant.
#include "emit/x86/lower.h"

enum { ANY = X86_ANY_LANE, MAX_LANES = 64 };

// By bytes of a lane.
static const uint32_t of_one_by[] = {[1] = X86_VPERMB, [2] = X86_VPERMW, [4] = X86_VPERMD},
                      of_two_by[] = {[1] = X86_VPERMI2B, [2] = X86_VPERMI2W, [4] = X86_VPERMI2D};

// What is asked for of the sources at hand.
typedef struct Want {
  int unit, lanes, size; // bytes of a lane; lanes and bytes of the result
  int per_part;          // lanes of a whole part
  int16_t from[MAX_LANES];
} Want;

// Bytes that the instruction must work on to reach the lanes asked for.
static int reach(const Want *w) {
  int last = w->lanes - 1;
  for (int i = 0; i < w->lanes; ++i)
    if (w->from[i] != ANY && w->from[i] % w->per_part > last)
      last = w->from[i] % w->per_part;
  int bytes = (last + 1) * w->unit;
  return bytes > 32 ? 64 : bytes > 16 ? 32 : 16;
}

// Lane i of the result is lane first + i, from |begin| to |end|.
static bool runs(const Want *w, int begin, int end, int first) {
  for (int i = begin; i < end; ++i)
    if (w->from[i] != ANY && w->from[i] != first + i - begin)
      return false;
  return true;
}

// Pairs, in 16 bytes the same everywhere: the immediate of vpshufd, or -1.
static int within_chunks(const Want *w) {
  int imm = 0, have[4] = {ANY, ANY, ANY, ANY};
  for (int i = 0; i < w->lanes; ++i) {
    if (w->from[i] == ANY)
      continue;
    int lane = w->from[i] % 4;
    if (w->from[i] / 4 != i / 4 || (have[i % 4] != ANY && have[i % 4] != lane))
      return -1;
    have[i % 4] = lane;
  }
  for (int i = 0; i < 4; ++i)
    imm |= (have[i] == ANY ? i : have[i]) << (2 * i);
  return imm;
}

static X86Op indices(Lower *l, const Want *w, int size) {
  uint8_t bytes[64] = {0};
  for (int i = 0; i < w->lanes; ++i) {
    int lane = w->from[i] == ANY ? i : w->from[i];
    // The second part's lanes follow the first one's, as many as |size| has.
    bytes[i * w->unit] = (uint8_t)(lane < w->per_part ? lane : lane - w->per_part + size / w->unit);
  }
  return x86_pool(l, bytes);
}

static X86Op of_one(Lower *l, X86Op part, const Want *w) {
  if (runs(w, 0, w->lanes, 0))
    return part;
  for (int at = 16; at < 64; at += 16) {
    if (!runs(w, 0, w->lanes, at / w->unit))
      continue;
    if (w->size == 16)
      return x86_chunk(l, part, at / 16);
    if (at == 32)
      return x86_mr(l, X86_VEC, X86_VEXTRACTI64X4, 64, part, 1);
  }
  int imm = w->unit == 4 ? within_chunks(w) : -1;
  if (imm >= 0)
    return x86_rmi(l, X86_VPSHUFD, w->size, x86_in_reg(l, X86_VEC, part), imm);
  int size = reach(w);
  if (size == 16 && w->unit == 4) // vpermd begins at 32
    size = 32;
  return x86_rvm(l, of_one_by[w->unit], size, indices(l, w, size), part);
}

// Two lanes of the first part, then two of the second, in 16 bytes the same everywhere: the
// immediate of vshufps, or -1.
static int pairs_of_two(const Want *w) {
  int imm = 0, have[4] = {ANY, ANY, ANY, ANY};
  for (int i = 0; i < w->lanes; ++i) {
    if (w->from[i] == ANY)
      continue;
    int lane = w->from[i] % w->per_part, second = w->from[i] >= w->per_part;
    if (second != (i % 4 >= 2) || lane / 4 != i / 4 ||
        (have[i % 4] != ANY && have[i % 4] != lane % 4))
      return -1;
    have[i % 4] = lane % 4;
  }
  for (int i = 0; i < 4; ++i)
    imm |= (have[i] == ANY ? 0 : have[i]) << (2 * i);
  return imm;
}

// Whole 16 bytes of the first part in the lower half, of the second in the upper: the immediate of
// vshuff32x4, or -1.
static int chunks_of_two(const Want *w) {
  int imm = 0, chunk = 16 / w->unit, chunks = w->size / 16, bits = w->size == 64 ? 2 : 1;
  for (int c = 0; c < chunks; ++c) {
    int first = 0;
    bool asked = false;
    for (int i = 0; i < chunk; ++i)
      if (w->from[c * chunk + i] != ANY) {
        first = w->from[c * chunk + i] - i; // below 0, too, where none fits
        asked = true;
      }
    if (!asked)
      continue;
    int from = first % w->per_part / chunk;
    if (first < 0 || first % chunk || from >= chunks ||
        (first >= w->per_part) != (c >= chunks / 2) || !runs(w, c * chunk, (c + 1) * chunk, first))
      return -1;
    imm |= from << (bits * c);
  }
  return imm;
}

static X86Op of_two(Lower *l, X86Op a, X86Op b, const Want *w) {
  int half = w->lanes / 2;
  if (w->size >= 32 && runs(w, 0, half, 0) && runs(w, half, w->lanes, w->per_part))
    return x86_join(l, w->size / 2, x86_in_reg(l, X86_VEC, a), b);
  int imm = w->unit == 4 ? pairs_of_two(w) : -1;
  if (imm >= 0)
    return x86_rvmi(l, X86_VSHUFPS, w->size, x86_in_reg(l, X86_VEC, a), b, imm);
  imm = w->size >= 32 ? chunks_of_two(w) : -1;
  if (imm >= 0)
    return x86_rvmi(l, X86_VSHUFF32X4, w->size, x86_in_reg(l, X86_VEC, a), b, imm);
  int size = reach(w);
  return x86_tied(l, of_two_by[w->unit], size, indices(l, w, size), a, b);
}

X86Op x86_permute(Lower *l, const X86Op *sources, const int16_t *want, int lanes, int unit) {
  Want w = {.unit = unit, .lanes = lanes, .per_part = 64 / unit};
  w.size = lanes * unit > 32 ? 64 : lanes * unit > 16 ? 32 : 16;
  X86Op out = {0};
  bool done[MAX_LANES] = {false};
  for (int left = 0; left < lanes;) {
    int source = ANY, taken = 0;
    for (int i = 0; i < lanes; ++i) {
      w.from[i] = out.kind != X86_NONE && done[i] ? (int16_t)i : ANY;
      if (done[i] || want[i] == ANY)
        continue;
      if (source == ANY)
        source = want[i] / w.per_part;
    }
    if (source == ANY)
      break;
    for (int i = 0; i < lanes; ++i)
      if (!done[i] && want[i] != ANY && want[i] / w.per_part == source) {
        w.from[i] = (int16_t)(want[i] % w.per_part);
        ++taken;
      }
    if (out.kind == X86_NONE) {
      // The first two at once.
      int second = ANY;
      for (int i = 0; i < lanes && second == ANY; ++i)
        if (want[i] != ANY && want[i] / w.per_part != source)
          second = want[i] / w.per_part;
      for (int i = 0; i < lanes; ++i) {
        done[i] =
            want[i] == ANY || want[i] / w.per_part == source || want[i] / w.per_part == second;
        if (second != ANY && want[i] != ANY && want[i] / w.per_part == second)
          w.from[i] = (int16_t)(want[i] % w.per_part + w.per_part);
      }
      out = second == ANY ? of_one(l, sources[source], &w)
                          : of_two(l, sources[source], sources[second], &w);
    } else {
      for (int i = 0; i < lanes; ++i)
        if (!done[i] && want[i] / w.per_part == source) {
          w.from[i] = (int16_t)(w.from[i] + w.per_part);
          done[i] = true;
        }
      out = of_two(l, out, sources[source], &w);
    }
    left += taken;
  }
  return out.kind == X86_NONE ? sources[0] : out;
}
