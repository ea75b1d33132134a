"""Simulated visitors of the app, with and without a browser, for benchmarks and browser tests."""
