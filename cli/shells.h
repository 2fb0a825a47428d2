// The man page.
#pragma once
#include <stdio.h>

// Prints pjrt(1) as roff, from the table of commands and that of the library's options.
void pj_print_man_page(FILE *out);
