"""Ports of this machine's 127.0.0.1, under the same address in a container: `loopback_relay.py NAMESPACE PORT...`.

A socket belongs to the network namespace in which it was made: listeners are made in the container's, and what they
accept is connected in this machine's. Nothing listens beyond a loopback. It ends with the namespace.
"""

import ctypes
import os
import selectors
import socket
import sys
import threading
from pathlib import Path

HOST = "127.0.0.1"
CLONE_NEWNET = 0x40000000


def main(namespace: Path, ports: list[int]) -> None:
    """Relay until the namespace is gone."""
    with Path("/proc/self/ns/net").open() as own, namespace.open() as other:
        _enter(other.fileno())
        listeners = {socket.create_server((HOST, port)): port for port in ports}
        _enter(own.fileno())
    selector = selectors.DefaultSelector()
    for listener in listeners:
        selector.register(listener, selectors.EVENT_READ)
    while namespace.exists():
        for key, _ in selector.select(timeout=1):
            ready = key.fileobj
            assert isinstance(ready, socket.socket)
            inside, _ = ready.accept()
            try:
                outside = socket.create_connection((HOST, listeners[ready]))
            except OSError:
                inside.close()
                continue
            for source, target in ((inside, outside), (outside, inside)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
