"""What the checks in this folder share: a server to start, stop and kill, a scratch folder, and counting."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(os.environ.get("ROOT") or Path(__file__).resolve().parents[2])
REFERENCE = os.environ.get("REFERENCE")  # the program of another server that speaks the protocol
TOKEN = "check-token"

# Started in the background of a shell, this process ignores Ctrl-C, and so would the servers it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Failed(Exception):
    """A check did not hold; the text says which."""


def expect(holds: bool, text: str) -> None:
    if not holds:
        raise Failed(text)


class Tally:
    """Runs checks, counts them, prints the last line that ./check reads."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            self.failed += 1
            print(f"FAILED {name}: {error}")
            # What the client library reports says enough by itself; it is not imported here, so that this file needs nothing but Python.
            if not isinstance(error, Failed) and type(error).__name__ != "ReductError":
                traceback.print_exc(limit=-4, file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok {name} ({time.monotonic() - began:.1f} s)")

    def skip(self, text: str) -> None:
        self.skipped += 1
        print(f"SKIPPED {text}")

    def finish(self) -> None:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder below target/ (a real disk) that is gone afterwards, unless KEEP is set in the environment."""
    base = ROOT / "target" / "checks"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    try:
        yield folder
    finally:
        if os.environ.get("KEEP"):
            print(f"    kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server in a process of its own. Use as a context manager, so that it is gone afterwards in any case.

    Settings are RS_* variables; they come after the token and win. The program is that of a server which speaks the protocol, None is Pannier.
    """

    def __init__(
        self,
        data: Path,
        *,
        token: str | None = TOKEN,
        max_files: int | None = None,
        settings: dict[str, str] | None = None,
        program: str | None = REFERENCE,
    ) -> None:
        self.data = data
        self.port = free_port()
        self.token = token
        self.max_files = max_files
        self.settings = settings or {}
        self.program = program
        self.log = data.with_name(data.name + ".log")
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spawn(self) -> None:
        """Starts the process and does not wait for it; one that is still there is ended."""
        if self.process and self.process.poll() is None:
            self.kill()
        settings = {"RS_API_TOKEN": self.token} if self.token else {}
        if self.program:
            settings |= {"RS_DATA_PATH": str(self.data), "RS_PORT": str(self.port), "RS_LOG_LEVEL": "WARN"}
            command = [self.program]
        else:
            command = [str(ROOT / "pannier"), "serve", "--data", str(self.data), "--port", str(self.port)]
        if self.max_files:
            command = ["sh", "-c", f'ulimit -n {self.max_files}; exec "$0" "$@"', *command]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RS_", "PANNIER_")) or k in PASSED_ON}
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            # In a session of its own, so that Ctrl-C in a terminal reaches the check and not the server.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=inherited | settings | self.settings, start_new_session=True
            )

    def start(self, seconds_max: float = 30) -> float:
        """Starts the process and waits for the first answer. Answers how long that took, in seconds."""
        began = time.monotonic()
        self.spawn()
        while not self.answers():
            took = time.monotonic() - began
            if self.process.poll() is not None:
                raise Failed(f"the server ended at its start with {self.process.returncode}:\n{self.output()}")
            if took > seconds_max:
                raise Failed(f"no answer {took:.0f} s after the start:\n{self.output()}")
            time.sleep(0.01)
        return time.monotonic() - began

    def answers(self) -> bool:
        """Whether the server is ready to work (and not merely there)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            base = self.settings.get("RS_API_BASE_PATH", "").strip("/")
            connection.request("HEAD", f"/{base}/api/v1/ready" if base else "/api/v1/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def output(self) -> str:
        """What the process has printed since it was started last, or the end of that."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")[-4000:]

    def output_with(self, text: str, seconds_max: float = 20) -> str:
        """The output, once a text stands in it: a server may answer before it has printed what it says at its start."""
        began = time.monotonic()
        while text not in self.output() and time.monotonic() - began < seconds_max:
            time.sleep(0.01)
        return self.output()

    def kill(self) -> None:
        """The process ends in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def interrupt(self, seconds_max: float = 20) -> float:
        """Ctrl-C. Answers how long the server took to end, in seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            raise Failed(f"still there {seconds_max:.0f} s after an interrupt") from None
        return time.monotonic() - began

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.kill()


PASSED_ON = {"PANNIER_BUILD", "PANNIER_JAVA_OPTS", "PANNIER_ACK"}


def verify(data: Path) -> str:
    """Runs "pannier verify" on a data folder that no server has open; answers what it printed."""
    done = subprocess.run(
        [str(ROOT / "pannier"), "verify", str(data)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    told = (done.stdout + done.stderr).strip()
    expect(done.returncode == 0, f"pannier verify ended with {done.returncode}:\n{shortened(told)}")
    return told


def shortened(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines if len(lines) <= 16 else [*lines[:8], f"... {len(lines) - 16} lines more ...", *lines[-8:]])
