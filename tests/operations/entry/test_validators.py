"""Beside a form's field stands what is wrong with its date. [C-2]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from operations.entry.validators import year_is_allowed


def test_c2_a_date_is_judged_beside_its_field():
    year_is_allowed(datetime(2200, 1, 1, tzinfo=UTC))
    with pytest.raises(ValidationError, match=r"The year 2201 is not allowed\. Use 2000 to 2200"):
        year_is_allowed(datetime(2201, 1, 1, tzinfo=UTC))
