"""Drives `pannier backup`, `restore`, `verify` and `scrub` as a user does, with servers, loads and kills."""

import hashlib
import http.client
import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

from harness import ROOT, TOKEN, Server, Tally, expect, scratch

tally = Tally()


def pannier(*arguments: str, code: int | None = 0, token: str = TOKEN) -> tuple[str, str]:
    """Runs the command to its end; the token goes by the environment."""
    done = subprocess.run(
        [str(ROOT / "pannier"), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PANNIER_TOKEN": token},
        timeout=240,
    )
    if code is not None:
        expect(done.returncode == code, f"pannier {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def last(output: tuple[str, str]) -> dict:
    return json.loads(output[0].strip().splitlines()[-1])


class Api:
    """One connection."""

    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, "/api/v1/" + path, body, {"authorization": f"Bearer {TOKEN}"} | names)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


class Load:
    """Writers that remember what was acknowledged, while somebody changes labels and removes."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: dict[str, str] = {}
        self.removed: set[str] = set()
        self.stop = threading.Event()
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self.write, args=(entry,), daemon=True) for entry in ("cams/a", "cams/b", "ring/c")]
        for thread in self.threads:
            thread.start()

    def write(self, entry: str) -> None:
        api = Api(self.server)
        number = 0
        while not self.stop.is_set():
            number += 1
            time.sleep(0.005)  # On a slow machine a backup would not catch up with writers that do nothing else.
            body = os.urandom(200 + number % 5 * 20_000)
            path = f"b/{entry}?ts={number}"
            status, answer = api.ask("POST", path, body, x_reduct_label_n=str(number))
            if status != 200:
                self.failures.append(f"{path}: {status} {answer!r}")
                return
            self.acknowledged[path] = hashlib.sha256(body).hexdigest()
            if number % 6 == 0:
                older = f"b/{entry}?ts={number - 4}"
                self.removed.add(older)
                api.ask("DELETE", older)
            if number % 5 == 0:
                api.ask("PATCH", f"b/{entry}?ts={number - 2}", x_reduct_label_seen="yes")

    def wait_for(self, records: int) -> None:
        while len(self.acknowledged) < records and not self.failures:
            time.sleep(0.05)

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        expect(not self.failures, "; ".join(self.failures))


def compare(server: Server, before: dict[str, str], removed: set[str]) -> int:
    api = Api(server)
    found = 0
    for path, digest in before.items():
        status, body = api.ask("GET", path)
        if status == 404:
            expect(path in removed or path.startswith("b/ring/"), f"{path} was acknowledged and is not there")
            continue
        expect(status == 200 and hashlib.sha256(body).hexdigest() == digest, f"{path}: {status}, or other bytes")
        found += 1
    return found


def main() -> None:
    with scratch() as folder:
        data, backup, elsewhere = folder / "data", folder / "backup", folder / "elsewhere"
        with Server(data, settings={"PANNIER_SCRUB_RATE": "200MB"}) as server:
            server.start()
            api = Api(server)
            api.ask("POST", "b/cams", b'{"max_block_records": 40}')
            api.ask("POST", "b/ring", b'{"quota_type": "FIFO", "quota_size": 3000000, "max_block_records": 20}')
            load = Load(server)
            load.wait_for(300)
            url = server.url
            with tally.check("a backup under load, killed and repeated"):
                killed = subprocess.Popen(
                    [str(ROOT / "pannier"), "backup", url, str(backup), "-q", "--rate", "1MB"],
                    env=os.environ | {"PANNIER_TOKEN": TOKEN},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                time.sleep(5)
                killed.kill()
                killed.wait()
                before = dict(load.acknowledged)
                point = last(pannier("backup", url, str(backup), "--json", "-q"))
                expect(point["point"] == 1 and point["damaged"] == 0, str(point))
            with tally.check("a second backup brings only what is new"):
                load.wait_for(len(load.acknowledged) + 50)
                second = last(pannier("backup", url, str(backup), "--json", "-q"))
                expect(second["point"] == 2 and second["reused_bytes"] > 0, str(second))
            load.end()
            with tally.check("a backup of what has not changed brings nothing"):
                pannier("backup", url, str(backup), "--bucket", "cams", "-q")
                third = last(pannier("backup", url, str(backup), "--bucket", "cams", "--json", "-q"))
                expect(third["copied_bytes"] == 0, str(third))
            with tally.check("a running server is verified and scrubbed"):
                whole = last(pannier("verify", url, "--json", "-q"))
                expect(whole["clean"], str(whole))
                pannier("verify", url, "-q", token="wrong", code=2)
                pannier("scrub", url, "--now")
                deadline = time.monotonic() + 300
                while not last(pannier("scrub", url, "--json"))["last"]:
                    expect(time.monotonic() < deadline, "the scrub does not end")
                    time.sleep(1)
                block = max((data / "b").glob("*/*/*.blk"), key=lambda file: file.stat().st_size)
                flip(block, block.stat().st_size // 2)
                out, _ = pannier("verify", url, "-q", code=1)
                expect(block.name in out, out)
                pannier("scrub", url, "--now", code=None)
                while last(pannier("scrub", url, "--json", code=None))["last"]["pass"] < 2:
                    expect(time.monotonic() < deadline, "the scrub does not end")
                    time.sleep(1)
                out, _ = pannier("scrub", url, code=1)
                expect("DAMAGE" in out and block.name in out, out)
                flip(block, block.stat().st_size // 2)
            with tally.check("a bucket is restored beside the one there is, and nothing half is seen"):
                _, err = pannier("restore", str(backup), url, "--bucket", "cams", code=2)
                expect("already exists" in err, err)
                half = subprocess.Popen(
                    [str(ROOT / "pannier"), "restore", str(backup), url, "--bucket", "cams", "--as", "copy", "-q", "--rate", "300kB"],
                    env=os.environ | {"PANNIER_TOKEN": TOKEN},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                time.sleep(4)
                expect(half.poll() is None, "the restore was too quick to be cut short")
                expect(Api(server).ask("GET", "b/copy")[0] == 404, "half a bucket is visible")
                server.kill()
                half.kill()
                half.wait()
                server.start()
                expect(Api(server).ask("GET", "b/copy")[0] == 404, "half a bucket is there after a kill")
                pannier("restore", str(backup), url, "--bucket", "cams", "--as", "copy", "-q")
                mine = {path: digest for path, digest in before.items() if path.startswith("b/cams/")}
                copies = {path.replace("b/cams/", "b/copy/"): digest for path, digest in mine.items()}
                gone = {path.replace("b/cams/", "b/copy/") for path in load.removed}
                expect(compare(server, copies, gone) > 100, "too little came back")
        with tally.check("the data folder of a point, after a restore that was killed"):
            restoring = subprocess.Popen(
                [str(ROOT / "pannier"), "restore", str(backup), "--data", str(elsewhere), "--point", "1", "-q", "--rate", "500kB"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            deadline = time.monotonic() + 60
            while not (elsewhere / "RESTORING").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(1)
            restoring.kill()
            restoring.wait()
            _, err = pannier("serve", "--data", str(elsewhere), "--port", "0", code=1)
            expect("cut short" in err, err)
            pannier("restore", str(backup), "--data", str(elsewhere), "--point", "1", "-q")
            pannier("verify", str(elsewhere), "-q")
            with Server(elsewhere) as server:
                server.start()
                expect(compare(server, before, load.removed) > 150, "too little came back")
        with tally.check("of a folder without a server, listed, checked, damaged and pruned"):
            pannier("backup", "--data", str(elsewhere), str(backup), "-q")
            points = [json.loads(line) for line in pannier("backup", "--list", str(backup), "--json")[0].splitlines()]
            expect([point["point"] for point in points] == [1, 2, 3, 4, 5], str(points))
            pannier("backup", "--verify", str(backup), "-q")
            piece = max((backup / "pieces").glob("*/*"), key=lambda file: file.stat().st_size)
            flip(piece, piece.stat().st_size // 2)
            out, _ = pannier("backup", "--verify", str(backup), "-q", code=1)
            expect(piece.name in out, out)
            needed = re.search(r"needed by restore points \[(\d+)", out)
            expect(needed is not None, out)
            out, _ = pannier("restore", str(backup), "--data", str(folder / "third"), "--point", needed.group(1), "-q", code=1)
            expect(piece.name in out, out)
            flip(piece, piece.stat().st_size // 2)
            out, _ = pannier("backup", "--prune", "1", str(backup))
            expect("4 restore points removed" in out, out)
            pannier("backup", "--verify", str(backup), "-q")
    tally.finish()


def flip(file: Path, at: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 0x10]))
        opened.flush()
        os.fsync(opened.fileno())


if __name__ == "__main__":
    main()
