"""Names of erased fans. [X-11]"""

from __future__ import annotations

import polars as pl

from datalake.erased.tombstones import are_tombstones, reference_in, references_in, tombstones

REF = "0a" * 32


def test_a_name_of_an_erased_fan_holds_the_reference_and_no_other_id_is_taken_for_one():
    ids = [
        f"erased:{REF}.1",
        f"erased:{REF}.",
        f"erased:{REF[1:]}.1",
        f" erased:{REF}.1",
        "fan-1",
        "",
        None,
    ]
    fans = pl.Series("fan", ids, dtype=pl.String)
    assert are_tombstones(fans).to_list() == [True, *[False] * 6]
    assert references_in(fans).to_list() == [REF, *[None] * 6]
    assert [reference_in(fan) for fan in ids if fan is not None] == [REF, *[None] * 5]


def test_each_erasure_of_a_fan_has_a_name_of_its_own():
    frame = pl.DataFrame({"ref": [REF]})
    names = [frame.select(tombstones(pl.col("ref"), number))[0, 0] for number in (1, 2)]
    assert references_in(pl.Series(names)).to_list() == [REF, REF]
    assert len({*names}) == 2
