# What the null plugin does not do, for `pjrt check --profile null.profile`. It does all that libpjrt does.
