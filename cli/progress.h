// Progress on stderr for whatever takes longer than a second, when stderr is a terminal.
#pragma once

// Begins to say "pjrt: |what| ... 3 s" on one line that is renewed, from the first second on.
// |what| is copied. One at a time; a new one takes the place of the old one. Without a terminal, or
// a thread to do it, nothing happens.
void pj_show_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Ends it and clears the line. Before anything else is printed.
void pj_hide_progress(void);
