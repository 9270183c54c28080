"""The extension "select" as clients see it."""

import asyncio
import base64
import io
import json
import os
import random
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from harness import TOKEN, Failed, Server, Tally, expect, scratch
from reduct import Client
from reduct.error import ReductError

B1 = b"1,10,a\n2,20,b\n3,30,c\n"
B2 = b"t,v,ok\n1,0.5,true\n2,2.5,false\n3,3.5,true\n"
HEADED = {"csv": {"has_headers": True}}
PARQUET = "application/vnd.apache.parquet"


class Bench:
    """A bucket, and one way to ask it."""

    def __init__(self, client: Client, bucket) -> None:
        self.client = client
        self.bucket = bucket
        self.entries = 0

    async def store(self, *records: tuple[bytes, str], labels: dict | None = None) -> str:
        """Puts contents at the times 1, 2, … of a new entry."""
        self.entries += 1
        entry = f"e{self.entries}"
        for at, (body, content_type) in enumerate(records, start=1):
            await self.bucket.write(entry, body, timestamp=at, content_type=content_type, labels=labels or {})
        return entry

    async def ask(self, entry: str, select: dict, when: dict | None = None, **more) -> list[tuple[int, bytes, dict, str]]:
        ext = {"select": select} | ({"when": when} if when is not None else {})
        found = []
        async for record in self.bucket.query(entry, when={"#ext": ext}, **more):
            found.append((record.timestamp, await record.read_all(), record.labels, record.content_type))
        return found

    async def refused(self, entry: str, select: dict, when: dict | None = None) -> ReductError:
        try:
            found = await self.ask(entry, select, when)
        except ReductError as error:
            return error
        raise Failed(f"not refused: {found}")


def same(found, wanted, what: str) -> None:
    expect(found == wanted, f"{what}: {found!r}, wanted {wanted!r}")


async def columns(bench: Bench) -> None:
    vectors = [
        ("L1", B1, {"columns": [{"index": 1}]}, None, b"10\n20\n30\n", {}),
        ("L2", B1, {"columns": [{"index": 0, "as_label": "id"}, {"from": 1, "to": 2}]}, {"@id": {"$gte": 2}}, b"2,20\n3,30\n", {"@id": "2"}),
        ("L3", B1, {"columns": [{"from": 1}]}, None, b"10,a\n20,b\n30,c\n", {}),
        ("L4", B1, {"columns": [{"index": 2, "as_label": "k"}]}, {"@k": {"$eq": "b"}}, b"b\n", {"@k": "b"}),
        ("L5", B2, HEADED | {"columns": [{"name": "v", "as_label": "v"}, {"name": "t"}]}, {"@v": {"$gt": 1}}, b"v,t\n2.5,2\n3.5,3\n", {"@v": "2.5"}),
        ("L6", B2, HEADED | {"columns": [{"name": "v", "as_label": "v"}, {"name": "t"}]}, {"@v": {"$gt": 9}}, None, {}),
        ("L7", B2, HEADED | {"columns": [{"name": "ok", "as_label": "ok"}]}, {"@ok": {"$eq": True}}, b"ok\ntrue\ntrue\n", {"@ok": "true"}),
    ]
    for name, body, select, when, wanted, labels in vectors:
        entry = await bench.store((body, "text/csv"))
        found = await bench.ask(entry, select, when)
        same([(f[1], f[2]) for f in found], [] if wanted is None else [(wanted, labels)], name)
    entry = await bench.store((b"", "text/csv"), (B1, "text/csv"), (B1, "text/csv"))
    found = await bench.ask(entry, {"columns": [{"index": 1}]}, {"$limit": 2})
    same([(f[0], f[1]) for f in found], [(2, b"10\n20\n")], "L8")
    error = await bench.refused(entry, {"columns": [{"index": 1}]}, {"@nope": {"$eq": 1}})
    same((error.status_code, error.message), (404, "Reference '@nope' not found"), "L9")
    entry = await bench.store((b'{"s":{"u":1,"w":"x"},"q":2}', "application/json"))
    found = await bench.ask(entry, {"json": {}, "columns": [{"name": "s.w", "as_label": "w"}, {"name": "q"}]}, {"@w": {"$eq": "x"}})
    same([(f[1], f[2]) for f in found], [(b'[{"s":{"w":"x"},"q":2}]', {"@w": "x"})], "L10")


