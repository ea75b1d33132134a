"""Answers that are sent at once.

Streamlit's server binds its socket without naming the protocol, and asyncio then leaves Nagle's
algorithm on: of the many small messages of a reading, all but the first wait until the browser has
confirmed the first, which it does up to 40 ms later.
"""

import os
import socket
import stat
from pathlib import Path

import streamlit as st


@st.cache_resource(show_spinner=False)
def send_at_once() -> int:
    """Turn Nagle's algorithm off for this process's connections -> for how many sockets.

    Those that are accepted later take it over from the listening socket. Once for all visitors; 0
    where the system does not list a process's open files (Windows).
    """
    folder = Path("/dev/fd")
    count = 0
    for open_file in list(folder.iterdir()) if folder.is_dir() else []:
        number = int(open_file.name)
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    count += 1
        except OSError:  # not TCP, or closed by now
            continue
    return count
