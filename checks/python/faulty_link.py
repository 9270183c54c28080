"""A bad link between a robot and its cloud: a proxy for TCP that can be cut, stand still, break connections at any byte, and answer in the cloud's
place as proxies and portals on the way do.
"""

import contextlib
import random
import socket
import struct
import threading

PORTAL = "<html><body>Please sign in to use this network</body></html>"


def canned(status: str, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: text/html", f"content-length: {len(body)}", "connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


ANSWERS = {
    "502 of a proxy": canned("502 Bad Gateway", "<html><h1>502 Bad Gateway</h1></html>"),
    "503 of a proxy": canned("503 Service Unavailable", "<html>busy</html>", "retry-after: 1"),
    "504 without a body": b"HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n",
    "404 of a proxy": canned("404 Not Found", "<html>no such site</html>"),
    "413 of a proxy": canned("413 Payload Too Large", "<html>too large</html>"),
    "redirect to a portal": canned("302 Found", PORTAL, "location: http://portal.example/"),
    "a portal that says 200": canned("200 OK", PORTAL),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<html>",
}


class FaultyLink:
    """Listens on a free port of this machine. What it does to connections is told by its methods, from any thread."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.target = port
        self.chance = chance
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.forward = True  # what new connections meet
        self.still = False
        self.answer: bytes | None = None
        self.lives: tuple[int, int] | None = None  # bytes, at least and at most, after which a connection breaks
        self.broken = 0
        self.answered = 0
        self.hung_up = threading.Event()  # the robot has ended a connection that stood still
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _set(self, *, forward: bool = True, still: bool = False, answer: bytes | None = None, lives: tuple[int, int] | None = None) -> None:
        with self.lock:
            self.forward, self.still, self.answer, self.lives = forward, still, answer, lives
            connections = list(self.open)
        if not still:
            for connection in connections:
                self._hang_up(connection)

    def heal(self) -> None:
        """Connections pass, and stay."""
        self._set()

    def cut(self) -> None:
        """Connections end, new ones are hung up on."""
        self._set(forward=False)

    def stand_still(self) -> None:
        """Connections stay and nothing moves any more."""
        self.hung_up.clear()
        self._set(still=True)

    def break_after(self, least: int, most: int) -> None:
        """Each connection breaks after so many bytes, of both directions together."""
        self._set(lives=(least, most))

    def answer_with(self, answer: bytes) -> None:
        """Every connection gets this answer, and the cloud hears nothing."""
        self._set(answer=answer)

    def _accept(self) -> None:
        while True:
            try:
                near = self.listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with self.lock:
            forward, answer, lives = self.forward, self.answer, self.lives
            self.open.add(near)
        if not forward:
            self._hang_up(near)
        elif answer is not None:
            self._answer(near, answer)
        else:
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                self._hang_up(near)
                return
            with self.lock:
                self.open.add(far)
            left = [self.chance.randint(*lives) if lives else None]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, left, source is near), daemon=True).start()

    def _answer(self, near: socket.socket, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            near.settimeout(5)
            near.recv(65536)
            near.sendall(answer)
            self.answered += 1
            near.shutdown(socket.SHUT_WR)
            while near.recv(65536):
                pass
        self._hang_up(near)

    def _pump(self, source: socket.socket, sink: socket.socket, left: list[int | None], from_robot: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                while self.still:
                    # Until it moves again, or the robot has enough.
                    source.settimeout(0.2)
                    try:
                        if not source.recv(65536):
                            if from_robot:
                                self.hung_up.set()
                            self._hang_up(source, sink)
                            return
                    except TimeoutError:
                        pass
                with self.lock:
                    passing = len(piece) if left[0] is None else min(len(piece), left[0])
                    if left[0] is not None:
                        left[0] -= passing
                sink.sendall(piece[:passing])
                if left[0] == 0:
                    self.broken += 1
                    break
        self._hang_up(source, sink)

    def _hang_up(self, *connections: socket.socket) -> None:
        """At once, without a farewell: what is under way is lost."""
        for connection in connections:
            with self.lock:
                self.open.discard(connection)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def __enter__(self) -> "FaultyLink":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.cut()
