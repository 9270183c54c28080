"""Recordings and messages of other programs, looked into on the server, and what comes out given back to them."""

import asyncio
import base64
import io
import json
import os
import random
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import mcap.reader
import mcap.writer
import messages
import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from harness import ROOT, TOKEN, Failed, Server, Tally, expect, scratch
from mcap_protobuf.writer import Writer as ProtobufWriter
from mcap_ros2.decoder import DecoderFactory
from mcap_ros2.writer import Writer as Ros2Writer
from PIL import Image
from reduct import Client, ReductError

SECOND = 1_000_000_000
START = 1_753_341_400 * SECOND
WIDTH, HEIGHT = 64, 48

COMPRESSION = {
    "zstd": mcap.writer.CompressionType.ZSTD,
    "lz4": mcap.writer.CompressionType.LZ4,
    "none": mcap.writer.CompressionType.NONE,
}


def definition(name: str) -> str:
    return messages.ROS2.generate_msgdef(name, ros_version=2)[0]


def picture(i: int) -> bytes:
    rows = numpy.zeros((HEIGHT, WIDTH, 3), dtype=numpy.uint8)
    rows[:, :, 0] = i * 4
    rows[:, : WIDTH // 2, 1] = 200
    return rows.tobytes()


def stamp(nanos: int) -> dict:
    return {"sec": nanos // SECOND, "nanosec": nanos % SECOND}


def drive(compression: str) -> bytes:
    """Half a minute: 20 measurements and two pictures a second."""
    out = io.BytesIO()
    writer = Ros2Writer(out, compression=COMPRESSION[compression], chunk_size=64 * 1024)
    imu = writer.register_msgdef("sensor_msgs/msg/Imu", definition("sensor_msgs/msg/Imu"))
    image = writer.register_msgdef("sensor_msgs/msg/Image", definition("sensor_msgs/msg/Image"))
    text = writer.register_msgdef("std_msgs/msg/String", "string data")
    for i in range(600):
        now = START + i * SECOND // 20
        header = {"stamp": stamp(now - 5_000), "frame_id": "base"}
        content = {"header": header, "linear_acceleration": {"x": i / 100, "y": -1.0, "z": 9.81}, "orientation_covariance": [0.5] * 9}
        writer.write_message("/imu", imu, content, log_time=now, publish_time=now, sequence=i)
        if i % 10 == 0:
            pixels = {"header": header, "height": HEIGHT, "width": WIDTH, "encoding": "rgb8", "step": 3 * WIDTH, "data": picture(i // 10)}
            writer.write_message("/camera", image, pixels, log_time=now, publish_time=now, sequence=i)
            writer.write_message("/chatter", text, {"data": f"text {i}"}, log_time=now, publish_time=now + 1_000, sequence=i)
    writer.finish()
    return out.getvalue()


async def ask(bucket, entries, ros: dict, when: dict | None = None, **more) -> list:
    """Records that a query with the extension gives, with their content."""
    step = {"ros": ros} | ({"when": when} if when else {})
    return await gather(bucket.query(entries, when={"#ext": step}, **more))


async def gather(records) -> list:
    found = []
    async for record in records:
        found.append((record, await record.read_all()))
    return found


async def refused(bucket, entries, ros: dict, status: int, *texts: str) -> None:
    try:
        found = await ask(bucket, entries, ros)
    except ReductError as error:
        expect(error.status_code == status, f"{error.status_code} instead of {status}: {error.message}")
        for text in texts:
            expect(text in error.message, f"'{text}' is missing in '{error.message}'")
        return
    raise Failed(f"{len(found)} records instead of {status}")


async def store(bucket, entry: str, time: int, content: bytes, content_type: str, **labels: str) -> None:
    await bucket.write(entry, content, time, labels=labels, content_type=content_type)


# --- recordings


async def topics_become_json(bucket, compression: str) -> None:
    entry = f"drive-{compression}"
    await store(bucket, entry, 1, drive(compression), "application/mcap", robot="a1")
    found = await ask(bucket, entry, {"extract": {"topic": "/imu", "as_label": {"ax": "linear_acceleration.x"}}}, {"@ax": {"$gte": 5.5}})
    expect(len(found) == 50, f"{len(found)} messages")
    record, content = found[0]
    expect(record.timestamp == (START + 550 * SECOND // 20 - 5_000) // 1_000, f"time {record.timestamp}")
    expect(record.content_type == "application/json", record.content_type)
    expected = {"robot": "a1", "@topic": "/imu", "@schema": "sensor_msgs/Imu", "@encoding": "cdr", "@ax": "5.5"}
    expect(record.labels == expected, str(record.labels))
    value = json.loads(content)
    expect(value["linear_acceleration"] == {"x": 5.5, "y": -1.0, "z": 9.81}, str(value))
    expect(value["orientation_covariance"] == [0.5] * 9, str(value))


async def a_minute_is_cut(bucket, compression: str) -> None:
    ros = {"transform": {"include": ["/imu", "/cha.*"], "exclude": ["/chatter"], "duration": "10s"}}
    found = await ask(bucket, f"drive-{compression}", ros)
    expect([record.timestamp for record, _ in found] == [START // 1_000 + i * 10_000_000 for i in range(3)], "times of the episodes")
    count = 0
    for record, content in found:
        expect(record.content_type == "application/mcap" and record.labels == {"robot": "a1"}, str(record.labels))
        reader = mcap.reader.make_reader(io.BytesIO(content), validate_crcs=True, decoder_factories=[DecoderFactory()])
        expect(reader.get_header().profile == "ros2", "profile")
        expect(reader.get_summary().statistics.message_count == 200, "counts")
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            expect(channel.topic == "/imu" and schema.name == "sensor_msgs/msg/Imu", channel.topic)
            expect(message.sequence == count and decoded.linear_acceleration.x == count / 100, f"message {count}")
            expect(message.log_time == START + count * SECOND // 20, "log time")
            count += 1
    expect(count == 600, f"{count} messages")


async def pictures_are_shown(server: Server, bucket) -> None:
    found = await ask(bucket, "drive-zstd", {"extract": {"topic": "/camera", "encode": {"data": "jpeg"}}})
    expect(len(found) == 60, f"{len(found)} pictures")
    value = json.loads(found[30][1])[0]
    expect((value["height"], value["width"], value["encoding"]) == (HEIGHT, WIDTH, "rgb8"), str(value)[:200])
    looks_right(base64.b64decode(value["data"]), 30, "JPEG", 12)

    # One picture, as a link that anybody opens.
    for form, kind, tolerance in (("jpeg", "JPEG", 12), ("png", "PNG", 0)):
        extension = {"#ext": {"ros": {"extract": {"topic": "/camera", "format": form}}}}
        files = [record async for record in bucket.query("drive-none", when=extension)]
        link = await bucket.create_query_link(
            "drive-none", when=extension, record_entry="drive-none", record_timestamp=files[7].timestamp, file_name=f"seven.{form}"
        )
        with urllib.request.urlopen(link.replace("http://localhost:8383", server.url), timeout=20) as answer:
            expect(answer.headers["content-type"] == f"image/{form}", answer.headers["content-type"])
            looks_right(answer.read(), 7, kind, tolerance)


def looks_right(file: bytes, i: int, kind: str, tolerance: int) -> None:
    image = Image.open(io.BytesIO(file))
    expect(image.format == kind and image.size == (WIDTH, HEIGHT), f"{image.format} {image.size}")
    for x, green in ((5, 200), (WIDTH - 5, 0)):
        pixel = image.convert("RGB").getpixel((x, 20))
        far = max(abs(a - b) for a, b in zip(pixel, (i * 4, green, 0), strict=True))
        expect(far <= tolerance, f"{pixel} at {x}")


async def a_recording_sums_itself_up(bucket) -> None:
    [(record, content)] = await ask(bucket, "drive-lz4", {"summary": {}})
    summary = json.loads(content)
    counts = {topic["topic"]: topic["messages"] for topic in summary["topics"]}
    expect(counts == {"/imu": 600, "/camera": 60, "/chatter": 60}, str(counts))
    expect(summary["start_ns"] == START and summary["compression"] == ["lz4"], str(summary))
    expect(record.content_type == "application/json", record.content_type)


async def protobuf_is_read(bucket) -> None:
    file = descriptor_pb2.FileDescriptorProto(name="plant.proto", package="plant", syntax="proto3")
    device = file.message_type.add(name="Device")
    for number, (name, kind) in enumerate((("device_id", 9), ("serial", 4), ("raw", 12), ("temperature", 1)), 1):
        device.field.add(name=name, number=number, type=kind, label=1)
    device.field.add(name="mode", number=5, type=14, type_name=".plant.Mode", label=1)
    device.field.add(name="parts", number=6, type=11, type_name=".plant.Device", label=3)
    file.enum_type.add(name="Mode", value=[{"name": "OFF", "number": 0}, {"name": "ON", "number": 1}])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    cls = message_factory.GetMessageClass(pool.FindMessageTypeByName("plant.Device"))
    content = cls(device_id="p1", serial=2**64 - 1, raw=b"\1\2", temperature=21.5, mode=1, parts=[cls(device_id="screw")])
    part = {"device_id": "screw", "serial": 0, "raw": "", "temperature": 0.0, "mode": "OFF", "parts": []}
    expected = {"device_id": "p1", "serial": 2**64 - 1, "raw": "AQI=", "temperature": 21.5, "mode": "ON", "parts": [part]}

    out = io.BytesIO()
    with ProtobufWriter(out) as writer:
        writer.write_message("/device", content, log_time=6, publish_time=24)
    await store(bucket, "plant", 1, out.getvalue(), "application/mcap")
    [(record, body)] = await ask(bucket, "plant", {"extract": {"topic": "/device", "as_label": {"id": "device_id", "part": "parts[0].device_id"}}})
    expect(json.loads(body) == expected, body.decode())
    labels = {"@topic": "/device", "@schema": "plant.Device", "@encoding": "protobuf", "@id": "p1", "@part": "screw"}
    expect(record.labels == labels and record.timestamp == 24, str(record.labels))

    await store(bucket, "plant-raw", 9, content.SerializeToString(), "application/protobuf")
    schema = base64.b64encode(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()).decode()
    await bucket.write_attachments(
        "plant-raw", {"$schema": {"encoding": "protobuf", "schema": schema, "topic": "/device", "schema_name": "plant.Device"}}
    )
    [(record, body)] = await ask(bucket, "plant-raw", {"extract": {}})
    expect(json.loads(body) == expected and record.timestamp == 9, body.decode())


# --- messages


async def every_common_type(client, ros_version: int, encoding: str) -> int:
    """Each type as a record of its own entry; all are read by one query, exported by another."""
    types = messages.ROS1 if ros_version == 1 else messages.ROS2
    bucket = await client.create_bucket(f"types-{ros_version}", exist_ok=True)
    chance = random.Random(7)
    expected = {}
    for number, name in enumerate(messages.message_types(types)):
        content = messages.message(types, name, chance)
        body = types.serialize_ros1(content, name) if ros_version == 1 else types.serialize_cdr(content, name)
        text = types.generate_msgdef(name, ros_version=ros_version)[0]
        entry = name.replace("/", "-")
        await store(bucket, entry, 1_000 + number, bytes(body), f"application/{encoding}")
        schema = {"encoding": encoding, "schema": text, "topic": f"/{entry}", "schema_name": name.replace("/msg/", "/")}
        await bucket.write_attachments(entry, {"$schema": schema})
        expected[entry] = (name, messages.as_json(types, name, content), bytes(body))
    found = await ask(bucket, "*", {"extract": {}})
    expect({record.entry for record, _ in found} == expected.keys(), f"{len(found)} of {len(expected)} types")
    for record, content in found:
        name, value, _ = expected[record.entry]
        expect(record.labels["@schema"] == name.replace("/msg/", "/"), str(record.labels))
        expect(messages.same(json.loads(content), value), f"{name}:\n  {content.decode()[:600]}\n  {json.dumps(value)[:600]}")

    [(record, content)] = await ask(bucket, "*", {"export": {"format": "mcap"}})
    reader = mcap.reader.make_reader(io.BytesIO(content), validate_crcs=True)
    expect(reader.get_header().profile == f"ros{ros_version}", "profile")
    count = 0
    for schema, channel, message in reader.iter_messages():
        name, _, body = expected[channel.topic[1:]]
        expect(message.data == body and schema.encoding == f"ros{ros_version}msg", name)
        expect(channel.message_encoding == encoding, channel.message_encoding)
        count += 1
    expect(count == len(expected), f"{count} messages")
    if ros_version == 2:
        decoded = mcap.reader.make_reader(io.BytesIO(content), decoder_factories=[DecoderFactory()])
        topics = [topic for topic in ("/sensor_msgs-msg-Imu", "/nav_msgs-msg-Odometry", "/tf2_msgs-msg-TFMessage")]
        names = {schema.name for schema, *_ in decoded.iter_decoded_messages(topics=topics)}
        expect(len(names) == len([topic for topic in topics if topic[1:] in expected]), f"mcap-ros2-support reads {names}")
    return count


IMAGE = messages.ROS1.generate_msgdef("sensor_msgs/msg/Image", ros_version=1)[0]
POINT = "float64 x\nfloat64 y\nfloat64 z\n"
R1 = "0700000000f1536515cd5b070300000063616d0200000001000000050000006d6f6e6f3800010000000200000000ff"
R2 = "000000000000f83f00000000000000c0000000000000d03f"
R3 = "0001000004000000616263000000000000000440030000000102ff01"
R4 = "000100000600000068656c6c6f000000000000000000000000000440"
THREE = "string name\nfloat64 v\nuint8[] raw\nbool ok\n"


async def vectors(bucket) -> None:
    entries = (
        ("cam", "ros1", "sensor_msgs/Image", IMAGE, R1),
        ("arm", "ros1", "geometry_msgs/Point", POINT, R2),
        ("three", "cdr", "a/Three", THREE, R3),
        ("two", "cdr", "a/Two", "string name\nfloat64 v\n", R4),
    )
    for time, (entry, encoding, name, text, body) in enumerate(entries, 5):
        await store(bucket, entry, time, bytes.fromhex(body), f"application/{encoding}")
        await bucket.write_attachments(
            entry, {"$schema": {"encoding": encoding, "schema": text, "topic": f"/{entry}/tip", "schema_name": name}}
        )

    async def one(entry: str, extract: dict, when: dict | None = None):
        [(record, content)] = await ask(bucket, entry, {"extract": extract}, when)
        return record, json.loads(content)

    record, value = await one("cam", {})
    header = {"seq": 7, "stamp": {"sec": 1_700_000_000, "nsec": 123_456_789}, "frame_id": "cam"}
    rest = {"height": 2, "width": 1, "encoding": "mono8", "is_bigendian": 0, "step": 1, "data": [0, 255]}
    expect(value == {"header": header} | rest and record.timestamp == 1_700_000_000_123_456, f"R1: {value}")
    record, value = await one("arm", {"as_label": {"a": "x", "b": "y"}})
    expect(value == {"x": 1.5, "y": -2.0, "z": 0.25} and record.timestamp == 6, f"R2: {value}")
    expect(record.labels["@a"] == "1.5" and record.labels["@b"] == "-2.0", f"R7: {record.labels}")
    _, value = await one("three", {})
    expect(value == {"name": "abc", "v": 2.5, "raw": [1, 2, 255], "ok": True}, f"R3: {value}")
    _, value = await one("two", {})
    expect(value == {"name": "hello", "v": 2.5}, f"R4: {value}")
    _, value = await one("three", {"encode": {"raw": "base64"}})
    expect(value == [{"name": "abc", "v": 2.5, "raw": "AQL/", "ok": True}], f"R5: {value}")
    record, value = await one("cam", {"encode": {"data": "jpeg"}})
    image = Image.open(io.BytesIO(base64.b64decode(value[0]["data"])))
    expect(value[0]["data"].startswith("/9j/") and image.size == (1, 2) and image.mode == "L", f"R6: {value}")
    try:
        await one("arm", {"as_label": {"a": "q"}}, {"@a": {"$eq": 1}})
        raise Failed("R8: no error")
    except ReductError as error:
        expect(error.status_code == 404 and error.message == "Reference '@a' not found", f"R8: {error}")
    record, value = await one("arm", {"as_label": {"tip_z": "z"}}, {"@tip_z": {"$gt": 0}})
    expected = {"@encoding": "ros1", "@schema": "geometry_msgs/Point", "@topic": "/arm/tip", "@tip_z": "0.25"}
    expect(record.labels == expected, f"12.5: {record.labels}")


# --- bad input


async def bad_input(bucket) -> None:
    await refused(bucket, "drive-zstd", {}, 422, "Exactly one of 'extract', 'transform', 'export' must be specified")
    await refused(bucket, "drive-zstd", {"extract": {}}, 422, "'topic' is required for 'application/mcap'", "drive-zstd/1")
    await refused(bucket, "drive-zstd", {"rosbag": {}, "extract": {"topic": "/a"}}, 422, "Rosbag archives are not supported")
    whole = drive("zstd")
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "torn": whole[:middle] + bytes(200) + whole[middle + 200 :],
        "foreign": b"no recording at all",
        "empty": b"",
    }
    for time, (entry, content) in enumerate(damaged.items(), 50):
        await store(bucket, entry, time, content, "application/mcap")
        await refused(bucket, entry, {"extract": {"topic": "/imu"}}, 422, "Failed to read the MCAP recording", f"{entry}/{time}")
    found = await ask(bucket, "cut", {"extract": {"topic": "/imu", "recover": True}})
    expect(100 < len(found) < 600, f"{len(found)} messages of a recording that was cut")
    await store(bucket, "bag", 1, b"#ROSBAG V2.0\n", "application/rosbag")
    await refused(bucket, "bag", {"extract": {"topic": "/a"}}, 422, "Rosbag archives are not supported", "bag/1")

    # A bad record in the middle costs itself only.
    for time in (1, 2, 3):
        await store(bucket, "mixed", time, whole if time != 2 else whole[:middle], "application/mcap")
    got, errors, query = 0, 0, bucket.query("mixed", when={"#ext": {"ros": {"extract": {"topic": "/chatter"}}}})
    try:
        async for record in query:
            await record.read_all()
            got += 1
    except ReductError as error:
        errors += 1
        expect("mixed/2" in error.message, error.message)
    expect((got, errors) == (60, 1), f"{got} messages, {errors} errors")


# --- the command line


def command_line(server: Server, folder: Path) -> None:
    """A topic as JSON, a picture, and a piece of a recording, without Python and without curl."""

    def command(*arguments: str) -> str:
        environment = os.environ | {"HOME": str(folder)}
        done = subprocess.run([str(ROOT / "pannier"), *arguments], capture_output=True, text=True, timeout=120, env=environment)
        expect(done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    place = f"{server.url.replace('://', f'://{TOKEN}@')}/robot"

    def exported(name: str, ros: dict) -> list[Path]:
        command("cp", place, str(folder / name), "--entries", "drive-none", "--ext-params", json.dumps({"ros": ros}))
        return sorted(path for path in (folder / name).rglob("*") if path.is_file())

    texts = exported("texts", {"extract": {"topic": "/chatter"}})
    expect(len(texts) == 60 and json.loads(texts[1].read_text()) == {"data": "text 10"}, f"{len(texts)} texts")
    pictures = exported("pictures", {"extract": {"topic": "/camera", "format": "jpeg"}})
    expect(len(pictures) == 60 and pictures[9].suffix in (".jpg", ".jpeg"), f"{pictures[:1]}")
    looks_right(pictures[9].read_bytes(), 9, "JPEG", 12)
    pieces = exported("pieces", {"transform": {"include": ["/imu"], "duration": "10s"}})
    expect(len(pieces) == 3, f"{pieces}")
    expect(json.loads(command("mcap", "info", str(pieces[0]), "--json"))["messages"] == 200, "messages of the first piece")


async def records_to_export(bucket) -> None:
    """Messages of ROS 2, each a record, and pictures beside them."""
    await bucket.write_attachments("arm/tip", {"$ros": {"encoding": "cdr", "topic": "/tip", "schema_name": "geometry_msgs/Point", "schema": "float64 x\nfloat64 y\nfloat64 z"}})
    point = messages.ROS2.types["geometry_msgs/msg/Point"]
    for i in range(300):
        content = bytes(messages.ROS2.serialize_cdr(point(x=float(i), y=0.5, z=-1.0), "geometry_msgs/msg/Point"))
        await store(bucket, "arm/tip", 1_000_000 + i, content, "application/cdr", i=str(i))
        await store(bucket, "eye", 1_000_000 + i, b"\xff\xd8\xff" + bytes([i % 256]), "image/jpeg")


def records_become_recordings(server: Server, folder: Path) -> None:
    place = f"{server.url.replace('://', f'://{TOKEN}@')}/robot"
    words = [str(ROOT / "pannier"), "cp", place, "--entries=arm/tip,eye", "--format", "mcap"]
    for target in (folder / "robot.mcap", folder / "recordings"):
        done = subprocess.run([*words[:3], str(target), *words[3:]], capture_output=True, text=True, timeout=120, env=os.environ | {"HOME": str(folder)})
        expect(done.returncode == 0, f"{done.stdout}{done.stderr}")
    with (folder / "recordings/arm/tip.mcap").open("rb") as file:
        reader = mcap.reader.make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        expect(reader.get_header().profile == "ros2", "profile")
        # Every message: no channel stands in the way that it cannot decode.
        found = [(message.log_time, ros.x) for schema, channel, message, ros in reader.iter_decoded_messages()]
        expect(found == [((1_000_000 + i) * 1_000, float(i)) for i in range(300)], f"{len(found)} messages, as {found[:2]}")
        notes = [json.loads(line) for note in reader.iter_attachments() for line in note.data.splitlines()]
        expect([note["labels"] for note in notes] == [{"i": str(i)} for i in range(300)], f"labels {notes[:1]}")
        expect([note["content_type"] for note in notes] == ["application/cdr"] * 300, "content types")
        expect([record.name for record in reader.iter_metadata()] == ["pannier.attachments:arm/tip"], "attachments of the entry")
    with (folder / "robot.mcap").open("rb") as file:
        reader = mcap.reader.make_reader(file, validate_crcs=True)
        counts: dict[tuple, int] = {}
        for schema, channel, message in reader.iter_messages():
            key = (channel.topic, schema.name if schema else None, channel.metadata["entry"], channel.metadata["content_type"])
            counts[key] = counts.get(key, 0) + 1
        wanted = {("/tip", "geometry_msgs/msg/Point", "arm/tip", "application/cdr"): 300, ("/eye", None, "eye", "image/jpeg"): 300}
        expect(counts == wanted, str(counts))


async def run(server: Server, folder: Path, tally: Tally) -> None:
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.create_bucket("robot", exist_ok=True)
        for compression in COMPRESSION:
            with tally.check(f"a topic of a recording of mcap-ros2-support ({compression}) becomes JSON"):
                await topics_become_json(bucket, compression)
            with tally.check(f"mcap reads what is cut out of it ({compression})"):
                await a_minute_is_cut(bucket, compression)
        with tally.check("images become pictures, in JSON and behind a link"):
            await pictures_are_shown(server, bucket)
        with tally.check("a recording sums itself up"):
            await a_recording_sums_itself_up(bucket)
        with tally.check("Protobuf messages of mcap-protobuf-support are read"):
            await protobuf_is_read(bucket)
        with tally.check("vectors of the specification"):
            await vectors(bucket)
        for version, encoding in ((1, "ros1"), (2, "cdr")):
            with tally.check(f"every message type of ROS {version} that rosbags writes"):
                expect(await every_common_type(client, version, encoding) > 100, "too few types")
        with tally.check("bad input"):
            await bad_input(bucket)
        with tally.check("the command line shows JSON and pictures, and cuts"):
            await asyncio.to_thread(command_line, server, folder)
        with tally.check("records exported as recordings are read by mcap and mcap-ros2-support"):
            await records_to_export(bucket)
            await asyncio.to_thread(records_become_recordings, server, folder)


def main() -> None:
    tally = Tally()
    with scratch() as folder, Server(folder / "data") as server:
        server.start()
        asyncio.run(run(server, folder, tally))
    tally.finish()


main()
