"""Both sides of bench/extract: what the server makes of records while it answers a query, and what a client does that downloads them and looks inside
itself. Each command prints one line of JSON.

    looking_inside.py COMMAND --url URL --token TOKEN [--pid PID] ...

With --pid it tells the CPU time of the server, too. Only the client's side needs more than the Python client: packages of bench/requirements.txt.
"""

import argparse
import asyncio
import io
import json
import os
import random
import statistics
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from reduct import Bucket, Client

FIRST_TS = 1_700_000_000_000_000
LIMIT = 1.99  # of values evenly between -2 and 2: one row of 400
BUCKET = "bench"
# Records differ from their neighbours; after so many they repeat, so that making them does not take longer than the measurement.
DIFFERENT = 20


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def rounds(args: argparse.Namespace, way: Callable[[], Awaitable[dict]]) -> dict:
    """Does it several times; medians of those behind the warm-up, whose results must all be the same."""
    seconds, server, own, told = [], [], [], None
    for number in range(args.warmup + args.rounds):
        began = time.perf_counter(), cpu_seconds(args.pid) if args.pid else 0, time.process_time()
        result = await way()
        took = time.perf_counter() - began[0], (cpu_seconds(args.pid) if args.pid else 0) - began[1], time.process_time() - began[2]
        if told is not None and result != told:
            raise SystemExit(f"two rounds find different things: {told}, {result}")
        told = result
        if number >= args.warmup:
            for values, value in zip((seconds, server, own), took):
                values.append(value)
    return {
        "seconds": round(statistics.median(seconds), 4),
        "server_cpu": round(statistics.median(server), 3),
        "client_cpu": round(statistics.median(own), 3),
        **(told or {}),
    }


# ---- CSV


def imu_file(number: int, rows: int) -> bytes:
    chance = random.Random(number)
    lines = ["ts,x,y,z"]
    for row in range(rows):
        lines.append(f"{number * 1_000_000 + row * 100},{chance.uniform(-2, 2):.3f},{chance.uniform(-2, 2):.3f},{chance.uniform(8, 10):.3f}")
    return ("\n".join(lines) + "\n").encode()


async def csv_fill(bucket: Bucket, args: argparse.Namespace) -> dict:
    files = [imu_file(number, args.rows) for number in range(min(DIFFERENT, args.files))]
    for number in range(args.files):
        await bucket.write("imu", files[number % len(files)], timestamp=FIRST_TS + number * 1_000_000, content_type="text/csv")
    return {"bytes": sum(len(files[number % len(files)]) for number in range(args.files))}


def table_of(parts: list[bytes]) -> dict:
    """One table of CSV texts with the same first line each; as a frame where there is pandas, which this is measured with."""
    head, _, _ = parts[0].partition(b"\n")
    joined = head + b"\n" + b"".join(part[len(head) + 1 :] for part in parts)
    try:
        import pandas

        frame = pandas.read_csv(io.BytesIO(joined))
        return {"rows": len(frame), "sum": int(frame["ts"].sum())}
    except ImportError:
        rows = joined.splitlines()[1:]
        return {"rows": len(rows), "sum": sum(int(row.split(b",")[0]) for row in rows)}


def columns(when: dict | None) -> dict:
    step: dict = {"select": {"csv": {"has_headers": True}, "columns": [{"name": "ts"}, {"name": "x", "as_label": "x"}, {"name": "y"}, {"name": "z"}]}}
    return {"#ext": step if when is None else step | {"when": when}}


async def csv_select(bucket: Bucket, args: argparse.Namespace) -> dict:
    """Rows that the server chooses."""
    condition = {
        "when": columns({"@x": {"$gt": LIMIT}}),
        "sql": {"#ext": {"select": {"csv": {"has_headers": True}, "sql": f"SELECT * FROM ENTRY() WHERE x > {LIMIT}"}}},
    }[args.by]

    async def way() -> dict:
        return table_of([await record.read_all() async for record in bucket.query("imu", when=condition)])

    return await rounds(args, way)


async def csv_pandas(bucket: Bucket, args: argparse.Namespace) -> dict:
    """The same rows, out of everything."""
    import pandas

    async def way() -> dict:
        parts = []
        async for record in bucket.query("imu"):
            frame = pandas.read_csv(io.BytesIO(await record.read_all()))
            parts.append(frame[frame["x"] > LIMIT])
        frame = pandas.concat(parts)
        return {"rows": len(frame), "sum": int(frame["ts"].sum())}

    return await rounds(args, way)


