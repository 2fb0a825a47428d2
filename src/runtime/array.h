// Arrays: the contents of buffers. Reference-counted, with an event that tells when the contents
// are there.
//
// Whoever makes an array gives it memory (one of the functions below) before its event is set with
// success; from then on only |refs| changes. Memory is row-major and dense, whatever layout the
// shape speaks of.
#pragma once
#include "eval/tensor.h"
#include "runtime/event.h"
#include "runtime/shape.h"

typedef struct PjArray PjArray;

typedef enum PjArrayMemory {
  PJ_ARRAY_NONE,    // not yet
  PJ_ARRAY_OWNED,   // from the driver
  PJ_ARRAY_TENSOR,  // of a tensor that the evaluator made
  PJ_ARRAY_FOREIGN, // of the host; |release| tells it when we are done
  PJ_ARRAY_BASE,    // of another array
} PjArrayMemory;

struct PjArray {
  _Atomic int refs;
  struct PjMemory *memory;
  const PjShape *shape;
  PjEvent *ready;
  PjArrayMemory kind;
  bool writable; // a program that alone holds the array may overwrite it
  bool placed;   // the contents must come to |data|
  void *data;
  PjTensor *tensor;
  PjArray *base;
  void (*release)(void *context, void *data);
  void *context;
};

// An array without memory whose contents come when |ready| does (NULL: a new pending event);
// retains all three. NULL without memory for it.
PjArray *pj_array_create(struct PjMemory *memory, const PjShape *shape, PjEvent *ready);
PjArray *pj_array_retain(PjArray *array);
void pj_array_release(PjArray *array); // NULL allowed

PjStatus pj_array_allocate(PjArray *array);
// Takes a reference to |tensor|, whose data are the array's; the memory must be visible to the
// host.
void pj_array_adopt(PjArray *array, PjTensor *tensor);
// Uses |data|; |release| (may be NULL) is called once at the end.
void pj_array_use_foreign(PjArray *array, void *data, bool writable,
                          void (*release)(void *context, void *data), void *context);
// Takes over the memory of |from|, of as many bytes, in the same memory of the same device, which
// its only holder gives up.
void pj_array_take_over(PjArray *array, PjArray *from);
// Uses the memory of |base|, whose bytes are as many; retains it.
void pj_array_use_base(PjArray *array, PjArray *base);

// Says that the contents come to |data|, memory of somebody else that the host can address: what
// gives the array memory later then copies there.
void pj_array_place(PjArray *array, void *data);

// The address at which the host sees the contents of a ready array, or NULL.
void *pj_array_host_pointer(const PjArray *array);
// True if only the caller holds the array and its memory, and may overwrite it.
bool pj_array_is_exclusive(const PjArray *array);

// Copies contents, synchronously. Ranges must lie in the array.
PjStatus pj_array_read(const PjArray *array, size_t offset, size_t size, void *dst);
PjStatus pj_array_write(PjArray *array, size_t offset, size_t size, const void *src);
// Sets all bytes to zero.
PjStatus pj_array_clear(PjArray *array);
// Brings the elements of an array that bytes were written to into their stored form (below).
PjStatus pj_array_canonicalize(PjArray *array);
// Copies all of |src| (ready) into |dst| (with memory), of the same number of bytes.
PjStatus pj_array_copy(PjArray *dst, const PjArray *src);

// Brings elements narrower than a byte into their stored form: copies of the sign, or zeros, above
// the value.
void pj_canonicalize_elements(PjDtype dtype, void *data, int64_t count);
