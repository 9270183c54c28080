"""An answer as the files keep it: what every answer has alike is left out, what no two runs have alike is replaced by a name for it."""

import hashlib
import json
import re
from dataclasses import dataclass, field

from wire import Answer

COMMON = {
    "server": re.compile(r"ReductStore 1\.\d+\.\d+"),
    "x-reduct-api": re.compile(r"1\.21"),
    "vary": re.compile(r"origin"),
    "access-control-expose-headers": re.compile(r"\*"),
    "date": re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
}
"""Headers of every answer and what they say. The files name only those that are missing or say something else."""

OURS = {"x-request-id": (re.compile(r"[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+"), "<request id>")}
"""Headers of ours that no two answers have alike, and what stands for them."""

RECORD = re.compile(r"x-reduct-(time|\d+|error)(-\d+)+$", re.IGNORECASE)
"""Headers whose order counts."""

BODY_TEXT_MAX = 4000
JSON_LINE_MAX = 150

Header = tuple[str, str]


@dataclass
class Seen:
    """An answer in the form in which answers are compared, and its lines in a file."""

    status: str
    headers: dict[str, str] = field(default_factory=dict)
    records: list[Header] = field(default_factory=list)
    kind: str = ""
    """What the body is: "" (none), "error" (the JSON form of the error header), "json", "text", "bytes"."""
    body: object = None

    def lines(self) -> list[str]:
        lines = [self.status]
        lines += [f"{name}: {value}" if value != ABSENT else f"-{name}" for name, value in sorted(self.headers.items())]
        lines += [f"{name}: {value}" for name, value in self.records]
        match self.kind:
            case "error":
                lines.append("(error as JSON)")
            case "json":
                lines += [f"|{line}" for line in laid_out(self.body, "")]
            case "text":
                lines += [f"|{line}" for line in self.body.split("\n")]
            case "bytes":
                lines.append(f"({self.body})")
        return lines

    def fields(self) -> dict[str, str]:
        """Everything that is compared, by name."""
        fields = {"status": self.status} | self.headers
        if self.records:
            fields["records"] = "\n".join(f"{name}: {value}" for name, value in self.records)
        if self.kind == "json":
            fields |= dict(leaves("body", self.body))
        elif self.kind:
            fields["body"] = "the error as JSON" if self.kind == "error" else str(self.body)
        return fields


ABSENT = "(absent)"


def laid_out(value: object, margin: str) -> list[str]:
    """JSON in lines that are not too long: what fits into one stays in one."""
    text = json.dumps(value, ensure_ascii=False)
    if len(margin + text) <= JSON_LINE_MAX or not isinstance(value, dict | list) or not value:
        return [margin + text]
    items = [(json.dumps(key) + ": ", item) for key, item in value.items()] if isinstance(value, dict) else [("", item) for item in value]
    lines = []
    for number, (name, item) in enumerate(items):
        inner = laid_out(item, margin + "  ")
        inner[0] = f"{margin}  {name}{inner[0].lstrip()}"
        inner[-1] += "," if number < len(items) - 1 else ""
        lines += inner
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return [margin + opening, *lines, margin + closing]


def leaves(path: str, value: object) -> list[tuple[str, str]]:
    """A JSON value as its scalars, each with its path; of objects also the order of their keys."""
    if isinstance(value, dict):
        found = [(f"{path}{{}}", " ".join(value))]
        for key, item in value.items():
            found += leaves(f"{path}.{key}", item)
        return found
    if isinstance(value, list):
        found = [(f"{path}[]", str(len(value)))]
        for index, item in enumerate(value):
            found += leaves(f"{path}[{index}]", item)
        return found
    return [(path, json.dumps(value, ensure_ascii=False))]


def parse(lines: list[str]) -> Seen | None:
    """The recorded answer of a step; None if there is none yet."""
    if not lines:
        return None
    seen = Seen(lines[0])
    text = [line[1:] for line in lines[1:] if line.startswith("|")]
    for line in lines[1:]:
        if line.startswith("|"):
            continue
        if line.startswith("("):
            seen.kind, seen.body = ("error", None) if line == "(error as JSON)" else ("bytes", line[1:-1])
        elif line.startswith("-"):
            seen.headers[line[1:]] = ABSENT
        else:
            name, _, value = line.partition(":")
            add_header(seen, name, value.strip())
    if text:
        joined = "\n".join(text)
        try:
            seen.kind, seen.body = "json", json_object(joined)
        except ValueError:
            seen.kind, seen.body = "text", joined
    return seen


