"""Five minutes with Pannier: record a drive, find a moment in it, label it, tidy up.

    pip install -r requirements.txt
    python tour.py [--url http://localhost:8383] [--token TOKEN] [--ca ca.pem]

The client is ReductStore's own from PyPI, unchanged: Pannier speaks its protocol. The tour works in a bucket of
its own, which every run makes anew, and ends with an error if a single byte comes back different.
"""

import argparse
import asyncio
import io
import math
import os
import random
import sys
import time
import urllib.error
import urllib.request
from hashlib import sha256
from importlib.resources import files

from ascii_magic import AsciiArt
from PIL import Image
from reduct import Batch, Bucket, BucketSettings, Client, Permissions, QuotaType, ReductError

BUCKET = "pannier-tour"
VISITOR = "pannier-tour-visitor"  # a token that may read this bucket
SECONDS = 5  # how long the robot drives
FRAMES_PER_SECOND = 30
IMU_SAMPLES_PER_SECOND = 1_000
SECOND = 1_000_000  # all times are microseconds since 1970

Key = tuple[str, int]  # entry and time: what names a record


# What the robot's sensors deliver


def camera(count: int) -> list[bytes]:
    """JPEG pictures of a camera that pans over a photograph, each one different."""
    photo = Image.open(files("ascii_magic") / "tests" / "lion.jpg")
    width, height = 320, 240
    pictures = []
    for i in range(count):
        left = round((photo.width - width) * i / count)
        top = round((photo.height - height) * (0.5 + 0.5 * math.sin(2 * math.pi * i / count)))
        jpeg = io.BytesIO()
        photo.crop((left, top, left + width, top + height)).save(jpeg, "JPEG", quality=85)
        pictures.append(jpeg.getvalue())
    return pictures


def imu(start: int) -> bytes:
    """One second of an inertial sensor's readings as a CSV file."""
    step = SECOND // IMU_SAMPLES_PER_SECOND
    lines = ["ts,linear_acceleration_x,linear_acceleration_y,linear_acceleration_z"]
    for i in range(IMU_SAMPLES_PER_SECOND):
        x, y, z = random.uniform(-2, 2), random.uniform(-2, 2), random.uniform(8, 10)
        lines.append(f"{start + i * step},{x:.3f},{y:.3f},{z:.3f}")
    return "\n".join(lines).encode()


# The tour


async def new_bucket(client: Client) -> Bucket:
    """A bucket that never outgrows the disk: when its quota is used up, the oldest records make room."""
    if BUCKET in [bucket.name for bucket in await client.list()]:
        await (await client.get_bucket(BUCKET)).remove()
    while BUCKET in [bucket.name for bucket in await client.list()]:
        await asyncio.sleep(0.05)  # removing a large bucket takes a moment
    return await client.create_bucket(
        BUCKET, BucketSettings(quota_type=QuotaType.FIFO, quota_size=1_000_000_000)
    )


async def drive(bucket: Bucket, start: int) -> dict[Key, bytes]:
    """Stores what the sensors deliver; answers all of it, to compare with later."""
    sent: dict[Key, bytes] = {}
    for i, picture in enumerate(camera(SECONDS * FRAMES_PER_SECOND)):
        when = start + i * SECOND // FRAMES_PER_SECOND
        labels = {"robot": "anna", "sensor": "camera", "frame": str(i)}
        await bucket.write("camera", picture, when, labels=labels, content_type="image/jpeg")
        sent["camera", when] = picture
    for i in range(SECONDS):
        when = start + i * SECOND
        samples = imu(when)
        jolt = 9.9 if i == SECONDS - 1 else 2.0  # the robot hits a kerb at the end
        labels = {"robot": "anna", "sensor": "imu", "rows": str(IMU_SAMPLES_PER_SECOND), "peak": str(jolt)}
        await bucket.write("imu", samples, when, labels=labels, content_type="text/csv")
        sent["imu", when] = samples
    return sent


async def find_moment(bucket: Bucket, sent: dict[Key, bytes], start: int, stop: int) -> bytes:
    """Reads one stretch of time from both sensors in one query; answers its first picture."""
    found: dict[Key, bytes] = {}
    async for record in bucket.query(["camera", "imu"], start=start, stop=stop):
        found[record.entry, record.timestamp] = await record.read_all()
        expect(record.content_type, {"camera": "image/jpeg", "imu": "text/csv"}[record.entry])
        expect(record.labels["robot"], "anna")
    compare(found, {key: data for key, data in sent.items() if start <= key[1] < stop})
    pictures = [data for (entry, _), data in found.items() if entry == "camera"]
    print(f"   {len(pictures)} pictures and {len(found) - len(pictures)} IMU file, every byte as it was sent")
    return pictures[0]