async def statements(bench: Bench) -> None:
    message = bytes.fromhex("0a027031190000000000803540")
    fields = {"device_id": {"id": 1, "type": "string"}, "temperature": {"id": 3, "type": "double"}}
    nine = fields | {"device_id": {"id": 9, "type": "string"}}
    nested = b'{"a":{"b":4}}'
    vectors = [
        ("Q1", B1, "text/csv", {"sql": "SELECT column_0, column_2 FROM ENTRY() WHERE column_1 >= 20"}, b"column_0,column_2\n2,b\n3,c\n", {}),
        ("Q2", B2, "text/csv; header=present", {"sql": "SELECT v FROM ENTRY() WHERE ok", "as_label": {"m": "v"}}, b"v\n0.5\n3.5\n", {"@m": "3.5"}),
        ("Q3", B2, "text/csv", HEADED, B2, {}),
        ("Q4", nested, "application/json", {"sql": "SELECT a.b AS b FROM ENTRY()"}, b'[{"b":4}]', {}),
        ("Q5", nested, "application/json", {"sql": "SELECT a.b AS b FROM ENTRY() WHERE a.b > 9"}, None, {}),
        ("Q6", message, "x/y", {"protobuf": {"fields": fields}, "sql": "SELECT device_id, temperature FROM ENTRY() WHERE temperature > 20"},
         b'[{"device_id":"p1","temperature":21.5}]', {}),
        ("Q7", message, "x/y", {"protobuf": {"fields": nine}}, b'[{"device_id":null,"temperature":21.5}]', {}),
    ]
    for name, body, content_type, select, wanted, labels in vectors:
        entry = await bench.store((body, content_type))
        found = await bench.ask(entry, select)
        same([(f[1], f[2]) for f in found], [] if wanted is None else [(wanted, labels)], name)
    entry = await bench.store((B1, "text/csv"))
    for name, select, text in (("Q8", {"csv": {}, "json": {}}, "Only one input format can be specified"), ("Q9", {"export": {"rows": 0}}, "'export.rows' must be greater than 0")):
        error = await bench.refused(entry, select)
        same((error.status_code, error.message), (422, text), name)
    # Rows of one record in several outputs, and of several records in one.
    entry = await bench.store((B1, "text/csv"), (B1, "text/csv"))
    found = await bench.ask(entry, {"sql": "SELECT column_0 AS n FROM ENTRY()", "export": {"rows": 2}})
    same([f[1] for f in found], [b"n\n1\n2\n", b"n\n3\n1\n", b"n\n2\n3\n"], "rows")


async def imu(bench: Bench) -> None:
    """The example of the introduction: 10 000 samples as CSV, those with an acceleration above 1.9."""
    random.seed(1)
    timestamp = int(time.time() * 1_000_000)
    rows = [
        {
            "ts": timestamp + i * 100,
            "linear_acceleration_x": round(random.uniform(-2, 2), 3),
            "linear_acceleration_y": round(random.uniform(-2, 2), 3),
            "linear_acceleration_z": round(random.uniform(8.0, 10.0), 3),
        }
        for i in range(10_000)
    ]
    head = "ts,linear_acceleration_x,linear_acceleration_y,linear_acceleration_z\n"
    line = "{ts},{linear_acceleration_x},{linear_acceleration_y},{linear_acceleration_z}"
    csv = head + "\n".join(line.format(**r) for r in rows)
    await bench.bucket.write(
        entry_name="imu_logs", data=csv.encode(), timestamp=timestamp, labels={"sensor": "imu", "rows": "1000"}, content_type="text/csv"
    )
    when = {
        "#ext": {
            "select": {
                "csv": {"has_headers": True},
                "columns": [
                    {"name": "ts", "as_label": "ts_ns"},
                    {"name": "linear_acceleration_x", "as_label": "acc_x"},
                    {"name": "linear_acceleration_y"},
                    {"name": "linear_acceleration_z"},
                ],
            },
            "when": {"@acc_x": {"$gt": 1.9}},
        }
    }
    kept = [r for r in rows if r["linear_acceleration_x"] > 1.9]
    found = []
    async for rec in bench.bucket.query("imu_logs", when=when):
        found.append((await rec.read_all(), rec.labels, rec.timestamp, rec.content_type))
    body = (head + "".join(line.format(**r) + "\n" for r in kept)).encode()
    labels = {"sensor": "imu", "rows": "1000", "@ts_ns": str(kept[0]["ts"]), "@acc_x": str(kept[0]["linear_acceleration_x"])}
    same(found, [(body, labels, timestamp, "text/csv")], "the example")


