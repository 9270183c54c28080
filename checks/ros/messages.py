"""Messages of every type that rosbags knows, filled by chance, and what they look like as JSON."""

import math
import random

import numpy
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_JAZZY)

WHOLE = {f"{sign}int{bits}": (sign, bits) for sign in ("", "u") for bits in (8, 16, 32, 64)}
# What both generations of ROS write in the same way, whether they take it as signed or not.
WHOLE |= {"byte": ("u", 7), "char": ("u", 7), "octet": ("u", 7)}


TIMES = ("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")


def base(name: str, chance: random.Random) -> object:
    if name in WHOLE:
        sign, bits = WHOLE[name]
        return chance.randrange(2**bits) if sign else chance.randrange(2**bits) - 2 ** (bits - 1)
    if name == "bool":
        return chance.random() < 0.5
    if name == "float32":
        return float(numpy.float32(chance.uniform(-1e6, 1e6)))
    if name == "float64":
        return math.inf if chance.random() < 0.05 else chance.uniform(-1e9, 1e9)
    if name in ("string", "wstring"):
        return "".join(chance.choice("abc äλ/_ 0") for _ in range(chance.randrange(12)))
    raise ValueError(name)


def value(store, desc, chance: random.Random) -> object:
    kind, detail = desc
    if kind == Nodetype.BASE:
        return base(detail[0], chance)
    if kind == Nodetype.NAME:
        return message(store, detail, chance)
    element, length = detail
    count = length if kind == Nodetype.ARRAY else chance.randrange(1, 5)
    values = [value(store, element, chance) for _ in range(count)]
    if element[0] == Nodetype.BASE and element[1][0] not in ("string", "wstring"):
        name = element[1][0]
        sign, bits = WHOLE.get(name, ("", 0))
        return numpy.array(values, dtype=f"{sign}int{max(bits, 8)}" if bits else name)
    return values


def message(store, name: str, chance: random.Random) -> object:
    if name in TIMES:
        # ROS 1 and 2 differ in what is signed.
        return store.types[name](sec=chance.randrange(2**31), nanosec=chance.randrange(10**9))
    _, fields = store.fielddefs[name]
    return store.types[name](**{field: value(store, desc, chance) for field, desc in fields})


def plain(store, desc, content: object) -> object:
    """What JSON is expected to hold."""
    kind, detail = desc
    if kind == Nodetype.BASE:
        if detail[0] in ("float32", "float64"):
            return float(content) if math.isfinite(content) else None
        return content.item() if isinstance(content, numpy.generic) else content
    if kind == Nodetype.NAME:
        return as_json(store, detail, content)
    return [plain(store, detail[0], each) for each in content]


def as_json(store, name: str, content: object) -> dict:
    if store is ROS1 and name in TIMES:
        return {"sec": content.sec, "nsec": content.nanosec}
    _, fields = store.fielddefs[name]
    # rosbags keeps an empty type with a field of its own.
    return {
        field: plain(store, desc, getattr(content, field)) for field, desc in fields if field != "structure_needs_at_least_one_member"
    }


def same(found: object, expected: object) -> bool:
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float) and isinstance(found, (int, float)):
        # Of 32 bits the shortest text is written.
        return found == expected or float(numpy.float32(found)) == expected
    return type(found) is type(expected) and found == expected


def message_types(store) -> list[str]:
    """Those that are messages of ROS, without services and what a bag writer needs."""
    return sorted(name for name in store.fielddefs if "/msg/" in name and not name.startswith("builtin_interfaces/"))
