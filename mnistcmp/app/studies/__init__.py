"""The Studies page: published comparisons, and our own results beside them."""