def json_object(text: str) -> object:
    """A JSON object or list. Records that merely look like JSON are compared as text, by the content type of the answer."""
    value = json.loads(text)
    if not isinstance(value, dict | list):
        raise ValueError("a scalar")
    return value


def add_header(seen: Seen, name: str, value: str) -> None:
    if RECORD.match(name):
        seen.records.append((name, value))
    else:
        seen.headers[name] = f"{seen.headers[name]}, {value}" if name in seen.headers else value


def observe(answer: Answer, method: str, normalisers: list[str]) -> Seen:
    """What came over the wire, in the form in which it is compared."""
    seen = Seen(" ".join(str(status) for status in [*answer.interim, answer.status]))
    changes = [NORMALISERS[name] for name in normalisers]
    raw: dict[str, str] = {}
    for name, value in answer.headers:
        raw[name] = f"{raw[name]}, {value}" if name in raw and not RECORD.match(name) else value
        if name in COMMON and COMMON[name].fullmatch(value):
            continue
        if name == "content-length" and method != "HEAD" and answer.status != 204:
            # It is what the body was read by.
            continue
        if name == "connection" and value == "keep-alive":
            continue
        if name in OURS and OURS[name][0].fullmatch(value):
            value = OURS[name][1]
        if name == "allow":
            # A set; the reference names some methods twice.
            value = ",".join(sorted({method.strip() for method in value.split(",")}))
        add_header(seen, name, scrubbed(name, value, changes))
    for name in COMMON:
        if name not in raw:
            seen.headers[name] = ABSENT
    if method != "HEAD" and answer.status != 204 and "content-length" not in raw and "transfer-encoding" not in raw:
        seen.headers["content-length"] = ABSENT
    order_labels(seen)
    set_body(seen, answer.body, raw.get("x-reduct-error"), changes)
    return seen


ITEM = re.compile(r'(\d+)=("[^"]*"|[^,]*)')


def order_labels(seen: Seen) -> None:
    """Numbers the labels of a v2 batch in the order of their first use, those of one record by name: the reference numbers these at random."""
    names = seen.headers.get("x-reduct-labels", "").split(",")
    parts = [value.split(",", 2) for _, value in seen.records]
    deltas = [[(names[int(key)], value) for key, value in ITEM.findall(part[2])] if len(part) == 3 and names != [""] else [] for part in parts]
    order: dict[str, int] = {}
    for delta in deltas:
        for name, _ in sorted(delta):
            order.setdefault(name, len(order))
    if len(order) != len(names):
        return
    seen.headers["x-reduct-labels"] = ",".join(order)
    for number, (part, delta) in enumerate(zip(parts, deltas, strict=True)):
        items = ",".join(f"{order[name]}={value}" for name, value in sorted(delta, key=lambda item: order[item[0]]))
        seen.records[number] = (seen.records[number][0], ",".join(part[:2] + ([items] if items else [])))


def set_body(seen: Seen, body: bytes, error: str | None, changes: list["Normaliser"]) -> None:
    if not body:
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or len(body) > BODY_TEXT_MAX or "\r" in text or "\0" in text:
        seen.kind, seen.body = "bytes", f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:16]}"
        return
    try:
        value = json_object(text)
    except ValueError:
        seen.kind, seen.body = "text", text
        return
    if error is not None and isinstance(value, dict) and [*value] == ["detail"] and value["detail"].strip() == error.replace('"', "'"):
        seen.kind = "error"
        return
    for change in changes:
        value = change.json(value)
    seen.kind, seen.body = "json", value


def scrubbed(name: str, value: str, changes: list["Normaliser"]) -> str:
    for change in changes:
        value = change.header(name, value)
    return value


