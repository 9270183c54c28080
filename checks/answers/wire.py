"""One request on a socket of its own, and the answer as it came: header names as written, in the order in which they came."""

import contextlib
import gzip
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

SECONDS_MAX = 40.0


class NoAnswer(Exception):
    """The connection ended, or nothing came, before an answer was complete."""


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    """What the file says; a value of "-" means that the header is left out although it is a usual one."""
    body: bytes = b""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    interim: list[int] = field(default_factory=list)
    """Statuses below 200 that came first."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Exchange:
    """A request that was sent, or the first part of it, and whose answer is read later."""

    def __init__(self, port: int, request: Request, token: str) -> None:
        self.method = request.method
        given = {name.lower() for name, _ in request.headers}
        headers = [] if "host" in given else [("host", f"127.0.0.1:{port}")]
        if "authorization" not in given:
            headers.append(("authorization", f"Bearer {token}"))
        headers += [(name, value) for name, value in request.headers if value != "-"]
        self.body = encoded(request)
        if "content-length" not in given and "transfer-encoding" not in given and (self.body or request.method in ("POST", "PUT", "PATCH")):
            headers.append(("content-length", str(len(self.body))))
        declared = next((value for name, value in headers if name.lower() == "content-length"), "0")
        self.cut_short = declared.isdigit() and int(declared) > len(self.body)
        self.expects = any(name.lower() == "expect" for name, _ in headers)
        head = f"{request.method} {request.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.interim: list[int] = []
        self.send(head.encode())

    def send(self, data: bytes) -> None:
        """A server may answer and close before it has read everything: what it said is then read all the same."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def drip(self) -> None:
        """Sends a byte now and then until the connection is closed, so that the server has no reason to give up."""

        def keep_on() -> None:
            with contextlib.suppress(OSError, ValueError):
                while self.socket.fileno() >= 0:
                    self.socket.sendall(b".")
                    time.sleep(0.2)

        threading.Thread(target=keep_on, daemon=True).start()

    def finish(self) -> Answer:
        """Sends the body and reads the answer."""
        try:
            if self.expects:
                early = self.read_head()
                if early[0] >= 200:
                    return self.read_body(*early)
                self.interim.append(early[0])
            self.send(self.body)
            if self.cut_short:
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)
            while True:
                status, headers = self.read_head()
                if status >= 200:
                    return self.read_body(status, headers)
                self.interim.append(status)
        except (OSError, ValueError) as error:
            raise NoAnswer(str(error)) from error
        finally:
            self.close()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def read_head(self) -> tuple[int, list[tuple[str, str]]]:
        first = self.stream.readline()
        if not first:
            raise NoAnswer("the connection ended")
        headers = []
        while (line := self.stream.readline().rstrip(b"\r\n")) != b"":
            name, _, value = line.decode(errors="backslashreplace").partition(":")
            headers.append((name, value.strip()))
        return int(first.split()[1]), headers

    def read_body(self, status: int, headers: list[tuple[str, str]]) -> Answer:
        answer = Answer(status, headers, b"", self.interim)
        if self.method == "HEAD" or status in (204, 304):
            return answer
        if "chunked" in (answer.header("transfer-encoding") or ""):
            while size := int(self.stream.readline().split(b";")[0], 16):
                answer.body += self.exactly(size)
                self.stream.readline()
            self.stream.readline()
        elif (length := answer.header("content-length")) is not None:
            answer.body = self.exactly(int(length))
        else:
            answer.body = self.stream.read()
        return answer

    def exactly(self, size: int) -> bytes:
        data = self.stream.read(size)
        if len(data) < size:
            raise NoAnswer(f"the body ended after {len(data)} of {size} bytes")
        return data


def encoded(request: Request) -> bytes:
    """The body as it goes over the wire; content codings that this program knows are applied, unknown ones are left to the server to refuse."""
    headers = {name.lower(): value for name, value in request.headers}
    body = request.body
    if headers.get("content-encoding") == "gzip":
        body = gzip.compress(body, mtime=0)
    if headers.get("transfer-encoding") == "chunked":
        body = (f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b"") + b"0\r\n\r\n"
    return body


def local(path: str) -> str:
    """A path as it is, and of a link what stands behind the host."""
    if path.startswith("http"):
        parts = urllib.parse.urlsplit(path)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return path
