"""Runs "pannier demo replication" for some seconds, reads what it prints, interrupts it, and looks at what it leaves."""

import json
import os
import signal
import subprocess
from pathlib import Path

from harness import ROOT, Tally, expect, scratch, verify

DEMO = [str(ROOT / "pannier"), "demo", "replication"]


def environment(folder: Path) -> dict[str, str]:
    """Temporary folders of the program below this one, so that what is left of them is seen."""
    options = f"{os.environ.get('PANNIER_JAVA_OPTS', '')} -Djava.io.tmpdir={folder}"
    return os.environ | {"PANNIER_JAVA_OPTS": options.strip()}


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [*DEMO, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, env=environment(folder)
    )
    expect(done.returncode == code, f"it ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def expect_clean(folder: Path) -> None:
    left = [path.name for path in folder.iterdir() if not path.name.startswith("hsperfdata")]
    expect(not left, f"left behind: {left}")
    processes = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(folder).encode() in read(path)]
    expect(not processes, f"{len(processes)} processes are left")


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It has ended meanwhile.


def check_json(text: str) -> str:
    lines = [json.loads(line) for line in text.splitlines()]
    phases = [line["phase"] for line in lines if "phase" in line]
    for wanted in ("The link is cut", "The link is back", "Comparing"):
        expect(any(phase.startswith(wanted) for phase in phases), f"no phase {wanted!r} in {phases}")
    moments = [line for line in lines if "link" in line]
    cut = [line["pending_records"] for line in moments if line["link"] == "cut"]
    expect(max(cut, default=0) > 0, f"nothing waits while the link is cut: {cut}")
    expect(max(line["lag_seconds"] for line in moments) > 1, "no lag is seen")
    expect(moments[-1]["pending_records"] == 0 and moments[-1]["link"] == "up", f"not at rest: {moments[-1]}")
    result = lines[-1]
    expect(result["equal"] is True and result["broken_connections"] > 0, f"the result is {result}")
    for robot in result["robots"]:
        expect(robot["digest_at_robot"] == robot["digest_in_cloud"], f"{robot}")
        expect(0 < robot["selected"] == robot["in_cloud"] < robot["recorded"], f"{robot}")
    return f"{sum(robot['in_cloud'] for robot in result['robots'])} records in the cloud"


def interrupted(folder: Path) -> None:
    with subprocess.Popen([*DEMO, "--seconds", "60"], stdout=subprocess.PIPE, text=True, env=environment(folder), start_new_session=True) as demo:
        try:
            for line in demo.stdout:
                if "robots record" in line:
                    break
            demo.send_signal(signal.SIGINT)
            code = demo.wait(60)
        finally:
            demo.kill()
    expect(code == 130, f"it ended with {code}")
    expect_clean(folder)


def main() -> None:
    tally = Tally()
    with scratch() as folder:
        temporary = folder / "tmp"
        temporary.mkdir()
        with tally.check("robots record, the link is cut and comes back, both stores are equal"):
            print("    " + check_json(run(temporary, "--seconds", "10", "--json")))
            expect_clean(temporary)
        with tally.check("in plain lines, with a folder that is kept and whole"):
            told = run(temporary, "--seconds", "4", "--robots", "1", "--keep", str(folder / "kept"))
            expect("link CUT" in told and "Equal: every record" in told, told)
            expect_clean(temporary)
            for name in ("robot", "cloud"):
                verify(folder / "kept" / name)
            expect("is not empty" in run(temporary, "--keep", str(folder / "kept"), code=1), "a full folder is taken")
        with tally.check("Ctrl-C stops the stores and clears away"):
            interrupted(temporary)
        with tally.check("wrong usage"):
            expect("--seconds" in run(temporary, "--seconds", "1", code=2), "no word of what is wrong")
    tally.finish()


if __name__ == "__main__":
    main()
