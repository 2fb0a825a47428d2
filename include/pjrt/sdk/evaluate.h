/* SDK, level (b): the evaluator, for what a compiler does not do itself.
 *
 * It computes any operation on host memory as the StableHLO specification says. A new compiler
 * walks over the operations of the entry, does those that it knows, and gives the others to
 * pjs_evaluate: complete from the first day.
 */
#ifndef PJRT_SDK_EVALUATE_H
#define PJRT_SDK_EVALUATE_H

#include "pjrt/sdk/ir.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Tensors: values of a run in host memory. Reference-counted; several threads may read one. */
typedef struct PjsTensor PjsTensor;

/* A tensor of a static |type| with undefined contents (64-byte aligned), or a token. NULL without
 * memory, or for any other type. The caller's reference. */
PjsTensor *pjs_tensor_new(const PjsType *type);
/* A tensor over |data|, which is only read. |release| (may be NULL) is called once when it is not
 * used any more. NULL as above; then |release| is not called. */
PjsTensor *pjs_tensor_wrap(const PjsType *type, const void *data, void (*release)(void *context),
                           void *context);
PjsTensor *pjs_tensor_retain(PjsTensor *tensor);
void pjs_tensor_release(PjsTensor *tensor); /* NULL allowed */
/* Of arrays. Contents may be written only by whoever made the tensor, before anybody else gets it.
 */
void *pjs_tensor_data(PjsTensor *tensor);
size_t pjs_tensor_bytes(const PjsTensor *tensor);
int pjs_tensor_rank(const PjsTensor *tensor); /* of dynamic types these say more than the type */
const int64_t *pjs_tensor_dims(const PjsTensor *tensor);

/* --- The evaluator of a module, which it must not outlive. */
typedef struct PjsEvaluator PjsEvaluator;

/* Errors: RESOURCE_EXHAUSTED. */
PjsError *pjs_evaluator_create(const PjsModule *module, PjsEvaluator **out);
void pjs_evaluator_destroy(PjsEvaluator *evaluator); /* NULL allowed */

/* Computes |op|, with its regions. |values| are the values of a run by number (pjs_value_number),
 * NULL where there is none: the operands of |op| and what its regions read from outside are
 * borrowed from there; its results are put there (the caller's references; what was in their places
 * is not looked at). Threads: any number at once, each with its own |values|. Errors (no result is
 * put): INVALID_ARGUMENT for an operand that is missing or has another type; those of the program.
 */
PjsError *pjs_evaluate(const PjsEvaluator *evaluator, const PjsOp *op, PjsTensor **values);

#ifdef __cplusplus
}
#endif

#endif
