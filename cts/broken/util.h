// Calls of the sound plugin that faults need.
#pragma once
#include "broken.h"

// An event that is ready.
PJRT_Event *pj_broken_ready_event(void);
// An event that never is.
PJRT_Event *pj_broken_pending_event(void);
PJRT_Error *pj_broken_invalid(void); // some INVALID_ARGUMENT
PJRT_Device *pj_broken_first_device(PJRT_Client *client);
PJRT_Memory *pj_broken_default_memory(PJRT_Device *device);
void pj_broken_destroy_event(PJRT_Event *event);
void pj_broken_destroy_error(PJRT_Error *error);
