// The rules of the simplifier, each as text before and after.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pass_support.h"

// A program of one result: what main takes, the type that it returns, its operations before, and
// after. The last value is %r. Dead operations are dropped by the comparison itself: see below.
typedef struct Case {
  const char *args, *type, *before, *after;
} Case;

#define F                   "tensor<4xf32>"
#define D                   "tensor<4xf64>"
#define I                   "tensor<4xi32>"
#define U                   "tensor<4xui32>"
#define P                   "tensor<4xi1>"
#define S                   "tensor<f32>"
#define SI                  "tensor<i32>"
#define M                   "tensor<2x3xf32>"
#define OP                  "stablehlo."
#define CF(name, value)     "%" name " = " OP "constant dense<" value "> : " F "\n"
#define CI(name, value)     "%" name " = " OP "constant dense<" value "> : " I "\n"
#define CS(name, value)     "%" name " = " OP "constant dense<" value "> : " SI "\n"
#define CU(name, value)     "%" name " = " OP "constant dense<" value "> : " U "\n"
#define CP(name, value)     "%" name " = " OP "constant dense<" value "> : " P "\n"
#define BIN(r, op, a, b, t) "%" r " = " OP op " %" a ", %" b " : " t "\n"
#define UN(r, op, a, t)     "%" r " = " OP op " %" a " : " t "\n"
#define CMP(r, dir, a, b, t) \
  "%" r " = " OP "compare " dir ", %" a ", %" b " : (" t ", " t ") -> " P "\n"
#define CMPS(r, dir, a, b, t) \
  "%" r " = " OP "compare " dir ", %" a ", %" b ", SIGNED : (" t ", " t ") -> " P "\n"
#define CVT(r, a, from, to) "%" r " = " OP "convert %" a " : (" from ") -> " to "\n"
#define RSH(r, a, from, to) "%" r " = " OP "reshape %" a " : (" from ") -> " to "\n"
#define TRN(r, a, d, from, to) \
  "%" r " = " OP "transpose %" a ", dims = [" d "] : (" from ") -> " to "\n"
#define BRC(r, a, d, from, to) \
  "%" r " = " OP "broadcast_in_dim %" a ", dims = [" d "] : (" from ") -> " to "\n"
#define SEL(r, p, a, b, tp, t) "%" r " = " OP "select %" p ", %" a ", %" b " : " tp ", " t "\n"

// Division and remainder that round down, as jax.numpy writes them: %a by %c is %x, %z is 0.
#define REST BIN("t", "remainder", "a", "c", I) CMP("n", "NE", "t", "z", I)
#define MODULO                                                                               \
  REST CMP("l", "LT", "t", "z", I) BIN("p", "and", "l", "n", P) BIN("s", "add", "t", "c", I) \
      SEL("x", "p", "s", "t", P, I)
#define FLOOR                                                                              \
  REST BIN("q", "divide", "a", "c", I) UN("g", "sign", "a", I) CMP("l", "NE", "g", "o", I) \
      BIN("p", "and", "l", "n", P) BIN("s", "add", "q", "m", I) SEL("x", "p", "s", "q", P, I)

static const Case floors[] = {
    {"%a: " I, I, CI("c", "8") CI("z", "0") MODULO, CI("c", "7") BIN("r", "and", "a", "c", I)},
    {"%a: " I, I, CI("c", "8") CI("z", "0") CI("o", "1") CI("m", "-1") FLOOR,
     CI("c", "3") BIN("r", "shift_right_arithmetic", "a", "c", I)},
    // By other numbers only the test is shorter.
    {"%a: " I, I, CI("c", "6") CI("z", "0") MODULO,
     CI("c", "6") CI("z", "0") BIN("t", "remainder", "a", "c", I) CMP("l", "LT", "t", "z", I)
         BIN("s", "add", "t", "c", I) SEL("r", "l", "s", "t", P, I)},
    {"%a: " I, I, CI("c", "6") CI("z", "0") CI("o", "1") CI("m", "-1") FLOOR,
     CI("c", "6") CI("z", "0") CI("m", "-1") BIN("t", "remainder", "a", "c", I)
         BIN("q", "divide", "a", "c", I) CMPS("l", "LT", "t", "z", I) BIN("s", "add", "q", "m", I)
             SEL("r", "l", "s", "q", P, I)},
    // A negative divisor, and a quotient that is rounded up.
    {"%a: " I, I, CI("c", "-8") CI("z", "0") MODULO,
     CI("c", "-8") CI("z", "0") REST CMP("l", "LT", "t", "z", I) BIN("p", "and", "l", "n", P)
         BIN("s", "add", "t", "c", I) SEL("r", "p", "s", "t", P, I)},
    {"%a: " I, I, CI("c", "8") CI("z", "0") CI("o", "1") CI("m", "1") FLOOR,
     CI("c", "8") CI("z", "0") CI("m", "1") CI("k", "7") BIN("t", "and", "a", "k", I) CMPS(
         "n", "NE", "t", "z", I) BIN("q", "divide", "a", "c", I) CMPS("l", "LE", "a", "z", I)
         BIN("p", "and", "l", "n", P) BIN("s", "add", "q", "m", I) SEL("r", "p", "s", "q", P, I)},
    {"%a: " I, P,
     CI("c", "4") CI("z", "0") BIN("t", "remainder", "a", "c", I) CMP("x", "EQ", "t", "z", I),
     CI("z", "0") CI("c", "3") BIN("t", "and", "a", "c", I) CMPS("r", "EQ", "t", "z", I)},
    {"%a: " I, P, CI("c", "-1") UN("g", "sign", "a", I) CMP("x", "EQ", "g", "c", I),
     CI("z", "0") CMPS("r", "LT", "a", "z", I)},
    {"%a: " I, P, CI("c", "0") UN("g", "sign", "a", I) CMP("x", "NE", "g", "c", I),
     CI("z", "0") CMPS("r", "NE", "a", "z", I)},
};

