// The table of the kernels for small matrices.
#include "routine/small.h"

#include <math.h>
#include <string.h>

#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/small_variant.h"
#include "routine/variants.h"

const PjSmall *pj__small(bool wide) {
  return &PJ_PICK(small)[wide];
}
