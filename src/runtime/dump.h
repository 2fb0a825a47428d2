// PJRT_DUMP: what the compiler makes of a program, as files in a folder.
#pragma once
#include "base/str.h"

typedef struct PjDump PjDump;

// A dump of one compilation into the folder that the option names, or NULL when there is none (or
// it cannot be written). Files are named NUMBER.NAME.STAGE, with a number per compilation of this
// process.
PjDump *pj_dump_open(PjStr program);
void pj_dump_close(PjDump *dump); // NULL allowed
// Writes |text| as stage |name|. NULL |dump| allowed: does nothing.
void pj_dump_text(PjDump *dump, const char *name, PjStr text);