// "" after: the argument %r itself is returned.
static const Case arithmetic[] = {
    {"%r: " F, F, CF("c", "1.0") BIN("x", "multiply", "r", "c", F), ""},
    {"%r: " F, F, CF("c", "1.0") BIN("x", "multiply", "c", "r", F), ""},
    {"%r: " F, F, CF("c", "-0.0") BIN("x", "add", "r", "c", F), ""},
    {"%a: " F, F, CF("c", "0.0") BIN("x", "add", "a", "c", F),
     CF("c", "0.0") BIN("r", "add", "a", "c", F)},
    {"%a: " F, F, CF("c", "0.0") UN("e", "abs", "a", F) BIN("x", "add", "e", "c", F),
     UN("r", "abs", "a", F)},
    {"%a: " F ", %b: " F, F,
     CF("c", "0.0") UN("e", "abs", "a", F) BIN("m", "maximum", "e", "b", F)
         BIN("x", "add", "m", "c", F),
     CF("c", "0.0") UN("e", "abs", "a", F) BIN("m", "maximum", "e", "b", F)
         BIN("r", "add", "m", "c", F)},
    {"%a: " I, I,
     CI("c", "9") CI("d", "-1") BIN("x", "subtract", "c", "a", I) BIN("y", "add", "x", "d", I),
     CI("c", "8") BIN("r", "subtract", "c", "a", I)},
    {"%r: " F, F, CF("c", "0.0") BIN("x", "subtract", "r", "c", F), ""},
    {"%a: " F, F, CF("c", "-0.0") BIN("x", "subtract", "a", "c", F),
     CF("c", "-0.0") BIN("r", "subtract", "a", "c", F)},
    {"%a: " F, F, CF("c", "0.0") BIN("x", "multiply", "a", "c", F),
     CF("c", "0.0") BIN("r", "multiply", "a", "c", F)},
    {"%a: " F, F, BIN("x", "subtract", "a", "a", F), BIN("r", "subtract", "a", "a", F)},
    {"%a: " I, I, BIN("x", "subtract", "a", "a", I), CI("r", "0")},
    {"%r: " I, I, CI("c", "0") BIN("x", "add", "r", "c", I), ""},
    {"%a: " I, I, CI("c", "0") BIN("x", "multiply", "a", "c", I), CI("r", "0")},
    // Positions.
    {"", U, "%i = " OP "iota dim = 0 : tensor<4xui64>\n" CVT("x", "i", "tensor<4xui64>", U),
     "%r = " OP "iota dim = 0 : " U "\n"},
    {"", U,
     "%i = " OP "iota dim = 0 : tensor<4xui64>\n%c = " OP
     "constant dense<7> : tensor<4xui64>\n" BIN("p", "multiply", "i", "c", "tensor<4xui64>")
         CVT("x", "p", "tensor<4xui64>", U),
     "%i = " OP "iota dim = 0 : " U "\n" CU("c", "7") BIN("r", "multiply", "i", "c", U)},
    {"", U,
     "%i = " OP "iota dim = 0 : " U "\n" CU("c", "2") BIN("x", "shift_right_logical", "i", "c", U),
     CU("r", "0")},
    {"%a: " I, I,
     CI("c", "3") CI("d", "4") BIN("x", "add", "a", "c", I) BIN("y", "add", "x", "d", I),
     CI("c", "7") BIN("r", "add", "a", "c", I)},
    {"%a: " I, I, CI("c", "3") BIN("x", "subtract", "a", "c", I),
     CI("c", "-3") BIN("r", "add", "a", "c", I)},
    {"%r: " I ", %b: " I, I, BIN("x", "add", "r", "b", I) BIN("y", "subtract", "x", "b", I), ""},
    {"%r: " F, F, CF("c", "1.0") BIN("x", "divide", "r", "c", F), ""},
    {"%a: " F, F, CF("c", "8.0") BIN("x", "divide", "a", "c", F),
     CF("c", "0.125") BIN("r", "multiply", "a", "c", F)},
    {"%a: " F, F, CF("c", "3.0") BIN("x", "divide", "a", "c", F),
     CF("c", "3.0") BIN("r", "divide", "a", "c", F)},
    {"%a: " U, U, CU("c", "8") BIN("x", "divide", "a", "c", U),
     CU("c", "3") BIN("r", "shift_right_logical", "a", "c", U)},
    {"%a: " U, U, CU("c", "8") BIN("x", "remainder", "a", "c", U),
     CU("c", "7") BIN("r", "and", "a", "c", U)},
    {"%a: " I, I, CI("c", "8") BIN("x", "divide", "a", "c", I),
     CI("c", "8") BIN("r", "divide", "a", "c", I)},
    {"%a: " F, F, CF("c", "2.0") BIN("x", "power", "a", "c", F), BIN("r", "multiply", "a", "a", F)},
    {"%r: " F, F, CF("c", "1.0") BIN("x", "power", "r", "c", F), ""},
    {"%a: " F, F, CF("c", "0.0") BIN("x", "power", "a", "c", F), CF("r", "1.0")},
    {"%r: " F, F, CF("c", "0xFF800000") BIN("x", "maximum", "c", "r", F), ""},
    {"%r: " F, F, CF("c", "0x7F800000") BIN("x", "minimum", "r", "c", F), ""},
    {"%r: " I, I, CI("c", "-2147483648") BIN("x", "maximum", "r", "c", I), ""},
    {"%a: " I, I, CI("c", "2147483647") BIN("x", "maximum", "a", "c", I), CI("r", "2147483647")},
    {"%r: " F, F, BIN("x", "minimum", "r", "r", F), ""},
    {"%r: " F, F, UN("x", "negate", "r", F) UN("y", "negate", "x", F), ""},
    {"%a: " F, F, UN("x", "negate", "a", F) UN("y", "abs", "x", F), UN("r", "abs", "a", F)},
    {"%a: " F, F, UN("x", "floor", "a", F) UN("y", "ceil", "x", F), UN("r", "floor", "a", F)},
    {"%a: " F, F, "%x = chlo.square %a : " F " -> " F "\n", BIN("r", "multiply", "a", "a", F)},
    {"%a: " U, U,
     CU("c", "3") BIN("x", "shift_left", "a", "c", U) BIN("y", "shift_left", "x", "c", U),
     CU("c", "6") BIN("r", "shift_left", "a", "c", U)},
    {"%a: " U, U, CU("c", "40") BIN("x", "shift_left", "a", "c", U), CU("r", "0")},
    {"%r: " F ", %b: " F, F,
     "%c = " OP "complex %r, %b : tensor<4xcomplex<f32>>\n"
     "%x = " OP "real %c : (tensor<4xcomplex<f32>>) -> " F "\n",
     ""},
    {"%r: tensor<4xcomplex<f32>>", "tensor<4xcomplex<f32>>",
     "%x = " OP "real %r : (tensor<4xcomplex<f32>>) -> " F "\n"
     "%y = " OP "imag %r : (tensor<4xcomplex<f32>>) -> " F "\n"
     "%z = " OP "complex %x, %y : tensor<4xcomplex<f32>>\n",
     ""},
    {"%r: " F, F, "%x = " OP "reduce_precision %r, format = e8m23 : " F "\n", ""},
};

