# What the toy accelerator does not do, for `pjrt check --profile toy.profile`. Tests that want to see a buffer's memory find it
# not offered: the host cannot address the board's.
unsupported upload.large the board has 64 MiB, and its allocator takes some of it
