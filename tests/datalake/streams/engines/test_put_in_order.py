"""No record overtakes another of its partition key. [T-1]"""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from datalake.aws.kinesis import Entry, Landed
from datalake.errors import StreamBusy
from datalake.streams.engines import put_in_order
from datalake.streams.engines.put_in_order import next_request


def entries(*keys: str) -> list[Entry]:
    return [Entry(key, str(number).encode()) for number, key in enumerate(keys)]


class Shaky:
    """Takes some records of each request and refuses the others, in any order."""

    name = "shaky"

    def __init__(self, refused: float) -> None:
        self.dice = random.Random(7)
        self.refused = refused
        self.taken: list[Entry] = []

    def put(self, request):
        assert 0 < len(request) <= 500
        assert sum(entry.size for entry in request) <= 5 * 2**20
        landed: list[Landed | None] = [None] * len(request)
        numbers = list(range(len(request)))
        self.dice.shuffle(numbers)
        for number in numbers:
            if self.dice.random() >= self.refused:
                self.taken.append(request[number])
                shard = str(len(request[number].key) % 2)
                landed[number] = Landed(shard, str(len(self.taken)))
        return landed


def test_t1_a_request_holds_the_first_record_of_each_key_up_to_500_and_five_mebibytes():
    assert next_request(entries("a", "b", "a", "c", "b")) == [0, 1, 3]
    assert len(next_request(entries(*map(str, range(600))))) == 500
    large = [Entry(str(number), bytes(2**20 - 1)) for number in range(8)]
    assert next_request(large) == [0, 1, 2, 3, 4]
    assert next_request([]) == []


@pytest.mark.parametrize("refused", [0.0, 0.5])
def test_t1_each_record_is_put_once_and_in_the_order_of_its_key_whatever_is_refused(
    monkeypatch, refused
):
    monkeypatch.setattr(put_in_order.time, "sleep", lambda seconds: None)
    dice = random.Random(3)
    given = entries(*(dice.choice(["a", "bb", "ccc", *map(str, range(900))]) for _ in range(2_500)))
    stream = Shaky(refused)
    last = put_in_order.put(stream, given)
    assert sorted(int(entry.data) for entry in stream.taken) == list(range(2_500))
    by_key = defaultdict(list)
    for entry in stream.taken:
        by_key[entry.key].append(int(entry.data))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    ends = {str(len(e.key) % 2): at for at, e in enumerate(stream.taken, 1)}
    assert last == ends


def test_t1_a_stream_that_takes_nothing_is_given_up_after_a_while(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(put_in_order.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(put_in_order.time, "monotonic", lambda: next(clock))
    with pytest.raises(StreamBusy, match="takes no records"):
        put_in_order.put(Shaky(1.0), entries("a"))
