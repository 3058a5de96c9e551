"""What makes a secret unfit, decided without settings. [O-7]"""

from __future__ import annotations

import pytest

from fairwave.secret_settings import is_local, weakness


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sandbox", "well known"),
        (" Sandbox ", "well known"),
        ("a-changeme-in-the-middle-of-it", "well known"),
        ("short", "has 5 characters; at least 16"),
        ("abababababababababab", "repeats"),
        ("vT9w-Qz4kL_p7sXc", ""),
    ],
)
def test_o7_a_secret_is_neither_known_nor_short_nor_one_character_again_and_again(value, words):
    found = weakness(value, 16)
    assert words in found
    assert bool(found) == bool(words)


def test_o7_a_machine_is_local_if_nobody_else_can_reach_its_site():
    own = ["localhost", "127.0.0.1", "[::1]"]
    assert is_local("", own, behind_tls=False)
    assert not is_local("postgresql://localhost/x", own, behind_tls=False)
    assert not is_local("", [*own, "presale.example"], behind_tls=False)
    assert not is_local("", own, behind_tls=True)
