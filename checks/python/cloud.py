"""The first seed end to end, as one test: a robot writes IMU files and pictures, a replication copies those with a label over HTTPS to a cloud store whose
data lies in S3, the machine of the cloud store is lost with its local folder, and on another one the query by label answers exactly the kept records. A
replica reads along, also while there is no cloud store. S3 is MinIO when it is on the PATH, else the stand-in of "pannier demo s3".
"""

import asyncio
import json
import os
import random
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness import ROOT, TOKEN, Failed, Server, Tally, expect, free_port, scratch

BEGINNING = 1_700_000_000_000_000
RECORDS = 60
LEASE_SECONDS_MAX = 150
KEYS = {"RS_REMOTE_ACCESS_KEY": "check-access", "RS_REMOTE_SECRET_KEY": "check-secret-key"}


class CloudServer(Server):
    """A store on S3, over HTTPS."""

    def __init__(self, data: Path, tls: Path, s3: str, **more: str) -> None:
        remote = {"RS_REMOTE_BACKEND_TYPE": "s3", "RS_REMOTE_BUCKET": "robots", "RS_REMOTE_ENDPOINT": s3, "RS_REMOTE_SYNC_INTERVAL": "1"}
        https = {"RS_CERT_PATH": str(tls / "server.pem"), "RS_CERT_KEY_PATH": str(tls / "server-key.pem")}
        super().__init__(data, settings=remote | KEYS | https | {"RS_REMOTE_CACHE_PATH": str(data)} | more)
        self.trust = ssl.create_default_context(cafile=str(tls / "ca.pem"))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def info(self) -> dict:
        request = urllib.request.Request(f"{self.url}/api/v1/info", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=20, context=self.trust) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/ready", timeout=2, context=self.trust) as answer:
                return answer.status == 200
        except OSError:
            return False


def composed(folder: Path) -> dict[str, str]:
    """The environment of deploy/compose-cloud.yaml, with its blanks filled in."""
    blanks = {"<YOUR_S3_BUCKET_NAME>": "robots", "<YOUR_S3_REGION>": "us-east-1", "/data/cache": str(folder)}
    blanks |= {"<YOUR_AWS_ACCESS_KEY_ID>": KEYS["RS_REMOTE_ACCESS_KEY"], "<YOUR_AWS_SECRET_ACCESS_KEY>": KEYS["RS_REMOTE_SECRET_KEY"]}
    text = (Path(__file__).resolve().parents[2] / "deploy" / "compose-cloud.yaml").read_text()
    found = dict(re.findall(r"^ +(RS_\w+): (.+)$", text, re.MULTILINE))
    expect(len(found) == 8, f"compose-cloud.yaml sets {sorted(found)}")
    return {name: blanks.get(value, value) for name, value in found.items()}


def wait(what: str, holds, seconds_max: float = 60) -> float:
    began = time.monotonic()
    while not holds():
        expect(time.monotonic() - began < seconds_max, f"{what}: not within {seconds_max} s")
        time.sleep(0.1)
    return time.monotonic() - began


def start_s3(folder: Path) -> tuple[subprocess.Popen, str]:
    (folder / "s3" / "robots").mkdir(parents=True)  # A folder in the root of MinIO is a bucket.
    port, log = free_port(), (folder / "s3.log").open("wb")
    if shutil.which("minio"):
        command = ["minio", "server", str(folder / "s3"), "--address", f"127.0.0.1:{port}"]
    else:
        command = [str(ROOT / "pannier"), "demo", "s3", str(folder / "s3"), "--port", str(port), "--bucket", "robots"]
    names = {"MINIO_ROOT_USER": KEYS["RS_REMOTE_ACCESS_KEY"], "MINIO_ROOT_PASSWORD": KEYS["RS_REMOTE_SECRET_KEY"]}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | names, start_new_session=True)

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    wait("S3", answers)
    print(f"    S3 is {'MinIO' if command[0] == 'minio' else 'the stand-in'}")
    return process, f"http://127.0.0.1:{port}"


