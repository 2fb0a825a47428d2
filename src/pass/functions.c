// Functions that were written out become operations again.
//
//   %1 = negate %x ; %2 = multiply %x, %1 ; %3 = log_plus_one %2 ; ... ; %39 = select ...
//     =>  %1 = chlo.erf_inv %x
//
// Frameworks hand programs over in StableHLO alone, so erfc and erf^-1 of f32 (in exact GELU,
// normal distribution and random.normal) arrive as what chlo-legalize-to-stablehlo makes of them:
// some sixty operations, rounded one by one, with both sides of every choice. Those of
// kernel/math.h are nearer to the true values and take half the time.
//
// What is matched is that form, operand by operand and number by number, from its last operation,
// a select, up to %x; whatever differs anywhere stays as it is. It is dead then, unless something
// else uses parts of it. Runs before the simplifier, which would write it in other ways. Linear: a
// select of another kind fails within a few steps.
#include <string.h>

#include "pass/build.h"
#include "pass/constant.h"
#include "pass/passes.h"

typedef const PjValue V;

static V *operand(V *v, PjOpKind kind, uint32_t i) {
  return v && v->def && v->def->kind == kind ? v->def->operands[i] : NULL;
}

static bool is_number(V *v, float number) {
  if (!v || !pj_type_is_tensor(v->type) || v->type->dtype != PJ_DT_F32)
    return false;
  const void *element = pj_const_splat(v);
  return element && !memcmp(element, &number, sizeof number);
}

// |v| = kind(number, *out), or kind(*out, number).
static bool from_number(V *v, PjOpKind kind, float number, V **out) {
  *out = operand(v, kind, 1);
  return *out && is_number(operand(v, kind, 0), number);
}
static bool with_number(V *v, PjOpKind kind, V **out, float number) {
  *out = operand(v, kind, 0);
  return *out && is_number(operand(v, kind, 1), number);
}

static bool is_unary(V *v, PjOpKind kind, V *x) {
  return x && operand(v, kind, 0) == x;
}
static bool is_product(V *v, V *a, V *b) {
  return a && b && operand(v, PJ_OP_MULTIPLY, 0) == a && operand(v, PJ_OP_MULTIPLY, 1) == b;
}

// |v| tells whether *out DIRECTION number.
static bool compares(V *v, V **out, int direction, float number) {
  return with_number(v, PJ_OP_COMPARE, out, number) &&
         PJ_INT(v->def, comparison_direction) == direction;
}

// |v| is a polynomial in *x by Horner's rule, of the |n| coefficients |c|, the highest power first.
static bool is_polynomial(V *v, const float *c, uint32_t n, V **x) {
  *x = NULL;
  for (uint32_t i = n - 1; i > 0; --i) {
    V *term;
    if (!with_number(v, PJ_OP_ADD, &term, c[i]) || !(v = operand(term, PJ_OP_MULTIPLY, 0)))
      return false;
    V *variable = operand(term, PJ_OP_MULTIPLY, 1);
    if (*x && *x != variable)
      return false;
    *x = variable;
  }
  return is_number(v, c[0]);
}

// --- erfc ----------------------------------------------------------------------------------------

// Of erf x / x in x^2, below 1; of x e^(x^2) erfc x in 1 / x^2, below 2 and from there on.
static const float erf_near[] = {7.85386146e-5f, -8.01019371e-4f, 5.18832775e-3f, -2.68538129e-2f,
                                 1.12835854e-1f, -3.7612626e-1f,  1.12837911f};
static const float erfc_middle[] = {2.32682e-2f,   -1.38703942e-1f, 3.68742466e-1f,
                                    -5.824733e-1f, 6.21000469e-1f,  -4.94451523e-1f,
                                    3.40488e-1f,   -2.741127e-1f,   5.63825965e-1f};
static const float erfc_far[] = {-1.0477664e+1f, 1.29772e+1f,   -7.49551868f,    2.921019f,
                                 -1.01526523f,   4.2184633e-1f, -2.82076746e-1f, 5.641895e-1f};
#define COUNT(list) (sizeof(list) / sizeof *(list))

// e^(-x^2) / |x| times a polynomial, or 0.
static bool is_erfc_tail(V *v, V *x) {
  V *minus_square, *magnitude, *inverse, *again, *pred = operand(v, PJ_OP_SELECT, 0);
  if (!compares(pred, &minus_square, PJ_CMP_LT, -88.72284f) ||
      !is_number(operand(v, PJ_OP_SELECT, 1), 0))
    return false;
  V *square = operand(minus_square, PJ_OP_NEGATE, 0), *product = operand(v, PJ_OP_SELECT, 2);
  V *scale = operand(product, PJ_OP_MULTIPLY, 0), *choice = operand(product, PJ_OP_MULTIPLY, 1);
  return is_product(square, x, x) &&
         is_unary(operand(scale, PJ_OP_MULTIPLY, 0), PJ_OP_EXPONENTIAL, minus_square) &&
         from_number(operand(scale, PJ_OP_MULTIPLY, 1), PJ_OP_DIVIDE, 1, &magnitude) &&
         is_unary(magnitude, PJ_OP_ABS, x) &&
         compares(operand(choice, PJ_OP_SELECT, 0), &again, PJ_CMP_LT, 2) && again == magnitude &&
         is_polynomial(operand(choice, PJ_OP_SELECT, 1), erfc_middle, COUNT(erfc_middle),
                       &inverse) &&
         is_polynomial(operand(choice, PJ_OP_SELECT, 2), erfc_far, COUNT(erfc_far), &again) &&
         again == inverse && from_number(inverse, PJ_OP_DIVIDE, 1, &again) && again == square;
}

