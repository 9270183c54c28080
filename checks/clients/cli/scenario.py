"""Every command of reduct-cli (REDUCT_CLI), and what comes of it. Started by ../run.py, which says what is printed and what is in the environment."""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "python")]

from commands import Commands, run_cases  # noqa: E402
from harness import expect, scratch  # noqa: E402
from reduct import Batch, Client  # noqa: E402

URL = os.environ["PANNIER_URL"]
TOKEN = os.environ["PANNIER_TOKEN"]
ENTRIES = ["camera", "imu", "logs/nav"]
START = 1_700_000_000_000_000


def equal(found: object, wanted: object) -> None:
    expect(found == wanted, f"{found!r} instead of {wanted!r}")


async def fill(name: str) -> None:
    chance = random.Random(3)
    async with Client(URL, api_token=TOKEN) as client:
        bucket = await client.create_bucket(name)
        for entry in ENTRIES:
            batch = Batch()
            for i in range(60):
                labels = {"robot": "anna", "number": str(i)}
                batch.add(START + i * 33_333, chance.randbytes(chance.randrange(3_000)), "image/jpeg", labels)
            expect(await bucket.write_batch(entry, batch) == {}, "the batch was not taken whole")
            await bucket.write(entry, chance.randbytes(3_000_000), START + 10_000_000, labels={"robot": "anna"})


def contents(name: str) -> dict:
    """Digest, type and labels of each record of a bucket."""

    async def read() -> dict:
        found = {}
        async with Client(URL, api_token=TOKEN) as client:
            bucket = await client.get_bucket(name)
            for entry in await bucket.get_entry_list():
                async for record in bucket.query(entry.name):
                    digest = sha256(await record.read_all()).hexdigest()
                    found[entry.name, record.timestamp] = (digest, record.content_type, record.labels)
        return found

    return asyncio.run(read())


