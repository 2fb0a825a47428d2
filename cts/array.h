// Element types, and arrays as text: "f32[2,3] 1 2 3 4 5 6".
#pragma once
#include "kit.h"

typedef enum { PJ_INT, PJ_UINT, PJ_FLOAT, PJ_COMPLEX, PJ_BOOL } PjCtsClass;

typedef struct PjCtsType {
  PJRT_Buffer_Type type;
  const char *name; // as in tests' names and arrays
  const char *mlir; // as in programs
  PjCtsClass class;
  int host_bytes;               // of one element on the host: those below a byte take one
  int bits;                     // of a number, or of each part of a complex one
  int exponent, mantissa, bias; // of floats
  bool infinities;              // false: at most NaN
  bool negative_zero_is_nan;    // the FNUZ types
  bool old;                     // known to every version; else the last to be asked for
} PjCtsType;

extern const PjCtsType pj_cts_types[];
extern const size_t pj_cts_num_types;
const PjCtsType *pj_cts_type_named(const char *name, size_t length); // null if there is none

// Value to bits and back, round to nearest even, overflow to infinity (to NaN where there is none).
// |value| must be no NaN for the types without one, and a power of two where there is no mantissa.
uint64_t pj_cts_encode(const PjCtsType *type, double value);
double pj_cts_decode(const PjCtsType *type, uint64_t bits);

typedef struct PjCtsArray {
  const PjCtsType *type;
  size_t rank, count;
  int64_t dims[16];
  unsigned char *data; // row-major
} PjCtsArray;

// Reads one array up to the end of the line. Numbers: decimal, inf, nan, true, false, a:b for
// complex; "v*N" is v N times; "iota" counts from 0. The kit's own faults end the test.
PjCtsArray pj_cts_parse(const char *text, size_t length);
// Compares with what a device made, |tolerance| relative and, near zero, absolute; 0: the same
// values. Fails the test.
void pj_cts_compare(const PjCtsArray *got, const PjCtsArray *want, double tolerance,
                    const char *what);
PJRT_Buffer *pj_cts_upload(const PjCtsArray *array);
// Checks type and shape against |like|.
PjCtsArray pj_cts_download(PJRT_Buffer *buffer, const PjCtsArray *like, const char *what);
