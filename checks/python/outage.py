"""Real processes and sockets: a robot records 20 streams at 1 kHz each, time compressed, while its link to the cloud is out, breaks, stands still or
answers nonsense, and both servers are killed. In the end the cloud has what the condition selects, byte for byte, and nothing was counted as lost.
"""

import json
import random
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from hashlib import sha256

from faulty_link import ANSWERS, FaultyLink
from harness import TOKEN, Failed, Server, Tally, expect, scratch, verify

BUCKET = "robot"
STREAMS = 20
RATE = 1000  # records a second and stream
WHEN = {"&n": {"$lt": 3}}  # of the numbers 0 to 9
MANY = {"RS_IO_BATCH_MAX_RECORDS": "1000", "RS_REPLICATION_TIMEOUT": "1"}
LARGE = 2_000_000


class Connection:
    """HTTP/1.1 without ado: answers of a thousand headers are nothing that Python's own client takes, and records come by the hundred thousand."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def call(self, method: str, path: str, headers: list[str], body: bytes = b"") -> tuple[int, list[str], bytes]:
        head = [f"{method} /api/v1/{path} HTTP/1.1", "host: robot", f"authorization: Bearer {TOKEN}", f"content-length: {len(body)}", *headers, "", ""]
        self.socket.sendall("\r\n".join(head).encode() + body)
        status = self.file.readline()
        if not status:
            raise ConnectionError("no answer")
        lines = []
        length = 0
        while (line := self.file.readline().strip()) != b"":
            lines.append(line.decode())
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        return int(status.split()[1]), lines, self.file.read(length)


class Recorder:
    """Records one stretch of time after the other, each as a batch per stream."""

    def __init__(self, robot: Server) -> None:
        self.robot = robot
        self.second = 1_700_000_000
        self.acknowledged = 0

    def record(self, milliseconds: int) -> None:
        with Connection(self.robot) as connection:
            begin = self.second * 1_000_000
            self.second += 1
            for stream in range(STREAMS):
                headers = []
                bodies = []
                for i in range(milliseconds):
                    body = b"%d,%d" % (stream, begin + i)
                    headers.append(f"x-reduct-time-{begin + i * 1000}: {len(body)},text/csv,n={(i * 7 + stream) % 10}")
                    bodies.append(body)
                self.sent(*connection.call("POST", f"b/{BUCKET}/imu/{stream}/batch", headers, b"".join(bodies)))
                self.acknowledged += milliseconds

    def large(self, chance: random.Random) -> None:
        with Connection(self.robot) as connection:
            begin = self.second * 1_000_000
            self.second += 1
            self.sent(*connection.call("POST", f"b/{BUCKET}/camera?ts={begin}", ["x-reduct-label-n: 1"], chance.randbytes(LARGE)))

    @staticmethod
    def sent(status: int, headers: list[str], _: bytes) -> None:
        wrong = [line for line in headers if line.startswith("x-reduct-error")]
        expect(status == 200 and not wrong, f"recording is answered with {status} {wrong[:2]}")


def call(server: Server, method: str, path: str, body: object = None) -> dict:
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


def records(connection: Connection, entry: str, when: dict) -> Iterator[bytes]:
    """Place, type, labels and content of each record, in order."""
    query = json.dumps({"query_type": "QUERY", "when": when}).encode()
    _, _, answer = connection.call("POST", f"b/{BUCKET}/{entry}/q", [], query)
    number = json.loads(answer)["id"]
    while True:
        status, headers, body = connection.call("GET", f"b/{BUCKET}/{entry}/batch?q={number}", [])
        if status == 204:
            return
        expect(status == 200, f"a query is answered with {status}")
        at = 0
        for line in headers:
            if line.startswith("x-reduct-time-"):
                length = int(line.split(": ", 1)[1].split(",", 1)[0])
                yield line.encode() + body[at : at + length]
                at += length


def digests(server: Server, when: dict) -> dict[str, tuple[int, str]]:
    """Number and digest of an entry's records."""
    found = {}
    with Connection(server) as connection:
        for entry in call(server, "GET", f"b/{BUCKET}")["entries"]:
            count, digest = 0, sha256()
            for record in records(connection, entry["name"], when):
                count += 1
                digest.update(record)
            if count:
                found[entry["name"]] = count, digest.hexdigest()
    return found


def at_rest(robot: Server, seconds_max: float = 300) -> dict:
    began = time.monotonic()
    least = None
    while (detail := call(robot, "GET", "replications/up"))["info"]["pending_records"] > 0:
        pending = detail["info"]["pending_records"]
        if least is None or pending < least:
            least, began = pending, time.monotonic()
        expect(time.monotonic() - began < seconds_max, f"no progress for {seconds_max} s: {detail}")
        time.sleep(0.2)
    return detail


