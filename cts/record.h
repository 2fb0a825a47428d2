// What the process of one test tells the process that started it, in memory that both map. A test
// that crashes or hangs has then still said where it was.
#pragma once
#include "pjrt/pjrt_c_api.h"
#include "pjrt/pjrt_slots.h"

typedef enum {
  PJ_CTS_RUNNING = 0, // in the record of a finished process: it ended on its own, without a verdict
  PJ_CTS_PASSED,
  PJ_CTS_FAILED,
  PJ_CTS_CRASHED,     // ended by a signal, or left with a status of its own
  PJ_CTS_HUNG,        // ended by the time limit
  PJ_CTS_NOT_OFFERED, // the plugin says that it does not do this: a slot beyond its version, or
                      // UNIMPLEMENTED
  PJ_CTS_UNSUPPORTED, // does not pass, and the profile declares so
  PJ_CTS_NUM_VERDICTS
} PjCtsVerdict;

typedef struct PjCtsRecord {
  PjCtsVerdict verdict;
  int line;
  char file[64];
  char message[3072];
  int slot;                                  // of the call in progress, -1 between calls
  unsigned char called[PJRT_API_SLOT_COUNT]; // 1: never with success, 2: with success
  unsigned char not_offered[PJRT_API_SLOT_COUNT];
} PjCtsRecord;