@dataclass(frozen=True)
class Normaliser:
    """Replaces what differs from run to run. What does not have the expected shape stays and shows up as a difference."""

    keys: tuple[str, ...] = ()
    """Members of JSON objects, at any depth ..."""
    shape: str = ""
    """... whose JSON text matches this as a whole ..."""
    name: object = None
    """... become this, or, if there is a pattern, what the pattern makes of them."""
    sort: tuple[str, ...] = ()
    """Lists of an answer that are put in the order of the names in them."""
    headers: tuple[str, ...] = ()
    """In these headers ..."""
    pattern: str = ""
    """... what matches this ..."""
    replacement: str = ""
    """... becomes this."""

    def json(self, value: object) -> object:
        if self.sort and isinstance(value, dict):
            return {key: sorted(item, key=lambda one: one["name"]) if key in self.sort else item for key, item in value.items()}
        if isinstance(value, dict):
            return {key: self.member(key, item) for key, item in value.items()}
        return [self.json(item) for item in value] if isinstance(value, list) else value

    def member(self, key: str, item: object) -> object:
        if isinstance(item, dict | list):
            return self.json(item)
        if key not in self.keys or not re.fullmatch(self.shape, json.dumps(item)):
            return item
        return re.sub(self.pattern, self.replacement, item) if self.pattern else self.name

    def header(self, name: str, value: str) -> str:
        return re.sub(self.pattern, self.replacement, value) if name in self.headers else value


DATE = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"'
NORMALISERS = {
    "created_at": Normaliser(keys=("created_at",), shape=DATE, name="<date>"),
    "last_access": Normaliser(keys=("last_access",), shape=DATE + "|null", name="<date or null>"),
    "last_run": Normaliser(keys=("last_run",), shape=DATE, name="<date>"),
    "expires_at": Normaliser(keys=("expires_at",), shape=DATE, name="<date>"),
    "version": Normaliser(keys=("version",), shape=r'"1\.\d+\.\d+"', name="<version>"),
    "instance_name": Normaliser(keys=("instance_name",), shape=r'".+"', name="<host name>"),
    "uptime": Normaliser(keys=("uptime",), shape=r"\d+", name="<seconds>"),
    # http-api.md 23a: the reference counts bytes of its own files, which no client depends on. Nothing stays nothing.
    "size": Normaliser(keys=("size", "usage"), shape=r"[1-9]\d*", name="<bytes>"),
    # A name of a token, and 32 random hex digits.
    "value": Normaliser(keys=("value",), shape=r'".+-[0-9a-f]{32}"', name="<name>-<32 hex digits>"),
    "id": Normaliser(keys=("id",), shape=r"\d+", name="<query id>"),
    "query": Normaliser(headers=("x-reduct-error",), pattern=r"(Query |query id=|Query'[^']*/)\d+\b", replacement=r"\1<query id>"),
    # Of records that the server itself writes.
    "now": Normaliser(keys=("oldest_record", "latest_record"), shape=r"1[7-9]\d{14}", name="<now>"),
    # The reference lists these in any order.
    "order": Normaliser(sort=("lifecycles", "replications")),
    # The URL of a link is opaque to clients behind the name of the file (16.1). Where the server is, it knows best.
    "link": Normaliser(keys=("link",), shape=r'"https?://[^?"]+/api/v1/links/[^?"]+\?[^"]+"', pattern=r"\?.*", replacement="?<opaque>"),
    "here": Normaliser(keys=("link",), shape=r'".*"', pattern=r"^http://(0\.0\.0\.0|127\.0\.0\.1|localhost):\d+/", replacement="http://<here>/"),
    # What libraries say.
    "library": Normaliser(
        headers=("x-reduct-error",),
        pattern=r"^(Invalid lifecycle \w+ '[^']*'|Failed to decrypt query|Invalid base64 in 'ct' parameter|Invalid base_url provided for query link): ?.*",
        replacement=r"\1: <why>",
    ),
    # No client reads what follows (2).
    "parser": Normaliser(headers=("x-reduct-error",), pattern=r"^(Invalid JSON: ).*", replacement=r"\1<what the parser says>"),
    # Where in the JSON text a mistake is.
    "place": Normaliser(headers=("x-reduct-error",), pattern=r" at line \d+ column \d+$", replacement=""),
    "seconds": Normaliser(headers=("x-reduct-error",), pattern=r"retry_after=\d+s", replacement="retry_after=<n>s"),
    "length": Normaliser(headers=("content-length",), pattern=r"[1-9]\d*", replacement="<n>"),
}


def differences(expected: Seen, got: Seen) -> list[tuple[str, str, str]]:
    """Field, expected, got; for each field that is not the same on both sides."""
    left, right = expected.fields(), got.fields()
    return [
        (name, left.get(name, ABSENT), right.get(name, ABSENT))
        for name in [*left, *(name for name in right if name not in left)]
        if left.get(name, ABSENT) != right.get(name, ABSENT)
    ]
