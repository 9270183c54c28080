"""Kills a server under load again and again, and holds it to its word: what it acknowledged is there, whole, and nothing else is.

Clients write single records, streamed ones and batches, change labels and remove, in several entries at once. Each remembers what it asked for and
what was acknowledged. At a random moment the process is killed (SIGKILL). After the restart every record of every entry is read and compared: an
acknowledged change must be there; a change that was on its way may have happened or not, but whole; anything else is a failure.
"""

import argparse
import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import aiohttp
from harness import REFERENCE, TOKEN, Server, Tally, expect, scratch, verify
from reduct import Batch, Bucket, Client, RecordBatch, ReductError

BUCKET = "kill"
WORKERS = 6
SHARED = [f"line-{i}/camera" for i in range(4)]  # every worker writes to each of them
KEPT_BYTES_MAX = 100_000_000  # above it the oldest is removed between two rounds

Key = tuple[str, int]  # entry and timestamp


class State(NamedTuple):
    """What can be seen of a record. None in its place: there is no record."""

    digest: bytes
    size: int
    content_type: str
    labels: frozenset[tuple[str, str]]


def digest_of(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


@dataclass
class Model:
    """What must be there, and what may be."""

    certain: dict[Key, State] = field(default_factory=dict)
    possible: dict[Key, set[State | None]] = field(default_factory=dict)  # changes on their way
    removed_entries: set[str] = field(default_factory=set)
    acknowledged: Counter = field(default_factory=Counter)
    undecided: Counter = field(default_factory=Counter)

    async def change(self, kind: str, after: dict[Key, State | None], request: Callable[[], Awaitable]) -> None:
        """Makes a request that brings records into new states. If it does not come back, old and new are possible."""
        for key, state in after.items():
            self.possible[key] = {self.certain.get(key), state}
        errors = await request()
        expect(not errors, f"{kind} answered {errors}")
        self.acknowledged[kind] += len(after)
        for key, state in after.items():
            self.settle(key, state)

    def settle(self, key: Key, state: State | None) -> None:
        self.possible.pop(key, None)
        if state is None:
            self.certain.pop(key, None)
        else:
            self.certain[key] = state

    @property
    def size(self) -> int:
        return sum(state.size for state in self.certain.values())


class Worker:
    """One client. It alone touches the records whose time ends in its number, so it knows what each must be."""

    def __init__(self, number: int, seed: int, model: Model) -> None:
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.model = model
        self.own_entry = f"robot-{number}"
        self.pool = self.random.randbytes(4_000_000)
        self.count = 0
        self.keys: list[Key] = []
        self.gone: list[Key] = []

    def new_key(self, entry: str | None = None) -> Key:
        """A time not used yet, now and then one that is older than all others."""
        self.count += 1
        place = self.count if self.random.random() < 0.9 else -self.count
        return entry or self.random.choice([*SHARED, self.own_entry]), 1_700_000_000_000_000 + place * 1000 + self.number

    def data(self, key: Key, size: int) -> bytes:
        """Bytes that say whose they are, so that no two records have the same."""
        head = f"{key[0]} {key[1]} {self.count} ".encode()[:size]
        at = self.random.randrange(len(self.pool) - size)
        return head + self.pool[at : at + size - len(head)]

    def labels(self) -> dict[str, str]:
        names = self.random.sample(["robot", "task", "score", "place", "anomaly"], self.random.randrange(4))
        return {name: self.random.choice(["anna", "left arm", "0.75", "yes", f"n{self.count}"]) for name in names}

    def record(self, key: Key, size: int) -> tuple[bytes, dict[str, str], str, State]:
        data, labels = self.data(key, size), self.labels()
        content_type = self.random.choice(["image/jpeg", "text/csv", "application/octet-stream"])
        return data, labels, content_type, State(digest_of(data), size, content_type, frozenset(labels.items()))

    def live(self, count: int) -> list[Key]:
        """Some records that are there and not being changed."""
        drawn = self.random.sample(self.keys, min(len(self.keys), 2 * count))
        return [key for key in drawn if key in self.model.certain and key not in self.model.possible][:count]

    def relabelled(self, keys: list[Key]) -> tuple[dict[Key, dict[str, str]], dict[Key, State]]:
        """Label changes for records, some of them removals, and what comes of it. All of them change the same labels: in a batch over entries the
        client sends what differs from the record before, and there a label left out means that it is to be removed."""
        names = ["edited", *self.random.sample(["robot", "task", "score", "place"], self.random.randrange(3))]
        changes, after = {}, {}
        for key in keys:
            change = {name: self.random.choice(["anna", "yes", f"n{self.count}", ""]) for name in names}
            before = self.model.certain[key]
            labels = {name: value for name, value in (dict(before.labels) | change).items() if value}
            changes[key], after[key] = change, before._replace(labels=frozenset(labels.items()))
        return changes, after

    # The requests

    async def write(self, bucket: Bucket, key: Key | None = None) -> None:
        key = key or self.new_key()
        size = self.random.choice([0, 1, 100, 1_000, 1_000, 10_000, 65_536, 65_537, 200_000])
        data, labels, content_type, state = self.record(key, size)
        self.keys.append(key)
        await self.model.change(
            "write", {key: state}, lambda: bucket.write(*key_first(key, data), labels=labels, content_type=content_type)
        )

    async def write_stream(self, bucket: Bucket) -> None:
        key = self.new_key()
        data, labels, content_type, state = self.record(key, self.random.randrange(300_000, 2_500_000))

        async def chunks():
            for at in range(0, len(data), 100_000):
                yield data[at : at + 100_000]
                await asyncio.sleep(0.002)

        self.keys.append(key)
        await self.model.change(
            "streamed write",
            {key: state},
            lambda: bucket.write(
                *key_first(key, chunks()), content_length=len(data), labels=labels, content_type=content_type
            ),
        )

    async def write_again(self, bucket: Bucket) -> None:
        """A new record at the time of a removed one."""
        while self.gone:
            key = self.gone.pop()
            if key not in self.model.certain and key not in self.model.possible:
                return await self.write(bucket, key)
        await self.write(bucket)

    async def write_new_entry(self, bucket: Bucket) -> None:
        self.count += 1
        await self.write(bucket, self.new_key(f"mission-{self.number}-{self.count}"))

    async def write_batch(self, bucket: Bucket) -> None:
        entry, batch, after = self.random.choice([*SHARED, self.own_entry]), Batch(), {}
        for _ in range(self.random.randrange(2, 60)):
            key = self.new_key(entry)
            data, labels, content_type, after[key] = self.record(key, self.random.randrange(2_000))
            batch.add(key[1], data, content_type=content_type, labels=labels)
        self.keys.extend(after)
        await self.model.change("batch write", after, lambda: bucket.write_batch(entry, batch))

    async def write_record_batch(self, bucket: Bucket) -> None:
        batch, after = RecordBatch(), {}
        for _ in range(self.random.randrange(2, 40)):
            key = self.new_key()
            data, labels, content_type, after[key] = self.record(key, self.random.randrange(5_000))
            batch.add(*key, data, content_type=content_type, labels=labels)
        self.keys.extend(after)
        await self.model.change("batch write over entries", after, lambda: bucket.write_record_batch(batch))

    async def update(self, bucket: Bucket) -> None:
        changes, after = self.relabelled(self.live(1))
        for key, labels in changes.items():
            await self.model.change("label update", after, lambda: bucket.update(*key, labels))

    async def update_batch(self, bucket: Bucket) -> None:
        keys = self.live(30)
        changes, after = self.relabelled([key for key in keys if key[0] == keys[0][0]])
        batch = Batch()
        for key, labels in changes.items():
            batch.add(key[1], labels=labels)
        if after:
            await self.model.change("label update in a batch", after, lambda: bucket.update_batch(keys[0][0], batch))

    async def update_record_batch(self, bucket: Bucket) -> None:
        changes, after = self.relabelled(self.live(20))
        batch = RecordBatch()
        for key, labels in changes.items():
            batch.add(*key, labels=labels)
        if after:
            await self.model.change(
                "label update in a batch over entries", after, lambda: bucket.update_record_batch(batch)
            )

    async def remove(self, bucket: Bucket) -> None:
        for key in self.live(1):
            self.gone.append(key)
            await self.model.change("removal", {key: None}, lambda: bucket.remove_record(*key))

    async def remove_batch(self, bucket: Bucket) -> None:
        keys = self.live(10)
        batch, after = Batch(), {}
        for key in keys:
            if key[0] == keys[0][0]:
                batch.add(key[1])
                after[key] = None
        if after:
            await self.model.change("removal in a batch", after, lambda: bucket.remove_batch(keys[0][0], batch))

    async def remove_record_batch(self, bucket: Bucket) -> None:
        batch, after = RecordBatch(), dict.fromkeys(self.live(10))
        for key in after:
            batch.add(*key)
        if after:
            await self.model.change(
                "removal in a batch over entries", after, lambda: bucket.remove_record_batch(batch)
            )

    async def remove_query(self, bucket: Bucket) -> None:
        """Removes a span of time in the entry that is this worker's alone."""
        times = sorted(key[1] for key in self.model.certain if key[0] == self.own_entry)
        if not times:
            return
        start = self.random.choice(times)
        stop = start + self.random.choice([1, 1_000, 1_000_000])
        after = {
            key: None
            for key in self.model.certain
            if key[0] == self.own_entry and start <= key[1] < stop
        }

        async def request() -> str:
            removed = await bucket.remove_query(self.own_entry, start=start, stop=stop)
            return "" if removed == len(after) else f"{removed} instead of {len(after)} removed"

        if after:
            await self.model.change("removal by query", after, request)

    async def run(self, bucket: Bucket) -> None:
        """Works until an error ends it."""
        requests = {
            self.write: 45,
            self.write_stream: 3,
            self.write_again: 4,
            self.write_new_entry: 1,
            self.write_batch: 12,
            self.write_record_batch: 10,
            self.update: 12,
            self.update_batch: 5,
            self.update_record_batch: 4,
            self.remove: 6,
            self.remove_batch: 3,
            self.remove_record_batch: 2,
            self.remove_query: 1,
        }
        while True:
            (request,) = self.random.choices(list(requests), list(requests.values()))
            await request(bucket)
            if len(self.keys) > 4_000:
                self.keys = [key for key in self.keys if key in self.model.certain or key in self.model.possible]


def key_first(key: Key, data: object) -> tuple:
    """The arguments of Bucket.write."""
    return key[0], data, key[1]


class Judge:
    """Compares a restarted server with the model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.problems: list[str] = []

    async def compare(self, url: str, when: str) -> None:
        """Reads everything. Afterwards the model is what was seen, so that a problem is told once."""
        model, before = self.model, len(self.problems)
        async with Client(url, api_token=TOKEN) as client:
            bucket = await client.get_bucket(BUCKET)
            listed = {entry.name: entry for entry in await bucket.get_entry_list()}
            deadline = time.monotonic() + 10
            while back := model.removed_entries & listed.keys():
                if time.monotonic() > deadline:
                    self.problems.append(f"{when}: removed entries are back: {sorted(back)[:3]}")
                    break
                await asyncio.sleep(0.05)
                listed = {entry.name: entry for entry in await bucket.get_entry_list()}
            seen: dict[Key, State] = {}
            for entry in listed:
                try:
                    async for record in bucket.query(entry):
                        data = await record.read_all()
                        if len(data) != record.size:
                            raise ReductError(200, f"{len(data)} of {record.size} bytes at {record.timestamp}")
                        if (entry, record.timestamp) in seen:
                            raise ReductError(200, f"{record.timestamp} is there twice")
                        labels = frozenset(record.labels.items())
                        seen[entry, record.timestamp] = State(digest_of(data), len(data), record.content_type, labels)
                except (ReductError, aiohttp.ClientError) as error:
                    self.problems.append(f"{when}: reading {entry}: {error}")
        for key in model.certain.keys() | model.possible.keys() | seen.keys():
            allowed = model.possible.get(key) or {model.certain.get(key)}
            state = seen.get(key)
            if state not in allowed:
                self.problems.append(f"{when}: {key[0]} {key[1]}: {difference(state, allowed)}")
            elif key in model.possible:
                model.undecided["happened" if state != model.certain.get(key) else "did not happen"] += 1
        if not REFERENCE:
            counts = Counter(entry for entry, _ in seen)
            for name, entry in listed.items():
                if entry.record_count != counts[name]:
                    self.problems.append(f"{when}: {name} says {entry.record_count} records and has {counts[name]}")
        model.certain, model.possible = seen, {}
        for problem in self.problems[before : before + 5]:
            print(f"  {problem}")


def difference(state: State | None, allowed: set[State | None]) -> str:
    if state is None:
        return "lost"
    if allowed == {None}:
        return "there, though it was removed or never written"
    for other in allowed - {None}:
        if other.digest == state.digest:
            return f"other labels or type: {state.content_type} {sorted(state.labels)}, not any of {[(s.content_type, sorted(s.labels)) for s in allowed if s]}"
    return f"other bytes ({state.size} of them)"


async def load_and_kill(server: Server, workers: list[Worker], seconds: float) -> None:
    """Lets the clients work for a while, then kills the server. No client may see an error before that."""
    killed = False

    async def work(worker: Worker, bucket: Bucket) -> None:
        try:
            await worker.run(bucket)
        except (aiohttp.ClientError, OSError) as lost:
            expect(killed, f"a connection was lost before the kill: {lost!r}")
        except ReductError as error:
            expect(killed and error.status_code == -1, f"a request failed: {error}")

    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket(BUCKET)
        running = [asyncio.create_task(work(worker, bucket)) for worker in workers]
        await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        killed = True
        server.kill()
        _, waiting = await asyncio.wait(running, timeout=30)
        expect(not waiting, "a client hangs though the server is gone")
        for task in running:
            task.result()


async def trim(server: Server, model: Model, chance: random.Random) -> None:
    """Removes most of what is there, so that a long run does not fill the disk; acknowledged like everything else."""
    entries = sorted({entry for entry, _ in model.certain})
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket(BUCKET)
        for entry in entries:
            keys = sorted(key for key in model.certain if key[0] == entry)
            if entry.startswith("mission-"):
                if chance.random() < 0.7:
                    await model.change("removal of an entry", dict.fromkeys(keys), lambda: bucket.remove_entry(entry))
                    model.removed_entries.add(entry)
            else:
                stop = keys[len(keys) * 4 // 5][1]
                older = dict.fromkeys(key for key in keys if key[1] < stop)

                async def request() -> str:
                    removed = await bucket.remove_query(entry, start=1, stop=stop)
                    return "" if removed == len(older) else f"{removed} instead of {len(older)} removed"

                await model.change("removal by query", older, request)


async def run(server: Server, seed: int, kills: int, tally: Tally) -> None:
    chance = random.Random(seed)
    model = Model()
    judge = Judge(model)
    workers = [Worker(number, seed, model) for number in range(WORKERS)]
    starts: list[float] = [server.start()]
    async with Client(server.url, api_token=TOKEN) as client:
        await client.create_bucket(BUCKET)
    done = 0
    with tally.check(f"{kills} kills under load: nothing acknowledged is lost, nothing is half"):
        while done < kills:
            await load_and_kill(server, workers, chance.uniform(0.05, 1.0))
            done += 1
            if chance.random() < 0.2:
                # Once more, while it picks up what the first kill left.
                server.spawn()
                await asyncio.sleep(chance.uniform(0.02, 0.6))
                server.kill()
                done += 1
            starts.append(server.start())
            await judge.compare(server.url, f"kill {done}")
            if model.size > KEPT_BYTES_MAX:
                await trim(server, model, chance)
            if done % 50 < 1:
                print(f"    {done} kills, {sum(model.acknowledged.values()):,} changes, {len(judge.problems)} problems")
        for kind, count in sorted(model.acknowledged.items()):
            print(f"    {count:7,} records: {kind}, acknowledged")
        on_their_way = ", ".join(f"{count:,} {what}" for what, count in sorted(model.undecided.items()))
        print(f"    on their way at a kill: {on_their_way or 'none'}")
        print(f"    {len(model.certain):,} records, {model.size:,} bytes at the end")
        print(f"    restart: {sorted(starts)[len(starts) // 2]:.2f} s in the middle, {max(starts):.2f} s at most")
        expect(not judge.problems, f"{len(judge.problems)} problems, seed {seed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"    seed {options.seed}")
    tally = Tally()
    with scratch() as folder, Server(folder / "data") as server:
        asyncio.run(run(server, options.seed, options.kills, tally))
        if not REFERENCE:
            with tally.check("pannier verify finds nothing wrong, both after a kill and after a clean stop"):
                server.kill()
                print(f"    {verify(server.data)}")
                server.start()
                server.interrupt()
                verify(server.data)
    tally.finish()


if __name__ == "__main__":
    main()
