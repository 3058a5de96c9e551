"""Pages of rows by their number."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.http import QueryDict

from console.lake.keyset import listed

PKS = range(1, 6)


def page(asked: str):
    """Two of five rows a page, as a database finds them."""

    def found(edge, most):
        within = [
            pk
            for pk in PKS
            if pk > edge.bounds.get("pk__gt", 0) and pk < edge.bounds.get("pk__lt", 99)
        ]
        ordered = sorted(within, reverse=edge.order == "-pk")
        return [SimpleNamespace(pk=pk) for pk in ordered[:most]]

    shown = listed(QueryDict(asked), found, size=2)
    return [row.pk for row in shown.rows], shown.newer, shown.older


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", ([5, 4], "", "?after=4")),
        ("show=x&after=4", ([3, 2], "?show=x&before=3", "?show=x&after=2")),
        ("after=2", ([1], "?before=1", "")),
        ("before=1", ([3, 2], "?before=3", "?after=2")),
        ("before=3", ([5, 4], "", "?after=4")),
        ("after=" + "9" * 30, ([5, 4], "", "?after=4")),
        ("after=x", ([5, 4], "", "?after=4")),
    ],
)
def test_a_page_and_its_neighbours_are_found_by_the_row_at_its_edge(asked, expected):
    assert page(asked) == expected