def eventually(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not check():
        expect(time.monotonic() < deadline, f"{what}: not within 10 s")
        time.sleep(0.05)


def scenario(cli: Commands, folder: Path) -> list[tuple[str, Callable[[], None]]]:
    def aliases() -> None:
        cli("alias", "add", "robot", "-L", URL, "-t", TOKEN)
        cli("alias", "add", "other", "-L", "http://127.0.0.1:9")
        listed = cli.json("alias", "ls")
        equal((sorted(listed), listed["robot"]["token"]), (["other", "robot"], TOKEN))
        cli("alias", "rm", "other")
        equal(cli("alias", "ls"), f"robot: {URL.rstrip('/')}/")

    def server() -> None:
        cli("server", "alive", "robot")
        status = cli.json("server", "status", "robot")
        expect(status["version"].startswith("1.21."), f"version {status['version']}")
        equal(
            status["defaults"]["bucket"], {"quota_type": "NONE", "quota_size": 0, "max_block_size": 64_000_000, "max_block_records": 1024}
        )
        equal(cli("server", "license", "robot"), "Apache-2.0")

    def buckets() -> None:
        cli(
            "bucket",
            "create",
            "robot/cli-a",
            "--quota-type",
            "FIFO",
            "--quota-size",
            "1GB",
            "--block-size",
            "10MB",
            "--block-records",
            "100",
        )
        expect("Bucket 'cli-a' already exists" in cli.refused("bucket", "create", "robot/cli-a"), "made twice")
        cli("bucket", "update", "robot/cli-a", "--block-records", "50", "--quota-type", "NONE")
        shown = cli.json("bucket", "show", "robot/cli-a", "--full")
        equal(shown["settings"], {"quota_type": "NONE", "quota_size": 1_000_000_000, "max_block_size": 10_000_000, "max_block_records": 50})
        cli("write", "robot/cli-a/x", "-s", "1", "-q")
        cli("bucket", "rename", "robot/cli-a", "cli-b")
        cli("bucket", "rename", "robot/cli-b", "y", "--only-entry", "x")
        shown = cli.json("bucket", "show", "robot/cli-b", "--full")
        equal([(entry["name"], entry["record_count"]) for entry in shown["entries"]], [("y", 1)])
        expect("cli-b" in cli("bucket", "ls", "robot").split(), "the bucket is not listed")
        cli("bucket", "rm", "robot/cli-b", "--only-entries", "y", "--yes")
        eventually(lambda: cli.json("bucket", "show", "robot/cli-b", "--full")["entries"] == [], "removal of the entry")
        cli("bucket", "rm", "robot/cli-b", "--yes")
        eventually(lambda: "cli-b" not in cli.json("bucket", "ls", "robot"), "removal of the bucket")
        expect("Bucket 'none' is not found" in cli.refused("bucket", "show", "robot/none"), "a bucket that is not there is shown")

    def write() -> None:
        cli("bucket", "create", "robot/cli-write")
        (folder / "payload").write_bytes(bytes(range(256)) * 100)
        cli(
            "write",
            "robot/cli-write/a",
            "--string",
            "hello",
            "--content-type",
            "text/plain",
            "--timestamp",
            str(START),
            "--labels",
            "a=1,b=2",
        )
        labels = json.dumps({"x": "y, z"})
        cli("write", "robot/cli-write/a", "--file", str(folder / "payload"), "--timestamp", "2023-11-14T22:13:21Z", "--labels", labels)
        found = contents("cli-write")
        equal(found["a", START], (sha256(b"hello").hexdigest(), "text/plain", {"a": "1", "b": "2"}))
        digest, _, labels = found["a", START + 1_000_000]
        equal((digest, labels), (sha256(bytes(range(256)) * 100).hexdigest(), {"x": "y, z"}))
        told = cli.refused("write", "robot/cli-write/a", "--string", "again", "--timestamp", str(START))
        expect(f"A record with timestamp {START} already exists" in told, f"another text: {told}")

    def copies() -> None:
        asyncio.run(fill("cli-drive"))
        source = contents("cli-drive")
        cli("bucket", "create", "robot/cli-copy")
        cli("cp", "robot/cli-drive", "robot/cli-copy")
        equal(len(source), 61 * len(ENTRIES))
        copied = contents("cli-copy")
        expect(copied == source, f"{len(copied)} records copied of {len(source)}, or changed ones")
        cli("cp", "robot/cli-drive", str(folder / "export"))
        files = [file for file in (folder / "export").rglob("*") if file.is_file()]
        digests = sorted(sha256(file.read_bytes()).hexdigest() for file in files)
        expect(digests == sorted(digest for digest, _, _ in source.values()), f"{len(files)} files, or changed ones")

    def parts() -> None:
        source = contents("cli-drive")
        options = [
            "--entries",
            "camera",
            "--start",
            str(START),
            "--stop",
            str(START + 2_000_000),
            "--when",
            '{"&number": {"$lt": 5}}',
            "--with-meta",
        ]
        cli("cp", "robot/cli-drive", str(folder / "part"), *options, "--ext", "jpg")
        files = sorted((folder / "part").rglob("*.jpg"))
        digests = [sha256(file.read_bytes()).hexdigest() for file in files]
        equal(digests, [source["camera", START + i * 33_333][0] for i in range(5)])
        equal(json.loads(next((folder / "part").rglob("*.json")).read_text())["labels"]["robot"], "anna")
        cli("bucket", "create", "robot/cli-few")
        cli("cp", "robot/cli-drive", "robot/cli-few", "--limit", "3")
        equal(sorted(contents("cli-few")), sorted((entry, START + i * 33_333) for entry in ENTRIES for i in range(3)))
        cli("cp", "robot/cli-drive", "robot/cli-few", "--from-last")
        expect(contents("cli-few") == source, "what was missing is not copied")

    def removal() -> None:
        source = contents("cli-drive")
        cli("rm", "robot/cli-copy", "--entries", "camera", "--start", str(START), "--stop", str(START + 2_000_000))
        cli("rm", "robot/cli-copy", "--entries", "imu", "--time", str(START))
        cli("rm", "robot/cli-copy", "--entries", "logs/nav", "--when", '{"&number": {"$gte": 30}}')
        left = contents("cli-copy")
        wanted = {
            key: value
            for key, value in source.items()
            if not (key[0] == "camera" and key[1] < START + 2_000_000)
            and key != ("imu", START)
            and not (key[0] == "logs/nav" and int(value[2].get("number", 0)) >= 30)
        }
        expect(left == wanted, f"{len(left)} records left instead of {len(wanted)}")

    def attachments() -> None:
        cli("bucket", "create", "robot/cli-attachments")
        cli("write", "robot/cli-attachments/a", "--string", "x")
        cli("attachment", "write", "robot/cli-attachments/a", "schema", '{"fields": [1, null]}')
        cli("attachment", "write", "robot/cli-attachments/a", "$ros", '"/imu"')
        cli("attachment", "write", "robot/cli-attachments/a", "notes", "[]")
        equal(sorted(cli("attachment", "ls", "robot/cli-attachments/a").split()), ["$ros", "notes", "schema"])
        equal(cli.json("attachment", "read", "robot/cli-attachments/a"), {"schema": {"fields": [1, None]}, "$ros": "/imu", "notes": []})
        cli("attachment", "rm", "robot/cli-attachments/a", "notes", "$ros")
        equal(cli.json("attachment", "read", "robot/cli-attachments/a"), {"schema": {"fields": [1, None]}})
        cli("attachment", "rm", "robot/cli-attachments/a", "--all")
        equal(cli("attachment", "ls", "robot/cli-attachments/a"), "")

    def tokens() -> None:
        options = ["-r", "cli-*", "-w", "cli-w", "--ttl", "1h", "--expires-in", "2h", "--ip-allow", "127.0.0.1"]
        cli("token", "create", "robot/cli-token", *options)
        shown = cli.json("token", "show", "robot/cli-token")
        equal((shown["ttl"], shown["ip_allowlist"], shown["is_expired"]), (3600, ["127.0.0.1"], False))
        equal(shown["permissions"], {"full_access": False, "read": ["cli-*"], "write": ["cli-w"]})
        expect("cli-token" in cli.json("token", "ls", "robot"), "the token is not listed")
        value = cli("token", "rotate", "robot/cli-token").split()[-1]
        cli("alias", "add", "rotated", "-L", URL, "-t", value)
        told = cli.refused("token", "ls", "rotated")
        expect("Token 'cli-token' doesn't have full access" in told, f"another text: {told}")
        cli("token", "rm", "robot/cli-token", "--yes")
        expect("Token 'cli-token' doesn't exist" in cli.refused("token", "show", "robot/cli-token"), "the token is still there")

    def replications() -> None:
        for bucket in ("cli-source", "cli-target"):
            cli("bucket", "create", f"robot/{bucket}")
        condition = {"&a": {"$eq": 1}}
        options = ["--entries", "x", "--prefix", "robot/", "--when", json.dumps(condition), "--compression", "gzip"]
        cli("replica", "create", "robot/cli-task", "cli-source", "robot/cli-target", *options)
        settings = cli.json("replica", "show", "robot/cli-task")["settings"]
        wanted = {
            "src_bucket": "cli-source",
            "dst_bucket": "cli-target",
            "dst_token": None,
            "entries": ["x"],
            "dst_prefix": "robot/",
            "when": condition,
        }
        equal({name: settings[name] for name in wanted}, wanted)
        equal((settings["mode"], settings["compression"]), ("enabled", "gzip"))
        cli("write", "robot/cli-source/x", "--string", "wanted", "--labels", "a=1")
        eventually(lambda: [key[0] for key in contents("cli-target")] == ["robot/x"], "replication")
        cli("replica", "update", "robot/cli-task", "robot/cli-target", "--entries", "x*")
        for word, mode in (("pause", "paused"), ("disable", "disabled"), ("enable", "enabled")):
            cli("replica", word, "robot/cli-task")
            shown = cli.json("replica", "show", "robot/cli-task")
            equal((shown["info"]["mode"], shown["settings"]["entries"]), (mode, ["x*"]))
        expect("cli-task" in cli.json("replica", "ls", "robot"), "the task is not listed")
        cli("replica", "rm", "robot/cli-task", "--yes")
        expect("cli-task" not in cli.json("replica", "ls", "robot"), "the task is still listed")

    def lifecycles() -> None:
        cli("bucket", "create", "robot/cli-lifecycle")
        options = [
            "--older-than",
            "2h",
            "--interval",
            "20m",
            "--processing-interval",
            "1d",
            "--entries",
            "x*",
            "--when",
            '{"&a": {"$eq": 1}}',
        ]
        cli("lifecycle", "create", "robot/cli-policy", "cli-lifecycle", *options)
        settings = cli.json("lifecycle", "show", "robot/cli-policy")["settings"]
        wanted = {
            "type": "delete",
            "bucket": "cli-lifecycle",
            "entries": ["x*"],
            "older_than": "2h",
            "interval": "20m",
            "processing_interval": "1d",
        }
        equal(settings, wanted | {"when": {"&a": {"$eq": 1}}, "mode": "enabled"})
        cli("lifecycle", "update", "robot/cli-policy", "--older-than", "3h")
        for word, mode in (("dry-run", "dry_run"), ("disable", "disabled"), ("enable", "enabled")):
            cli("lifecycle", word, "robot/cli-policy")
            shown = cli.json("lifecycle", "show", "robot/cli-policy")
            equal((shown["info"]["mode"], shown["settings"]["older_than"], shown["settings"]["interval"]), (mode, "3h", "20m"))
        expect("cli-policy" in cli.json("lifecycle", "ls", "robot"), "the policy is not listed")
        cli("lifecycle", "rm", "robot/cli-policy", "--yes")
        expect("cli-policy" not in cli.json("lifecycle", "ls", "robot"), "the policy is still listed")

    return [
        ("aliases: add, list, remove", aliases),
        ("server: alive, status, licence", server),
        ("buckets: create, update, rename, show, remove", buckets),
        ("records: write", write),
        ("records: copy to another bucket and to a folder", copies),
        ("records: copy a part, and what is missing", parts),
        ("records: remove", removal),
        ("attachments: write, list, read, remove", attachments),
        ("tokens: create, show, list, rotate, remove", tokens),
        ("replications: create, update, switch, list, remove", replications),
        ("lifecycles: create, update, switch, list, remove", lifecycles),
    ]


with scratch() as folder:
    commands = Commands(os.environ["REDUCT_CLI"], folder)
    run_cases(scenario(commands, folder), commands)