async def csv_columns(bucket: Bucket, args: argparse.Namespace) -> dict:
    """Two columns of all rows, or of those that a condition keeps: what it costs the server."""
    condition = columns({"@x": {"$gt": LIMIT}} if args.conditional else None)
    condition["#ext"]["select"]["columns"] = [{"name": "ts"}, {"name": "x", "as_label": "x"}]

    async def way() -> dict:
        size = 0
        async for record in bucket.query("imu", when=condition):
            size += len(await record.read_all())
        return {"received": size}

    return await rounds(args, way)


# ---- recordings


async def mcap_fill(bucket: Bucket, args: argparse.Namespace) -> dict:
    path = Path(args.file)

    async def pieces():
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece

    await bucket.write(args.entry, pieces(), content_length=path.stat().st_size, timestamp=FIRST_TS, content_type="application/mcap")
    return {"bytes": path.stat().st_size}


def messages_of(recording: bytes) -> int:
    """How many messages there are; 1 where no package can tell."""
    if not recording.startswith(b"\x89MCAP0\r\n"):
        raise SystemExit("no recording came")
    try:
        from mcap.reader import make_reader
    except ImportError:
        return 1
    statistics_ = make_reader(io.BytesIO(recording)).get_summary().statistics
    return statistics_.message_count


async def mcap_select(bucket: Bucket, args: argparse.Namespace) -> dict:
    """One topic, cut by the server."""
    found = []

    async def way() -> dict:
        when = {"#ext": {"ros": {"transform": {"include": ["/small"]}}}}
        found[:] = [await record.read_all() async for record in bucket.query(args.entry, when=when)]
        return {}

    told = await rounds(args, way)
    return told | {"messages": sum(messages_of(recording) for recording in found)}


async def mcap_download(bucket: Bucket, args: argparse.Namespace) -> dict:
    """One topic, out of the whole recording."""
    from mcap.reader import make_reader
    from mcap.writer import Writer

    found = []

    async def way() -> dict:
        path = Path(args.file).with_suffix(".download")
        try:
            async with bucket.read(args.entry, timestamp=FIRST_TS) as record:
                with path.open("wb") as file:
                    async for piece in record.read(1 << 20):
                        file.write(piece)
            cut = io.BytesIO()
            with path.open("rb") as file:
                writer = Writer(cut)
                writer.start("ros2")
                channels: dict[int, int] = {}
                for schema, channel, message in make_reader(file).iter_messages(topics=["/small"]):
                    if channel.id not in channels:
                        id_ = writer.register_schema(schema.name, schema.encoding, schema.data)
                        channels[channel.id] = writer.register_channel(channel.topic, channel.message_encoding, id_)
                    writer.add_message(channels[channel.id], message.log_time, message.data, message.publish_time, message.sequence)
                writer.finish()
            found[:] = [cut.getvalue()]
        finally:
            path.unlink(missing_ok=True)
        return {}

    told = await rounds(args, way)
    return told | {"messages": sum(messages_of(recording) for recording in found)}


# ---- images


