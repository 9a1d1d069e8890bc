"""The market of a community: orders, how they meet, what is agreed, and how it is carried out safely."""
