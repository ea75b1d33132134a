"""Training: one run, many runs, and whether what they left is complete and true."""
