"""The picture of a type's volume says the same in words and as a table. [BR-012]"""

from __future__ import annotations

import re
from datetime import date

from console.charts.demand import volume

FIRST = date(2026, 9, 1)


def drawn(counts):
    return str(volume(counts, first=FIRST, days=60, ident="volume-demand", title="Demands by day"))


def test_a_picture_has_a_title_a_meaning_and_its_numbers():
    html = drawn({date(2026, 9, 1): 1_200, date(2026, 9, 3): 300})
    assert (
        "1,500 records on 2 days from 1 Sep 2026 to 30 Oct 2026; most on 1 Sep 2026: 1,200." in html
    )
    assert 'role="img"' in html
    assert re.search(r"<th scope=\"row\">3 Sep 2026</th><td class=\"fw-number\">300</td>", html)
    assert len(re.findall(r'class="fw-bar"', html)) == 2


def test_bars_stand_within_the_picture_and_in_proportion():
    bars = re.findall(
        r'<rect x="([\d.]+)%" width="([\d.]+)%" y="([\d.]+)" height="([\d.]+)"',
        drawn({FIRST: 100, date(2026, 10, 30): 50}),
    )
    (x, width, y, height), (x2, width2, _, height2) = (
        [float(number) for number in bar] for bar in bars
    )
    assert 0 <= x < x2
    assert x2 + width2 <= 100
    assert y >= 0
    assert height == 2 * height2
    assert width == width2


def test_one_record_beside_a_million_is_still_seen():
    heights = [
        float(height)
        for height in re.findall(
            r'height="([\d.]+)" class="fw-bar"', drawn({FIRST: 1, date(2026, 9, 2): 1_000_000})
        )
    ]
    assert min(heights) == 1
    assert ">1M<" in drawn({FIRST: 1, date(2026, 9, 2): 1_000_000})


def test_nothing_is_said_to_be_nothing():
    assert "No records from 1 Sep 2026 to 30 Oct 2026." in drawn({})
