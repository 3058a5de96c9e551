"""Corrected rejected registrations come back as a registration file of their own. [C-4]"""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import call_command

from campaigns.errors import BadCorrection, CannotCorrect, WrongStatus
from campaigns.models import (
    CorrectedRegistration,
    Registrant,
    RegistrationImport,
    RejectedRegistration,
)
from campaigns.opening import close_campaign
from campaigns.registrations import corrections, imports
from console.downloads import neutralised_file
from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from tests.campaigns.registrations.registration_cases import process, published, reasons
from tests.campaigns.supplements.supplement_cases import Row, as_csv
from tests.support.avro_files import written
from tests.support.campaigns import (
    import_registrations,
    in_memory,
    make_campaign,
    registration_row,
)
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)


def rejected_rows(found: RegistrationImport) -> list[Row]:
    return list(csv.DictReader(io.StringIO(read(found.rejected_key).decode(), newline="")))


def receive(original: RegistrationImport, content: bytes) -> RegistrationImport:
    return imports.receive(
        original.campaign, "corrected.csv", in_memory(content), by=None, corrects=original
    )


def corrected(original: RegistrationImport, rows: list[Row]) -> RegistrationImport:
    return process(receive(original, as_csv(rows)))


def spoilt() -> RegistrationImport:
    """Four rows, of which the second to fourth are rejected."""
    rows = [
        registration_row(1),
        registration_row(2, registered_at="yesterday"),
        registration_row(3, email="", phone=""),
        registration_row(4, market_preferences="atlantis"),
    ]
    return import_registrations(make_campaign(), rows)


FIXES = {
    "malformed_row": {"registered_at": "2026-01-04T10:00:00Z"},
    "no_contact": {"email": "found@mail.example"},
    "unknown_market": {"market_preferences": "west"},
}


def fixed(rows: list[Row]) -> list[Row]:
    return [row | FIXES[row["reason"]] for row in rows]


def fans() -> list[str]:
    return sorted(Registrant.objects.values_list("global_user_id", flat=True))


def counts(found: RegistrationImport) -> tuple[int, int, int]:
    found.refresh_from_db()
    return found.rows_in, found.accepted, found.rejected


def test_c4_corrected_rows_are_accepted_in_a_file_that_says_which_it_corrects():
    """[C-5] The ledger of both is whole, and each registration is published once."""
    original = spoilt()
    found = corrected(original, fixed(rejected_rows(original)))
    assert (found.corrects, counts(found), counts(original)) == (original, (3, 3, 0), (4, 1, 3))
    assert fans() == ["fan-1", "fan-2", "fan-3", "fan-4"]
    assert Registrant.objects.get(global_user_id="fan-3").email == "found@mail.example"
    assert sorted(record["globalUserId"] for record in published()) == fans()
    assert corrections.repaired(original) == 3


def test_c4_line_and_reason_are_no_columns_of_what_comes_back():
    original = spoilt()
    found = corrected(original, fixed(rejected_rows(original)))
    assert (found.columns, found.ignored_columns) == (list(registration_row(1)), [])


def test_c4_a_row_that_nobody_corrected_is_rejected_again_and_can_be_corrected_there():
    """Repaired in whichever file, a row of the first one is repaired."""
    original = spoilt()
    rows = rejected_rows(original)
    second = corrected(original, [*fixed(rows[:1]), *rows[1:]])
    assert reasons(second) == [(3, "no_contact"), (4, "unknown_market")]
    assert corrections.repaired(original) == 1
    third = corrected(second, fixed(rejected_rows(second)[1:]))
    assert (third.corrects, counts(third)) == (second, (1, 1, 0))
    assert (corrections.repaired(original), corrections.repaired(second)) == (2, 1)
    assert fans() == ["fan-1", "fan-2", "fan-4"]


def test_c4_of_a_row_that_is_corrected_twice_the_later_correction_counts_and_it_is_one_row():
    original = spoilt()
    (row,) = fixed(rejected_rows(original)[1:2])
    corrected(original, [row])
    again = corrected(original, [row | {"email": "better@mail.example"}])
    assert counts(again) == (1, 1, 0)
    assert Registrant.objects.get(global_user_id="fan-3").email == "better@mail.example"
    assert corrections.repaired(original) == 1


def test_c4_a_newer_registration_wins_over_a_correction_and_the_earliest_date_is_kept():
    original = spoilt()
    newer = registration_row(2, registered_at="2026-01-07T10:00:00Z", email="new@mail.example")
    import_registrations(original.campaign, [newer])
    found = corrected(original, fixed(rejected_rows(original)[:1]))
    assert reasons(found) == [(2, "superseded")]
    fan = Registrant.objects.get(global_user_id="fan-2")
    assert (fan.email, fan.registered_at.day, fan.changed_at.day) == ("new@mail.example", 4, 7)
    assert corrections.repaired(original) == 0


def test_c4_the_same_corrected_bytes_are_the_same_file_and_are_not_imported_again():
    original = spoilt()
    content = as_csv(fixed(rejected_rows(original)))
    first = process(receive(original, content))
    assert receive(original, content) == first
    assert (RegistrationImport.objects.count(), len(published())) == (2, 4)


