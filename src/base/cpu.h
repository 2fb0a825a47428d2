// What the processor can do, for code that exists in several variants and picks one at run time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Sets of instructions that are used together.
enum {
  PJ_CPU_AVX2 = 1,         // AVX2, FMA and BMI2
  PJ_CPU_F16C = 2,         // f16 to and from f32
  PJ_CPU_AVX512 = 4,       // AVX-512 F, BW, VL and DQ
  PJ_CPU_AVX512_BF16 = 8,  // dot products of bf16
  PJ_CPU_AVX512_VNNI = 16, // dot products of 8-bit integers
  PJ_CPU_AMX = 32,         // tiles of bf16 and 8-bit integers; routine/gemm_tiles.c asks for them
  PJ_CPU_AVX512_VBMI = 64, // bytes of two vectors in any order
};

// The sets that this machine has, reduced to what the option PJRT_CPU allows; 0 on other
// architectures. The option is read once. Threads: any.
uint32_t pj_cpu_features(void);
static inline bool pj_cpu_has(uint32_t set) {
  return (pj_cpu_features() & set) == set;
}

// Can it run generated code at all? On x86-64 that asks for SSE4.2 and POPCNT at least (x86-64-v2).
bool pj_cpu_runs_generated_code(void);

// Test hook: from now on the features are those of the machine that |mask| has too; ~0 brings all
// back.
void pj_cpu_limit(uint32_t mask);