async def parquet(bench: Bench) -> None:
    """Files of pyarrow are read, and ours by pyarrow and duckdb."""
    table = pa.table(
        {
            "t": pa.array(range(5000), pa.int64()),
            "v": pa.array([i / 7 for i in range(5000)], pa.float64()),
            "name": pa.array([None if i % 3 == 0 else f"n{i}" for i in range(5000)]),
            "pose": pa.array([{"x": float(i), "ok": i % 2 == 0} for i in range(5000)]),
            "tags": pa.array([[i, i + 1] for i in range(5000)], pa.list_(pa.int32())),
        }
    )
    for compression in ("none", "snappy", "zstd", "gzip"):
        file = io.BytesIO()
        pq.write_table(table, file, compression=compression)
        entry = await bench.store((file.getvalue(), PARQUET))
        [(_, body, _, content_type)] = await bench.ask(entry, {"sql": "SELECT * FROM ENTRY() WHERE pose.ok"})
        same(content_type, PARQUET, "content type")
        ours = pq.ParquetFile(io.BytesIO(body))
        same((ours.metadata.num_row_groups, ours.metadata.row_group(0).column(0).compression), (1, "SNAPPY"), "form of the file")
        wanted = table.filter(pa.array([i % 2 == 0 for i in range(5000)]))
        expect(ours.read().cast(table.schema).equals(wanted), f"another table from {compression}")
    path = Path(os.environ["SCRATCH"]) / "ours.parquet"
    path.write_bytes(body)
    same(duckdb.sql(f"SELECT count(*), sum(t) FROM '{path}'").fetchall(), [(2500, sum(range(0, 5000, 2)))], "as duckdb reads it")
    [(_, body, _, _)] = await bench.ask(entry, {"sql": "SELECT t, name, pose, tags FROM ENTRY() LIMIT 2", "export": {"format": "json"}})
    same(json.loads(body), table.slice(0, 2).drop_columns(["v"]).to_pylist(), "Parquet as JSON")
    # CSV of several records in one file.
    entry = await bench.store((B2, "text/csv"), (B2, "text/csv"))
    [(at, body, _, _)] = await bench.ask(entry, HEADED | {"export": {"format": "parquet", "duration": "1m"}})
    same((at, pq.read_table(io.BytesIO(body)).to_pydict()), (1, {"t": [1, 2, 3] * 2, "v": [0.5, 2.5, 3.5] * 2, "ok": [True, False, True] * 2}), "CSV as Parquet")


def message_type():
    file = descriptor_pb2.FileDescriptorProto(name="sensor.proto", package="demo", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    state = file.enum_type.add(name="State")
    state.value.add(name="IDLE", number=0)
    state.value.add(name="MOVING", number=1)
    pose = file.message_type.add(name="Pose")
    pose.field.add(name="x_pos", number=1, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    reading = file.message_type.add(name="Reading")
    optional = kinds.LABEL_OPTIONAL
    reading.field.add(name="device_id", number=1, type=kinds.TYPE_STRING, label=optional)
    reading.field.add(name="pose", number=2, type=kinds.TYPE_MESSAGE, type_name=".demo.Pose", label=optional)
    reading.field.add(name="state", number=3, type=kinds.TYPE_ENUM, type_name=".demo.State", label=optional)
    reading.field.add(name="raw", number=4, type=kinds.TYPE_BYTES, label=optional)
    reading.field.add(name="ranges", number=5, type=kinds.TYPE_FLOAT, label=kinds.LABEL_REPEATED)
    reading.field.add(name="stamp", number=6, type=kinds.TYPE_UINT64, label=optional)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    schema = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("demo.Reading")), base64.b64encode(schema).decode()


async def protobuf(bench: Bench) -> None:
    reading, schema = message_type()
    message = reading(device_id="r1", state=1, raw=b"\x01\xff", ranges=[0.1, 2], stamp=2**64 - 1)
    message.pose.x_pos = 1.5
    wanted = {"device_id": "r1", "pose": {"x_pos": 1.5}, "state": "MOVING", "raw": "Af8=", "ranges": [0.1, 2.0], "stamp": 2**64 - 1}
    entry = await bench.store((message.SerializeToString(), "application/x-protobuf"))
    error = await bench.refused(entry, {})
    expect(error.status_code == 422 and f"Entry '{entry}' has no '$schema' attachment" in error.message, error.message)
    given = {"protobuf": {"message_name": "demo.Reading", "schema": schema}}
    [(_, body, _, content_type)] = await bench.ask(entry, given)
    same((json.loads(body), content_type), ([wanted], "application/json"), "with a schema")
    await bench.bucket.write_attachments(entry, {"$schema": {"encoding": "protobuf", "schema": schema, "schema_name": "demo.Reading"}})
    [(_, body, labels, _)] = await bench.ask(
        entry, {"sql": "SELECT pose.x_pos AS x, state FROM ENTRY() WHERE pose.x_pos > 1", "as_label": {"x": "x", "state": "state"}}
    )
    same((json.loads(body), labels), ([{"x": 1.5, "state": "MOVING"}], {"@x": "1.5", "@state": "MOVING"}), "with the attachment")
    error = await bench.refused(entry, {"protobuf": {"message_name": "demo.Missing"}})
    expect(error.status_code == 422 and "the schema has no message 'demo.Missing'" in error.message, error.message)


async def hostile(bench: Bench) -> None:
    """Statements that reach for files, settings or for ever; the server lives, the next record is read."""
    entry = await bench.store((B1, "text/csv"))
    for statement in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT content FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT 1; ATTACH '/tmp/x.db'",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT 1; INSTALL httpfs",
        "SELECT 1; PRAGMA database_list",
        "SELECT 1; SET threads = 8",
        "SELECT getenv('HOME') FROM ENTRY()",
        "SELECT * FROM duckdb_settings()",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE sin(a.range) > 1 + cos(b.range)",
        "SELECT list(range) FROM range(100000000)",
        "SELECT length(repeat('x', 2000000000))",
    ):
        error = await bench.refused(entry, {"sql": statement})
        expect(
            error.status_code == 422 and (error.message.startswith("SQL error: ") or "CPU time" in error.message) and f"{entry}/1" in error.message.replace(" ", ""),
            f"{statement}: {error.status_code} {error.message}",
        )
        print(f"    {statement[:60]}: {error.message}")
    for statement in ("ATTACH '/tmp/x.db'", "COPY x TO '/tmp/x'", "INSTALL httpfs", "PRAGMA version", "SET threads = 8"):
        error = await bench.refused(entry, {"sql": statement})
        expect(error.status_code == 422 and error.message.startswith("'sql' must be one SELECT statement"), f"{statement}: {error.message}")
    same([f[1] for f in await bench.ask(entry, {"sql": "SELECT count(*) AS n FROM ENTRY()"})], [b"n\n3\n"], "afterwards")


