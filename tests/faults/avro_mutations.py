"""Avro files that are spoiled in every way, read in a process of limited memory and time: run by
test_avro_mutations.py with the number of examples.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalake.avro import container
from datalake.avro.columns import varint
from datalake.errors import NotAvro
from tests.support.avro_files import SYNC, made, written

MORE_BYTES = 600 << 20
SECONDS_PER_EXAMPLE = 0.2

STRINGS = {"type": "array", "items": ["null", "string"]}
INNER = {
    "type": "record",
    "name": "inner",
    "fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}],
}
SCHEMA = {
    "type": "record",
    "name": "fan",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "wanted", "type": STRINGS},
        {"name": "inner", "type": ["null", INNER]},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "score", "type": "double"},
        {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["a", "b"]}},
    ],
}  # fmt: skip
ROWS = [
    {"id": f"fan-{n}", "wanted": ["west", None], "inner": {"at": n}, "counts": {"n": n}, "score": n / 7, "kind": "ab"[n % 2]}
    for n in range(40)
]  # fmt: skip
CODECS = ["null", "deflate", "bzip2", "xz", "snappy"]
FILES = [
    written(SCHEMA, ROWS, codec=codec, sync_marker=SYNC, sync_interval=400) for codec in CODECS
]
EXTREMES = [varint(n) for n in (0, 1, -1, 2**20, 2**31, 2**62, -(2**62), 2**63 - 1)] + [
    b"\xff" * 12
]
PLACES = st.integers(0, max(map(len, FILES)))


@st.composite
def spoiled(draw: Any) -> bytes:
    """A sound file with some bytes changed, added, taken away or repeated."""
    content = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(PLACES) % len(content)
        end = min(len(content), start + draw(st.integers(0, 40)))
        if draw(st.booleans()):
            content = content[:start] + bytes([content[start] ^ 1]) + content[start + 1 :]
        else:
            piece = draw(
                st.sampled_from([*EXTREMES, content[start:end] * 2]) | st.binary(max_size=9)
            )
            content = content[:start] + piece + content[end:]
    return content


NAMES = st.sampled_from(["a", "b", "a.b", "null", "string", ""])
SIMPLE = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Types that hold these, sound ones and others."""
    fields = st.lists(st.fixed_dictionaries({"name": NAMES, "type": inner}), max_size=4)
    return (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries({"type": inner})
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"type": st.just("map"), "values": inner})
        | st.fixed_dictionaries(
            {"type": st.just("fixed"), "name": NAMES, "size": st.integers(-1, 9)}
        )
        | st.fixed_dictionaries(
            {"type": st.just("enum"), "name": NAMES, "symbols": st.lists(NAMES)}
        )
        | st.fixed_dictionaries({"type": st.just("record"), "name": NAMES, "fields": fields})
    )


ODD = st.none() | st.integers() | NAMES
TYPES = st.recursive(SIMPLE | NAMES | ODD, around, max_leaves=12)
RECORDS = st.fixed_dictionaries(
    {
        "type": st.just("record"),
        "name": NAMES,
        "fields": st.lists(
            st.fixed_dictionaries({"name": st.text("abcdef", min_size=1), "type": TYPES}),
            max_size=4,
        ),
    }
)
BLOCKS = st.tuples(st.integers(0, 20) | st.just(10**15), st.binary(max_size=60))


def outcome(content: bytes) -> str:
    """`records` or `refused`; anything else that happens ends the process."""
    try:
        for _ in container.read_records(io.BytesIO(content)):
            pass
    except NotAvro as refusal:
        text = str(refusal)
    else:
        return "records"
    assert text.encode()
    assert text.isprintable()
    return "refused"


def main(examples: int, *, derandomize: bool) -> None:
    """Prints how often each outcome came."""
    found = {"records": 0, "refused": 0}
    chosen = settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(spoiled())
    def bytes_of_a_file(content: bytes) -> None:
        found[outcome(content)] += 1

    @chosen
    @given(TYPES | RECORDS, st.lists(BLOCKS, max_size=2), st.sampled_from(CODECS))
    def any_schema(schema: Any, blocks: list[tuple[int, bytes]], codec: str) -> None:
        found[outcome(made(schema, *blocks, codec=codec))] += 1

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        pages = int(file.read().split()[0])
    most_bytes = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    seconds = int(60 + examples * SECONDS_PER_EXAMPLE)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    bytes_of_a_file()
    any_schema()
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), derandomize=sys.argv[2] == "same")
