"""Every command of rcli (RCLI), the command line of before, and what comes of it. Started by ../run.py, which says what is printed."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "python")]

from commands import Commands, run_cases  # noqa: E402
from harness import expect, scratch  # noqa: E402
from reduct import Client  # noqa: E402

URL = os.environ["PANNIER_URL"]
TOKEN = os.environ["PANNIER_TOKEN"]
START = 1_700_000_000_000_000
# Without an end this program ends before the latest record, as it gives the time of that one, and the end is not part of the range.
END = ["--stop", str(START + 10_000_000)]


def equal(found: object, wanted: object) -> None:
    expect(found == wanted, f"{found!r} instead of {wanted!r}")


async def fill(name: str) -> None:
    async with Client(URL, api_token=TOKEN) as client:
        bucket = await client.create_bucket(name)
        for entry in ("camera", "imu"):
            for i in range(5):
                content = f"{entry} {i}".encode() * 1000
                await bucket.write(entry, content, START + i * 1_000_000, content_type="image/jpeg", labels={"number": str(i)})


def contents(name: str) -> dict:
    """Content, type and labels of each record of a bucket."""

    async def read() -> dict:
        found = {}
        async with Client(URL, api_token=TOKEN) as client:
            bucket = await client.get_bucket(name)
            for entry in await bucket.get_entry_list():
                async for record in bucket.query(entry.name):
                    found[entry.name, record.timestamp] = (await record.read_all(), record.content_type, record.labels)
        return found

    return asyncio.run(read())


def scenario(rcli: Commands, folder: Path) -> list[tuple[str, Callable[[], None]]]:
    def aliases() -> None:
        rcli("alias", "add", "robot", "-L", URL, "-t", TOKEN)
        rcli("alias", "add", "other", "-L", "http://127.0.0.1:9", "-t", "x")
        equal(rcli("alias", "ls").split(), ["robot", "other"])
        equal(rcli("alias", "show", "--token", "robot").split(), ["URL:", f"{URL.rstrip('/')}/", "Token:", TOKEN])
        rcli("alias", "rm", "other")
        equal(rcli("alias", "ls").split(), ["robot"])

    def server() -> None:
        told = rcli("server", "status", "robot").split()
        equal(told[:2], ["Status:", "Ok"])
        expect(told[3].startswith("1.21."), f"version {told[3]}")

    def buckets() -> None:
        rcli("bucket", "create", "robot/rcli-a", "--quota-type", "FIFO", "--quota-size", "1GB", "--block-records", "100")
        rcli("bucket", "update", "robot/rcli-a", "--block-records", "50")
        shown = rcli("bucket", "show", "--full", "robot/rcli-a")
        expect("FIFO" in shown and "Max. Block Records: 50" in shown, f"other settings: {shown}")
        expect("rcli-a" in rcli("bucket", "ls", "robot").split(), "the bucket is not listed")
        expect("rcli-a" in rcli("bucket", "ls", "--full", "robot"), "the bucket is not listed")
        rcli("bucket", "rm", "robot/rcli-a", answer="y\n")
        deadline = time.monotonic() + 10
        while "rcli-a" in rcli("bucket", "ls", "robot").split():
            expect(time.monotonic() < deadline, "the bucket is still listed after 10 s")

    def to_folder() -> None:
        asyncio.run(fill("rcli-drive"))
        source = contents("rcli-drive")
        rcli("export", "folder", "--ext", "jpeg", "--with-metadata", *END, "robot/rcli-drive", str(folder / "out"))
        files = {(file.parent.name, int(file.stem)): file.read_bytes() for file in (folder / "out").rglob("*.jpeg")}
        expect(files == {key: content for key, (content, _, _) in source.items()}, f"{len(files)} files, or changed ones")
        told = json.loads((folder / "out" / "imu" / f"{START}.json").read_text())
        equal((told["timestamp"], told["content_type"], told["labels"]), (START, "image/jpeg", {"number": "0"}))
        rcli("export", "folder", "--entries", "im*", "--start", str(START + 2_000_000), *END, "robot/rcli-drive", str(folder / "part"))
        files = sorted((file.parent.name, int(file.stem)) for file in (folder / "part").rglob("*") if file.is_file())
        equal(files, [("imu", START + i * 1_000_000) for i in (2, 3, 4)])

    def to_bucket() -> None:
        rcli("export", "bucket", *END, "robot/rcli-drive", "robot/rcli-copy")
        expect(contents("rcli-copy") == contents("rcli-drive"), "the copy differs")
        rcli("mirror", *END, "robot/rcli-drive", "robot/rcli-mirror")
        expect(contents("rcli-mirror") == contents("rcli-drive"), "the copy differs")

    def entries() -> None:
        rcli("bucket", "rm", "robot/rcli-mirror", "--only-entries", "im*", answer="y\n")
        deadline = time.monotonic() + 10
        while {entry for entry, _ in contents("rcli-mirror")} != {"camera"}:
            expect(time.monotonic() < deadline, "the entry is still there after 10 s")

    def tokens() -> None:
        value = rcli("token", "create", "robot", "rcli-token", "--read", "rcli-drive,rcli-copy", "--write", "rcli-copy").split()[-1]
        shown = rcli("token", "show", "robot", "rcli-token")
        expect(
            "Read Only:      ['rcli-drive', 'rcli-copy']" in shown and "Write Only:     ['rcli-copy']" in shown, f"other rights: {shown}"
        )
        expect("rcli-token" in rcli("token", "ls", "robot").split(), "the token is not listed")
        rcli("alias", "add", "limited", "-L", URL, "-t", value)
        equal(rcli("bucket", "ls", "limited").split(), ["rcli-copy", "rcli-drive"])
        told = rcli.refused("token", "ls", "limited")
        expect("403: Token 'rcli-token' doesn't have full access" in told, f"another text: {told}")
        rcli("token", "rm", "robot", "rcli-token", answer="y\n")
        told = rcli.refused("token", "show", "robot", "rcli-token")
        expect("404: Token 'rcli-token' doesn't exist" in told, f"another text: {told}")

    def replications() -> None:
        arguments = ["robot", "rcli-task", "rcli-drive", "rcli-target", URL, "--dst-token", TOKEN]
        rcli("bucket", "create", "robot/rcli-target")
        rcli("replication", "create", *arguments, "--entries", "imu")
        rcli("replication", "update", *arguments, "--entries", "imu,camera")
        equal(rcli("replication", "ls", "robot").split(), ["rcli-task"])
        expect("rcli-task" in rcli("replication", "ls", "--full", "robot"), "the task is not listed")
        # The program looks for settings that its own library no longer has: no server can please it.
        told = rcli.refused("replication", "show", "robot", "rcli-task")
        expect("has no attribute 'include'" in told, f"another failure: {told}")
        rcli("replication", "rm", "robot", "rcli-task", answer="y\n")
        equal(rcli("replication", "ls", "robot"), "")

    return [
        ("aliases: add, show, list, remove", aliases),
        ("server: status", server),
        ("buckets: create, update, show, list, remove", buckets),
        ("records: export to a folder", to_folder),
        ("records: export to a bucket, mirror", to_bucket),
        ("entries: remove", entries),
        ("tokens: create, show, list, remove", tokens),
        ("replications: create, update, list, remove", replications),
    ]


with scratch() as folder:
    commands = Commands(os.environ["RCLI"], folder)
    run_cases(scenario(commands, folder), commands)
