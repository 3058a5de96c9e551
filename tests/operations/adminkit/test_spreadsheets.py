"""Cells of people's downloads run nowhere, and are read back as they were meant. [O-7]"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.adminkit.spreadsheets import RUN_BY_SPREADSHEETS, as_meant, neutralised

cells = st.text() | st.builds(str.__add__, st.sampled_from(RUN_BY_SPREADSHEETS), st.text())


@given(cells)
def test_o7_no_cell_begins_as_a_formula_and_each_is_read_back(cell):
    harmless = neutralised(cell)
    assert not harmless.startswith(RUN_BY_SPREADSHEETS)
    assert as_meant(harmless) == cell or not cell.startswith(RUN_BY_SPREADSHEETS)


@pytest.mark.parametrize("cell", ["", "0.97", "fan-1", "'quoted'", "it's", "a@example.com"])
def test_o7_a_harmless_cell_stays_as_it_is(cell):
    assert neutralised(cell) == as_meant(cell) == cell
