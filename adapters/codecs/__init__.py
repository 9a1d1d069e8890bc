"""What devices say, understood: one file a codec, each pure, bytes in and readings out."""
