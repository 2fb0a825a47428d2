// Running reductions by any body as loops: what simplify_window.c hands over.
#pragma once
#include "eval/window.h"
#include "pass/rewrite.h"

enum { PJ_MAX_SCANNED = 16 }; // operands

typedef struct PjScanLoop {
  uint32_t count;
  const PjRegion *body;  // spreads (pass/body.h), from 2 * count scalars to count
  const PjType *counter; // a scalar integer
  int32_t axis;          // along which
  bool suffix;           // from the last element to the first
} PjScanLoop;

// Whether the results of |w| along |axis| are running reductions, the first (of a suffix, the last)
// of them of one element.
bool pj_scan_fits(const PjWindow *w, PjWindowRun run, int32_t axis);

// What lies beside the array: left out by the evaluator where the init values combined with
// themselves stay as they are, bit for bit; else they count as so many elements more.
typedef enum PjInitKind { PJ_INIT_UNKNOWN, PJ_INIT_NEUTRAL, PJ_INIT_COUNTS } PjInitKind;

// |inits|: scalars. What is computed to tell goes before |at|, and is used by nothing.
PjInitKind pj_scan_init(PjRewrite *rw, PjOp *at, const PjRegion *body, uint32_t count,
                        PjValue *const *inits);

// Writes the loop over |operands|, of one shape, from scalars |inits|, both of the types that the
// body takes, before |at|. |out|: results of these types.
void pj_scan_write(PjRewrite *rw, PjOp *at, const PjScanLoop *what, PjValue *const *operands,
                   PjValue *const *inits, PjValue **out);