static const Case logic[] = {
    // choices by one predicate that meet
    {"%p: " P ", %g: " F, F,
     CF("z", "0.0") SEL("x", "p", "g", "z", P, F) SEL("y", "p", "z", "g", P, F)
         UN("n", "negate", "y", F) BIN("w", "add", "x", "n", F),
     CF("z", "0.0") UN("n", "negate", "g", F) BIN("m", "add", "n", "z", F)
         SEL("r", "p", "g", "m", P, F)},
    {"%p: " P, F,
     CF("z", "0.0") CF("o", "1.0") SEL("x", "p", "z", "o", P, F) CF("c", "2.0")
         BIN("y", "add", "x", "c", F) BIN("w", "divide", "o", "y", F),
     CF("a", "0.5") CF("b", "0.333333343") SEL("r", "p", "a", "b", P, F)},
    {"%p: " P ", %g: " F, F,
     CF("z", "0.0") CF("o", "1.0") SEL("x", "p", "g", "z", P, F) BIN("w", "multiply", "x", "x", F),
     CF("z", "0.0") SEL("x", "p", "g", "z", P, F) BIN("r", "multiply", "x", "x", F)},
    {"%r: " P, P, CP("c", "true") BIN("x", "and", "c", "r", P), ""},
    {"%a: " P, P, CP("c", "false") BIN("x", "and", "a", "c", P), CP("r", "false")},
    {"%r: " P, P, CP("c", "false") BIN("x", "or", "r", "c", P), ""},
    {"%a: " P, P, UN("x", "not", "a", P) BIN("y", "or", "a", "x", P), CP("r", "true")},
    {"%a: " I, I, CI("c", "-1") BIN("x", "xor", "a", "c", I), UN("r", "not", "a", I)},
    {"%r: " I ", %b: " I, I, BIN("x", "xor", "r", "b", I) BIN("y", "xor", "x", "b", I), ""},
    {"%a: " I, P, CMP("x", "LE", "a", "a", I), CP("r", "true")},
    {"%a: " F, P, CMP("x", "LE", "a", "a", F), CMP("r", "LE", "a", "a", F)},
    {"%a: " U, P, CU("c", "0") CMP("x", "LT", "a", "c", U), CP("r", "false")},
    {"%a: " I, P, CI("c", "5") CMP("x", "LT", "c", "a", I),
     CI("c", "5") CMP("r", "GT", "a", "c", I)},
    {"%r: " P, P, CVT("i", "r", P, I) CI("c", "0") CMP("x", "NE", "i", "c", I), ""},
    {"%a: " P, P, CVT("i", "a", P, I) CI("c", "0") CMP("x", "EQ", "i", "c", I),
     UN("r", "not", "a", P)},
    {"%r: " P, P, CP("c", "true") CMP("x", "EQ", "r", "c", P), ""},
    // an index of iota is not negative
    {"%a: " I, I,
     "%i = " OP "iota dim = 0 : " I "\n" CI("c", "0") CI("n", "4") CMP("p", "LT", "i", "c", I)
         BIN("j", "add", "i", "n", I) SEL("x", "p", "j", "i", P, I) BIN("y", "add", "x", "a", I),
     "%i = " OP "iota dim = 0 : " I "\n" BIN("r", "add", "i", "a", I)},
    {"%p: " P ", %r: " F, F, SEL("x", "p", "r", "r", P, F), ""},
    {"%p: " P ", %r: " F ", %b: " F, F, CP("c", "true") SEL("x", "c", "r", "b", P, F), ""},
    {"%r: " P, P, CP("t", "true") CP("f", "false") SEL("x", "r", "t", "f", P, P), ""},
    {"%p: " P ", %a: " F ", %b: " F, F, UN("n", "not", "p", P) SEL("x", "n", "a", "b", P, F),
     SEL("r", "p", "b", "a", P, F)},
    {"%p: " P ", %a: " F ", %b: " F ", %c: " F, F,
     SEL("x", "p", "a", "b", P, F) SEL("y", "p", "x", "c", P, F), SEL("r", "p", "a", "c", P, F)},
    {"%p: " P ", %a: " P, P, CP("f", "false") SEL("x", "p", "a", "f", P, P),
     BIN("r", "and", "p", "a", P)},
    {"%r: " I, I,
     CI("a", "0") CI("b", "7") CI("c", "9")
         BIN("x", "and", "r", "b", I) "%y = " OP "clamp %a, %x, %c : " I "\n",
     CI("b", "7") "%x = stablehlo.and %r, %b : " I "\n"},
    {"%a: tensor<4xbf16>", "tensor<4xf64>", CVT("x", "a", "tensor<4xbf16>", F) CVT("y", "x", F, D),
     CVT("r", "a", "tensor<4xbf16>", D)},
    {"%r: " F, F, CVT("x", "r", F, D) CVT("y", "x", D, F), ""},
    {"%a: " F, F, CVT("x", "a", F, "tensor<4xf16>") CVT("y", "x", "tensor<4xf16>", F),
     CVT("x", "a", F, "tensor<4xf16>") CVT("r", "x", "tensor<4xf16>", F)},
    {"%r: tensor<4xi8>", "tensor<4xi8>",
     CVT("x", "r", "tensor<4xi8>", I) CVT("y", "x", I, "tensor<4xi8>"), ""},
    {"%a: " I, "tensor<4xi8>", CVT("x", "a", I, D) CVT("y", "x", D, "tensor<4xi8>"),
     CVT("x", "a", I, D) CVT("r", "x", D, "tensor<4xi8>")},
    {"%r: " F, F,
     "%x = " OP "bitcast_convert %r : (" F ") -> " I "\n%y = " OP "bitcast_convert %x : (" I
     ") -> " F "\n",
     ""},
};

