// erfc and erf^-1 as chlo-legalize-to-stablehlo writes them out become operations; what differs
// from that anywhere does not.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "ir/print.h"
#include "pass_support.h"

#define T "tensor<6xf32>"

// A program that is written line by line; |change|: the number (in the order of writing) that is
// written otherwise, or -1.
typedef struct Text {
  PjStrBuf buf;
  int values, numbers, change;
} Text;

static int number(Text *t, const char *digits) {
  bool other = t->numbers++ == t->change;
  pj_strbuf_printf(&t->buf, "%%%d = stablehlo.constant dense<%s> : " T "\n", t->values,
                   other ? "0.75" : digits);
  return t->values++;
}
static int unary(Text *t, const char *op, int a) {
  pj_strbuf_printf(&t->buf, "%%%d = stablehlo.%s %%%d : " T "\n", t->values, op, a);
  return t->values++;
}
static int binary(Text *t, const char *op, int a, int b) {
  pj_strbuf_printf(&t->buf, "%%%d = stablehlo.%s %%%d, %%%d : " T "\n", t->values, op, a, b);
  return t->values++;
}
static int compare(Text *t, const char *how, int a, int b) {
  pj_strbuf_printf(&t->buf,
                   "%%%d = stablehlo.compare %s, %%%d, %%%d : (" T ", " T ") -> tensor<6xi1>\n",
                   t->values, how, a, b);
  return t->values++;
}
static int choose(Text *t, int pred, int a, int b) {
  pj_strbuf_printf(&t->buf, "%%%d = stablehlo.select %%%d, %%%d, %%%d : tensor<6xi1>, " T "\n",
                   t->values, pred, a, b);
  return t->values++;
}
static int polynomial(Text *t, int x, int n, const char *const *c) {
  int sum = number(t, c[0]);
  for (int i = 1; i < n; ++i)
    sum = binary(t, "add", binary(t, "multiply", sum, x), number(t, c[i]));
  return sum;
}

enum { X = 0 };

static int write_erfc(Text *t) {
  static const char *const near[] = {"7.85386146E-5", "-8.01019371E-4", "0.00518832775",
                                     "-0.0268538129", "0.112835854",    "-0.37612626",
                                     "1.12837911"};
  static const char *const middle[] = {"2.326820e-02", "-0.138703942", "0.368742466",
                                       "-0.5824733",   "0.621000469",  "-0.494451523",
                                       "0.340488",     "-0.2741127",   "0.563825965"};
  static const char *const far[] = {"-10.477664",  "12.9772",    "-7.49551868",  "2.921019",
                                    "-1.01526523", "0.42184633", "-0.282076746", "0.5641895"};
  int one = number(t, "1.0"), two = number(t, "2.0"), zero = number(t, "0.0");
  int square = binary(t, "multiply", X, X), minus = unary(t, "negate", square),
      magnitude = unary(t, "abs", X), inverse = binary(t, "divide", one, square);
  int scale =
      binary(t, "multiply", unary(t, "exponential", minus), binary(t, "divide", one, magnitude));
  int below_two = compare(t, "LT", magnitude, two), p = polynomial(t, inverse, 9, middle),
      q = polynomial(t, inverse, 8, far);
  int product = binary(t, "multiply", scale, choose(t, below_two, p, q));
  int tail = choose(t, compare(t, "LT", minus, number(t, "-88.7228394")), zero, product);
  tail = choose(t, compare(t, "LT", X, zero), binary(t, "subtract", two, tail), tail);
  int erf = binary(t, "multiply", X, polynomial(t, binary(t, "multiply", X, X), 7, near));
  return choose(t, compare(t, "LT", unary(t, "abs", X), one), binary(t, "subtract", one, erf),
                tail);
}

static int write_erf_inv(Text *t) {
  static const char *const central[] = {"2.81022636E-8",  "3.43273939E-7", "-3.5233877E-6",
                                        "-4.39150654E-6", "2.1858087E-4",  "-1.253725E-3",
                                        "-4.17768164E-3", "0.246640727",   "1.50140941"};
  static const char *const outer[] = {"-2.00214257E-4", "1.00950558E-4", "1.34934322E-3",
                                      "-3.67342844E-3", "5.73950773E-3", "-7.6224613E-3",
                                      "9.43887047E-3",  "1.001674",      "2.83297682"};
  int square = binary(t, "multiply", X, unary(t, "negate", X));
  int w = unary(t, "negate", unary(t, "log_plus_one", square));
  int pred = compare(t, "LT", w, number(t, "5.0"));
  int variable = choose(t, pred, binary(t, "subtract", w, number(t, "2.5")),
                        binary(t, "subtract", unary(t, "sqrt", w), number(t, "3.0")));
  int sum = choose(t, pred, number(t, central[0]), number(t, outer[0]));
  for (int i = 1; i < 9; ++i)
    sum = binary(t, "add", choose(t, pred, number(t, central[i]), number(t, outer[i])),
                 binary(t, "multiply", sum, variable));
  int edge = compare(t, "EQ", unary(t, "abs", X), number(t, "1.0"));
  return choose(t, edge, binary(t, "multiply", X, number(t, "0x7F800000")),
                binary(t, "multiply", sum, X));
}

// The module after the pass as text, and how many numbers were written. The caller frees it.
static char *after(int (*write)(Text *), int change, int *numbers) {
  Text t = {.values = 1, .change = change};
  pj_strbuf_printf(&t.buf, "func.func @main(%%0: " T ") -> " T " {\n");
  int result = write(&t);
  pj_strbuf_printf(&t.buf, "return %%%d : " T "\n}\n", result);
  Parsed done = pass_run(t.buf.data, "functions,dead_code");
  PjStrBuf out = {0};
  pj_module_print(&out, done.module, NULL);
  parsed_free(&done);
  pj_strbuf_free(&t.buf);
  *numbers = t.numbers;
  return out.data;
}

static void becomes(int (*write)(Text *), const char *name) {
  int numbers, changed;
  char *text = after(write, -1, &numbers);
  assert_non_null(strstr(text, name));
  assert_null(strstr(text, "stablehlo."));
  free(text);
  for (int i = 0; i < numbers; ++i) {
    text = after(write, i, &changed);
    assert_null(strstr(text, name));
    assert_non_null(strstr(text, "stablehlo.select"));
    free(text);
  }
}

static void erfc_is_found(void **state) {
  becomes(write_erfc, "chlo.erfc %");
}

static void erf_inv_is_found(void **state) {
  becomes(write_erf_inv, "chlo.erf_inv %");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(erfc_is_found),
      cmocka_unit_test(erf_inv_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
