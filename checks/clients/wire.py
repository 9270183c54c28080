"""Stands between a client and a server, passes every byte on, and notes which endpoints are asked."""

import re
import socket
import threading
from urllib.parse import urlsplit

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) [^ ]*/api/v1/([^ ?]+)(\?[^ ]*)? HTTP/1\.1\r\n")
# A line of a request that came in two pieces is found in the end of the one with the beginning of the other.
CARRIED = 4096


def endpoint(method: str, path: str, query: str) -> str:
    """The endpoint of a request, as calls.txt writes it."""
    first, *rest = path.split("/")
    if first == "b" and len(rest) > 1:
        last = rest[-1]
        if last in ("batch", "q", "rename") and len(rest) > 2:
            return f"{method} /b/{{bucket}}/{{entry}}/{last}"
        if last == "rename" and method == "PUT":
            return "PUT /b/{bucket}/rename"
        return f"{method} /b/{{bucket}}/{{entry}}" + ("?ts" if method == "DELETE" and query.startswith("?ts=") else "")
    if not rest:
        return f"{method} /{first}"
    name = {"b": "{bucket}", "io": "{bucket}", "links": "{file}"}.get(first, "{name}")
    rest = [] if first == "links" else rest[1:]
    return "/".join([f"{method} /{first}", name, *rest])


class Wire:
    """Use as a context manager. The url is where the client should go."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self.server = (parts.hostname, parts.port or 80)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{parts.path.rstrip('/')}"
        self.asked: set[str] = set()

    def __enter__(self) -> "Wire":
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.carry, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, False), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        seen = b""
        try:
            while piece := source.recv(1 << 16):
                if requests:
                    seen = seen[-CARRIED:] + piece
                    for method, path, query in REQUEST.findall(seen):
                        self.asked.add(endpoint(method.decode(), path.decode(), query.decode()))
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side is gone; the other learns it here.
            for each in (source, target):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