static const Case shape[] = {
    {"%a: " M, "tensor<6xf32>",
     RSH("x", "a", M, "tensor<3x2xf32>") RSH("y", "x", "tensor<3x2xf32>", "tensor<6xf32>"),
     RSH("r", "a", M, "tensor<6xf32>")},
    {"%r: " M, M,
     TRN("x", "r", "1, 0", M, "tensor<3x2xf32>") TRN("y", "x", "1, 0", "tensor<3x2xf32>", M), ""},
    // Channels that become pixels, and back.
    {"%a: tensor<3x4x8xf32>", "tensor<6x16xf32>",
     TRN("x", "a", "2, 0, 1", "tensor<3x4x8xf32>", "tensor<8x3x4xf32>")
         RSH("y", "x", "tensor<8x3x4xf32>", "tensor<2x2x2x3x4xf32>")
             TRN("z", "y", "3, 1, 4, 2, 0", "tensor<2x2x2x3x4xf32>", "tensor<3x2x4x2x2xf32>")
                 RSH("w", "z", "tensor<3x2x4x2x2xf32>", "tensor<6x16xf32>"),
     RSH("x", "a", "tensor<3x4x8xf32>", "tensor<3x4x2x2x2xf32>")
         TRN("y", "x", "0, 3, 1, 4, 2", "tensor<3x4x2x2x2xf32>", "tensor<3x2x4x2x2xf32>")
             RSH("r", "y", "tensor<3x2x4x2x2xf32>", "tensor<6x16xf32>")},
    {"%a: tensor<3x2x4x5xf32>", "tensor<15x8xf32>",
     TRN("x", "a", "1, 2, 0, 3", "tensor<3x2x4x5xf32>", "tensor<2x4x3x5xf32>")
         RSH("y", "x", "tensor<2x4x3x5xf32>", "tensor<8x15xf32>")
             TRN("z", "y", "1, 0", "tensor<8x15xf32>", "tensor<15x8xf32>"),
     RSH("x", "a", "tensor<3x2x4x5xf32>", "tensor<3x8x5xf32>")
         TRN("y", "x", "0, 2, 1", "tensor<3x8x5xf32>", "tensor<3x5x8xf32>")
             RSH("r", "y", "tensor<3x5x8xf32>", "tensor<15x8xf32>")},
    // Six by four cannot be cut so that it is four by six.
    {"%a: tensor<4x6xf32>", "tensor<6x4xf32>",
     TRN("x", "a", "1, 0", "tensor<4x6xf32>", "tensor<6x4xf32>")
         RSH("y", "x", "tensor<6x4xf32>", "tensor<4x6xf32>")
             TRN("z", "y", "1, 0", "tensor<4x6xf32>", "tensor<6x4xf32>"),
     TRN("x", "a", "1, 0", "tensor<4x6xf32>", "tensor<6x4xf32>")
         RSH("y", "x", "tensor<6x4xf32>", "tensor<4x6xf32>")
             TRN("r", "y", "1, 0", "tensor<4x6xf32>", "tensor<6x4xf32>")},
    {"%a: tensor<2x1x3xf32>", "tensor<1x2x3xf32>",
     TRN("x", "a", "1, 0, 2", "tensor<2x1x3xf32>", "tensor<1x2x3xf32>"),
     RSH("r", "a", "tensor<2x1x3xf32>", "tensor<1x2x3xf32>")},
    {"%a: " F, "tensor<4x1xf32>", BRC("x", "a", "0", F, "tensor<4x1xf32>"),
     RSH("r", "a", F, "tensor<4x1xf32>")},
    {"%a: " F, "tensor<4x5xf32>",
     BRC("x", "a", "0", F, "tensor<4x1xf32>")
         BRC("y", "x", "0, 1", "tensor<4x1xf32>", "tensor<4x5xf32>"),
     BRC("r", "a", "0", F, "tensor<4x5xf32>")},
    {"%a: " M, "tensor<3x2xf32>", BRC("x", "a", "1, 0", M, "tensor<3x2xf32>"),
     TRN("r", "a", "1, 0", M, "tensor<3x2xf32>")},
    {"%a: " M, "tensor<5x2x3xf32>",
     TRN("x", "a", "1, 0", M, "tensor<3x2xf32>")
         BRC("y", "x", "2, 1", "tensor<3x2xf32>", "tensor<5x2x3xf32>"),
     BRC("r", "a", "1, 2", M, "tensor<5x2x3xf32>")},
    {"%a: " F, "tensor<5x4xf32>",
     BRC("x", "a", "0", F, "tensor<4x5xf32>")
         TRN("y", "x", "1, 0", "tensor<4x5xf32>", "tensor<5x4xf32>"),
     BRC("r", "a", "1", F, "tensor<5x4xf32>")},
    {"%a: " F, "tensor<4x1x5xf32>",
     BRC("x", "a", "0", F, "tensor<4x5xf32>") RSH("y", "x", "tensor<4x5xf32>", "tensor<4x1x5xf32>"),
     BRC("r", "a", "0", F, "tensor<4x1x5xf32>")},
    {"%a: " S, "tensor<4x5xi32>",
     "%i = " OP
     "iota dim = 0 : tensor<4xi32>\n" BRC("x", "i", "0", "tensor<4xi32>", "tensor<4x5xi32>"),
     "%r = " OP "iota dim = 0 : tensor<4x5xi32>\n"},
    {"%a: " S, "tensor<4x5xf32>",
     "%c = " OP "constant dense<2.0> : " S "\n" BRC("x", "c", "", S, "tensor<4x5xf32>"),
     "%r = " OP "constant dense<2.0> : tensor<4x5xf32>\n"},
    {"%r: " M, M,
     "%x = " OP "reverse %r, dims = [0] : " M "\n%y = " OP "reverse %x, dims = [0] : " M "\n", ""},
    {"%a: " S, "tensor<1x4xi32>", "%x = " OP "iota dim = 0 : tensor<1x4xi32>\n",
     "%r = " OP "constant dense<0> : tensor<1x4xi32>\n"},
};

#define SLC(r, a, b, from, to) "%" r " = " OP "slice %" a " [" b "] : (" from ") -> " to "\n"
#define CAT(r, a, b, ta, tb, to) \
  "%" r " = " OP "concatenate %" a ", %" b ", dim = 0 : (" ta ", " tb ") -> " to "\n"
#define V8 "tensor<8xf32>"
#define V2 "tensor<2xf32>"

#define V64             "tensor<64xf32>"
#define I64             "tensor<1x64xi32>"
#define P64             "tensor<1x64xi1>"
#define CV(name, value) "%" name " = " OP "constant dense<" value "> : " I64 "\n"
#define CMPV(r, dir, a, b) \
  "%" r " = " OP "compare " dir ", %" a ", %" b ", SIGNED : (" I64 ", " I64 ") -> " P64 "\n"
#define ADDS \
  "^bb0(%e: " S ", %f: " S "):\n  %g = " OP "add %e, %f : " S "\n  stablehlo.return %g : " S "\n"

