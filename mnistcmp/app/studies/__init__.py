"""The Studies page: published comparisons beside our own results."""
