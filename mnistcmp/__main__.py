"""`python -m mnistcmp` runs the command `mnistcmp`."""

from mnistcmp.cli import run

if __name__ == "__main__":
    run()
