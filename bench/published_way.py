"""The load that the makers of ReductStore publish, through their Python client as it is on PyPI: records are written in batches of 80 or of
8 MB, whichever is reached first, read back by one query, get another label in batches, and are removed in batches. Prints one line of JSON with
records per second of each part.

    published_way.py --url URL --token TOKEN --size BYTES --records N

bench/compare runs it against every server that speaks the protocol.
"""

import argparse
import asyncio
import json
import random
import time

from reduct import Batch, Client

BATCH_RECORDS = 80
BATCH_BYTES = 8_000_000
FIRST_TS = 1_700_000_000_000_000


def batches(count: int, batch_size: int) -> list[range]:
    return [range(first, min(first + batch_size, count)) for first in range(0, count, batch_size)]


async def measure(url: str, token: str, size: int, count: int, entry: str) -> dict:
    body = random.Random(size).randbytes(size)
    by_bytes = max(1, BATCH_BYTES // size)
    written = batches(count, min(BATCH_RECORDS, by_bytes))
    # Batches without bodies are bounded by their number only.
    light = batches(count, BATCH_RECORDS)
    errors = 0
    took = {}
    async with Client(url, api_token=token, timeout=120) as client:
        bucket = await client.create_bucket(f"published-{size}", exist_ok=True)

        began = time.perf_counter()
        for part in written:
            batch = Batch()
            for number in part:
                batch.add(FIRST_TS + number, body, labels={"state": "raw"})
            errors += len(await bucket.write_batch(entry, batch))
        took["write"] = time.perf_counter() - began

        began = time.perf_counter()
        found = 0
        async for record in bucket.query(entry):
            errors += await record.read_all() != body
            found += 1
        took["read"] = time.perf_counter() - began
        errors += abs(count - found)

        began = time.perf_counter()
        for part in light:
            batch = Batch()
            for number in part:
                batch.add(FIRST_TS + number, labels={"state": "seen"})
            errors += len(await bucket.update_batch(entry, batch))
        took["relabel"] = time.perf_counter() - began

        # The labels did change: looked up, not measured.
        for number in (0, count // 2, count - 1):
            async with bucket.read(entry, FIRST_TS + number) as record:
                errors += record.labels.get("state") != "seen"

        began = time.perf_counter()
        for part in light:
            batch = Batch()
            for number in part:
                batch.add(FIRST_TS + number)
            errors += len(await bucket.remove_batch(entry, batch))
        took["remove"] = time.perf_counter() - began

        async for _ in bucket.query(entry):
            errors += 1
    return {f"{part}_per_s": round(count / max(seconds, 1e-9), 1) for part, seconds in took.items()} | {"errors": errors, "stalls": 0}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--records", type=int, required=True)
    options = parser.parse_args()
    # A tenth first, unmeasured, as in all other lines.
    asyncio.run(measure(options.url, options.token, options.size, max(1, options.records // 10), "warm-up"))
    result = asyncio.run(measure(options.url, options.token, options.size, options.records, "published"))
    print(json.dumps(result, separators=(",", ":")))


if __name__ == "__main__":
    main()
