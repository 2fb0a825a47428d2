// Making a failing program small.
#pragma once
#include "trial.h"

// Replaces |text| by the smallest program found that still gets |verdict|: results are dropped,
// values replaced by an operand, an argument or a constant, what nobody uses removed. |attempts|
// bounds the number of trials. Returns how many were made.
int shrink(const TrialOptions *options, PjStrBuf *text, Verdict verdict, int attempts);
