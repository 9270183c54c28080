"""Metrics as those see them who watch: a scrape in both formats, the names in alerts and dashboard, log lines as JSON."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import yaml
from harness import ROOT, Server, Tally, expect, scratch
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text

FOLDER = ROOT / "deploy" / "observability"


def call(server: Server, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, token: str | None = "") -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(server.url + path, data=body if method != "GET" else None, method=method, headers=headers or {})
    if token is not None:
        request.add_header("Authorization", f"Bearer {token or server.token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def work(server: Server) -> None:
    """A little of everything that has series of its own."""
    for bucket, quota in (("ring", "FIFO"), ("hard", "HARD")):
        expect(call(server, "POST", f"/api/v1/b/{bucket}", json.dumps({"quota_type": quota, "quota_size": 10_000_000}).encode())[0] == 200, "no bucket")
    for time in range(20):
        expect(call(server, "POST", f"/api/v1/b/ring/e?ts={time}", b"x" * 1000)[0] == 200, "no record")
    expect(call(server, "GET", "/api/v1/b/ring/e?ts=1")[2] == b"x" * 1000, "another record")
    call(server, "GET", "/api/v1/b/missing")
    replication = {"src_bucket": "ring", "dst_bucket": "d", "dst_host": "http://127.0.0.1:9", "mode": "paused"}
    expect(call(server, "POST", "/api/v1/replications/away", json.dumps(replication).encode())[0] == 200, "no replication")
    lifecycle = {"type": "delete", "bucket": "ring", "older_than": "30d"}
    expect(call(server, "POST", "/api/v1/lifecycles/trim", json.dumps(lifecycle).encode())[0] == 200, "no lifecycle")


def names_in(expression: str) -> set[str]:
    """The metrics of an expression: what is not a function, a label, a word of the language or a text."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    return set(re.findall(r"\b(?:pannier|process|jvm)_[a-z0-9_]+\b", bare)) | ({"up"} & set(re.findall(r"\bup\b", bare)))


def labels_in(expression: str) -> set[str]:
    return {name for body in re.findall(r"\{([^}]*)\}", expression) for name in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", body)}


def expressions() -> list[tuple[str, str]]:
    """Everything that is asked of Prometheus, and where."""
    found = []
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]:
        found += [(f"alerts.yml: {rule['alert']}", rule["expr"]) for rule in group["rules"]]
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        found += [(f"dashboard.json: {panel['title']}", target["expr"]) for target in panel.get("targets", [])]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found.append((f"dashboard.json: {variable['name']}", re.sub(r"^label_values\((.*), \w+\)$", r"\1", variable["query"]["query"])))
    return found