static const Case slices[] = {
    // rows apart from one another
    {"%a: tensor<3x16xf32>, %z: " S, "tensor<7x16xf32>",
     "%x = " OP "pad %a, %z, low = [1, 0], high = [1, 0], interior = [1, 0] : (tensor<3x16xf32>, " S
     ") -> tensor<7x16xf32>\n",
     RSH("b", "a", "tensor<3x16xf32>",
         "tensor<3x1x16xf32>") "%c = " OP "pad %b, %z, low = [0, 1, 0], high = [1, 0, 0], interior "
                               "= [0, 0, 0] : "
                               "(tensor<3x1x16xf32>, " S ") -> tensor<4x2x16xf32>\n" RSH(
                                   "d", "c", "tensor<4x2x16xf32>", "tensor<8x16xf32>")
                                   SLC("r", "d", "0:7, 0:16", "tensor<8x16xf32>",
                                       "tensor<7x16xf32>")},
    // what is written into equal elements
    {"%u: " V2, V8,
     CS("c", "3") "%a = " OP "constant dense<1.0> : " V8 "\n"
                  "%x = " OP "dynamic_update_slice %a, %u, %c : (" V8 ", " V2 ", " SI ") -> " V8
                  "\n",
     "%z = " OP "constant dense<1.0> : " S "\n"
     "%r = " OP "pad %u, %z, low = [3], high = [3], interior = [0] : (" V2 ", " S ") -> " V8 "\n"},
    {"%r: " F, F, SLC("x", "r", "0:4", F, F), ""},
    {"%a: " V8, V2, SLC("x", "a", "1:8:2", V8, F) SLC("y", "x", "1:4:2", F, V2),
     SLC("r", "a", "3:8:4", V8, V2)},
    {"%a: " F ", %b: " F, V2, CAT("x", "a", "b", F, F, V8) SLC("y", "x", "5:7", V8, V2),
     SLC("r", "b", "1:3", F, V2)},
    {"%r: " V8, V8,
     SLC("x", "r", "0:4", V8, F) SLC("y", "r", "4:8", V8, F) CAT("z", "x", "y", F, F, V8), ""},
    {"%a: " F ", %z: " S, V2,
     "%x = " OP "pad %a, %z, low = [2], high = [2], interior = [0] : (" F ", " S ") -> " V8
     "\n" SLC("y", "x", "3:5", V8, V2),
     SLC("r", "a", "1:3", F, V2)},
    {"%a: " F ", %z: " S, V2,
     "%x = " OP "pad %a, %z, low = [-1], high = [-1], interior = [0] : (" F ", " S ") -> " V2 "\n",
     SLC("r", "a", "1:3", F, V2)},
    {"%a: " V2, "tensor<2x3xf32>",
     BRC("x", "a", "0", V2, "tensor<2x9xf32>")
         SLC("y", "x", "0:2, 3:6", "tensor<2x9xf32>", "tensor<2x3xf32>"),
     BRC("r", "a", "0", V2, "tensor<2x3xf32>")},
    {"%a: " V8, V2,
     CS("c", "3") "%x = " OP "dynamic_slice %a, %c, sizes = [2] : (" V8 ", " SI ") -> " V2 "\n",
     SLC("r", "a", "3:5", V8, V2)},
    {"%a: " V8, V2,
     CS("c", "9") "%x = " OP "dynamic_slice %a, %c, sizes = [2] : (" V8 ", " SI ") -> " V2 "\n",
     SLC("r", "a", "6:8", V8, V2)},
    {"%a: " V8 ", %u: " V2 ", %i: " SI, V2,
     "%x = " OP "dynamic_update_slice %a, %u, %i : (" V8 ", " V2 ", " SI ") -> " V8 "\n"
     "%y = " OP "dynamic_slice %x, %i, sizes = [2] : (" V8 ", " SI ") -> " V2
     "\n" BIN("z", "add", "y", "y", V2),
     BIN("r", "add", "u", "u", V2)},
    {"%a: " V8 ", %u: " V2 ", %v: " V2 ", %i: " SI, V8,
     "%x = " OP "dynamic_update_slice %a, %u, %i : (" V8 ", " V2 ", " SI ") -> " V8 "\n"
     "%y = " OP "dynamic_update_slice %x, %v, %i : (" V8 ", " V2 ", " SI ") -> " V8 "\n",
     "%r = " OP "dynamic_update_slice %a, %v, %i : (" V8 ", " V2 ", " SI ") -> " V8 "\n"},
    {"%a: " V8 ", %u: " V2, V2,
     CS("c", "2") "%x = " OP "dynamic_update_slice %a, %u, %c : (" V8 ", " V2 ", " SI ") -> " V8
                  "\n" SLC("y", "x", "5:7", V8, V2),
     SLC("r", "a", "5:7", V8, V2)},
    // a little of what is turned is turned
    {"%a: tensor<3x8xf32>", "tensor<4x3xf32>",
     TRN("t", "a", "1, 0", "tensor<3x8xf32>", "tensor<8x3xf32>")
         SLC("x", "t", "1:8:2, 0:3", "tensor<8x3xf32>", "tensor<4x3xf32>"),
     SLC("s", "a", "0:3, 1:8:2", "tensor<3x8xf32>", "tensor<3x4xf32>")
         TRN("r", "s", "1, 0", "tensor<3x4xf32>", "tensor<4x3xf32>")},
    {"%a: tensor<3x8xf32>, %i: " SI ", %j: " SI, "tensor<4x2xf32>",
     TRN("t", "a", "1, 0", "tensor<3x8xf32>",
         "tensor<8x3xf32>") "%x = " OP
                            "dynamic_slice %t, %i, %j, sizes = [4, 2] : (tensor<8x3xf32>, " SI
                            ", " SI ") -> tensor<4x2xf32>\n",
     "%s = " OP "dynamic_slice %a, %j, %i, sizes = [2, 4] : (tensor<3x8xf32>, " SI ", " SI
     ") -> tensor<2x4xf32>\n" TRN("r", "s", "1, 0", "tensor<2x4xf32>", "tensor<4x2xf32>")},
    {"%a: tensor<7x2x9xf32>, %i: tensor<3x1xi32>", "tensor<9x3x2xf32>",
     TRN("t", "a", "2, 1, 0", "tensor<7x2x9xf32>",
         "tensor<9x2x7xf32>") "%x = \"stablehlo.gather\"(%t, %i) <{dimension_numbers = "
                              "#stablehlo.gather<offset_dims = "
                              "[0, 2], collapsed_slice_dims = [2], start_index_map = [2], "
                              "index_vector_dim = 1>, "
                              "slice_sizes = array<i64: 9, 2, 1>}> : (tensor<9x2x7xf32>, "
                              "tensor<3x1xi32>) -> "
                              "tensor<9x3x2xf32>\n",
     "%s = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
     "[1, 2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, "
     "slice_sizes = array<i64: 1, 2, 9>}> : (tensor<7x2x9xf32>, tensor<3x1xi32>) -> "
     "tensor<3x2x9xf32>\n" TRN("r", "s", "2, 0, 1", "tensor<3x2x9xf32>", "tensor<9x3x2xf32>")},
    // nothing says where
    {"%a: tensor<8x3xf32>, %i: tensor<4x0xi32>", "tensor<4x2xf32>",
     "%x = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
     "[1], collapsed_slice_dims = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 2>}> : "
     "(tensor<8x3xf32>, tensor<4x0xi32>) -> tensor<4x2xf32>\n",
     SLC("s", "a", "0:1, 0:2", "tensor<8x3xf32>", "tensor<1x2xf32>")
         RSH("t", "s", "tensor<1x2xf32>", "tensor<2xf32>")
             BRC("r", "t", "1", "tensor<2xf32>", "tensor<4x2xf32>")},
    {"%a: " V8 ", %i: tensor<1xi32>", "tensor<f32>",
     "%x = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = "
     "#stablehlo.gather<collapsed_slice_dims = [0], "
     "start_index_map = [0]>, slice_sizes = array<i64: 1>}> : (" V8
     ", tensor<1xi32>) -> tensor<f32>\n",
     RSH("s", "i", "tensor<1xi32>",
         SI) "%y = " OP "dynamic_slice %a, %s, sizes = [1] : (" V8 ", " SI
             ") -> tensor<1xf32>\n" RSH("r", "y", "tensor<1xf32>", "tensor<f32>")},
    {"%a: tensor<8x3xf32>", "tensor<4x3xf32>",
     "%i = " OP "iota dim = 0 : tensor<4xi32>\n" RSH(
         "j", "i", "tensor<4xi32>",
         "tensor<4x1xi32>") "%x = \"stablehlo.gather\"(%a, %j) <{dimension_numbers = "
                            "#stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], "
                            "start_index_map = [0], index_vector_dim = 1>, slice_sizes = "
                            "array<i64: 1, 3>}> : (tensor<8x3xf32>, tensor<4x1xi32>) -> "
                            "tensor<4x3xf32>\n",
     SLC("r", "a", "0:4, 0:3", "tensor<8x3xf32>", "tensor<4x3xf32>")},
    {"%a: tensor<8x3xf32>, %u: tensor<3xf32>", "tensor<8x3xf32>",
     "%i = " OP "constant dense<5> : tensor<1xi32>\n"
     "%x = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<update_window_dims = [0], "
     "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({\n"
     "^bb0(%p: " S ", %q: " S "):\n  stablehlo.return %q : " S
     "\n}) : (tensor<8x3xf32>, tensor<1xi32>, tensor<3xf32>) -> tensor<8x3xf32>\n",
     CS("c", "5") CS("z", "0")
         RSH("w", "u", "tensor<3xf32>", "tensor<1x3xf32>") "%r = " OP
                                                           "dynamic_update_slice %a, %w, %c, %z : "
                                                           "(tensor<8x3xf32>, tensor<1x3xf32>, " SI
                                                           ", " SI ") -> tensor<8x3xf32>\n"},
    // rows one after the other
    {"%a: tensor<8x3xf32>, %u: tensor<4x3xf32>", "tensor<8x3xf32>",
     "%i = " OP "iota dim = 0 : tensor<4x1xi32>\n"
     "%x = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
     "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
     "^bb0(%p: " S ", %q: " S "):\n  %s = " OP "add %p, %q : " S "\n  stablehlo.return %s : " S
     "\n}) : (tensor<8x3xf32>, tensor<4x1xi32>, tensor<4x3xf32>) -> tensor<8x3xf32>\n",
     SLC("o", "a", "0:4, 0:3", "tensor<8x3xf32>", "tensor<4x3xf32>") BIN(
         "n", "add", "o", "u", "tensor<4x3xf32>") "%z = " OP "constant dense<0> : tensor<i64>\n"
                                                  "%r = " OP "dynamic_update_slice %a, %n, %z, %z "
                                                  ": (tensor<8x3xf32>, tensor<4x3xf32>, "
                                                  "tensor<i64>, tensor<i64>) -> tensor<8x3xf32>\n"},
    // of several components: along one dimension
    {"%a: tensor<16x8xf32>, %i: tensor<2x64xi32>, %u: " V64, "tensor<16x8xf32>",
     "%r = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [1, 0], "
     "index_vector_dim = 0>}> ({\n" ADDS "}) : (tensor<16x8xf32>, tensor<2x64xi32>, " V64
     ") -> tensor<16x8xf32>\n",
     RSH("b", "a", "tensor<16x8xf32>", "tensor<128xf32>") SLC(
         "y", "i", "1:2, 0:64", "tensor<2x64xi32>", I64) CV("h", "16") CMPV("p", "LT", "y", "h")
         CV("z", "0") CMPV("q", "GE", "y", "z") BIN("yi", "and", "p", "q", P64) SLC(
             "x", "i", "0:1, 0:64", "tensor<2x64xi32>", I64) CV("w", "8") CMPV("o", "LT", "x", "w")
             CMPV("n", "GE", "x", "z") BIN("xi", "and", "o", "n", P64)
                 BIN("in", "and", "yi", "xi", P64) BIN("l", "multiply", "y", "w", I64) BIN(
                     "k", "add", "l", "x", I64) CV("m", "-1") SEL("s", "in", "k", "m", P64, I64)
                     RSH("j", "s", I64,
                         "tensor<64xi32>") "%c = \"stablehlo.scatter\"(%b, %j, %u) "
                                           "<{scatter_dimension_numbers = "
                                           "#stablehlo.scatter<inserted_window_dims = [0], "
                                           "scatter_dims_to_operand_dims = [0], "
                                           "index_vector_dim = 1>}> ({\n" ADDS
                                           "}) : (tensor<128xf32>, tensor<64xi32>, " V64
                                           ") -> tensor<128xf32>\n" RSH("r", "c", "tensor<128xf32>",
                                                                        "tensor<16x8xf32>")},
    // without indices: all of it
    {"%a: " F ", %u: " F, F,
     "%i = " OP "constant dense<> : tensor<0xi32>\n"
     "%x = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<update_window_dims = [0]>}> ({\n" ADDS "}) : (" F ", tensor<0xi32>, " F
     ") -> " F "\n",
     BIN("r", "add", "a", "u", F)},
    // outside: dropped
    {"%r: tensor<8x3xf32>, %u: tensor<3xf32>", "tensor<8x3xf32>",
     "%i = " OP "constant dense<8> : tensor<1xi32>\n"
     "%x = \"stablehlo.scatter\"(%r, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<update_window_dims = [0], "
     "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({\n"
     "^bb0(%p: " S ", %q: " S "):\n  stablehlo.return %q : " S
     "\n}) : (tensor<8x3xf32>, tensor<1xi32>, tensor<3xf32>) -> tensor<8x3xf32>\n",
     ""},
};

