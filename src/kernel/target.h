// What generators must know of the machine that a kernel is for.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum PjIsa {
  PJ_ISA_SSE,    // x86-64 with SSE4.2
  PJ_ISA_AVX2,   // with FMA, F16C, BMI2
  PJ_ISA_AVX512, // F, BW, DQ, VL, CD
  PJ_ISA_NEON,   // aarch64
  PJ_ISA_COUNT
} PjIsa;

typedef struct PjKirTarget {
  PjIsa isa;
  int vector_bytes; // of one register: 16, 32, 64
  bool fma;         // a fused multiply-add is one instruction
  bool bytes_move;  // bytes of two registers come in any order by one instruction (AVX-512 VBMI)
  int64_t l1_bytes, l2_bytes, l3_bytes; // data caches that one thread can count on
  // A kernel that moves more bytes than this writes past the caches (kir.def, STORE): what it wrote
  // first would have left them before anybody reads it. INT64_MAX: none does.
  int64_t past_bytes;
  // But for one that moves no more than this, running it shows which way is better
  // (sched/trial.h). So it does for one whose results are not read again in the program, if it
  // moves more than |returned_bytes|: others use the last cache as well.
  int64_t tried_bytes, returned_bytes;
  // Reductions that read more bytes than this read long rows in several places at a time.
  int64_t streamed_bytes;
  int threads;
} PjKirTarget;

// The machine this process runs on, as far as option PJRT_CPU allows; made once.
const PjKirTarget *pj_kir_target_host(void);
// A target of the given kind with plausible cache sizes, for tests and cross generation.
PjKirTarget pj_kir_target_of(PjIsa isa);
const char *pj_isa_name(PjIsa isa); // "sse", "avx2", "avx512", "neon"
