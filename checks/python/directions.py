"""Replication in all directions between Pannier and the reference server, which REDUCTSTORE names: the same records, changes and conditions have to
arrive whoever sends and whoever receives.
"""

import asyncio
import json
import os
import random
import sys
import time
import urllib.request

from harness import TOKEN, Server, Tally, expect, scratch
from reduct import Batch, Client

REFERENCE_PROGRAM = os.environ.get("REDUCTSTORE")
BEGINNING = 1_700_000_000_000_000
CODINGS = ["none", "zstd", "gzip"]


def call(server: Server, method: str, path: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


def wait(what: str, holds, seconds_max: float = 60) -> None:
    began = time.monotonic()
    while not holds():
        expect(time.monotonic() - began < seconds_max, f"{what}: not within {seconds_max} s")
        time.sleep(0.1)


def records(server: Server, bucket: str) -> dict:
    async def read() -> dict:
        found = {}
        async with Client(server.url, api_token=TOKEN) as client:
            names = [one.name for one in await client.list()]
            if bucket not in names:
                return found
            there = await client.get_bucket(bucket)
            for entry in await there.get_entry_list():
                async for one in there.query(entry.name):
                    found[entry.name, one.timestamp] = await one.read_all(), one.content_type, tuple(sorted(one.labels.items()))
        return found

    return asyncio.run(read())


async def write(server: Server, chance: random.Random) -> dict:
    """Writes records to the bucket of the source and answers those that have to arrive."""
    wanted = {}
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("source")
        for i in range(40):
            body, labels = chance.randbytes(chance.randrange(5_000)), {"n": str(i), "keep": "yes" if i % 2 else "no"}
            await bucket.write("cam/front", body, BEGINNING + i, labels=labels, content_type="image/png")
            if i % 2:
                wanted["robot/cam/front", BEGINNING + i] = body, "image/png", tuple(sorted(labels.items()))
            await bucket.write("other", body, BEGINNING + i, labels=labels)
        batch = Batch()
        for i in range(40, 80):
            body = chance.randbytes(100)
            batch.add(BEGINNING + i, body, labels={"keep": "yes"})
            wanted["robot/cam/front", BEGINNING + i] = body, "application/octet-stream", (("keep", "yes"),)
        await bucket.write_batch("cam/front", batch)
        large = chance.randbytes(6_000_000)
        await bucket.write("cam/front", large, BEGINNING + 100, labels={"keep": "yes"})
        wanted["robot/cam/front", BEGINNING + 100] = large, "application/octet-stream", (("keep", "yes"),)
    return wanted


async def relabel(server: Server, wanted: dict) -> None:
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("source")
        await bucket.update("cam/front", BEGINNING + 1, {"n": "changed", "more": "x"})
    key = "robot/cam/front", BEGINNING + 1
    body, content_type, _ = wanted[key]
    wanted[key] = body, content_type, (("keep", "yes"), ("more", "x"), ("n", "changed"))


def direction(folder, names: tuple[str, str], coding: str, seed: int) -> None:
    programs = {"pannier": None, "reference": REFERENCE_PROGRAM}
    chance = random.Random(seed)
    with Server(folder / "source", program=programs[names[0]]) as source, Server(folder / "copy", program=programs[names[1]]) as copy:
        source.start()
        copy.start()
        call(source, "POST", "b/source", {})
        settings = {
            "src_bucket": "source", "dst_bucket": "taken", "dst_host": copy.url, "dst_token": TOKEN, "entries": ["cam/*"],
            "dst_prefix": "robot", "when": {"&keep": {"$eq": "yes"}}, "compression": coding,
        }
        call(source, "POST", "replications/up", settings)
        wanted = asyncio.run(write(source, chance))
        wait("all records", lambda: records(copy, "taken").keys() == wanted.keys())
        asyncio.run(relabel(source, wanted))
        wait("changed labels", lambda: records(copy, "taken") == wanted)
        detail = call(source, "GET", "replications/up")
        expect(detail["info"]["pending_records"] == 0, f"pending: {detail}")
        expect(detail["diagnostics"]["hourly"]["errored"] == 0, f"errors: {detail}")


def main() -> None:
    if not REFERENCE_PROGRAM or not os.access(REFERENCE_PROGRAM, os.X_OK):
        print("SKIPPED: REDUCTSTORE does not name the program of a reference server")
        sys.exit(77)
    tally = Tally()
    for seed, names in enumerate([("pannier", "reference"), ("reference", "pannier"), ("pannier", "pannier"), ("reference", "reference")]):
        for coding in CODINGS if "pannier" in names and names[0] != names[1] else CODINGS[:1]:
            with scratch() as folder, tally.check(f"{names[0]} to {names[1]}, compression {coding}"):
                direction(folder, names, coding, seed)
    tally.finish()


if __name__ == "__main__":
    main()
