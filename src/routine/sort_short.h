// Rows of few keys, each sorted by a network whose exchanges are those of many rows at once.
#pragma once
#include <stdint.h>

// The most keys in a row: as many as a vector has lanes.
int64_t pj__short_row(void);
// Sorts each of |rows| rows of |n| keys, 2 <= n <= pj__short_row(), in place; PJ_SHORT_ROOM keys
// behind the last are overwritten.
void pj__sort_short_rows(int64_t rows, int64_t n, uint32_t *keys);
enum { PJ_SHORT_ROOM = 17 * 16 };