def image_message(number: int, width: int, height: int) -> bytes:
    """A sensor_msgs/msg/Image in CDR: slopes with a bright disc, every other row with noise, rgb8."""
    chance = random.Random(number)
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            inside = (x - width // 2 - number) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
            row += bytes((x * 255 // width, y * 255 // height, 230 if inside else 60))
        if y % 2:
            noise = chance.randbytes(len(row))
            row = bytearray((a + (b & 15)) & 255 if a < 240 else a for a, b in zip(row, noise))
        rows.append(bytes(row))
    data = b"".join(rows)
    head = struct.pack("<ii", 1_700_000_000 + number, 0) + struct.pack("<I", 4) + b"cam\0" + struct.pack("<II", height, width)
    head += struct.pack("<I", 5) + b"rgb8\0" + b"\0" + b"\0\0" + struct.pack("<I", 3 * width)
    return b"\0\1\0\0" + head + struct.pack("<I", len(data)) + data


async def image_fill(bucket: Bucket, args: argparse.Namespace) -> dict:
    await bucket.write_attachments("camera", {"$schema": {"encoding": "cdr", "topic": "/camera", "schema_name": "sensor_msgs/msg/Image"}})
    frames = [image_message(number, 640, 480) for number in range(min(4, args.files))]
    for number in range(args.files):
        await bucket.write("camera", frames[number % len(frames)], timestamp=FIRST_TS + number * 33_000, content_type="application/cdr")
    return {"bytes": len(frames[0]) * args.files}


async def image_select(bucket: Bucket, args: argparse.Namespace) -> dict:
    """JPEG of each message."""

    async def way() -> dict:
        frames = size = 0
        async for record in bucket.query("camera", when={"#ext": {"ros": {"extract": {"format": "jpeg"}}}}):
            picture = await record.read_all()
            if not picture.startswith(b"\xff\xd8"):
                raise SystemExit("no JPEG came")
            frames += 1
            size += len(picture)
        return {"frames": frames, "received": size}

    return await rounds(args, way)


# ---- an IMU, a CSV a second


def imu_second(number: int, rows: int, first: int) -> bytes:
    chance = random.Random(number)
    lines = ["ts,ax,ay,az,gx,gy,gz"]
    for row in range(rows):
        values = ",".join(f"{chance.uniform(-2, 2):.4f}" for _ in range(6))
        lines.append(f"{first + row * 1_000_000 // rows},{values}")
    return ("\n".join(lines) + "\n").encode()


def imu_seconds(args: argparse.Namespace):
    """Time and text of each second."""
    values = [imu_second(number, args.rows, 0).splitlines() for number in range(min(DIFFERENT, args.files))]
    for number in range(args.files):
        first = FIRST_TS + number * 1_000_000
        head, *rows = values[number % len(values)]
        step = 1_000_000 // args.rows
        lines = [head] + [str(first + at * step).encode() + row[row.index(b",") :] for at, row in enumerate(rows)]
        yield first, b"\n".join(lines) + b"\n"


async def imu_fill(bucket: Bucket, args: argparse.Namespace) -> dict:
    size = 0
    for first, text in imu_seconds(args):
        await bucket.write("gyro", text, timestamp=first, content_type="text/csv")
        size += len(text)
    return {"bytes": size}


def minutes(args: argparse.Namespace) -> list[int]:
    chance = random.Random(7)
    return [FIRST_TS + chance.randrange(max(1, args.files - 60)) * 1_000_000 for _ in range(args.minutes)]


async def imu_minute(bucket: Bucket, args: argparse.Namespace) -> dict:
    """A minute of it, as a table."""
    starts = minutes(args)

    async def way() -> dict:
        found = {"rows": 0, "sum": 0}
        for start in starts:
            parts = [await record.read_all() async for record in bucket.query("gyro", start=start, stop=start + 60_000_000)]
            for name, value in table_of(parts).items():
                found[name] += value
        return found

    told = await rounds(args, way)
    return told | {"ms": round(told["seconds"] * 1000 / len(starts), 1)}


def imu_postgres(args: argparse.Namespace) -> dict:
    import pandas
    import psycopg

    with psycopg.connect(host="127.0.0.1", port=args.port, user="bench", dbname="bench", autocommit=True) as connection:
        connection.execute("CREATE TABLE gyro (ts bigint PRIMARY KEY, ax real, ay real, az real, gx real, gy real, gz real)")
        with connection.cursor().copy("COPY gyro FROM STDIN (FORMAT csv)") as copy:
            for _, text in imu_seconds(args):
                copy.write(text.partition(b"\n")[2])
        connection.execute("VACUUM ANALYZE gyro")
        disk = connection.execute("SELECT pg_total_relation_size('gyro')").fetchone()[0]
        starts = minutes(args)

        async def way() -> dict:
            found = {"rows": 0, "sum": 0}
            for start in starts:
                query = f"COPY (SELECT * FROM gyro WHERE ts >= {start} AND ts < {start + 60_000_000} ORDER BY ts) TO STDOUT (FORMAT csv, HEADER)"
                with connection.cursor().copy(query) as copy:
                    frame = pandas.read_csv(io.BytesIO(b"".join(copy)))
                found["rows"] += len(frame)
                found["sum"] += int(frame["ts"].sum())
            return found

        told = asyncio.run(rounds(args, way))
    return told | {"disk": disk, "ms": round(told["seconds"] * 1000 / len(starts), 1)}


COMMANDS = {
    function.__name__.replace("_", "-"): function
    for function in (csv_fill, csv_select, csv_pandas, csv_columns, mcap_fill, mcap_select, mcap_download, image_fill, image_select, imu_fill, imu_minute)
}


async def with_bucket(args: argparse.Namespace) -> dict:
    async with Client(args.url, api_token=args.token, timeout=600) as client:
        return await COMMANDS[args.command](await client.create_bucket(BUCKET, exist_ok=True), args)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=[*COMMANDS, "imu-postgres"])
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--port", type=int, help="of PostgreSQL")
    parser.add_argument("--pid", type=int, help="of the server")
    parser.add_argument("--files", type=int, default=1000, help="records")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of each")
    parser.add_argument("--by", choices=["when", "sql"], default="when")
    parser.add_argument("--conditional", action="store_true")
    parser.add_argument("--file", help="a recording")
    parser.add_argument("--entry", default="drive")
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(imu_postgres(args) if args.command == "imu-postgres" else asyncio.run(with_bucket(args))))


if __name__ == "__main__":
    main()