#define R16 "tensor<16xf32>"
#define NARROW                                                                          \
  "%r = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [1] : " \
  "(tensor<16x2xbf16>, tensor<bf16>) -> tensor<16xbf16>\n"
#define FEW_ROWS                                                                        \
  "%r = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [1] : " \
  "(tensor<15x2xf32>, tensor<f32>) -> tensor<15xf32>\n"

#define EQUAL_BY(kind, size, type)                                                           \
  "%r = stablehlo.reduce(%c init: %z) applies stablehlo." kind " across dimensions = [1] : " \
  "(tensor<3x" size "x" type ">, tensor<" type ">) -> tensor<3x" type ">\n"
#define EQUAL(number, begin, kind, size, type)                                \
  "%c = stablehlo.constant dense<" number "> : tensor<3x" size "x" type ">\n" \
  "%z = stablehlo.constant dense<" begin "> : tensor<" type ">\n" EQUAL_BY(kind, size, type)

static const Case control[] = {
    {"%r: tensor<3xi1>", "tensor<3xi1>",
     "%c = " OP "constant dense<[true, true]> : tensor<2xi1>\n"
     "%z = " OP "constant dense<true> : tensor<i1>\n"
     "%p = stablehlo.reduce(%c init: %z) applies stablehlo.and across dimensions = [0] : "
     "(tensor<2xi1>, tensor<i1>) -> tensor<i1>\n" BRC("b", "p", "", "tensor<i1>", "tensor<3xi1>")
         BIN("x", "and", "r", "b", "tensor<3xi1>"),
     ""},
    {"%a: " F, F,
     "%p = " OP "constant dense<false> : tensor<i1>\n"
     "%x = \"stablehlo.if\"(%p) ({\n  stablehlo.return %a : " F "\n}, {\n" BIN(
         "y", "add", "a", "a", F) "  stablehlo.return %y : " F "\n}) : (tensor<i1>) -> " F "\n",
     BIN("r", "add", "a", "a", F)},
    {"%p: tensor<i1>, %a: " F ", %b: " F, F,
     "%x = \"stablehlo.if\"(%p) ({\n  stablehlo.return %a : " F "\n}, {\n"
     "  stablehlo.return %b : " F "\n}) : (tensor<i1>) -> " F "\n",
     SEL("r", "p", "a", "b", "tensor<i1>", F)},
    // once
    {"%a: " F, F,
     CS("c", "0") "%x:2 = stablehlo.while(%i = %c, %v = %a) : " SI ", " F "\ncond {\n" CS(
         "n", "1") "%q = " OP "compare LT, %i, %n : (" SI ", " SI
                   ") -> tensor<i1>\n  stablehlo.return %q : tensor<i1>\n} do {\n" CS("k", "1")
                       BIN("j", "add", "i", "k", SI) BIN(
                           "w", "multiply", "v", "v", F) "  stablehlo.return %j, %w : " SI ", " F
                                                         "\n}\n" BIN("z", "add", "x#1", "x#1", F),
     BIN("w", "multiply", "a", "a", F) BIN("r", "add", "w", "w", F)},
    {"%r: " F ", %b: " F, F,
     "%t = " OP "tuple %r, %b : tuple<" F ", " F ">\n"
     "%x = " OP "get_tuple_element %t[0] : (tuple<" F ", " F ">) -> " F "\n",
     ""},
    {"%a: tensor<1x4xf32>, %z: tensor<f32>", F,
     "%x = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [0] : "
     "(tensor<1x4xf32>, tensor<f32>) -> " F "\n",
     BRC("b", "z", "", S, F) RSH("c", "a", "tensor<1x4xf32>", F) BIN("r", "add", "b", "c", F)},
    {"%a: tensor<0x4xf32>, %z: tensor<f32>", F,
     "%x = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [0] : "
     "(tensor<0x4xf32>, tensor<f32>) -> " F "\n",
     BRC("r", "z", "", S, F)},
    // Short rows, many of them; in the order of their elements.
    {"%a: tensor<16x2xf32>, %z: tensor<f32>", R16,
     "%x = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [1] : "
     "(tensor<16x2xf32>, tensor<f32>) -> " R16 "\n",
     BRC("b", "z", "", S,
         R16) "%p = " OP
              "slice %a [0:16, 0:1] : (tensor<16x2xf32>) -> tensor<16x1xf32>\n" RSH(
                  "c", "p", "tensor<16x1xf32>", R16)
                  BIN("d", "add", "b", "c",
                      R16) "%q = " OP
                           "slice %a [0:16, 1:2] : (tensor<16x2xf32>) -> tensor<16x1xf32>\n" RSH(
                               "e", "q", "tensor<16x1xf32>", R16) BIN("r", "add", "d", "e", R16)},
    // Parts that are joined only to be summed.
    {"%a: tensor<1x16xf32>, %b: tensor<1x16xf32>, %z: tensor<f32>", R16,
     "%s = stablehlo.concatenate %a, %b, dim = 0 : (tensor<1x16xf32>, tensor<1x16xf32>) -> "
     "tensor<2x16xf32>\n%t = " OP "negate %s : tensor<2x16xf32>\n"
     "%x = stablehlo.reduce(%t init: %z) applies stablehlo.add across dimensions = [0] : "
     "(tensor<2x16xf32>, tensor<f32>) -> " R16 "\n",
     BRC("p", "z", "", S,
         R16) "%m = " OP "negate %a : tensor<1x16xf32>\n" RSH("c", "m", "tensor<1x16xf32>", R16)
         BIN("d", "add", "p", "c", R16) "%n = " OP "negate %b : tensor<1x16xf32>\n" RSH(
             "e", "n", "tensor<1x16xf32>", R16) BIN("r", "add", "d", "e", R16)},
    // Equal numbers, where their sums are exact, and the largest of them.
    {"", "tensor<3xbf16>", EQUAL("-1.0", "0.0", "add", "512", "bf16"),
     "%r = " OP "constant dense<-512.0> : tensor<3xbf16>\n"},
    {"%z: tensor<f32>", "tensor<3xf32>",
     "%c = " OP "constant dense<2.5> : tensor<3x512xf32>\n" EQUAL_BY("maximum", "512", "f32"),
     "%c = " OP "constant dense<2.5> : " S "\n" BIN("b", "maximum", "z", "c", S)
         BRC("r", "b", "", S, "tensor<3xf32>")},
    {"", "tensor<3xf32>", EQUAL("0.1", "0.0", "add", "512", "f32"),
     EQUAL("0.1", "0.0", "add", "512", "f32")},
    {"", "tensor<3xbf16>", EQUAL("1.0", "0.0", "add", "511", "bf16"),
     EQUAL("1.0", "0.0", "add", "511", "bf16")},
    // Sums of bf16 stay what is kept wider; few short rows are no matter.
    {"%a: tensor<16x2xbf16>, %z: tensor<bf16>", "tensor<16xbf16>", NARROW, NARROW},
    {"%a: tensor<15x2xf32>, %z: tensor<f32>", "tensor<15xf32>", FEW_ROWS, FEW_ROWS},
};

