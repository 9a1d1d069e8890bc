"""Safe outputs: totals of many persons that tell nothing of one, and what is made of data so that they are no one's."""