def check_formats(server: Server) -> set[str]:
    """Answers the names of all series, and of all labels."""
    status, headers, body = call(server, "GET", "/metrics")
    expect(status == 200, f"the scrape was answered {status}")
    expect(headers["content-type"].startswith("text/plain; version=0.0.4"), headers["content-type"])
    families = list(parse_text(body.decode()))
    expect(len(families) > 80, f"only {len(families)} metrics")
    for family in families:
        expect(bool(family.documentation), f"{family.name} does not say what it is")
        expect(family.type != "unknown", f"{family.name} does not say of which kind it is")
    samples = [sample for family in families for sample in family.samples]
    expect(len({(s.name, tuple(sorted(s.labels.items()))) for s in samples}) == len(samples), "a series is there twice")
    expect(any(s.name == "pannier_bucket_records_written_total" and s.labels == {"bucket": "ring"} and s.value == 20 for s in samples), "20 records")

    status, headers, body = call(server, "GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    expect(headers["content-type"].startswith("application/openmetrics-text"), headers["content-type"])
    open_samples = {sample.name for family in parse_open(body.decode()) for sample in family.samples}
    expect({sample.name for sample in samples} == open_samples, "the two formats show different series")
    return open_samples | {f"label {label}" for sample in samples for label in sample.labels}


def replica(server: Server) -> Server:
    return Server(server.data, settings={"RS_INSTANCE_ROLE": "REPLICA", "PANNIER_METRICS_PUBLIC": "true"})


def check_replica(reader: Server) -> set[str]:
    reader.start()
    samples = {s.name: s.value for f in parse_text(call(reader, "GET", "/metrics")[2].decode()) for s in f.samples if s.name.startswith("pannier_replica_")}
    expect(samples["pannier_replica_states_total"] >= 1 and samples["pannier_replica_refresh_failures_total"] == 0, str(samples))
    expect(0 <= samples["pannier_replica_behind_seconds"] < 60, str(samples))
    return set(samples)


def check_names(there: set[str]) -> None:
    for place, expression in expressions():
        for name in names_in(expression) - {"up"}:
            expect(name in there, f"{place}: there is no {name}")
        for label in labels_in(expression) - {"instance", "job"}:
            expect(f"label {label}" in there, f"{place}: there is no label {label}")
        expect(expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}"), f"{place}: brackets")


def check_access(server: Server) -> None:
    expect(call(server, "GET", "/metrics", token=None)[0] == 401, "anybody may scrape")
    _, _, body = call(server, "POST", "/api/v1/tokens/reader", json.dumps({"permissions": {"read": ["*"]}}).encode())
    expect(call(server, "GET", "/metrics", token=json.loads(body)["value"])[0] == 403, "a token that may only read may scrape")


def check_log(server: Server) -> None:
    """Every line of the log is an object, and the line of a request has the name that its answer had."""
    block = next(file for file in server.data.glob("b/*/*/*.blk") if file.stat().st_size > 20_000)
    with block.open("r+b") as file:
        file.seek(5_500)
        file.write(b"!")
    names = [headers["x-request-id"] for time in range(20) for status, headers, _ in [call(server, "GET", f"/api/v1/b/ring/e?ts={time}")] if status == 500]
    expect(len(names) == 1, f"{len(names)} damaged records")
    output = server.output_with(names[0])
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    found = [line for line in lines if line.get("request_id") == names[0]]
    expect(len(found) == 1, f"no line for request {names[0]}:\n{output}")
    expect(found[0]["level"] == "ERROR" and found[0]["status"] == 500 and "Damaged" in found[0]["stack"], str(found[0]))
    samples = {s.name: s.value for f in parse_text(call(server, "GET", "/metrics")[2].decode()) for s in f.samples if s.labels.get("kind") == "all"}
    expect(samples["pannier_damage_total"] >= 1, "the damage is not counted")


def check_promtool(server: Server) -> None:
    tool = shutil.which("promtool")
    for arguments in (["check", "rules", "alerts.yml"], ["check", "config", "--syntax-only", "prometheus.yml"]):
        done = subprocess.run([tool, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60)
        expect(done.returncode == 0, done.stdout + done.stderr)
    done = subprocess.run([tool, "check", "metrics"], input=call(server, "GET", "/metrics")[2], capture_output=True, timeout=60)
    expect(done.returncode == 0, (done.stdout + done.stderr).decode())


def main() -> None:
    tally = Tally()
    with scratch() as folder, Server(folder / "data", settings={"PANNIER_LOG_FORMAT": "json"}) as server:
        server.start()
        work(server)
        there: set[str] = set()
        with tally.check("a scrape can be read in both formats"):
            there = check_formats(server)
        with tally.check("a replica tells how far behind it is"), replica(server) as reader:
            there |= check_replica(reader)
        with tally.check("alerts and dashboard name what is there"):
            check_names(there)
        with tally.check("only full access may scrape"):
            check_access(server)
        with tally.check("the other configurations parse"):
            for name in ("prometheus.yml", "fluent-bit.yaml"):
                expect(isinstance(yaml.safe_load((FOLDER / name).read_text()), dict), name)
        if shutil.which("promtool"):
            with tally.check("promtool finds nothing wrong"):
                check_promtool(server)
        else:
            tally.skip("no promtool: rules were looked at as YAML only")
        with tally.check("the log says which request failed"):
            check_log(server)
    tally.finish()


main()
