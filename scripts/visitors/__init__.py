"""Visitors of the app, for benchmarks and browser tests: with a browser and without one."""