async def broken(bench: Bench) -> None:
    """Content that is broken costs its record an error; the query goes on behind it."""
    cases = [
        ("text/csv", b'1,"2', {"columns": [{"index": 0}]}, "Failed to parse CSV"),
        ("text/csv", b"\xff\xfe", {"columns": [{"index": 0}]}, "Failed to parse CSV"),
        ("text/csv", b"1," * 1_000_000, {}, "Failed to parse CSV: line 1 has more than 4096 columns"),
        ("application/json", b'{"a":', {}, "Failed to parse JSON"),
        ("application/json", b'{"a":' * 100_000, {}, "Failed to parse JSON"),
        (PARQUET, b"PAR1" + bytes(100) + b"PAR1", {}, "Failed to parse Parquet"),
        ("application/x-protobuf", b"\x0a\xff\xff\xff\xff\x07", {"protobuf": {"fields": {"a": {"id": 1, "type": "string"}}}}, "Failed to parse Protobuf"),
        ("image/png", b"PNG", {}, "Unsupported content type 'image/png' for extension 'select'"),
    ]
    for content_type, body, select, text in cases:
        entry = await bench.store((body, content_type))
        error = await bench.refused(entry, select)
        expect(error.status_code == 422 and error.message.startswith(text) and f"{entry}/1" in error.message, f"{content_type}: {error.status_code} {error.message}")
        print(f"    {error.message[:150]}")
    wide = await bench.store((b"1," * 1_000_000 + b"7\n", "text/csv"))
    same([f[1] for f in await bench.ask(wide, {"columns": [{"index": 1_000_000}]})], [b"7\n"], "the last of a million columns")


async def run(server: Server, tally: Tally) -> None:
    async with Client(server.url, api_token=TOKEN) as client:
        bench = Bench(client, await client.create_bucket("select", exist_ok=True))
        for part in (columns, imu, statements, parquet, protobuf, broken, hostile):
            with tally.check(part.__name__):
                await part(bench)


def engines_of(server: int) -> list[int]:
    """Processes that the server has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"\nPPid:\t{server}\n" in status.read_text():
                found.append(int(status.parent.name))
        except OSError:
            pass
    return found


def main() -> None:
    tally = Tally()
    with scratch() as folder:
        os.environ["SCRATCH"] = str(folder)
        temporary = folder / "tmp"
        temporary.mkdir()
        settings = {"PANNIER_EXT_CPU_TIME": "5s", "PANNIER_JAVA_OPTS": f"-Djava.io.tmpdir={temporary}"}
        with Server(folder / "data", settings=settings) as server:
            server.start(90)
            asyncio.run(run(server, tally))
            with tally.check("engines go with their server, and leave nothing behind"):
                engines = engines_of(server.process.pid)
                expect(bool(engines), "no engine is there")
                server.interrupt()
                began = time.monotonic()
                while any(Path(f"/proc/{pid}").exists() for pid in engines) and time.monotonic() - began < 20:
                    time.sleep(0.05)
                expect(not any(Path(f"/proc/{pid}").exists() for pid in engines), "an engine stays")
                left = [path for path in temporary.iterdir() if path.name.startswith("pannier-sql-")]
                expect(not left, f"left behind: {left}")
    tally.finish()


main()
