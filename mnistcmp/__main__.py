"""`python -m mnistcmp` is the command `mnistcmp`."""

from mnistcmp.cli import run

if __name__ == "__main__":
    run()
