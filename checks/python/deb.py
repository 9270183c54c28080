"""Installs the Debian package in a copy of this machine with a systemd of its own, uses it, upgrades it, removes it, purges it."""

import contextlib
import json
import os
import pwd
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import ROOT, Tally, expect, scratch

URL = "http://127.0.0.1:8383/api/v1"
# A frame of zstd with one stored block, made by hand: magic, one segment of 11 bytes, last block, 11 bytes as they are.
ZSTD_HELLO = bytes.fromhex("28b52ffd200b590000") + b"hello zstd\n"


class Machine:
    """A systemd in namespaces of its own over a copy of this machine."""

    def __init__(self, folder: Path, packages: list[Path]) -> None:
        self.log = folder / "systemd.log"
        (folder / "copy").mkdir()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup", "--net"]
                + ["sh", str(ROOT / "checks/python/machine.sh"), str(folder / "copy"), *map(str, packages)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = ""

    def up(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the copy ended:\n{self.log.read_text()[-2000:]}")
        self.pid = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().strip()
        try:
            if not self.pid or "systemd" not in Path(f"/proc/{self.pid}/comm").read_text():
                return False
        except FileNotFoundError:
            return False
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def run(self, *command: str, check: bool = True, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["nsenter", "-t", self.pid, "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "env", "-i", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
            + ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            input=stdin,
            capture_output=True,
            timeout=300,
        )
        output = done.stdout.decode(errors="replace") + (done.stderr.decode(errors="replace") if check else "")
        expect(not check or done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{output}")
        return done.stdout.decode(errors="replace")

    def sh(self, script: str, check: bool = True) -> str:
        return self.run("sh", "-c", script, check=check)

    def property(self, name: str) -> str:
        return self.run("systemctl", "show", "pannier", "--value", "-p", name).strip()

    def token(self) -> str:
        return self.run("pannier", "first-token", "--data", "/var/lib/pannier").strip()

    def curl(self, path: str, *options: str, stdin: bytes = b"") -> tuple[int, str]:
        """Status and body."""
        answer = self.run("curl", "-sS", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {self.token()}", *options, URL + path, stdin=stdin)
        body, _, status = answer.rpartition("\n")
        return int(status), body

    def connection(self, url: str, *options: str) -> str:
        """Version of HTTP, outcome of the check of the certificate, status."""
        told = "%{http_version} %{ssl_verify_result} %{http_code}"
        return self.run("curl", "-sS", "-o", "/dev/null", "-w", told, "-H", f"Authorization: Bearer {self.token()}", *options, url)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def machine(folder: Path, packages: list[Path]) -> Iterator[Machine]:
    copy = Machine(folder, packages)
    try:
        yield copy
    finally:
        copy.close()


def until(what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.2)


def holds_record(copy: Machine) -> None:
    status, body = copy.curl("/b/robot/log?ts=1000")
    expect((status, body) == (200, "before the upgrade"), f"the record reads {status} {body!r}")


def installed(copy: Machine, package: str) -> None:
    print(copy.run("dpkg", "-i", package), end="")
    expect(copy.property("ActiveState") == "active", f"the service is {copy.property('ActiveState')}")
    # systemd was told by the server itself: with Type=notify it would wait otherwise.
    expect(copy.property("Type") == "notify" and copy.property("StatusText") == "Serving", "the server told systemd nothing")
    expect(copy.curl("/alive")[0] == 200, "the server does not answer")
    owners = copy.sh("stat -c '%U %a' /var/lib/pannier /etc/pannier/pannier.env /var/lib/pannier/token").split("\n")
    expect(owners[:3] == ["pannier 750", "root 600", "pannier 600"], f"owners and modes: {owners}")
    expect(copy.sh("ps -o user= -C java").split() == ["pannier"], "the server runs as somebody else")
    copy.run("env", "PANNIER_JAVA_OPTS=-XX:AOTMode=on", "pannier", "--version")  # ends with an error if the cache cannot be used


def natives(copy: Machine) -> None:
    """What the runtime and the sandbox have to allow: native libraries, foreign calls, TLS, HTTP/2."""
    packed = ("-H", "Content-Encoding: zstd", "-H", "x-reduct-content-length: 11", "--data-binary", "@-")
    answer = copy.curl("/b/robot/packed?ts=1", *packed, stdin=ZSTD_HELLO)
    expect(answer[0] == 200, f"a body packed with zstd: {answer}")
    expect(copy.curl("/b/robot/packed?ts=1") == (200, "hello zstd\n"), "the unpacked body differs")
    maps = copy.sh("cat /proc/$(systemctl show pannier --value -p MainPID)/maps")
    for library in ("netty_transport_native_epoll", "libzstd-jni"):
        expect(library in maps, f"{library} is not loaded")
    # 40 files in one round: from 32 on the device is synced by a foreign call (syncfs), and the answer waits for it.
    for entry in range(40):
        expect(copy.curl(f"/b/robot/e{entry}?ts=1", "-X", "POST", "-d", "x")[0] == 200, "a write failed")
    expect(copy.curl("/b/robot/log?ts=2", "-X", "POST", "-d", "x", "-H", "x-pannier-ack: disk")[0] == 200, "a synced write failed")
    expect(copy.connection(URL + "/info", "--http2-prior-knowledge") == "2 0 200", "no HTTP/2")
    limit = copy.sh("grep 'open files' /proc/$(systemctl show pannier --value -p MainPID)/limits").split()[3]
    # A systemd in a container cannot give more than it was given.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    expect(limit == str(min(65536, most) if most != resource.RLIM_INFINITY else 65536), f"open files: {limit}")


def https(copy: Machine) -> None:
    copy.sh("cp -p /etc/pannier/pannier.env /root/pannier.env")
    copy.sh(
        "cd /etc/pannier && openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt -days 2 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost 2>/dev/null && chown pannier server.key"
        " && printf 'RS_CERT_PATH=/etc/pannier/server.crt\\nRS_CERT_KEY_PATH=/etc/pannier/server.key\\n' >> pannier.env"
    )
    try:
        copy.run("systemctl", "restart", "pannier")
        for version in ("1.1", "2"):
            told = copy.connection("https://localhost:8383/api/v1/info", "--cacert", "/etc/pannier/server.crt", f"--http{version}")
            expect(told == f"{version} 0 200", f"over TLS with HTTP/{version}: {told}")
    finally:
        copy.sh("cp -p /root/pannier.env /etc/pannier/pannier.env; rm -f /etc/pannier/server.*")
        copy.run("systemctl", "restart", "pannier")


def main() -> None:
    old, new = (Path(argument).resolve() for argument in sys.argv[1:])
    tally = Tally()
    with scratch() as folder, machine(folder, [old, new]) as copy:
        # Each step stands on the one before: the first that fails ends it.
        with tally.check("a copy of this machine is up"):
            until("the copy of the machine is up", copy.up)
        with tally.check("installed, the service runs, from the first moment on, with a token that only root and itself can read"):
            installed(copy, f"/root/{old.name}")
            complaints = copy.run("systemd-analyze", "verify", "pannier.service")
            expect("pannier" not in complaints, f"systemd-analyze verify says:\n{complaints}")
            token = copy.token()
            expect(len(token) >= 40, f"the token: {token}")
            expect(token not in copy.run("journalctl", "-u", "pannier", "--no-pager"), "the token stands in the journal")
            expect(copy.sh("curl -sS -o /dev/null -w '%{http_code}' " + URL + "/list") == "401", "who has no token gets in")
            expect(copy.curl("/b/robot", "-X", "POST")[0] == 200, "no bucket could be made")
            expect(copy.curl("/b/robot/log?ts=1000", "-X", "POST", "-d", "before the upgrade")[0] == 200, "no record could be written")
            expect("serve" in copy.sh("man -P cat pannier 2>/dev/null || zcat /usr/share/man/man1/pannier.1.gz"), "no man page")
            copy.sh("bash -n /usr/share/bash-completion/completions/pannier")
        with tally.check("native libraries, foreign calls and HTTP/2 work in the sandbox"):
            natives(copy)
        with tally.check("HTTPS with HTTP/1.1 and HTTP/2"):
            https(copy)
        with tally.check("what is not allowed to the service is not possible"):
            pid = copy.property("MainPID")
            status = copy.sh(f"cat /proc/{pid}/status")
            for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
                expect(line in status, f"{line!r} is not in /proc/{pid}/status")
            mounts = copy.sh(f"cat /proc/{pid}/mountinfo")
            root = next(line for line in mounts.splitlines() if line.split()[4] == "/")
            expect(root.split()[5].startswith("ro"), f"the service may write to its root: {root}")
            print("   ", copy.run("systemd-analyze", "security", "pannier", "--no-pager").strip().splitlines()[-1].strip("→ "))
        with tally.check("killed, it is started again, with what it had"):
            pid = copy.property("MainPID")
            copy.run("systemctl", "kill", "-s", "KILL", "pannier")
            until("it runs again", lambda: copy.property("MainPID") not in (pid, "0") and copy.property("ActiveState") == "active")
            holds_record(copy)
        with tally.check("settings that are refused are told, and not tried again"):
            copy.sh("cp -p /etc/pannier/pannier.env /root/pannier.env; echo RS_HOST=localhost >> /etc/pannier/pannier.env")
            copy.run("systemctl", "restart", "pannier", check=False)
            expect(copy.property("ActiveState") == "failed", f"the service is {copy.property('ActiveState')}")
            copy.run("journalctl", "--sync")
            expect("RS_HOST is 'localhost'" in copy.run("journalctl", "-u", "pannier", "--no-pager"), "the journal does not say what is wrong")
            copy.sh("cp -p /root/pannier.env /etc/pannier/pannier.env; systemctl reset-failed pannier; systemctl start pannier")
        with tally.check("an upgrade keeps data, token and changed settings"):
            copy.sh("echo RS_INSTANCE_NAME=kept >> /etc/pannier/pannier.env")
            installed(copy, f"/root/{new.name}")
            expect(copy.token() == token, "the token is another one")
            holds_record(copy)
            expect(json.loads(copy.curl("/info")[1])["instance_name"] == "kept", "the settings are lost")
            expect(copy.run("pannier", "--version").split()[1] in new.name, "the version is another one")
        with tally.check("the stop is a clean one"):
            copy.run("systemctl", "stop", "pannier")
            expect(copy.property("Result") == "success", f"the stop ended with {copy.property('Result')}")
            verified = copy.sh("setpriv --reuid pannier --regid pannier --clear-groups pannier verify --json /var/lib/pannier")
            expect('"damage"' not in verified, f"verify: {verified}")
        with tally.check("removed, the program is gone, data and settings stay"):
            copy.run("systemctl", "start", "pannier")
            copy.run("dpkg", "-r", "pannier")
            expect(copy.sh("ls -d /usr/lib/pannier /usr/bin/pannier; pgrep -u pannier", check=False) == "", "something of the program is left")
            copy.sh("test -s /var/lib/pannier/token && grep -q kept /etc/pannier/pannier.env")
        with tally.check("installed again, it goes on with what was there; purged, everything is gone, without a question"):
            installed(copy, f"/root/{new.name}")
            holds_record(copy)
            copy.run("dpkg", "-P", "pannier")
            left = copy.sh("ls -d /var/lib/pannier /etc/pannier /usr/lib/pannier; find /etc/systemd /var/lib/systemd -name '*pannier*'", check=False)
            expect(left == "", f"left after purge: {left}")
        if tally.failed:
            print(f"    systemd: {copy.log.read_text()[-1500:]}")
    with tally.check("this machine is as it was"):
        expect(not any(map(os.path.lexists, ("/usr/lib/pannier", "/usr/bin/pannier", "/etc/pannier", "/var/lib/pannier"))), "files are left")
        expect("pannier" not in [user.pw_name for user in pwd.getpwall()], "the user is left")
    tally.finish()


if __name__ == "__main__":
    main()
