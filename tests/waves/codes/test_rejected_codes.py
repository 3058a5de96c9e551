"""The file of a code file's rejected rows holds them all, or is not there. [K-1]"""

from __future__ import annotations

import pytest

from campaigns.errors import RowsMissing
from tests.support.waves import campaign_with
from waves.codes import rejected_codes
from waves.models import CodeImport, RejectedCode

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_of_rejected_rows_that_lacks_one_is_not_said_to_be_there():
    found = CodeImport.objects.create(
        campaign=campaign_with(2),
        origin="Partner",
        name="codes.csv",
        sha256="0" * 64,
        columns=["code"],
        rows_in=2,
        rejected=2,
        finished=True,
    )
    RejectedCode.objects.create(code_import=found, line=2, reason="empty", raw="")
    with pytest.raises(RowsMissing, match="2 rejected rows, but 1"):
        rejected_codes.write(found)
    found.refresh_from_db()
    assert found.rejected_key == ""
