"""The start of the command `mnistcmp`, also as `python -m mnistcmp`.

This module imports next to nothing, so Ctrl-C is handled before the slow imports begin.
"""

import os
import signal
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line of this process."""
    # An exception could be lost in an import, so Ctrl-C ends the process at once; nothing is lost.
    signal.signal(signal.SIGINT, _leave)
    from mnistcmp import cli

    work = cli.prepare()
    try:
        signal.signal(signal.SIGINT, _interrupt_once)
        status = work()
    except KeyboardInterrupt:
        _leave()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the end of the interpreter is left
    sys.exit(status)


def _leave(*_: object) -> NoReturn:
    os.write(2, b"Stopped.\n")
    os._exit(128 + signal.SIGINT)  # the usual exit status after Ctrl-C


def _interrupt_once(*_: object) -> NoReturn:
    """Handle Ctrl-C: stop, and ignore further interrupts, because stopping takes a moment."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
