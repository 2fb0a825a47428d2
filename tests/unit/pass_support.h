// Tests of passes: text in, text out, and the same bits from the evaluator before and after.
#pragma once
#include "pass/pass.h"
#include "text_tools.h"

// Runs |pass| (NULL: the whole pipeline), verifying after each pass, over |text|. The test fails if
// that does.
Parsed pass_run(const char *text, const char *pass);

// Expects |pass| to make |after| of |before|, and both to give the same bits.
void pass_expect(const char *pass, const char *before, const char *after);
// As pass_expect where the order of sums may change: on small integers only.
void pass_expect_sums(const char *pass, const char *before, const char *after);
// As pass_expect for a program that the pass must leave alone.
void pass_expect_same(const char *pass, const char *text);
// Expects the same bits only.
void pass_expect_equal(const char *pass, const char *text);

// The program main(|args|) { body } returning |result|, without writing all that each time; four
// pieces of static storage in turn.
const char *pass_main(const char *args, const char *results, const char *body);

// Runs both modules on inputs made from |seed|: NULL if all results agree bit for bit or both fail,
// otherwise what differs (static storage). Seed 0: small integers; 1: any bits, special values
// among them.
const char *pass_compare(PjModule *before, PjModule *after, int seed);
