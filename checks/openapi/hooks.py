"""What schemathesis is told beyond the document: names of things that exist, and headers whose names follow a pattern."""

import random
import re

import schemathesis

KNOWN = {
    "bucket": ["fuzz", "fuzz", "fuzz", "other", "$system"],
    "entry": ["e", "e", "deep/er", "e/$meta", "none"],
    "name": ["some", "some", "none"],
}
LENGTHS = ["0", "3", "5", "99999999999999999999", "-1", "x", ""]
TYPES = ["", "text/plain", "a/b;c=d"]
LABELS = ["", ",a=1", ",a=", ',a="x,y"', ",=", ',a="', ",@c=1", ",0=z", ",9=z", ",a=1,a=2"]
INDEXES = ["0", "1", "7", "99999999999"]
TIMES = ["0", "1", "5", "1000", "9223372036854775808", "18446744073709551615", "18446744073709551616"]


def chance_of(*what: object) -> random.Random:
    """The same request always gets the same additions, so that a failure can be repeated."""
    return random.Random(repr(what))


@schemathesis.hook
def map_path_parameters(context, parameters):
    if parameters:
        chance = chance_of(sorted(parameters.items(), key=str))
        for name, known in KNOWN.items():
            if name in parameters and chance.random() < 0.7:
                parameters[name] = chance.choice(known)
    return parameters


def patterned(pattern: str, chance: random.Random) -> tuple[str, str]:
    if "label" in pattern:
        return "x-reduct-label-" + chance.choice(["a", "b", "key", "remove", "a.b"]), chance.choice(["1", "", "true", "x y", "ü"])
    value = chance.choice(LENGTHS) + chance.choice(["", ","]) + chance.choice(TYPES) + chance.choice(LABELS)
    name = "x-reduct-time-" if "time" in pattern else f"x-reduct-{chance.choice(INDEXES)}-"
    return name + chance.choice(TIMES), value


@schemathesis.hook
def before_call(context, case, kwargs):
    definition = case.operation.definition.raw
    for reference in definition.get("x-patterned-headers", []):
        kind = reference["$ref"].rpartition("/")[2]
        chance = chance_of(kind, case.path, str(case.query), str(case.headers), str(case.body))
        for _ in range(chance.randrange(4)):
            name, value = patterned({"LabelHeader": "label", "TimeHeader": "time"}.get(kind, "index"), chance)
            case.headers[name] = value.encode().decode("latin-1")
    # What cannot stand in a header is not sent by the library under it.
    for name in [n for n, v in (case.headers or {}).items() if not re.fullmatch(r"[^\r\n\0]*", str(v))]:
        del case.headers[name]
