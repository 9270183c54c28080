"""Rows of CSV files: chosen on the server by "select", against downloading everything and choosing in pandas.

    ROOT=$PWD PYTHONPATH=checks/python target/venv-select/bin/python bench/select_rows.py [FILES [ROWS]]     default 1000 files of 10 000 rows

Needs the packages of checks/select/requirements.txt, and pandas. Tells seconds, bytes over the wire, and CPU time of the server and of the client. Both ways
must find the same rows.
"""

import asyncio
import io
import os
import random
import sys
import time
from pathlib import Path

import pandas as pd
from harness import TOKEN, Server, expect, scratch
from reduct import Client

FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
LIMIT = 1.99  # of values evenly between -2 and 2: one row of 400
COLUMNS = {
    "csv": {"has_headers": True},
    "columns": [{"name": "ts"}, {"name": "x", "as_label": "x"}, {"name": "y"}, {"name": "z"}],
}


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(server: Server) -> None:
    async with Client(server.url, api_token=TOKEN) as client:
        bucket = await client.create_bucket("imu")
        random.seed(1)
        stored = 0
        for file in range(FILES):
            lines = [f"{file * 1_000_000 + i * 100},{random.uniform(-2, 2):.3f},{random.uniform(-2, 2):.3f},{random.uniform(8, 10):.3f}\n" for i in range(ROWS)]
            body = ("ts,x,y,z\n" + "".join(lines)).encode()
            stored += len(body)
            await bucket.write("imu", body, timestamp=file * 1_000_000 + 1, content_type="text/csv")
        print(f"{FILES} files of {ROWS} rows, {stored / 1e6:.1f} MB")

        async def selected() -> pd.DataFrame:
            when = {"#ext": {"select": COLUMNS, "when": {"@x": {"$gt": LIMIT}}}}
            parts = [await record.read_all() async for record in bucket.query("imu", when=when)]
            sizes.append(sum(map(len, parts)))
            return pd.concat(pd.read_csv(io.BytesIO(part)) for part in parts)

        async def downloaded() -> pd.DataFrame:
            parts = []
            size = 0
            async for record in bucket.query("imu"):
                body = await record.read_all()
                size += len(body)
                table = pd.read_csv(io.BytesIO(body))
                parts.append(table[table["x"] > LIMIT])
            sizes.append(size)
            return pd.concat(parts)

        found = []
        for name, way in (("select", selected), ("pandas", downloaded), ("select", selected), ("pandas", downloaded)):
            sizes: list[int] = []
            began, server_began, own_began = time.monotonic(), cpu(server.process.pid), time.process_time()
            found.append((await way()).reset_index(drop=True))
            seconds, server_cpu, own = time.monotonic() - began, cpu(server.process.pid) - server_began, time.process_time() - own_began
            print(
                f"{name}: {seconds:.2f} s, {sizes[0] / 1e6:.2f} MB received, CPU of the server {server_cpu:.2f} s ({stored / 1e6 / max(server_cpu, 0.01):.0f} MB/s),"
                f" of the client {own:.2f} s, {len(found[-1])} rows"
            )
        for other in found[1:]:
            expect(found[0].equals(other), "the two ways find different rows")


def main() -> None:
    with scratch() as folder, Server(folder / "data") as server:
        server.start(90)
        asyncio.run(measure(server))


main()