static PjValue *match_erfc(V *v) {
  V *magnitude, *erf, *square, *again, *far = operand(v, PJ_OP_SELECT, 2);
  if (!compares(operand(v, PJ_OP_SELECT, 0), &magnitude, PJ_CMP_LT, 1))
    return NULL;
  V *x = operand(magnitude, PJ_OP_ABS, 0), *tail = operand(far, PJ_OP_SELECT, 2);
  bool is = x && from_number(operand(v, PJ_OP_SELECT, 1), PJ_OP_SUBTRACT, 1, &erf) &&
            is_polynomial(operand(erf, PJ_OP_MULTIPLY, 1), erf_near, COUNT(erf_near), &square) &&
            operand(erf, PJ_OP_MULTIPLY, 0) == x && is_product(square, x, x) &&
            compares(operand(far, PJ_OP_SELECT, 0), &again, PJ_CMP_LT, 0) && again == x &&
            from_number(operand(far, PJ_OP_SELECT, 1), PJ_OP_SUBTRACT, 2, &again) &&
            again == tail && is_erfc_tail(tail, x);
  return is ? (PjValue *)x : NULL;
}

// --- erf^-1 --------------------------------------------------------------------------------------

// Of erf^-1(x) / x, w = -log(1 - x^2): in w - 2.5 below 5, in sqrt w - 3 from there on.
static const float central[] = {2.81022636e-8f,  3.43273939e-7f, -3.5233877e-6f,
                                -4.39150654e-6f, 2.1858087e-4f,  -1.253725e-3f,
                                -4.17768164e-3f, 2.46640727e-1f, 1.50140941f};
static const float outer[] = {-2.00214257e-4f, 1.00950558e-4f, 1.34934322e-3f,
                              -3.67342844e-3f, 5.73950773e-3f, -7.6224613e-3f,
                              9.43887047e-3f,  1.001674f,      2.83297682f};

static bool is_choice(V *v, V *pred, float yes, float no) {
  return operand(v, PJ_OP_SELECT, 0) == pred && is_number(operand(v, PJ_OP_SELECT, 1), yes) &&
         is_number(operand(v, PJ_OP_SELECT, 2), no);
}

// |v| is the polynomial in |variable| whose coefficients |pred| chooses.
static bool is_chosen_polynomial(V *v, V *pred, V *variable) {
  for (uint32_t i = COUNT(central) - 1; i > 0; --i) {
    V *term = operand(v, PJ_OP_ADD, 1);
    if (!is_choice(operand(v, PJ_OP_ADD, 0), pred, central[i], outer[i]) ||
        operand(term, PJ_OP_MULTIPLY, 1) != variable)
      return false;
    v = operand(term, PJ_OP_MULTIPLY, 0);
  }
  return is_choice(v, pred, central[0], outer[0]);
}

static PjValue *match_erf_inv(V *v) {
  V *magnitude, *x, *w, *again, *product = operand(v, PJ_OP_SELECT, 2);
  if (!compares(operand(v, PJ_OP_SELECT, 0), &magnitude, PJ_CMP_EQ, 1) ||
      !with_number(operand(v, PJ_OP_SELECT, 1), PJ_OP_MULTIPLY, &x, __builtin_inff()) ||
      !is_unary(magnitude, PJ_OP_ABS, x) || operand(product, PJ_OP_MULTIPLY, 1) != x)
    return NULL;
  V *polynomial = operand(product, PJ_OP_MULTIPLY, 0);
  V *variable = operand(operand(polynomial, PJ_OP_ADD, 1), PJ_OP_MULTIPLY, 1);
  V *pred = operand(variable, PJ_OP_SELECT, 0);
  if (!compares(pred, &w, PJ_CMP_LT, 5))
    return NULL;
  V *square = operand(operand(w, PJ_OP_NEGATE, 0), PJ_OP_LOG_PLUS_ONE, 0), *root;
  bool is = operand(square, PJ_OP_MULTIPLY, 0) == x &&
            is_unary(operand(square, PJ_OP_MULTIPLY, 1), PJ_OP_NEGATE, x) &&
            with_number(operand(variable, PJ_OP_SELECT, 1), PJ_OP_SUBTRACT, &again, 2.5f) &&
            again == w &&
            with_number(operand(variable, PJ_OP_SELECT, 2), PJ_OP_SUBTRACT, &root, 3) &&
            is_unary(root, PJ_OP_SQRT, w) && is_chosen_polynomial(polynomial, pred, variable);
  return is ? (PjValue *)x : NULL;
}

// -------------------------------------------------------------------------------------------------

static void rewrite(PjRewrite *rw, PjOp *op) {
  PjOpKind kind = PJ_OP_CHLO_ERFC;
  PjValue *x = match_erfc(&op->results[0]);
  if (!x) {
    kind = PJ_OP_CHLO_ERF_INV;
    x = match_erf_inv(&op->results[0]);
  }
  if (x && pj_type_is_static(x->type))
    pj_rw_become(rw, op, pj_build_unary(rw, op, kind, x, x->type));
}

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  enum { MATCHED = 128 }; // operations that one match looks at
  (void)context;
  if (op->kind == PJ_OP_SELECT && !rw->exhausted && pj_rw_spend(rw, MATCHED))
    rewrite(rw, op);
}

PjStatus pj_pass_functions(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}