def test_o7_the_download_for_people_comes_back_as_it_was():
    row = registration_row(1, member_id="=1+1", phone="+12065550101", email="no", country_code="")
    original = import_registrations(make_campaign(), [row | {"registered_at": "2026-01-05 at ten"}])
    text = "".join(neutralised_file(buckets.scoring().open(original.rejected_key)))
    assert "'+12065550101" in text
    found = corrected(original, fixed(list(csv.DictReader(io.StringIO(text)))))
    assert counts(found) == (1, 1, 0)
    fan = Registrant.objects.get()
    assert (fan.member_id, fan.phone) == ("=1+1", "+12065550101")


def test_c4_rejected_records_of_avro_are_corrected_in_the_same_way():
    """What was no text stays malformed until somebody corrects it."""
    fields = [{"name": name, "type": ["string", "bytes"]} for name in registration_row(1)]
    rows = [
        registration_row(1, email="no", phone=""),
        registration_row(2) | {"member_id": b"\xff"},
        registration_row(3, member_id="a\nb"),
    ]
    content = written({"type": "record", "name": "r", "fields": fields}, rows)
    original = process(imports.receive(make_campaign(), "r.avro", in_memory(content), by=None))
    back = rejected_rows(original)
    back[0]["email"] = "fan1@mail.example"
    second = corrected(original, back)
    assert (fans(), reasons(second)) == (["fan-1"], [(n, "malformed_row") for n in (3, 4)])
    back = rejected_rows(second)
    assert "\\xff" in back[0]["member_id"]
    corrected(second, [row | {"member_id": "m"} for row in back])
    assert fans() == ["fan-1", "fan-2", "fan-3"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda rows: [rows[0] | {"line": "2"}],
            "Line 2 was not rejected in this registration file",
        ),
        (lambda rows: [rows[0] | {"line": "99"}], "Line 99 was not rejected"),
        (lambda rows: [rows[0], rows[0]], "Line 3 appears twice"),
        (lambda rows: [rows[1] | {"reason": "superseded"}], "Line 4 was rejected as no_contact"),
        (
            lambda rows: [rows[1] | {"global_user_id": "x"}],
            "is not the same as in the registration",
        ),
        (lambda rows: [{k: v for k, v in rows[0].items() if k != "email"}], "the column email"),
        (lambda rows: [dict.fromkeys(rows[0], "")], "has no rows"),
    ],
)
def test_c4_what_is_not_this_files_corrected_csv_is_refused_in_one_sentence_and_changes_nothing(
    spoil, says
):
    original = spoilt()
    found = receive(original, as_csv(spoil(rejected_rows(original))))
    with pytest.raises(BadCorrection, match=says):
        process(found)
    job = Job.objects.latest("id")
    assert (job.state, says in job.error) == (JobState.FAILED, True)
    assert (fans(), CorrectedRegistration.objects.count()) == (["fan-1"], 0)
    assert corrections.repaired(original) == 0


def test_c2_only_files_that_are_imported_and_campaigns_that_are_open_take_corrections():
    original = spoilt()
    content = as_csv(fixed(rejected_rows(original)))
    waiting = imports.receive(original.campaign, "r.csv", in_memory(b"x"), by=None)
    with pytest.raises(CannotCorrect, match=f"Registration file {waiting.pk} is not imported"):
        receive(waiting, content)
    late = receive(original, content)
    close_campaign(original.campaign_id, by=None)
    with pytest.raises(WrongStatus):
        process(late)
    original.campaign.refresh_from_db()
    with pytest.raises(WrongStatus):
        receive(original, content)
    assert fans() == ["fan-1"]


def test_o6_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_comes_to_the_same_end(
    monkeypatch,
):
    original = spoilt()
    found = receive(original, as_csv(fixed(rejected_rows(original))))
    for module, at in ((corrections, "compose"), (corrections, "tie"), (imports.stage, "merge")):
        real = getattr(module, at)

        def killed(*arguments, real=real, **options):
            real(*arguments, **options)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(module, at, killed)
            with pytest.raises(KeyboardInterrupt):
                process(found)
        assert (fans(), CorrectedRegistration.objects.count()) == (["fan-1"], 0)
        assert not RejectedRegistration.objects.filter(registration_import=found).exists()
    assert counts(process(found)) == (3, 3, 0)
    assert corrections.repaired(original) == 3


def command(*arguments: object) -> dict:
    out = io.StringIO()
    call_command("import_registrations", *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_c4_the_command_takes_a_corrected_file(tmp_path):
    original = spoilt()
    path, campaign_id = tmp_path / "corrected.csv", original.campaign.campaign_id
    path.write_bytes(as_csv(fixed(rejected_rows(original))[:1]))
    found = command(campaign_id, path, "--correction-of", original.pk)
    assert (found["correction_of"], found["rows_in"], found["accepted"]) == (original.pk, 1, 1)
    assert read(found["rejected_file"]).count(b"\n") == 1
    for asked, wrong in ((make_campaign().campaign_id, original.pk), (campaign_id, 987_654)):
        with pytest.raises(SystemExit):
            command(asked, path, "--correction-of", wrong)
