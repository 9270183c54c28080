"""Extensions of queries as their users meet them: the example in a folder, reduct-py, curl's kind of requests, the command, links."""

import asyncio
import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from harness import ROOT, TOKEN, Server, Tally, expect, scratch
from reduct import BucketSettings, Client, QuotaType, ReductError

LOG = {
    10: "INFO start\nERROR motor 7 hot\nINFO go on\n",
    20: "INFO all well\n",
    30: "WARN low battery\nERROR motor 7 off, at last",
}
ERRORS = {"lines": {"as_label": {"level": "INFO|WARN|ERROR"}}, "when": {"@level": {"$eq": "ERROR"}}}


def post(server: Server, path: str, body: dict) -> tuple[int, str, str]:
    request = urllib.request.Request(server.url + path, data=json.dumps(body).encode(), method="POST", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-reduct-error", ""), ""


def command(server: Server, *arguments: str) -> subprocess.CompletedProcess:
    # A home of its own: whoever runs this may have a configuration.
    return subprocess.run([str(ROOT / "pannier"), *arguments], capture_output=True, text=True, timeout=120, env=os.environ | {"HOME": str(server.data.parent)})


async def read(bucket, entry, **query) -> list[tuple[str, int, str, dict[str, str]]]:
    return [(r.entry, r.timestamp, (await r.read_all()).decode(), dict(r.labels)) async for r in bucket.query(entry, **query)]


async def use(server: Server, tally: Tally, folder: Path) -> None:
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.create_bucket("b", BucketSettings(quota_type=QuotaType.NONE))
        for time, text in LOG.items():
            for entry in ("log", "other"):
                await bucket.write(entry, text.encode(), timestamp=time, content_type="text/plain", labels={"robot": "r1"})

        with tally.check("the example, with reduct-py, on one entry"):
            got = await read(bucket, "log", when={"#ext": ERRORS})
            expect(
                got == [("log", 10, "ERROR motor 7 hot\n", {"robot": "r1"}), ("log", 30, "ERROR motor 7 off, at last\n", {"robot": "r1"})],
                f"other lines: {got}",
            )

        with tally.check("on many entries, with labels and a second step"):
            steps = [{"lines": {}}, {"lines": {"as_label": {"motor": "motor ([0-9]+)"}}, "when": {"@motor": {"$eq": 7}}}]
            got = await read(bucket, ["log", "oth*"], when={"#ext": steps})
            expect([(r[0], r[1]) for r in got] == [("log", 10), ("other", 10), ("log", 30), ("other", 30)], f"other records: {got}")
            expect(all("motor 7" in r[2] for r in got), f"other lines: {got}")

        with tally.check("in the older member, with metadata only and limits"):
            got = await read(bucket, "log", ext=ERRORS, when={"#batch_records": 1, "$limit": 2})
            expect([r[1] for r in got] == [10], f"other records: {got}")
            got = [r async for r in bucket.query("log", ext=ERRORS, head=True)]
            expect([(r.timestamp, r.size) for r in got] == [(10, 18), (30, 27)], f"other sizes: {got}")

        with tally.check("a continuous query gives what is written while it waits"):
            found = []

            async def follow() -> None:
                async for r in bucket.query("live", ext=ERRORS, continuous=True, ttl=20, poll_interval=0.05):
                    found.append((r.timestamp, (await r.read_all()).decode()))
                    if len(found) == 2:
                        return

            await bucket.write("live", b"INFO first\n", timestamp=1)
            task = asyncio.create_task(follow())
            for time in (2, 3):
                await asyncio.sleep(0.2)
                await bucket.write("live", b"ERROR now\n", timestamp=time)
            await asyncio.wait_for(task, 30)
            expect(found == [(2, "ERROR now\n"), (3, "ERROR now\n")], f"other records: {found}")

        with tally.check("errors are told and the rest is not lost"):
            await bucket.write("broken", b"x" * 70_000, timestamp=1)
            await bucket.write("broken", b"ERROR fine\n", timestamp=2)
            for wanted, entry, query in (
                ("Unknown extension 'nope'", "log", {"nope": {}}),
                ("'as_label.a' is no regular expression", "log", {"lines": {"as_label": {"a": "("}}}),
                ("Reference '@none' not found", "log", {"lines": {}, "when": {"@none": {"$eq": 1}}}),
                ("A line is longer than 65536 characters in record broken/1", "broken", {"lines": {}}),
            ):
                try:
                    got = await read(bucket, entry, ext=query)
                    expect(False, f"no error but {got}")
                except ReductError as error:
                    expect(wanted in error.message, f"another error: {error}")
            got = await read(bucket, "broken", start=2, ext=ERRORS)
            expect([r[1] for r in got] == [2], f"other records: {got}")

        with tally.check("a link to one item opens without a token"):
            link = await bucket.create_query_link("log", when={"#ext": ERRORS}, record_entry="log", record_timestamp=30)
            with urllib.request.urlopen(link, timeout=30) as answer:
                expect(answer.read() == b"ERROR motor 7 off, at last\n", "another content")
                expect(answer.headers["x-reduct-label-robot"] == "r1", f"other labels: {answer.headers}")

        with tally.check("a replication sends only what was cut out"):
            settings = {"src_bucket": "b", "dst_bucket": "cut", "dst_host": server.url, "dst_token": TOKEN, "entries": ["log"], "dst_prefix": "r1", "from": "oldest"}
            status, error, _ = post(server, "/api/v1/replications/bad", settings | {"ext": {"nope": {}}})
            expect(status == 422 and error.startswith("Unknown extension 'nope'"), f"answered {status} {error}")
            status, error, _ = post(server, "/api/v1/replications/cut", settings | {"ext": ERRORS})
            expect(status == 200, f"answered {status} {error}")
            # One record fails: it is given up, and those behind it arrive.
            await bucket.write("log", b"x" * 70_000, timestamp=40)
            await bucket.write("log", b"ERROR last\n", timestamp=50)
            copies = None
            for _ in range(300):
                with contextlib.suppress(ReductError):
                    copies = await client.get_bucket("cut")
                    got = await read(copies, "r1/log")
                    if len(got) == 3:
                        break
                await asyncio.sleep(0.1)
            expect([(r[1], r[2]) for r in got] == [(10, "ERROR motor 7 hot\n"), (30, "ERROR motor 7 off, at last\n"), (50, "ERROR last\n")], f"other copies: {got}")
            task = await client.get_replication_detail("cut")
            expect(task.info.pending_records == 0, f"still pending: {task.info}")
            await bucket.remove_record("log", 40)
            await bucket.remove_record("log", 50)

        with tally.check("pannier export and cp hand parameters on"):
            place = f"{server.url.replace('://', '://' + TOKEN + '@')}/b"
            target = folder / "export"
            lines = {"lines": ERRORS["lines"], "when": ERRORS["when"]}
            done = command(server, "cp", place, str(target), "--ext-params", json.dumps(lines), "--entries", "log")
            expect(done.returncode == 0, f"cp failed: {done.stderr}")
            files = sorted(p for p in target.rglob("*") if p.is_file())
            expect([p.stem for p in files] == ["10", "30"], f"other files: {files}")
            expect(files[0].read_text() == "ERROR motor 7 hot\n", "another content")
            bad = command(server, "cp", place, str(target), "--ext-params", "{")
            expect(bad.returncode != 0 and "Failed to parse ext-params" in bad.stderr, f"no error: {bad.stderr}")

    with tally.check("hostile parameters are refused and harm nobody"):
        for parameters in ("x" * 100_000, {"a" * 100_000: {}}, [{}] * 1000, [[[]]], {"lines": {"as_label": 5}}, {"lines": None, "when": {"$and": [1] * 1000}}):
            status, error, _ = post(server, "/api/v1/io/b/q", {"query_type": "QUERY", "ext": parameters})
            expect(status in (200, 422) and len(error) < 4000, f"answered {status}: {error[:200]}")
        deep: dict = {}
        for _ in range(60):
            deep = {"lines": deep}
        expect(post(server, "/api/v1/io/b/q", {"query_type": "QUERY", "ext": deep})[0] == 200, "deep parameters are refused")
        expect(server.answers(), "the server does not answer any more")


def main() -> None:
    tally = Tally()
    with scratch() as folder:
        jars = folder / "jars"
        built = subprocess.run([str(ROOT / "examples/extension/build.sh"), str(jars)], capture_output=True, text=True, timeout=300)
        with tally.check("the example compiles"):
            expect(built.returncode == 0, f"{built.stdout}{built.stderr}")
        (jars / "readme.txt").write_text("no jar")
        (jars / "broken.jar").write_bytes(b"no zip")
        with Server(folder / "data", settings={"RS_EXT_PATH": str(jars)}) as server:
            server.start()
            asyncio.run(use(server, tally, folder))
            with tally.check("other files are told in the log and ignored"):
                log = server.log.read_text()
                expect("readme.txt" in log and "broken.jar" in log, f"no line: {log[-2000:]}")
        with tally.check("a folder that is not there stops the start"):
            away = subprocess.run(
                [str(ROOT / "pannier"), "serve", "--data", str(folder / "other"), "--port", "0"],
                capture_output=True,
                text=True,
                timeout=60,
                env=os.environ | {"RS_EXT_PATH": str(folder / "nope"), "RS_API_TOKEN": TOKEN},
            )
            expect(away.returncode != 0, "it started")
            expect(f'Extension directory "{folder / "nope"}" does not exist' in away.stdout + away.stderr, f"another text: {away.stderr[-1000:]}")
    tally.finish()


main()
