// elem_test.c for all types.
#define ELEM_SLOW
#include "elem_test.c"
