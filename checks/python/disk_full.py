"""A server on a file system of 48 MB: filled until it refuses, then with not one byte free, where removing must still work."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from harness import REFERENCE, TOKEN, Server, Tally, expect, scratch, verify
from reduct import Bucket, BucketSettings, Client, QuotaType, ReductError

DISK_FULL = 507
Stored = dict[int, bytes]  # timestamp and digest


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of its own; None where mounting is not allowed."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def take_rest(disk: Path) -> None:
    """Another program's file takes every byte that is free."""
    with (disk / "neighbour").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    free = os.statvfs(disk).f_bavail
    expect(free == 0, f"{free} pages are still free")


class Writer:
    """Writes numbered records and remembers those that were acknowledged."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.time = 1_700_000_000_000_000

    async def write(self, bucket: Bucket, entry: str, size: int, stored: Stored) -> None:
        self.time += 1_000
        data = self.random.randbytes(size)
        await bucket.write(entry, data, self.time, labels={"half": str(len(stored) % 2)})
        stored[self.time] = sha256(data).digest()

    async def fill(self, bucket: Bucket, entry: str, stored: Stored) -> None:
        """Writes large records until the disk is full, then smaller ones into what is left."""
        for size in (300_000, 30_000, 1_000):
            for _ in range(2_000):
                try:
                    await self.write(bucket, entry, size, stored)
                except ReductError as error:
                    expect(error.status_code == DISK_FULL, f"a full disk is answered with {error}")
                    break
            else:
                expect(False, "the disk does not fill")


async def expect_stored(bucket: Bucket, entry: str, stored: Stored) -> None:
    found: Stored = {}
    async for record in bucket.query(entry):
        found[record.timestamp] = sha256(await record.read_all()).digest()
    missing = stored.keys() - found.keys()
    foreign = found.keys() - stored.keys()
    changed = [time for time in stored.keys() & found.keys() if stored[time] != found[time]]
    expect(
        not missing and not foreign and not changed,
        f"{entry}: of {len(stored)} records {len(missing)} are missing, {len(changed)} changed; {len(foreign)} are foreign",
    )


async def expect_newest(bucket: Bucket, entry: str, stored: Stored) -> None:
    """What FIFO has left: the newest records without a gap. Forgets the others."""
    found = {}
    async for record in bucket.query(entry):
        found[record.timestamp] = sha256(await record.read_all()).digest()
    kept = sorted(stored)[-len(found) :] if found else []
    expect(sorted(found) == kept and len(kept) > 0, f"{entry}: {len(found)} records, not the newest ones")
    expect(all(found[time] == stored[time] for time in kept), f"{entry}: other bytes")
    for time in stored.keys() - found.keys():
        del stored[time]


async def wait_until_gone(names) -> None:
    for _ in range(200):
        if not await names():
            return
        await asyncio.sleep(0.05)
    expect(False, "what was removed is still listed after 10 s")


async def run(disk: Path, server: Server, tally: Tally) -> None:
    writer = Writer(7)
    left, other, lost_entry, lost_bucket, ring = {}, {}, {}, {}, {}
    server.start()
    async with Client(server.url, api_token=TOKEN) as client:
        keep = await client.create_bucket("keep")
        drop = await client.create_bucket("drop")
        fifo = await client.create_bucket(
            "ring", BucketSettings(quota_type=QuotaType.FIFO, quota_size=6_000_000, max_block_size=1_000_000)
        )

        with tally.check("a full disk is answered with 507, and everything acknowledged is there"):
            for _ in range(80):
                await writer.write(fifo, "camera", 100_000, ring)
            for _ in range(40):
                await writer.write(drop, "camera", 100_000, lost_bucket)
                await writer.write(keep, "doomed", 50_000, lost_entry)
                await writer.write(keep, "other", 50_000, other)
            await writer.fill(keep, "camera", left)
            await expect_stored(keep, "camera", left)
            await expect_stored(keep, "other", other)
            await expect_stored(keep, "doomed", lost_entry)
            await expect_stored(drop, "camera", lost_bucket)
            await expect_newest(fifo, "camera", ring)
            print(f"    {len(left)} records until the disk was full")

        with tally.check("not one byte free: reading and the bucket's facts"):
            take_rest(disk)
            await expect_stored(keep, "camera", left)
            expect((await client.info()).bucket_count >= 3, "buckets are missing")
            # Work in the background may give room back in between: it is taken again.
            refused = None
            for _ in range(20):
                take_rest(disk)
                try:
                    await writer.write(keep, "camera", 100_000, left)
                except ReductError as error:
                    refused = error
                    break
            expect(refused is not None, "a record was acknowledged without room for it")
            expect(refused.status_code == DISK_FULL, f"a write is answered with {refused}")

        with tally.check("not one byte free: FIFO makes room for new records"):
            take_rest(disk)
            for _ in range(30):
                await writer.write(fifo, "camera", 100_000, ring)
            await expect_newest(fifo, "camera", ring)

        with tally.check("not one byte free: removal by query"):
            take_rest(disk)
            halves = sorted(left)[: len(left) // 2]
            removed = await keep.remove_query("camera", start=halves[0], stop=halves[-1] + 1)
            expect(removed == len(halves), f"{removed} records removed instead of {len(halves)}")
            for time in halves:
                del left[time]
            await expect_stored(keep, "camera", left)

        with tally.check("a full disk: removal of one record and a change of labels"):
            first = min(other)
            await keep.remove_record("other", first)
            del other[first]
            await keep.update("other", min(other), {"seen": "yes"})
            await expect_stored(keep, "other", other)

        with tally.check("not one byte free: removal of an entry"):
            take_rest(disk)
            await keep.remove_entry("doomed")
            await wait_until_gone(lambda: entries(keep, "doomed"))

        with tally.check("not one byte free: removal of a bucket"):
            take_rest(disk)
            await drop.remove()
            await wait_until_gone(lambda: buckets(client, "drop"))

        with tally.check("what was to stay is still there"):
            await expect_all(client, left, other, ring)

    with tally.check("not one byte free: a restart"):
        take_rest(disk)
        server.interrupt()
        take_rest(disk)
        server.start()
        async with Client(server.url, api_token=TOKEN) as client:
            await expect_all(client, left, other, ring)

    with tally.check("not one byte free: a restart after a kill"):
        take_rest(disk)
        server.kill()
        server.start()
        async with Client(server.url, api_token=TOKEN) as client:
            await expect_all(client, left, other, ring)

    if not REFERENCE:
        with tally.check("not one byte free: pannier verify finds nothing wrong"):
            server.interrupt()
            take_rest(disk)
            verify(server.data)

    with tally.check("room again: writing goes on"):
        (disk / "neighbour").unlink()
        if server.process.poll() is not None:
            server.start()
        async with Client(server.url, api_token=TOKEN) as client:
            keep = await client.get_bucket("keep")
            for _ in range(20):
                await writer.write(keep, "camera", 100_000, left)
            await expect_all(client, left, other, ring)
        server.interrupt()


async def entries(bucket: Bucket, name: str) -> list:
    return [entry for entry in await bucket.get_entry_list() if entry.name == name]


async def buckets(client: Client, name: str) -> list:
    return [bucket for bucket in await client.list() if bucket.name == name]


async def expect_all(client: Client, left: Stored, other: Stored, ring: Stored) -> None:
    keep = await client.get_bucket("keep")
    await expect_stored(keep, "camera", left)
    await expect_stored(keep, "other", other)
    await expect_newest(await client.get_bucket("ring"), "camera", ring)
    expect(not await entries(keep, "doomed"), "the removed entry is back")
    expect(not await buckets(client, "drop"), "the removed bucket is back")


def main() -> None:
    tally = Tally()
    with scratch() as folder, small_disk(folder) as disk:
        if disk is None:
            print("SKIPPED: a small file system cannot be mounted here (needs root and the right to mount)")
            sys.exit(77)
        # To the last byte: nothing is left free on purpose.
        with Server(disk / "data", settings={"PANNIER_MIN_FREE_SPACE": "0"}) as server:
            server.log = folder / "server.log"
            asyncio.run(run(disk, server, tally))
    tally.finish()


if __name__ == "__main__":
    main()