async def record(robot: Server) -> dict:
    """Writes as the seed does; answers what is to be kept: everything of the IMU, and pictures with an event."""
    from reduct import Client

    chance, kept = random.Random(7), {}
    async with Client(robot.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("robot1-data")
        for i in range(RECORDS):
            rows = (",".join([f"{BEGINNING + j}", *(f"{chance.uniform(-2, 2):.3f}" for _ in AXES)]) for j in range(1000))
            csv = HEAD + "\n" + "\n".join(rows)
            labels = {"sensor": "imu", "rows": "1000"}
            await bucket.write("imu_logs", csv.encode(), BEGINNING + i, labels=labels, content_type="text/csv")
            kept["imu_logs", BEGINNING + i] = csv.encode(), "text/csv", tuple(sorted(labels.items()))
            picture, labels = chance.randbytes(20_000), {"sensor": "camera"} | ({"event": "kerb"} if i % 5 == 0 else {})
            await bucket.write("images", picture, BEGINNING + i, labels=labels, content_type="image/png")
            if i % 5 == 0:
                kept["images", BEGINNING + i] = picture, "image/png", tuple(sorted(labels.items()))
    return kept


async def query(store: Server, entry: str, when: dict) -> dict:
    from reduct import Client

    found = {}
    async with Client(store.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("robot1-data")
        async for one in bucket.query(entry, when=when):
            found[entry, one.timestamp] = await one.read_all(), one.content_type, tuple(sorted(one.labels.items()))
    return found


# The query of the seed: columns by name, rows by the value of one of them.
AXES = [f"linear_acceleration_{axis}" for axis in "xyz"]
HEAD = ",".join(["ts", *AXES])
SELECT = {
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


def rows_wanted(kept: dict) -> dict[int, str]:
    """What that query is to give of the records that were kept, by time."""
    wanted = {}
    for (entry, time_of_record), (body, _, _) in kept.items():
        if entry == "imu_logs":
            rows = [row for row in body.decode().splitlines()[1:] if float(row.split(",")[1]) > 1.9]
            if rows:
                wanted[time_of_record] = "\n".join([HEAD, *rows, ""])
    return wanted


def by_label(store: Server) -> dict:
    """Both queries of the people in the cloud."""
    found = asyncio.run(query(store, "imu_logs", {"&sensor": {"$eq": "imu"}}))
    return found | asyncio.run(query(store, "images", {"&event": {"$eq": "kerb"}}))


def call(server: Server, method: str, path: str, body: dict) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}", method=method, data=json.dumps(body).encode(), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    urllib.request.urlopen(request, timeout=20).close()


def restarted(cloud: CloudServer) -> float:
    """Starts it until the lease of the one that died has ended, as whatever restarts services does."""
    began = time.monotonic()
    while True:
        try:
            cloud.start(60)
            return time.monotonic() - began
        except Failed as refused:
            expect(re.search(r"in use by .*lease ends in \d+ seconds", str(refused)), f"refused for another reason: {refused}")
            expect(time.monotonic() - began < LEASE_SECONDS_MAX, "the lease does not end")
            time.sleep(2)


def main() -> None:
    tally = Tally()
    with scratch() as folder:
        tls = folder / "tls"
        subprocess.run([str(ROOT / "pannier"), "tls", str(tls), "--host", "localhost"], check=True, stdout=subprocess.DEVNULL)
        os.environ["SSL_CERT_FILE"] = str(tls / "ca.pem")  # Before the client is imported, which reads it then.
        s3, endpoint = start_s3(folder)
        try:
            story(tally, folder, tls, endpoint)
        finally:
            s3.terminate()
            s3.wait()
    tally.finish()


def story(tally: Tally, folder: Path, tls: Path, endpoint: str) -> None:
    robot = Server(folder / "robot", settings={"RS_REPLICATION_CA_PATH": str(tls / "ca.pem"), "RS_BUCKET_1_NAME": "robot1-data"})
    cloud = CloudServer(folder / "cloud", tls, endpoint, **composed(folder / "cloud"))
    replica = CloudServer(folder / "replica", tls, endpoint, RS_INSTANCE_ROLE="REPLICA")
    with robot, cloud, replica:
        robot.start(60)
        cloud.start(60)
        with tally.check("what a label selects goes over HTTPS to a cloud store on S3"):
            condition = {"$or": [{"&sensor": {"$eq": "imu"}}, {"$has": ["event"]}]}
            task = {"src_bucket": "robot1-data", "dst_bucket": "robot1-data", "dst_host": cloud.url, "dst_token": TOKEN, "when": condition}
            call(robot, "POST", "replications/robot1-to-cloud", task)
            kept = asyncio.run(record(robot))
            wait("copies", lambda: by_label(cloud) == kept)
            wait("the last upload", lambda: cloud.info()["remote"]["unsent_bytes"] == 0)
        with tally.check("a replica has it too"):
            replica.start(60)
            print(f"    {wait('the replica', lambda: by_label(replica) == kept):.1f} s after the upload was seen")
            expect(replica.info()["instance_role"] == "REPLICA", "it does not say that it is one")
        with tally.check("the machine of the cloud store is lost; the replica goes on answering"):
            cloud.kill()
            shutil.rmtree(folder / "cloud")
            expect(by_label(replica) == kept, "the replica answers something else")
        with tally.check("on another machine, from S3 alone, the query by label answers exactly the kept records"):
            print(f"    the lease had to end: {restarted(cloud):.0f} s")
            found = by_label(cloud)
            expect(found == kept, f"{len(found)} records, {len(kept)} were kept")
            print(f"    {len(kept)} of {2 * RECORDS} records; requests of the cold store: {cloud.info()['remote']['requests']}")
        with tally.check("there, ReductSelect as the seed writes it gives exactly the rows above 1.9"):
            found = asyncio.run(query(cloud, "imu_logs", SELECT))
            wanted = rows_wanted(kept)
            given = {time_of_record: body.decode() for (_, time_of_record), (body, _, _) in found.items()}
            expect(given == wanted, f"{len(given)} records with rows instead of {len(wanted)}, or other rows")
            print(f"    {sum(text.count(chr(10)) - 1 for text in wanted.values())} rows of {len(wanted)} records")
        with tally.check("it goes on: what the robot writes now arrives, at the replica too"):
            call(robot, "POST", "b/robot1-data/imu_logs?ts=1", {})
            wait("nothing that has no label", lambda: ("imu_logs", 1) not in by_label(cloud))
            asyncio.run(one_more(robot))
            wait("the cloud", lambda: ("imu_logs", BEGINNING + RECORDS) in by_label(cloud))
            wait("the replica", lambda: ("imu_logs", BEGINNING + RECORDS) in by_label(replica))


async def one_more(robot: Server) -> None:
    from reduct import Client

    async with Client(robot.url, api_token=TOKEN) as client:
        bucket = await client.get_bucket("robot1-data")
        await bucket.write("imu_logs", b"ts\n", BEGINNING + RECORDS, labels={"sensor": "imu"}, content_type="text/csv")


if __name__ == "__main__":
    main()
