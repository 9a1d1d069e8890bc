"""Where devices are reached: one file a link, each with its sockets."""
