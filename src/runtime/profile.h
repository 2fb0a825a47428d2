// A profile as profilers read it: an XSpace, the message of xplane.proto in TSL.
#pragma once
#include "base/str.h"
#include "base/trace.h"

// Appends what the log holds of the time from |begin_ns| to |end_ns| (pj_trace_clock): one plane,
// with a line per thread. What is known of a step (flops, bytes, source ...) is in the metadata of
// its events. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_profile_write(int64_t begin_ns, int64_t end_ns, PjStrBuf *out);