def equal(robot: Server, cloud: Server) -> str:
    detail = at_rest(robot)
    told = detail["diagnostics"]
    expect(told["lost_records"] == 0 and told["refused_records"] == 0, f"lost or refused: {told}")
    wanted = digests(robot, WHEN)
    got = digests(cloud, {})
    other = {entry: (wanted.get(entry), got.get(entry)) for entry in wanted.keys() | got.keys() if wanted.get(entry) != got.get(entry)}
    expect(not other, f"entries differ (robot, cloud): {dict(list(other.items())[:3])}")
    expect(len(wanted) >= STREAMS, f"only {len(wanted)} entries")
    return f"{sum(count for count, _ in got.values())} records equal"


def killed(server: Server, during: threading.Thread | None = None) -> None:
    server.kill()
    if during:
        during.join()
    server.start(120)


def long_outage(robot: Server, cloud: Server, link: FaultyLink, recorder: Recorder, seconds: int) -> None:
    link.cut()
    for second in range(seconds):
        recorder.record(RATE)
        if second == seconds // 3:
            killed(robot)
        if second == seconds // 2:
            killed(cloud)
    pending = call(robot, "GET", "replications/up")["info"]["pending_records"]
    # Nothing has left meanwhile: what the condition selects of the outage waits, all of it.
    expect(pending >= STREAMS * RATE * seconds * 3 // 10, f"only {pending} are pending")
    link.heal()


def recording_through(robot: Server, recorder: Recorder, chance: random.Random) -> threading.Thread:
    def work() -> None:
        try:
            recorder.large(chance)
            recorder.record(RATE // 4)
            recorder.large(chance)
        except (OSError, Failed):
            pass  # The robot was killed; what it acknowledged is there and will be compared.

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def fault_rounds(robot: Server, cloud: Server, link: FaultyLink, recorder: Recorder, chance: random.Random, rounds: int) -> None:
    answers = list(ANSWERS.items())
    for number in range(rounds):
        match number % 5:
            case 0:
                link.cut()
            case 1:
                link.break_after(1, 100_000)
            case 2:
                link.break_after(1_000_000, 3_000_000)
            case 3:
                link.answer_with(answers[(number // 5) % len(answers)][1])
            case 4:
                link.stand_still()
        thread = recording_through(robot, recorder, chance)
        time.sleep(chance.uniform(0.2, 1.5))
        if number % 7 == 3:
            killed(robot, thread)
        elif number % 7 == 5:
            killed(cloud)
        thread.join()
        if number % 3 == 0:
            link.heal()
            time.sleep(chance.uniform(0, 0.5))
    link.heal()


def nonsense(robot: Server, link: FaultyLink, recorder: Recorder) -> None:
    """Each of the answers, until it was given at least once, with records waiting."""
    for name, answer in ANSWERS.items():
        before = link.answered
        link.answer_with(answer)
        recorder.record(10)
        began = time.monotonic()
        while link.answered == before:
            expect(time.monotonic() - began < 60, f"{name}: nobody asked for 60 s")
            time.sleep(0.05)
        pending = call(robot, "GET", "replications/up")["info"]["pending_records"]
        expect(pending > 0, f"{name}: is taken for a success")
    link.heal()


def still_link(link: FaultyLink, recorder: Recorder) -> None:
    """The robot's side ends a connection on which nothing moves for a minute."""
    link.stand_still()
    recorder.record(10)
    expect(link.hung_up.wait(150), "a connection that stands still is kept for 150 s")
    link.heal()


def run(tally: Tally, seconds: int, rounds: int, still: bool, seed: int) -> None:
    """An outage of some seconds, rounds of faults, and, if wanted, a minute on a link that stands still."""
    chance = random.Random(seed)
    with scratch() as folder, Server(folder / "robot", settings=MANY) as robot, Server(folder / "cloud", settings=MANY) as cloud:
        robot.start()
        cloud.start()
        with FaultyLink(cloud.port, chance) as link:
            recorder = Recorder(robot)
            call(robot, "POST", f"b/{BUCKET}", {})
            task = {"src_bucket": BUCKET, "dst_bucket": BUCKET, "dst_host": f"http://127.0.0.1:{link.port}", "dst_token": TOKEN, "when": WHEN}
            call(robot, "POST", "replications/up", task)
            recorder.record(100)
            with tally.check(f"an outage of {seconds} s at {STREAMS} x {RATE} Hz, with both servers killed in it"):
                long_outage(robot, cloud, link, recorder, seconds)
                print("    " + equal(robot, cloud))
            with tally.check(f"{len(ANSWERS)} answers that are none of the cloud's"):
                nonsense(robot, link, recorder)
                print("    " + equal(robot, cloud))
            with tally.check(f"{rounds} rounds of cuts, breaks at any byte, still links, nonsense, and kills"):
                fault_rounds(robot, cloud, link, recorder, chance, rounds)
                print("    " + equal(robot, cloud) + f"; {link.broken} connections broken, {link.answered} answers in the cloud's place")
            if still:
                with tally.check("a connection that stands still is given up, and what was on it arrives"):
                    still_link(link, recorder)
                    print("    " + equal(robot, cloud))
        with tally.check("both folders are whole"):
            robot.interrupt()
            cloud.interrupt()
            verify(folder / "robot")
            verify(folder / "cloud")