// The name that the last operation of |body| defines, %r if there is none.
static void last_value(const char *body, char out[16]) {
  const char *at = body;
  strcpy(out, "%r");
  int depth = 0;
  for (const char *line = body; *line; line = strchr(line, '\n') + 1) {
    const char *end = strchr(line, '\n');
    if (depth == 0 && *line == '%')
      at = line;
    for (const char *c = line; c < end; ++c)
      depth += *c == '{' ? 1 : *c == '}' ? -1 : 0;
  }
  if (*at == '%')
    snprintf(out, 16, "%.*s", (int)strcspn(at, " :"), at);
}

// The simplifier leaves dead operations: the pipeline's dead code pass runs after it.
static void run_cases(const Case *cases, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Case *c = &cases[i];
    char body[2][4096], value[16];
    last_value(c->before, value);
    snprintf(body[0], sizeof body[0], "%sreturn %s : %s", c->before, value, c->type);
    last_value(c->after, value);
    snprintf(body[1], sizeof body[1], "%sreturn %s : %s", c->after, value, c->type);
    pass_expect("simplify,dead_code", pass_main(c->args, c->type, body[0]),
                pass_main(c->args, c->type, body[1]));
  }
}

// Eigenvectors that nobody reads are not asked for. (Of one element, as LAPACK's ways with and
// without them round differently.)
#define EIGH(mode)                                                                           \
  "%v:3 = stablehlo.custom_call @lapack_ssyevd_ffi(%a) {mhlo.backend_config = {mode = " mode \
  " : ui8, uplo = 76 : ui8}} : (tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1xf32>, "       \
  "tensor<i32>)\n"
static const Case calls[] = {
    {"%a: tensor<1x1xf32>", "tensor<1xf32>",
     EIGH("86") "%x = stablehlo.negate %v#1 : tensor<1xf32>\n",
     EIGH("78") "%x = stablehlo.negate %v#1 : tensor<1xf32>\n"},
    {"%a: tensor<1x1xf32>", "tensor<1x1xf32>",
     EIGH("86") "%x = stablehlo.negate %v#0 : tensor<1x1xf32>\n",
     EIGH("86") "%x = stablehlo.negate %v#0 : tensor<1x1xf32>\n"},
};

#define TEST(name)                               \
  static void test_##name(void **state) {        \
    run_cases(name, sizeof name / sizeof *name); \
  }
TEST(arithmetic)
TEST(floors)
TEST(logic)
TEST(shape)
TEST(slices)
TEST(control)
TEST(calls)

