module {} loc(#nowhere)
