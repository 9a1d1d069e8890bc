"""Federation: operations distributed over the context sources that are registered (clause 4.3.6), and other cities."""
