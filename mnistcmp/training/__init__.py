"""Training: single runs, campaigns of many runs, and the verification of their results."""