async def label_records(bucket: Bucket, times: list[int]) -> None:
    """Adds labels to stored pictures, one alone and many at once, and reads them back."""
    await bucket.update("camera", times[0], {"seen": "lion", "confidence": "0.97"})
    batch = Batch()
    for when in times[1:]:
        batch.add(when, labels={"seen": "lion", "confidence": "0.55"})
    expect(await bucket.update_batch("camera", batch), {})

    lions = {"&seen": {"$eq": "lion"}}
    expect([record.timestamp async for record in bucket.query("camera", when=lions, head=True)], times)
    sure = [record async for record in bucket.query("camera", when={**lions, "&confidence": {"$gt": 0.9}}, head=True)]
    expect([record.timestamp for record in sure], [times[0]])
    print(f"   {len(times)} pictures labelled; frame {sure[0].labels['frame']} is the one with confidence > 0.9")


async def ask_labels(bucket: Bucket, sent: dict[Key, bytes]) -> None:
    """Finds records by what their labels say: conditions are judged on the server, without reading a body."""
    jolts = [record async for record in bucket.query("*", when={"$gt": ["&peak", 9]}, head=True)]
    kerb = max(when for entry, when in sent if entry == "imu")
    expect([(record.entry, record.timestamp) for record in jolts], [("imu", kerb)])

    # The picture of that moment and the two before it.
    near = {"#ctx_before": 2, "$timestamp": {"$gte": kerb}, "$limit": 1}
    around = [record.timestamp async for record in bucket.query("camera", when=near, head=True)]
    frames = [when for entry, when in sent if entry == "camera"]
    first = frames.index(kerb)
    expect(around, frames[first - 2 : first + 1])

    # One picture a second, with one label of all, and only from the one camera.
    sparse = {"#select_labels": ["frame"], "&sensor": {"$eq": "camera"}, "$each_n": FRAMES_PER_SECOND}
    thinned = [record.labels async for record in bucket.query("*", when=sparse, head=True)]
    expect(thinned, [{"frame": str(n)} for n in range(FRAMES_PER_SECOND - 1, len(frames), FRAMES_PER_SECOND)])
    print(f"   a peak above 9 in one IMU file; {len(around)} pictures up to it; {len(thinned)} pictures, one a second")


async def remove_records(bucket: Bucket, sent: dict[Key, bytes], start: int) -> dict[Key, bytes]:
    """Removes one picture by its time, others by queries for times and labels; answers what must be left."""
    await bucket.remove_record("camera", start)
    removed = await bucket.remove_query("camera", start=start, stop=start + SECOND)
    expect(removed, FRAMES_PER_SECOND - 1)
    unlabelled = {"$not": [{"$has": "seen"}], "&frame": {"$lt": 2 * FRAMES_PER_SECOND}}
    dull = await bucket.remove_query("camera", when=unlabelled)
    expect(dull, FRAMES_PER_SECOND)
    print(f"   {1 + removed} pictures removed by time, {dull} by their labels")
    return {key: data for key, data in sent.items() if key[0] != "camera" or key[1] >= start + 2 * SECOND}


async def read_all(bucket: Bucket, left: dict[Key, bytes]) -> None:
    """Reads the whole bucket and compares each record with what was sent."""
    found: dict[Key, bytes] = {}
    async for record in bucket.query("*"):
        found[record.entry, record.timestamp] = await record.read_all()
    compare(found, left)
    print(f"   {len(found)} records left, every byte as it was sent")


async def invite(client: Client, bucket: Bucket, url: str, key: Key, data: bytes) -> None:
    """Lets somebody in who may read this one bucket, and gives a link to somebody without any token."""
    if VISITOR in [token.name for token in await client.get_token_list()]:
        await client.remove_token(VISITOR)
    value = await client.create_token(VISITOR, Permissions(full_access=False, read=[BUCKET], write=[]), ttl=3600)
    async with Client(url, api_token=value) as visitor:
        async with (await visitor.get_bucket(BUCKET)).read(*key) as record:
            expect(await record.read_all(), data)
        try:
            await (await visitor.get_bucket(BUCKET)).write("camera", b"not a picture")
            raise Mismatch("a token that may only read could write")
        except ReductError as error:
            print(f"   the visitor reads; writing: {error.status_code} {error.message}")

    entry, when = key
    link = await bucket.create_query_link(entry, start=when, record_timestamp=when, file_name="frame.jpg")
    with urllib.request.urlopen(link) as opened:
        expect(opened.read(), data)
    print(f"   and anybody, for a day, with: curl -OJ '{link}'")


async def show(bucket: Bucket) -> None:
    """Prints what the server tells about the bucket."""
    whole = await bucket.get_full_info()
    quota = whole.settings.quota_size
    print(f"   {whole.info.name}: {whole.info.size:,} of {quota:,} bytes ({whole.settings.quota_type.value})")
    for entry in whole.entries:
        span = (entry.latest_record - entry.oldest_record) / SECOND
        print(f"   {entry.name:8} {entry.record_count:4} records {entry.size:10,} bytes over {span:.2f} s")


