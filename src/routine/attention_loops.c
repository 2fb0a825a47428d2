// The vector loops of attention, for the processor at hand.
#include "routine/attention_loops.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/plan.h"
#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/attention_variant.h"
#include "routine/variants.h"

const PjAttentionLoops *pj__attention_loops(void) {
  return PJ_PICK(loops);
}
