"""Send answers without delay.

Streamlit's server binds its socket without naming the protocol, so asyncio leaves Nagle's algorithm
on. A reading consists of many small messages. All but the first would wait until the browser has
acknowledged the first, up to 40 ms later.
"""

import os
import socket
import stat
from pathlib import Path

import streamlit as st


@st.cache_resource(show_spinner=False)
def send_at_once() -> int:
    """Turn Nagle's algorithm off for this process's TCP sockets -> the number of sockets.

    Later connections inherit the setting from the listening socket. It runs once for all visitors.
    The number is 0 on systems that do not list a process's open files (Windows).
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
        except OSError:  # not TCP, or already closed
            continue
    return count