def watch(url: str, token: str | None) -> None:
    """Scrapes the metrics as Prometheus does, and prints what they say of the tour."""
    request = urllib.request.Request(f"{url.rstrip('/')}/metrics")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        print("   this server does not tell")
        return
    with answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    figures = {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}

    def of(metric: str) -> float:
        return figures[f'{metric}{{bucket="{BUCKET}"}}']

    if of("pannier_bucket_records_written_total") < SECONDS * (FRAMES_PER_SECOND + 1):
        raise Mismatch("the metrics do not count what was written")
    print(f"   {len(figures)} series; of this bucket, since the server was started:")
    print(f"   {of('pannier_bucket_records_written_total'):.0f} records written, {of('pannier_bucket_records_read_total'):.0f} read, "
          f"{of('pannier_bucket_records_removed_total'):.0f} removed, {of('pannier_bucket_disk_bytes'):,.0f} bytes on the device")
    route = 'method="POST",route="/b/{bucket}/{entry}"'
    count = figures[f"pannier_http_request_duration_seconds_count{{{route}}}"]
    mean = figures[f"pannier_http_request_duration_seconds_sum{{{route}}}"] / count
    print(f"   {count:.0f} writes took {mean * 1e6:.0f} µs each on average; {figures['pannier_sync_failures_total']:.0f} failed syncs")


async def tour(url: str, token: str | None) -> None:
    async with Client(url, api_token=token) as client:
        info = await client.info()
        print(f"Connected to {url}, which speaks version {info.version} of the protocol.")

        print(f"1. A bucket for a robot: {BUCKET}")
        bucket = await new_bucket(client)

        print(f"2. {SECONDS} seconds of driving: a camera at {FRAMES_PER_SECOND} pictures/s, an IMU file each second")
        start = int(time.time() - SECONDS) * SECOND
        began = time.perf_counter()
        sent = await drive(bucket, start)
        size = sum(map(len, sent.values()))
        print(f"   {len(sent)} records, {size:,} bytes, stored in {time.perf_counter() - began:.2f} s")

        print("3. What happened in the third second?")
        third = start + 2 * SECOND, start + 3 * SECOND
        picture = await find_moment(bucket, sent, *third)
        if sys.stdout.isatty():
            AsciiArt.from_pillow_image(Image.open(io.BytesIO(picture))).to_terminal(columns=72, monochrome=True)

        print("4. Somebody looked at the pictures")
        await label_records(bucket, [t for entry, t in sent if entry == "camera" and third[0] <= t < third[1]])

        print("5. Questions about labels")
        await ask_labels(bucket, sent)

        print("6. The first second is not worth keeping")
        left = await remove_records(bucket, sent, start)
        await read_all(bucket, left)

        print("7. Showing somebody a picture")
        key = max(key for key in left if key[0] == "camera")
        await invite(client, bucket, url, key, left[key])

        print("8. What the bucket holds now")
        await show(bucket)

        print("9. What the server counted meanwhile")
        watch(url, token)


# Comparing


class Mismatch(Exception):
    """The server answered something else than it was given."""


def expect(actual: object, expected: object) -> None:
    if actual != expected:
        raise Mismatch(f"expected {expected!r:.500}, got {actual!r:.500}")


def compare(found: dict[Key, bytes], wanted: dict[Key, bytes]) -> None:
    expect(sorted(found), sorted(wanted))
    for (entry, when), data in wanted.items():
        if sha256(found[entry, when]).digest() != sha256(data).digest():
            raise Mismatch(f"the record of {entry} at {when} came back with other bytes than were sent")


def main() -> int:
    token = os.environ.get("RS_API_TOKEN") or os.environ.get("PANNIER_TOKEN")
    parser = argparse.ArgumentParser(description="Five minutes with Pannier.")
    parser.add_argument("--url", default="http://localhost:8383", help="address of the server (%(default)s)")
    parser.add_argument("--token", default=token, help="what the server printed at its first start ($RS_API_TOKEN)")
    parser.add_argument("--ca", metavar="FILE", help="CA of the server's certificate, as pannier tls makes one")
    options = parser.parse_args()
    if options.ca and os.environ.get("SSL_CERT_FILE") != options.ca:
        # The client's HTTP library learns whom to trust when it is loaded, so that this has to begin anew.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"SSL_CERT_FILE": options.ca})
    try:
        asyncio.run(tour(options.url, options.token))
    except (Mismatch, ReductError) as error:
        print(f"The tour ends here: {error}", file=sys.stderr)
        return 1
    print("That was the tour.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
