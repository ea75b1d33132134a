"""Sending answers without delay."""

import socket
import sys
from pathlib import Path

import pytest

from mnistcmp.app.draw.send_at_once import send_at_once


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not list a process's files")
def test_delay_is_off_for_open_and_later_connections():
    send_at_once.clear()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert not listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        open_before = len(list(Path("/dev/fd").iterdir()))
        assert send_at_once() >= 1
        assert len(list(Path("/dev/fd").iterdir())) == open_before
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    send_at_once.clear()
