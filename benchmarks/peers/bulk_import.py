"""django-import-export with the settings its documentation names for large imports of new rows,
phones checked.

No look-up of existing rows, no differences, no reports in HTML, no copies of rows in the result.
Measured: of batches of 500, 1,000, 2,500 and 5,000 rows those of 1,000 were the fastest, and one
transaction around all made no difference.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import tablib
from import_export import fields, resources, widgets

from benchmarks.peers.rows import blank_score, e164, empty_partition
from campaigns.models import FanScore

NUMBER = -2
BATCH = 1_000


class PhoneWidget(widgets.Widget):
    """A phone as written, with its row's country → E.164, or nothing."""

    def clean(self, value: str, row: dict[str, str], **kwargs: object) -> str:
        return e164(value, row["country_code"])


class YesWidget(widgets.Widget):
    def clean(self, value: str, row: dict[str, str], **kwargs: object) -> bool:
        return value == "true"


def _field(attribute: str, column: str, widget: widgets.Widget | None = None) -> fields.Field:
    return fields.Field(attribute, column, widget=widget or widgets.Widget())


class ScoreResource(resources.ModelResource):
    """A score file's columns → FanScore; the first row of a fan stays."""

    row_id = _field("row_id", "id")
    global_user_id = _field("global_user_id", "global_user_id")
    member_id = _field("member_id", "member_id")
    email = _field("email", "tmemail")
    phone = _field("phone", "sms", PhoneWidget())
    phone_confirmed = _field("phone_confirmed", "phone_confirmed", YesWidget())
    country = _field("country", "country_code")
    raw_text = _field("raw_text", "raw_local_fanscore")

    class Meta:
        model = FanScore
        fields = (
            "row_id",
            "global_user_id",
            "member_id",
            "email",
            "phone",
            "phone_confirmed",
            "country",
            "raw_text",
        )
        import_id_fields = ("global_user_id",)
        use_bulk = True
        batch_size = BATCH
        force_init_instance = True
        skip_diff = True
        skip_html_diff = True
        report_skipped = False
        use_transactions = False

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def init_instance(self, row: dict[str, str] | None = None) -> FanScore:
        score = blank_score(NUMBER)
        score.raw_score = 0.5
        return score

    def skip_row(self, instance: FanScore, *others: Any) -> bool:
        if instance.global_user_id in self._seen:
            return True
        self._seen.add(instance.global_user_id)
        return False


def seconds_for(path: Path) -> float:
    """Seconds from the file of well-formed rows to the table."""
    empty_partition(NUMBER)
    started = time.monotonic()
    rows = tablib.Dataset().load(
        path.read_text(encoding="utf-8"), format="tsv", quoting=csv.QUOTE_NONE
    )
    ScoreResource().import_data(rows, raise_errors=True)
    return time.monotonic() - started
