"""Buckets made and copied by reduct-cli: to another bucket and to a folder, with equal bytes and labels."""

import asyncio
import os
import random
import subprocess
import time
from hashlib import sha256
from pathlib import Path

from harness import TOKEN, Server, Tally, expect, scratch
from reduct import Batch, Client

ENTRIES = ["camera", "imu", "logs/nav"]
START = 1_700_000_000_000_000


class Cli:
    """reduct-cli with a home of its own, so that nobody's aliases are touched."""

    def __init__(self, home: Path) -> None:
        self.environment = os.environ | {"HOME": str(home), "NO_COLOR": "1"}

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [os.environ["REDUCT_CLI"], *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        expect(done.returncode == 0, f"reduct-cli {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr


async def fill(url: str) -> None:
    chance = random.Random(3)
    async with Client(url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("drive")
        for entry in ENTRIES:
            batch = Batch()
            for i in range(60):
                labels = {"robot": "anna", "number": str(i)}
                batch.add(START + i * 33_333, chance.randbytes(chance.randrange(3_000)), "image/jpeg", labels)
            expect(await bucket.write_batch(entry, batch) == {}, "the batch was not taken whole")
            await bucket.write(entry, chance.randbytes(3_000_000), START + 10_000_000, labels={"robot": "anna"})


async def contents(url: str, name: str) -> dict:
    found = {}
    async with Client(url, api_token=TOKEN) as client:
        bucket = await client.get_bucket(name)
        for entry in await bucket.get_entry_list():
            async for record in bucket.query(entry.name):
                digest = sha256(await record.read_all()).hexdigest()
                found[entry.name, record.timestamp] = (digest, record.content_type, record.labels)
    return found


def main() -> None:
    tally = Tally()
    with scratch() as folder, Server(folder / "data") as server:
        server.start()
        cli = Cli(folder)
        with tally.check("reduct-cli: alias, buckets, list"):
            cli("alias", "add", "robot", "-L", server.url, "-t", TOKEN)
            cli("bucket", "create", "robot/drive", "--quota-type", "FIFO", "--quota-size", "1GB")
            cli("bucket", "create", "robot/copy")
            listed = cli("bucket", "ls", "robot")
            expect("drive" in listed and "copy" in listed, f"the buckets are not listed: {listed}")
        asyncio.run(fill(server.url))
        source = asyncio.run(contents(server.url, "drive"))
        with tally.check("reduct-cli: the facts of a bucket"):
            shown = cli("bucket", "show", "robot/drive", "--full")
            expect(all(entry in shown for entry in ENTRIES), f"entries are missing: {shown}")
        with tally.check("reduct-cli: copy to another bucket"):
            cli("cp", "robot/drive", "robot/copy")
            copied = asyncio.run(contents(server.url, "copy"))
            expect(len(source) == 61 * len(ENTRIES), f"{len(source)} records to copy")
            expect(copied == source, f"{len(copied)} records copied of {len(source)}, or changed ones")
        with tally.check("reduct-cli: copy to a folder"):
            cli("cp", "robot/drive", str(folder / "export"))
            files = [file for file in (folder / "export").rglob("*") if file.is_file()]
            digests = sorted(sha256(file.read_bytes()).hexdigest() for file in files)
            expect(digests == sorted(digest for digest, _, _ in source.values()), f"{len(files)} files, or changed ones")
        with tally.check("reduct-cli: removal of records and of a bucket"):
            cli("rm", "robot/copy", "--entries", "camera", "--start", str(START), "--stop", str(START + 2_000_000))
            left = asyncio.run(contents(server.url, "copy"))
            wanted = {key: value for key, value in source.items() if key[0] != "camera" or key[1] >= START + 2_000_000}
            expect(left == wanted, f"{len(left)} records left instead of {len(wanted)}")
            cli("bucket", "rm", "robot/copy", "--yes")
            deadline = time.monotonic() + 10
            while "copy" in cli("bucket", "ls", "robot"):
                expect(time.monotonic() < deadline, "the bucket is still listed after 10 s")
        server.interrupt()
    tally.finish()


if __name__ == "__main__":
    main()
