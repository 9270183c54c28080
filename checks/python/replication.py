"""Kills a robot's server and a cloud's server while records travel from one to the other, and holds replication to its word: in the end the cloud
has every record that the robot has, byte for byte and label for label, and nothing was counted as lost or refused.
"""

import argparse
import asyncio
import json
import random
import time
import urllib.request
from hashlib import blake2b

import aiohttp
import outage
from harness import TOKEN, Server, Tally, expect, scratch, verify
from reduct import Batch, Bucket, Client, ReductError

BUCKET = "robot"
COPY = "copies"
ENTRIES = ["imu", "camera/front", "camera/back"]


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


async def record(url: str, seed: int) -> None:
    """Records, relabels and removes until the server is gone."""
    chance = random.Random(seed)
    try:
        async with Client(url, api_token=TOKEN, timeout=5) as client:
            bucket = await client.get_bucket(BUCKET)
            while True:
                entry = chance.choice(ENTRIES)
                now = time.time_ns() // 1000
                labels = {"n": chance.randrange(9), "keep": chance.random() < 0.5}
                what = chance.random()
                if what < 0.5:
                    await bucket.write(entry, chance.randbytes(chance.randrange(20_000)), now, labels=labels)
                elif what < 0.53:
                    await bucket.write(entry, chance.randbytes(2_000_000), now, labels=labels)
                elif what < 0.7:
                    batch = Batch()
                    for i in range(40):
                        batch.add(now + i, chance.randbytes(100), labels={"i": i})
                    await bucket.write_batch(entry, batch)
                else:
                    async for old in bucket.query(entry, start=now - 2_000_000, limit=3):
                        if what < 0.95:
                            await bucket.update(entry, old.timestamp, {"n": "", "late": chance.randrange(9)})
                        else:
                            await bucket.remove_record(entry, old.timestamp)
                            break
    except (ReductError, aiohttp.ClientError, asyncio.TimeoutError):
        return


async def content(bucket: Bucket) -> dict[tuple[str, int], tuple]:
    found = {}
    for entry in await bucket.get_entry_list():
        async for old in bucket.query(entry.name):
            digest = blake2b(await old.read_all(), digest_size=16).hexdigest()
            found[entry.name, old.timestamp] = digest, old.content_type, tuple(sorted(old.labels.items()))
    return found


async def compare(robot: Server, cloud: Server) -> str:
    async with Client(robot.url, api_token=TOKEN) as here, Client(cloud.url, api_token=TOKEN) as there:
        wanted = await content(await here.get_bucket(BUCKET))
        got = await content(await there.get_bucket(COPY))
    missing = [key for key in wanted if key not in got]
    other = [key for key in wanted if key in got and wanted[key] != got[key]]
    expect(not missing, f"{len(missing)} of {len(wanted)} records are missing: {missing[:3]}")
    expect(not other, f"{len(other)} records differ: {[(key, wanted[key], got[key]) for key in other[:2]]}")
    return f"{len(wanted)} records"


async def rounds(robot: Server, cloud: Server, kills: int, chance: random.Random) -> None:
    for number in range(kills):
        workers = [asyncio.create_task(record(robot.url, chance.randrange(1 << 30))) for _ in range(4)]
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        victims = [[robot], [cloud], [robot, cloud]][number % 3]
        for server in victims:
            server.kill()
        await asyncio.sleep(chance.uniform(0.0, 0.8))
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for server in victims:
            server.start()


def rest(robot: Server, seconds_max: float = 120) -> dict:
    began = time.monotonic()
    while (detail := call(robot, "GET", "replications/up"))["info"]["pending_records"] > 0:
        expect(time.monotonic() - began < seconds_max, f"not at rest: {detail}")
        time.sleep(0.1)
    return detail


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--outage", type=int, default=0, help="seconds at 20 kHz without a link, and then faults on it; 0: none of it")
    parser.add_argument("--rounds", type=int, default=6, help="of faults on the link")
    parser.add_argument("--still", action="store_true", help="wait until a connection that stands still is given up, too")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    tally = Tally()
    with scratch() as folder, Server(folder / "robot") as robot, Server(folder / "cloud") as cloud:
        with tally.check(f"{options.kills} kills of robot and cloud lose nothing"):
            robot.start()
            cloud.start()
            call(robot, "POST", f"b/{BUCKET}", {})
            settings = {"src_bucket": BUCKET, "dst_bucket": COPY, "dst_host": cloud.url, "dst_token": TOKEN, "compression": "zstd"}
            call(robot, "POST", "replications/up", settings)
            asyncio.run(rounds(robot, cloud, options.kills, random.Random(options.seed)))
            detail = rest(robot)
            print("    " + asyncio.run(compare(robot, cloud)))
            told = detail["diagnostics"]
            expect(told["lost_records"] == 0 and told["refused_records"] == 0, f"lost or refused: {told}")
        with tally.check("both folders are whole"):
            robot.interrupt()
            cloud.interrupt()
            verify(folder / "robot")
            verify(folder / "cloud")
    if options.outage:
        outage.run(tally, options.outage, options.rounds, options.still, options.seed)
    tally.finish()


if __name__ == "__main__":
    main()
