"""Runs the camera node of the article as written against a server, and looks whether every frame arrived."""

import asyncio
import sys
import threading
import time
from array import array
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2] / "examples" / "python")]

from harness import TOKEN, Server, Tally, expect, scratch, verify, REFERENCE  # noqa: E402
from reduct import Client  # noqa: E402
from sensor_msgs.msg import Header, Image, Time  # noqa: E402
from tour import camera  # noqa: E402

FRAMES_PER_SECOND = 30


def image_listener() -> type:
    """The class that the article's blocks define together."""
    names: dict = {"__name__": "article"}
    listener: type | None = None
    for block in sorted((HERE / "article").glob("*.py")):
        exec(compile(block.read_text(), str(block), "exec"), names)
        part = names["ImageListener"]
        if listener is None:
            listener = part
        else:
            for name, value in vars(part).items():
                if not name.startswith("__"):
                    setattr(listener, name, value)
        names["ImageListener"] = listener
    return listener


def message(number: int, encoding: str, data: bytes, start: int) -> Image:
    nanos = start * 1_000_000_000 + number * 1_000_000_000 // FRAMES_PER_SECOND
    stamp = Time(nanos // 1_000_000_000, nanos % 1_000_000_000)
    return Image(Header(stamp, "camera"), encoding=encoding, data=array("B", data))


async def publish(node, messages: Sequence[Image], pause: float) -> None:
    """Delivers the messages on another thread, as ROS does, and waits until the node has dealt with them."""

    def camera_thread() -> None:
        for one in messages:
            node.deliver("/image_raw", one)
            time.sleep(pause)

    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    thread = threading.Thread(target=camera_thread)
    thread.start()
    await asyncio.to_thread(thread.join)
    # The node forgets its tasks: what is still running besides this one is theirs.
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        _, waiting = await asyncio.wait(others, timeout=30)
        expect(not waiting, f"{len(waiting)} frames are still on their way after 30 s")
    expect(not failures, f"failures in the node: {failures[:3]}")


async def expect_stored(client: Client, listener: type, messages: Sequence[Image]) -> None:
    bucket = await client.get_bucket("ros-bucket")
    wanted = {listener.get_timestamp(one): sha256(bytes(one.data)).hexdigest() for one in messages}
    expect(len(wanted) == len(messages), "two frames have one time")
    found = {}
    async for record in bucket.query("image"):
        found[record.timestamp] = sha256(await record.read_all()).hexdigest()
    missing = len(wanted.keys() - found.keys())
    changed = sum(found[when] != digest for when, digest in wanted.items() if when in found)
    foreign = len(found.keys() - wanted.keys())
    expect(not missing and not changed and not foreign, f"{missing} frames missing, {changed} changed, {foreign} foreign")


async def run(url: str, tally: Tally) -> None:
    listener = image_listener()
    loop = asyncio.get_running_loop()
    start = int(time.time()) - 60
    pictures = camera(300)
    stored = [message(i, "jpeg", picture, start) for i, picture in enumerate(pictures)]
    async with Client(url, api_token=TOKEN) as client:
        with tally.check("300 frames of 30 a second, each one there with its bytes"):
            await publish(listener(client, loop), stored, pause=1 / 300)
            await expect_stored(client, listener, stored)
        with tally.check("60 callbacks at once, all of a node that has no bucket yet"):
            raw = [message(300 + i, "rgb8", (pictures[i] * 200)[: 640 * 480 * 3], start) for i in range(60)]
            await publish(listener(client, loop), raw, pause=0)
            await expect_stored(client, listener, stored + raw)


def main() -> None:
    tally = Tally()
    with scratch() as folder, Server(folder / "data") as server:
        server.start()
        asyncio.run(run(server.url, tally))
        with tally.check("the server stops, and its data is whole"):
            server.interrupt()
            if not REFERENCE:
                verify(server.data)
    tally.finish()


if __name__ == "__main__":
    main()
