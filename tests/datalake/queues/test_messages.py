"""What goes into a queue. [T-4]"""

from __future__ import annotations

from datalake.queues import Outgoing


def test_t4_a_message_is_compact_json_whatever_letters_are_in_it():
    assert Outgoing("1", {"a": ["é", True]}).text == r'{"a":["\u00e9",true]}'
