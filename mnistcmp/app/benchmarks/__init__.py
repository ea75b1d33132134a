"""The Benchmarks page: what the records of all runs say."""
