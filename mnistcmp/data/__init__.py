"""Data sets: from files to tensors in memory."""
