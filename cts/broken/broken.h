// The faults, one function each.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pjrt/pjrt_c_api.h"

extern const PJRT_Api *pj_real; // of the sound plugin
extern PJRT_Api pj_broken;      // the table that is handed out

PJRT_Event_OnReady pj_broken_watch; // the other half of event_callback_lost

#define FAULT(name, slot, test, text) PJRT_##slot pj_broken_##name;
#define TABLE_FAULT(name, test, text) void pj_broken_##name(void);
#include "faults.def"
#undef FAULT
#undef TABLE_FAULT
