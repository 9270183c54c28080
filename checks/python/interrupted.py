"""cp, export, put and mirror, ended by signals at points drawn from a seed and called again until they come to their end: what is there then equals the source."""

import argparse
import asyncio
import hashlib
import json
import random
import signal
import subprocess
import time
from pathlib import Path

from harness import ROOT, TOKEN, Server, Tally, expect, scratch
from reduct import Batch, Client

ENTRIES = ("camera/front", "imu", "log")
LARGE = 3_000_000


class Command:
    """The command with aliases of its own, and signals that meet it in the middle of its work."""

    def __init__(self, server: Server, folder: Path, chance: random.Random, cuts: int) -> None:
        self.folder = folder
        self.chance = chance
        self.cuts = cuts
        config = folder / "config.toml"
        config.write_text(f'[aliases.s]\nurl = "{server.url}/"\ntoken = "{TOKEN}"\n')
        self.words = [str(ROOT / "pannier"), "--config", str(config)]

    def until_done(self, *arguments: str) -> str:
        """Cuts short so often, then lets it come to its end. Answers what the last call printed."""
        self.cut = 0
        for _ in range(self.cuts):
            process = self.spawn(*arguments)
            try:
                process.wait(self.chance.uniform(0.2, 2.0))
            except subprocess.TimeoutExpired:
                process.send_signal(self.chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL)))
                process.wait(60)
                self.cut += 1
        process = self.spawn(*arguments)
        told, complaint = process.communicate(timeout=300)
        expect(process.returncode == 0, f"{' '.join(arguments)}: exit {process.returncode}\n{told.decode()}{complaint.decode()}")
        return told.decode()

    def spawn(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*self.words, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )


async def fill(client: Client, chance: random.Random) -> None:
    """Many small records, and some large ones that a signal meets half-way."""
    bucket = await client.create_bucket("source")
    for entry in ENTRIES:
        for start in range(0, 2_000, 50):
            batch = Batch()
            for i in range(start, start + 50):
                batch.add(1_000_000 + i * 10, chance.randbytes(chance.randrange(0, 2_000)), "text/plain", {"n": str(i)})
            expect(not await bucket.write_batch(entry, batch), "the load is refused")
        for i in range(10):
            await bucket.write(entry, chance.randbytes(LARGE), 1_005_005 + i * 1_000, labels={"large": str(i)})


async def digests(client: Client, name: str) -> dict:
    """Of each record: entry and time to digest, type and labels."""
    found = {}
    bucket = await client.get_bucket(name)
    for entry in await bucket.get_entry_list():
        if entry.record_count:
            async for record in bucket.query(entry.name):
                labels = json.dumps(record.labels, sort_keys=True)
                key = (entry.name, record.timestamp)
                expect(key not in found, f"{key} comes twice")
                found[key] = (hashlib.sha256(await record.read_all()).hexdigest(), record.content_type, labels)
    return found


def of_folder(folder: Path) -> dict:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            expect(not path.name.endswith(".part"), f"{path} is half")
            entry = str(path.parent.relative_to(folder))
            found[entry, int(path.name.split(".")[0])] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def swept(folder: Path) -> None:
    """SIGKILL leaves what no program can remove; that it is no file of the export is told by its name."""
    for path in folder.rglob("*.part"):
        path.unlink()


async def run(server: Server, folder: Path, tally: Tally, chance: random.Random, cuts: int) -> None:
    command = Command(server, folder, chance, cuts)

    async def same(name: str, wanted: dict, *arguments: str) -> None:
        with tally.check(name):
            await asyncio.to_thread(command.until_done, *arguments)
            async with Client(server.url, api_token=TOKEN) as client:
                found = await digests(client, arguments[2].split("/")[1])
            differ = {key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)}
            expect(not differ, f"{len(differ)} of {len(wanted)} records differ, as {sorted(differ)[:3]}")
            print(f"    {command.cut} of {cuts} calls were cut short")

    async with Client(server.url, api_token=TOKEN) as client:
        await fill(client, chance)
        wanted = await digests(client, "source")
    bodies = {key: value[0] for key, value in wanted.items()}
    await same("cp into a bucket", wanted, "cp", "s/source", "s/copied", "-q")
    await same("cp --from-last into a bucket", wanted, "cp", "s/source", "s/continued", "--from-last", "-q")
    await same("mirror", wanted, "mirror", "s/source", "s/mirrored", "-q")
    for name, words, wish in (
        ("cp into a folder", ("cp", "s/source"), ()),
        ("cp --resume into a folder", ("cp", "s/source"), ("--resume",)),
        ("export folder", ("export", "folder", "s/source"), ("--resume",)),
    ):
        with tally.check(name):
            out = folder / name.replace(" ", "-")
            await asyncio.to_thread(command.until_done, *words, str(out), *wish, "-q")
            swept(out)
            found = of_folder(out)
            differ = {key for key in bodies.keys() | found.keys() if bodies.get(key) != found.get(key)}
            expect(not differ, f"{len(differ)} of {len(bodies)} files differ, as {sorted(differ)[:3]}")
            print(f"    {command.cut} of {cuts} calls were cut short")
    with tally.check("mcap, tar and ndjson appear whole or not at all"):
        for form in ("mcap", "tar", "ndjson"):
            out = folder / f"one.{form}"
            await asyncio.to_thread(command.until_done, "cp", "s/source", str(out), "--format", form, "-q")
            again = folder / f"again.{form}"
            subprocess.run([*command.words, "cp", "s/source", str(again), "--format", form, "-q"], check=True, stdout=subprocess.DEVNULL, timeout=300)
            expect(out.read_bytes() == again.read_bytes(), f"{form} of two runs differs")
    with tally.check("the source of put"):
        out = folder / "put"
        subprocess.run([*command.words, "cp", "s/source", str(out), "--with-meta", "-q"], check=True, stdout=subprocess.DEVNULL, timeout=300)
    await same("put of a folder", wanted, "put", str(folder / "put"), "s/put", "-q")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cuts", type=int, default=5, help="signals for each command")
    options.add_argument("--seed", type=int, default=int(time.time()))
    given = options.parse_args()
    print(f"seed {given.seed}")
    tally = Tally()
    with scratch() as folder, Server(folder / "data") as server:
        server.start()
        asyncio.run(run(server, folder, tally, random.Random(given.seed), given.cuts))
    tally.finish()


main()
