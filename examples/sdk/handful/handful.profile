# What the handful compiler does not do, for `pjrt check --profile handful.profile`. What it does not compile, the evaluator
# and libpjrt do: nothing is missing.
