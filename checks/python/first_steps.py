"""What a newcomer does: starts the server on an empty folder, takes the tour twice, stops the server, starts it again."""

import asyncio
import os
import re
import stat
import string
import subprocess
import sys
from hashlib import sha256

from harness import REFERENCE, ROOT, Server, Tally, expect, scratch, verify
from reduct import Client


def take_tour(server: Server, token: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("RS_API_TOKEN", "PANNIER_TOKEN")}
    tour = subprocess.run(
        [sys.executable, "examples/python/tour.py", "--url", server.url],
        cwd=ROOT,
        env=environment | {"PANNIER_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
    )
    print("".join(f"    {line}\n" for line in tour.stdout.splitlines()), end="")
    expect(tour.returncode == 0, f"the tour ended with {tour.returncode}:\n{tour.stderr}")


async def contents(server: Server, token: str) -> dict:
    """Every record of the tour's bucket, by entry and time."""
    found = {}
    async with Client(server.url, api_token=token) as client:
        bucket = await client.get_bucket("pannier-tour")
        for entry in await bucket.get_entry_list():
            async for record in bucket.query(entry.name):
                data = await record.read_all()
                found[entry.name, record.timestamp] = (sha256(data).hexdigest(), record.content_type, record.labels)
    return found


def printed_token(server: Server) -> str:
    """What the first start prints: where it listens, where the data lies, and the token it has made."""
    output = server.output_with("  token ")
    print("".join(f"    {line}\n" for line in output.splitlines()), end="")
    expect(f":{server.port}" in output, "the address is not printed")
    expect(str(server.data) in output, "the folder is not printed")
    found = re.search(r"token\s+(\S+)", output)
    expect(found is not None, "the token is not printed")
    token = found.group(1)
    expect(len(token) >= 20, f"the token is short: {len(token)} characters")
    expect(set(token) <= set(string.ascii_letters + string.digits + "-_.~"), "the token cannot stand in a URL")
    return token


def check_token_file(server: Server, token: str) -> None:
    # The store keeps what it knows of tokens, never their values, where nobody else may enter.
    expect(stat.S_IMODE((server.data / "c").stat().st_mode) == 0o700, "others may look into the folder of documents")
    holders = [file for file in server.data.glob("*token*") if file.is_file()]
    expect(len(holders) > 0, "the token is not kept in the data folder")
    for holder in holders:
        mode = stat.S_IMODE(holder.stat().st_mode)
        expect(mode == 0o600, f"{holder.name} has mode {mode:o}")
        expect(token in holder.read_text(), f"{holder.name} holds another token")


def main() -> None:
    tally = Tally()
    with scratch() as folder, Server(folder / "data", token="reference" if REFERENCE else None) as server:
        token = "reference"
        with tally.check("first start on an empty folder prints address, folder and a new token"):
            print(f"    first start: {server.start():.2f} s to the first answer")
            if not REFERENCE:
                token = printed_token(server)
                check_token_file(server, token)
        with tally.check("nobody gets in without the token"):
            asyncio.run(refused(server))
        with tally.check("the tour"):
            take_tour(server, token)
        with tally.check("the tour again, over what the first one left"):
            take_tour(server, token)
        with tally.check("Ctrl-C stops the server"):
            before = asyncio.run(contents(server, token))
            expect(len(before) > 0, "the tour left no records")
            took = server.interrupt()
            print(f"    stopped after {took:.2f} s")
            expect(took < 5, f"it took {took:.1f} s")
        with tally.check("the second start is quick and prints no token"):
            took = server.start()
            print(f"    second start: {took:.2f} s to the first answer (goal: below 1.5 s)")
            expect(took < 6, f"it took {took:.1f} s")
            expect(token not in server.output_with("  token "), "the token is printed again")
        with tally.check("nothing is lost"):
            after = asyncio.run(contents(server, token))
            expect(after == before, f"{len(before)} records before the stop, {len(after)} after it, or changed ones")
            server.interrupt()
            if not REFERENCE:
                verify(server.data)
    tally.finish()


async def refused(server: Server) -> None:
    for token in (None, "wrong"):
        try:
            async with Client(server.url, api_token=token) as client:
                await client.list()
        except Exception as error:
            expect(getattr(error, "status_code", None) == 401, f"answer to token {token}: {error}")
        else:
            expect(False, f"token {token} was let in")


if __name__ == "__main__":
    main()
