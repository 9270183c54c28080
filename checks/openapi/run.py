"""Holds the server to its own description: the document is valid, and every answer to what schemathesis makes of it is one that it names."""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from harness import TOKEN, Failed, Server, Tally, expect, scratch
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
SECONDS_MAX = 600


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    headers["authorization"] = f"Bearer {TOKEN}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{server.url}/api/v1/{path}", data=body, method=method, headers=named)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def prepare(server: Server) -> None:
    """Something to be found: buckets, records, a token, a policy, a replication that is not sent anywhere."""
    for bucket in ("fuzz", "other"):
        ask(server, "POST", f"b/{bucket}", b"")
    for entry in ("e", "deep/er"):
        for time in (0, 1, 5, 1000, 2**63, 2**64 - 1):
            ask(server, "POST", f"b/fuzz/{entry}?ts={time}", b"12345", x_reduct_label_a=str(time), content_type="text/plain")
    ask(server, "POST", "tokens/some", b'{"permissions": {"read": ["fuzz"]}}')
    ask(server, "POST", "lifecycles/some", b'{"type": "delete", "bucket": "other", "older_than": "1d", "mode": "disabled"}')
    ask(
        server,
        "POST",
        "replications/some",
        b'{"src_bucket": "other", "dst_bucket": "x", "dst_host": "http://127.0.0.1:9", "mode": "disabled"}',
    )


def conforms(server: Server, document: Path, examples: int, seed: int) -> None:
    command = [
        str(Path(sys.executable).with_name("st")), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run", str(document), "--url", f"{server.url}/api/v1", "--checks", CHECKS,
        "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", str(examples), "--seed", str(seed), "--generation-deterministic",
        "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "20", "--no-color",
        "--continue-on-failure",
    ]  # fmt: skip
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(Path(__file__).parent)}
    try:
        done = subprocess.run(
            command, cwd=document.parent, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"not done after {SECONDS_MAX} s: {late.stdout}") from None
    lines = done.stdout.splitlines()
    for line in lines:
        if "generated" in line or "Seed" in line:
            print(f"    {line.strip()}")
    expect(done.returncode == 0, f"schemathesis ended with {done.returncode}:\n" + "\n".join(lines[-400:]) + done.stderr[-2000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="requests per route and kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = Tally()
    with scratch() as folder, Server(folder / "data", settings={"RS_SYSTEM_EVENTS_ENABLED": "false"}) as server:
        server.start()
        document = folder / "openapi.json"
        with tally.check("the document is valid OpenAPI 3.1"):
            with urllib.request.urlopen(f"{server.url}/api/v1/openapi.json", timeout=20) as answer:
                document.write_bytes(answer.read())
            validate(json.loads(document.read_text()), cls=OpenAPIV31SpecValidator)
        prepare(server)
        with tally.check("every answer is one that the document names"):
            conforms(server, document, options.examples, options.seed)
        with tally.check("the server still works and stops when it is asked to"):
            expect(ask(server, "GET", "alive") == b"", "alive")
            server.interrupt()
            expect("Exception" not in server.output(), server.output())
    tally.finish()


if __name__ == "__main__":
    main()
