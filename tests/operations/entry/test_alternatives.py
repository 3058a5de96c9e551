"""Rights of which one of several is enough. [O-5]"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from operations.entry.alternatives import holds, missing_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Holder:
    """Who has just `a.x` and `a.y`."""

    def has_perm(self, right: str) -> bool:
        return right in ("a.x", "a.y")


@pytest.mark.parametrize(
    ("rights", "missing"),
    [
        ((), ()),
        (("a.x", "a.y"), ()),
        (("a.x or a.z",), ()),
        (("a.z or a.x", "a.y"), ()),
        (("a.x", "a.z"), ("a.z",)),
        (("a.v or a.w", "a.y"), ("a.v or a.w",)),
    ],
)
def test_each_right_or_one_of_its_alternatives_is_needed(rights, missing):
    person = cast("User", Holder())
    assert missing_of(person, rights) == missing
    assert holds(person, rights) == (not missing)
