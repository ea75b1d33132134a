"""The Benchmarks page: the results of all recorded runs."""
