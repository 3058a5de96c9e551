"""Beside a form's field stands what is wrong with its date. [C-2]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from operations.entry.validators import notify_year_is_allowed, year_is_allowed


def test_c2_each_kind_of_date_has_its_years():
    year_is_allowed(datetime(2200, 1, 1, tzinfo=UTC))
    notify_year_is_allowed(datetime(2198, 1, 1, tzinfo=UTC))
    with pytest.raises(ValidationError, match=r"The year 2201 is not allowed\. Use 2000 to 2200"):
        year_is_allowed(datetime(2201, 1, 1, tzinfo=UTC))
    with pytest.raises(ValidationError, match="Use 2000 to 2198"):
        notify_year_is_allowed(datetime(2199, 1, 1, tzinfo=UTC))
