"""見守り: watching over people who asked for it, by what the devices of their homes say."""
