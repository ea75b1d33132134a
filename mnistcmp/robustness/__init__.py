"""Robustness: changed images, accuracy under them, breaking points and the smallest nudge."""
