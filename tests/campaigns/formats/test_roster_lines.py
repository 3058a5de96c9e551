"""A fan is found in a roster wherever they stand. [S-10, O-10]"""

from __future__ import annotations

import hashlib
from io import BytesIO

from campaigns.formats.roster_lines import lists


def test_o10_every_fan_of_a_roster_is_found_and_nobody_else():
    refs = [hashlib.sha256(bytes([number])).hexdigest() for number in range(60)]
    for count in (0, 1, 2, 30):
        text = "".join(sorted(f"{ref}\t0.{at}\t\n" for at, ref in enumerate(refs[:count])))
        roster = BytesIO(text.encode())
        assert [lists(roster, len(text), ref) for ref in refs] == [at < count for at in range(60)]
