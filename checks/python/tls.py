"""Makes an authority with "pannier tls", serves HTTPS with its certificate, and speaks to it with curl, OpenSSL, Python, the tour and reduct-cli."""

import json
import os
import shutil
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness import ROOT, TOKEN, Failed, Server, Tally, expect, scratch


class TlsServer(Server):
    """The same over HTTPS; trusts one authority."""

    def __init__(self, data: Path, tls: Path, **more: str) -> None:
        settings = {"RS_CERT_PATH": str(tls / "server.pem"), "RS_CERT_KEY_PATH": str(tls / "server-key.pem")}
        super().__init__(data, settings=settings | more)
        self.trust = ssl.create_default_context(cafile=str(tls / "ca.pem"))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def get(self, path: str, trust: ssl.SSLContext | None = None) -> bytes:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=20, context=trust or self.trust) as answer:
            return answer.read()

    def answers(self) -> bool:
        try:
            self.get("ready")
            return True
        except OSError:
            return False


def run(*command: str | Path, code: int = 0, **more) -> str:
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, cwd=ROOT, **more)
    told = (done.stdout + done.stderr).strip()
    expect(done.returncode == code, f"{command[0]} ended with {done.returncode}, not {code}:\n{told}")
    return told


def pannier_tls(*arguments: str | Path, code: int = 0) -> str:
    return run(ROOT / "pannier", "tls", *arguments, code=code)


def is_refused(server: TlsServer, trust: ssl.SSLContext) -> bool:
    try:
        server.get("alive", trust)
        return False
    except (urllib.error.URLError, ssl.SSLError, ConnectionError):
        return True


def reduct_cli(program: str, server: TlsServer, ca: Path, folder: Path) -> None:
    environment = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    run(program, "alias", "add", "own", "-L", server.url, "-t", TOKEN, env=environment)
    told = run(program, "--ca-cert", ca, "server", "status", "own", env=environment)
    expect("1.21" in told, f"it says: {told}")
    refused = subprocess.run([program, "server", "status", "own"], capture_output=True, text=True, timeout=60, env=environment)
    expect(refused.returncode != 0, "it trusts anybody")


def served_certificate(server: TlsServer) -> str:
    return ssl.get_server_certificate(("localhost", server.port))


def replaced_certificate(server: TlsServer, tls: Path) -> None:
    """The server looks at its files now and then; a new certificate is served without a restart."""
    before = served_certificate(server)
    pannier_tls(tls, "--renew")
    began = time.monotonic()
    while served_certificate(server) == before:
        expect(time.monotonic() - began < 90, "the old certificate is served 90 s after the renewal")
        time.sleep(0.5)
    server.get("info")


def main() -> None:
    tally = Tally()
    with scratch() as folder:
        tls = folder / "tls"
        with tally.check("an authority, a server and a client; keys for their owner alone"):
            told = pannier_tls(tls, "--host", "localhost", "127.0.0.1", "robot1.local", "--client", "operator", "--json")
            expect([json.loads(line)["kind"] for line in told.splitlines()] == ["authority", "server", "client"], told)
            for name in ("ca", "server", "client-operator"):
                mode = stat.S_IMODE((tls / f"{name}-key.pem").stat().st_mode)
                expect(mode == 0o600, f"{name}-key.pem has mode {mode:o}")
        with tally.check("what is there is not overwritten"):
            before = (tls / "server.pem").read_bytes()
            told = pannier_tls(tls, "--host", "other", code=2)
            expect("--renew" in told and (tls / "server.pem").read_bytes() == before, told)
        if shutil.which("openssl"):
            with tally.check("OpenSSL finds nothing wrong, in its strict way"):
                for name, purpose in (("server", "sslserver"), ("client-operator", "sslclient")):
                    run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", tls / "ca.pem", tls / f"{name}.pem")
                run("openssl", "verify", "-x509_strict", "-verify_hostname", "robot1.local", "-CAfile", tls / "ca.pem", tls / "server.pem")
                run("openssl", "verify", "-verify_hostname", "robot2.local", "-CAfile", tls / "ca.pem", tls / "server.pem", code=2)
        else:
            tally.skip("no openssl")
        with TlsServer(folder / "data", tls) as server:
            server.start()
            with tally.check("Python trusts it by its authority, and not otherwise"):
                expect(b"version" in server.get("info"), "no info")
                expect(is_refused(server, ssl.create_default_context()), "without the authority it is trusted, too")
                strict = ssl.create_default_context(cafile=str(tls / "ca.pem"))
                strict.verify_flags |= ssl.VERIFY_X509_STRICT
                server.get("info", strict)
            if shutil.which("curl"):
                with tally.check("curl --cacert"):
                    header = f"Authorization: Bearer {TOKEN}"
                    run("curl", "-sSf", "--cacert", tls / "ca.pem", "-H", header, f"{server.url}/api/v1/info")
                    run("curl", "-sSf", "--cacert", tls / "ca.pem", "-H", header, f"https://127.0.0.1:{server.port}/api/v1/info")
                    run("curl", "-sSf", f"{server.url}/api/v1/alive", code=60)
            else:
                tally.skip("no curl")
            with tally.check("the tour with --ca"):
                tour = [sys.executable, "examples/python/tour.py", "--url", server.url, "--token", TOKEN]
                run(*tour, "--ca", tls / "ca.pem")
                try:
                    run(*tour)
                except Failed:
                    pass
                else:
                    raise Failed("the tour trusts anybody")
            if os.environ.get("REDUCT_CLI"):
                with tally.check("reduct-cli --ca-cert"):
                    reduct_cli(os.environ["REDUCT_CLI"], server, tls / "ca.pem", folder)
            else:
                tally.skip("no reduct-cli (REDUCT_CLI; checks/50-cli.sh builds it)")
            with tally.check("a renewed certificate is taken over by the server that runs"):
                replaced_certificate(server, tls)
        with TlsServer(
            folder / "mutual", tls, PANNIER_CLIENT_CA_PATH=str(tls / "ca.pem"), PANNIER_REQUIRE_CLIENT_CERT="true"
        ) as server:
            with tally.check("a client's certificate opens a server that asks for one"):
                anonymous = ssl.create_default_context(cafile=str(tls / "ca.pem"))
                server.trust.load_cert_chain(tls / "client-operator.pem", tls / "client-operator-key.pem")
                server.start()
                server.get("info")
                expect(is_refused(server, anonymous), "a client without one gets in")
    tally.finish()


if __name__ == "__main__":
    main()
