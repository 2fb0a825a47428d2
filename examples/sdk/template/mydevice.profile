# What this plugin does not do, for `pjrt check --profile mydevice.profile`: one line each, with the reason (conformance.md,
# "The profile"). For example:
#   unsupported type.f8*   the matrix unit has no eight-bit floats
#   never-run upload.large the board has 32 MiB
#   option chip=0
# Nothing is declared yet, for libpjrt does what the device does not.
