"""What people type on the pages is checked before anything is done with it. [O-5, O-7]"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from campaigns.models import Campaign
from console.access import complaint_of
from console.forms import (
    MOST_REPAIRED,
    CodesForm,
    DemandFindForm,
    FindForm,
    ReasonForm,
    RepairForm,
    UploadForm,
)
from console.uploads import NOT_KEPT, TOO_LARGE
from console.wave_forms import NotifyDateForm


@pytest.mark.parametrize(("reason", "is_one"), [("   no   ", False), ("asked by legal", True)])
def test_o5_a_reason_has_at_least_five_characters(reason, is_one):
    assert ReasonForm({"reason": reason}).is_valid() is is_one


@pytest.mark.parametrize(
    ("form", "name", "value"),
    [
        (DemandFindForm, "after", "0"),
        (DemandFindForm, "after", str(2**63)),
        (NotifyDateForm, "reason", "x" * 201),
    ],
)
def test_c2_what_no_column_can_keep_is_refused_beside_its_field(form, name, value):
    campaign = {"campaign": Campaign(time_zone="UTC")} if form is NotifyDateForm else {}
    assert name in form({name: value}, **campaign).errors


@pytest.mark.parametrize(
    ("fields", "name"),
    [({}, "x" * 201), ({"source": "x" * 81}, "codes.csv")],
    ids=["name", "source"],
)
def test_c2_a_long_name_of_a_file_or_a_source_is_refused_beside_its_field(rf, fields, name):
    form = CodesForm(rf.post("/", fields | {"file": SimpleUploadedFile(name, b"x")}))
    assert ("source" if "source" in fields else "file") in form.errors


def test_demand_is_looked_for_by_at_least_one_id():
    assert not DemandFindForm({"reason": "asked by legal"}).is_valid()
    assert DemandFindForm({"reason": "asked by legal", "sale": "sale-1"}).is_valid()


@pytest.mark.parametrize(
    "given", [{}, {"fan": "fan-1", "code": "ABC"}, {"code": " "}, {"fan": "f" * 255}]
)
@pytest.mark.django_db
def test_a_fan_is_looked_for_by_what_names_them_or_by_a_code(given):
    assert not FindForm(given | {"reason": "asked by legal"}).is_valid()
    assert FindForm({"code": "ABC", "reason": "asked by legal"}).is_valid()


def test_repaired_events_come_one_a_line_and_not_more_than_a_batch():
    form = RepairForm({"reason": "fixed by hand", "events": " {} \n\n{}\r\n"})
    assert form.is_valid()
    assert form.cleaned_data["events"] == ["{}", "{}"]
    many = "{}\n" * (MOST_REPAIRED + 1)
    assert not RepairForm({"reason": "fixed by hand", "events": many}).is_valid()


@pytest.mark.parametrize(
    ("mark", "value", "says"),
    [(TOO_LARGE, True, "larger than"), (NOT_KEPT, "No space left", "No space left")],
)
def test_s1_an_upload_that_broke_off_says_why_and_nothing_else(mark, value, says):
    request = RequestFactory().post("/")
    setattr(request, mark, value)
    form = UploadForm(request)
    assert not form.is_valid()
    assert says in complaint_of(form)
    assert list(form.errors) == ["__all__"]