// ApproxTopK is the first elements of a sort, which its comparator, a function, orders.
static void approximate_top_k_becomes_a_sort(void **state) {
  (void)state;
  const char *call =
      "func.func @main(%x: tensor<3x9xf32>) -> (tensor<3x4xf32>, tensor<3x4xi32>) {\n"
      "%i = stablehlo.iota dim = 1 : tensor<3x9xi32>\n"
      "%c = stablehlo.constant dense<-1> : tensor<i32>\n"
      "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "%r:2 = stablehlo.custom_call @ApproxTopK(%x, %i, %z, %c) {\n"
      "called_computations = [@more],\n"
      "mhlo.backend_config = {is_fallback = true, reduction_dim = 1 : i64, top_k = 4 : i64}}\n"
      ": (tensor<3x9xf32>, tensor<3x9xi32>, tensor<f32>, tensor<i32>)\n"
      "-> (tensor<3x4xf32>, tensor<3x4xi32>)\n"
      "return %r#0, %r#1 : tensor<3x4xf32>, tensor<3x4xi32>\n"
      "}\n"
      "func.func @more(%a: tensor<f32>, %b: tensor<f32>, %i: tensor<i32>, %j: tensor<i32>)\n"
      "-> tensor<i1> {\n"
      "%n = stablehlo.negate %b : tensor<f32>\n"
      "%m = stablehlo.negate %a : tensor<f32>\n"
      "%r = stablehlo.compare LT, %m, %n, TOTALORDER\n"
      ": (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
      "return %r : tensor<i1>\n"
      "}\n";
  const char *sort =
      "func.func @main(%x: tensor<3x9xf32>) -> (tensor<3x4xf32>, tensor<3x4xi32>) {\n"
      "%i = stablehlo.iota dim = 1 : tensor<3x9xi32>\n"
      "%s:2 = \"stablehlo.sort\"(%x, %i) <{dimension = 1 : i64, is_stable = true}> ({\n"
      "^bb0(%a: tensor<f32>, %b: tensor<f32>, %k: tensor<i32>, %l: tensor<i32>):\n"
      "%n = stablehlo.negate %b : tensor<f32>\n"
      "%m = stablehlo.negate %a : tensor<f32>\n"
      "%r = stablehlo.compare LT, %m, %n, TOTALORDER\n"
      ": (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
      "stablehlo.return %r : tensor<i1>\n"
      "}) : (tensor<3x9xf32>, tensor<3x9xi32>) -> (tensor<3x9xf32>, tensor<3x9xi32>)\n"
      "%u = stablehlo.slice %s#0 [0:3, 0:4] : (tensor<3x9xf32>) -> tensor<3x4xf32>\n"
      "%v = stablehlo.slice %s#1 [0:3, 0:4] : (tensor<3x9xi32>) -> tensor<3x4xi32>\n"
      "return %u, %v : tensor<3x4xf32>, tensor<3x4xi32>\n"
      "}\n";
  Parsed made = pass_run(call, "simplify,dead_code"), expected = parse(sort, strlen(sort));
  assert_null(expected.status);
  for (int seed = 0; seed < 2; ++seed) {
    const char *difference = pass_compare(expected.module, made.module, seed);
    if (difference)
      fail_msg("%s", difference);
  }
  parsed_free(&made);
  parsed_free(&expected);
}

#define LEFT  "tensor<2x16x4xf32>"
#define RIGHT "tensor<2x4x8xf32>"

// Rows of up to 15 elements of which functions are computed, or the largest float is looked for,
// are taken apart; not what is a product of matrices in batches, which may be attention.
static void test_slow_rows(void **state) {
  (void)state;
  enum { ROWS = 16 };
  static const struct {
    const char *made, *kind, *dtype; // the rows %e of %a, what they are reduced by
    int length;
    bool apart;
  } cases[] = {
      {"negate %a", "maximum", "f32", 8, true},
      {"negate %a", "minimum", "f32", 15, true},
      {"negate %a", "maximum", "f32", 16, false},
      {"negate %a", "maximum", "i32", 8, false},
      {"negate %a", "add", "f32", 8, false},
      {"exponential %a", "add", "f32", 12, true},
      {"dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1]", "maximum",
       "f32", 8, false},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    const bool product = strchr(cases[c].made, ',');
    const int length = cases[c].length, rank = product ? 3 : 2;
    char rows[64], part[64], kept[64], args[160], e[256];
    snprintf(rows, sizeof rows, product ? "tensor<2x%dx%dx%s>" : "tensor<%dx%dx%s>", ROWS, length,
             cases[c].dtype);
    snprintf(part, sizeof part, "tensor<%dx1x%s>", ROWS, cases[c].dtype);
    snprintf(kept, sizeof kept, product ? "tensor<2x%dx%s>" : "tensor<%dx%s>", ROWS,
             cases[c].dtype);
    snprintf(args, sizeof args, "%%a: %s%s, %%z: tensor<%s>", product ? LEFT : rows,
             product ? ", %b: " RIGHT : "", cases[c].dtype);
    snprintf(e, sizeof e, "%%e = stablehlo.%s : %s%s\n", cases[c].made,
             product ? "(" LEFT ", " RIGHT ") -> " : "", rows);
    PjStrBuf before = {0}, after = {0};
    pj_strbuf_printf(&before,
                     "%s%%r = stablehlo.reduce(%%e init: %%z) applies stablehlo.%s across "
                     "dimensions = [%d] : (%s, tensor<%s>) -> %s\nreturn %%r : %s\n",
                     e, cases[c].kind, rank - 1, rows, cases[c].dtype, kept, kept);
    pj_strbuf_printf(&after,
                     "%s%%r0 = stablehlo.broadcast_in_dim %%z, dims = [] : (tensor<%s>) -> %s\n", e,
                     cases[c].dtype, kept);
    for (int i = 0; i < length; ++i)
      pj_strbuf_printf(&after,
                       "%%p%d = stablehlo.slice %%e [0:%d, %d:%d] : (%s) -> %s\n"
                       "%%q%d = stablehlo.reshape %%p%d : (%s) -> %s\n"
                       "%%r%d = stablehlo.%s %%r%d, %%q%d : %s\n",
                       i, ROWS, i, i + 1, rows, part, i, i, part, kept, i + 1, cases[c].kind, i, i,
                       kept);
    pj_strbuf_printf(&after, "return %%r%d : %s\n", length, kept);
    const char *text = pass_main(args, kept, before.data);
    if (cases[c].apart)
      pass_expect("simplify,dead_code", text, pass_main(args, kept, after.data));
    else
      pass_expect_same("simplify,dead_code", text);
    pj_strbuf_free(&before);
    pj_strbuf_free(&after);
  }
}

// A few elements down columns are sorted by exchanges of neighbours; what is not read is not
// computed.
static void few_elements_are_exchanged(void **state) {
  (void)state;
  const char *sort =
      "func.func @main(%x: tensor<3x20xi32>) -> tensor<1x20xi32> {\n"
      "%s = \"stablehlo.sort\"(%x) <{dimension = 0 : i64, is_stable = true}> ({\n"
      "^bb0(%a: tensor<i32>, %b: tensor<i32>):\n"
      "%l = stablehlo.compare LT, %a, %b, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "stablehlo.return %l : tensor<i1>\n"
      "}) : (tensor<3x20xi32>) -> tensor<3x20xi32>\n"
      "%r = stablehlo.slice %s [0:1, 0:20] : (tensor<3x20xi32>) -> tensor<1x20xi32>\n"
      "return %r : tensor<1x20xi32>\n"
      "}\n";
  const char *least =
      "func.func @main(%x: tensor<3x20xi32>) -> tensor<1x20xi32> {\n"
      "%a = stablehlo.slice %x [0:1, 0:20] : (tensor<3x20xi32>) -> tensor<1x20xi32>\n"
      "%b = stablehlo.slice %x [1:2, 0:20] : (tensor<3x20xi32>) -> tensor<1x20xi32>\n"
      "%c = stablehlo.slice %x [2:3, 0:20] : (tensor<3x20xi32>) -> tensor<1x20xi32>\n"
      "%d = stablehlo.minimum %a, %b : tensor<1x20xi32>\n"
      "%e = stablehlo.maximum %a, %b : tensor<1x20xi32>\n"
      "%f = stablehlo.minimum %e, %c : tensor<1x20xi32>\n"
      "%g = stablehlo.minimum %d, %f : tensor<1x20xi32>\n"
      "return %g : tensor<1x20xi32>\n"
      "}\n";
  pass_expect("simplify,cse,dead_code", sort, least);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arithmetic),
      cmocka_unit_test(test_floors),
      cmocka_unit_test(test_logic),
      cmocka_unit_test(test_shape),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_control),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(approximate_top_k_becomes_a_sort),
      cmocka_unit_test(few_elements_are_exchanged),
      cmocka_unit_test(test_slow_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
