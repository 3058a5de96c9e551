"""Corrected rejected rows come back: a new score file of the rows accepted before and the repaired
ones. [S-14]
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.choices import ScoreFileState
from campaigns.errors import BadCorrection, CannotSupplement, WrongStatus
from campaigns.formats.corrected_rows import ABOUT_THE_ID
from campaigns.models import Campaign, FanScore, ListEntry, RejectedRow, ScoreFile
from campaigns.opening import close_campaign
from campaigns.ranks import rank_files
from campaigns.scoring import activation, score_files
from campaigns.supplements import merged_file, supplements
from console.downloads import neutralised_file
from datalake.storage import buckets
from operations import jobs
from operations.choices import JobState
from operations.models import Job
from tests.campaigns.supplements.supplement_cases import (
    Row,
    as_csv,
    corrected,
    make,
    refused,
    rejected_rows,
    supplemented,
)
from tests.support.campaigns import (
    in_memory,
    make_active,
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import late_arguments, why_late
from tests.support.score_files import everything_of, messy, read

pytestmark = pytest.mark.django_db(transaction=True)

FULL = "FAIRWAVE_FULL" in os.environ


def scores_of(score_file: ScoreFile) -> dict[str, tuple[object, ...]]:
    fields = ("raw_text", "raw_score", "band_score", "luck", "email", "phone", "row_id")
    rows = FanScore.objects.filter(score_file=score_file).values_list("global_user_id", *fields)
    return {fan: values for fan, *values in rows}


def test_s14_rows_accepted_before_are_accepted_after_with_the_same_score_and_luck():
    parent = process_scores(make_campaign(), messy())
    before, own = scores_of(parent), everything_of(parent)
    child = supplemented(parent, as_csv(corrected(rejected_rows(parent))))
    assert child.state == ScoreFileState.STREAMED
    assert child.supplement_of == parent
    after = scores_of(child)
    assert len(after) > len(before)
    assert {fan: after[fan] for fan in before} == before
    assert everything_of(parent) == own


def test_s14_the_ledger_is_whole_and_each_row_that_came_back_has_its_outcome():
    parent = process_scores(make_campaign(), messy())
    rows = rejected_rows(parent)
    child = supplemented(parent, as_csv(corrected(rows)))
    assert (
        child.rows_in
        == parent.accepted + len(rows)
        == child.accepted + sum(child.rejected_by.values())
    )
    found = supplements.outcome_of(child)
    assert found is not None
    assert (found.came_back, found.repaired, found.no_longer_accepted) == (
        len(rows),
        child.accepted - parent.accepted,
        0,
    )
    assert supplements.outcome_of(parent) is None
    lines = [*FanScore.objects.filter(score_file=child).values_list("line", flat=True)]
    lines += RejectedRow.objects.filter(score_file=child).values_list("line", flat=True)
    assert sorted(lines) == list(range(2, child.rows_in + 2))


def test_s14_a_row_that_nobody_corrected_is_rejected_again_and_a_fan_accepted_before_is_a_duplicate():
    rows = [
        score_row(1),
        score_row(2, raw_local_fanscore="0.1"),
        score_row(3, global_user_id=""),
        score_row(4, sms=""),
    ]
    parent = process_scores(make_campaign(), score_file_bytes(rows))
    untouched, known = rejected_rows(parent)
    child = supplemented(
        parent,
        as_csv([untouched, known | {"global_user_id": "fan-1", "tmemail": "b@mail.example"}]),
    )
    found = RejectedRow.objects.filter(score_file=child).order_by("line")
    assert list(found.values_list("line", "reason")) == [
        (4, "below_minimum_score"),
        (5, "duplicate"),
    ]
    assert (child.rows_in, child.accepted) == (4, 2)


def test_s14_rows_that_do_not_come_back_stay_with_their_score_file_only():
    parent = process_scores(make_campaign(), messy())
    rows = [row for row in rejected_rows(parent) if row["reason"] == "invalid_score"]
    child = supplemented(parent, as_csv(corrected(rows[:2])))
    assert (child.rows_in, child.rejected) == (parent.accepted + 2, 0)
    assert RejectedRow.objects.filter(score_file=parent).count() == parent.rejected


def test_s14_the_download_comes_back_as_it_is_from_a_spreadsheet():
    """[O-7] With a byte order mark, CRLF, quotes around everything, and the apostrophes that make
    cells harmless.
    """
    row = score_row(2, sms="+12065550102", member_id="=1+1", raw_local_fanscore="0.1")
    parent = process_scores(make_campaign(), score_file_bytes([score_row(1), row]))
    shown = "".join(neutralised_file(in_memory(read(parent.rejected_key))))
    assert "'+12065550102" in shown
    assert "'=1+1" in shown
    edited = list(csv.DictReader(io.StringIO(shown)))
    child = supplemented(parent, as_csv([edited[0] | {"raw_local_fanscore": "0.9"}], bom=True))
    assert FanScore.objects.get(score_file=child, global_user_id="fan-2").phone == "+12065550102"
    assert FanScore.objects.get(score_file=child, global_user_id="fan-2").member_id == "=1+1"


def test_s14_bytes_that_nobody_could_read_are_not_let_in_untouched():
    rows = [
        "\t".join(score_row(2).values()).encode().replace(b"member", b"\xffmember"),
        score_row(1),
    ]
    parent = process_scores(make_campaign(), score_file_bytes(rows))
    assert parent.rejected_by == {"malformed_row": 1}
    assert supplemented(parent, read(parent.rejected_key)).rejected_by == {"malformed_row": 1}
    child = supplemented(parent, read(parent.rejected_key).replace(b"\\xff", b""))
    assert FanScore.objects.get(score_file=child, global_user_id="fan-2").member_id == "member-2"


def test_s14_a_supplement_is_judged_by_the_rules_as_they_are_now():
    """[S-2]"""
    parent = process_scores(
        make_campaign(),
        score_file_bytes([score_row(1), score_row(2), score_row(3, sms="", tmemail="")]),
    )
    ListEntry.objects.create(kind="blacklist", pattern="fan1@mail.example")
    child = supplemented(
        parent, as_csv([rejected_rows(parent)[0] | {"tmemail": "fan3@mail.example"}])
    )
    assert child.rejected_by == {"blacklisted_email": 1}
    found = supplements.outcome_of(child)
    assert found is not None
    assert (found.came_back, found.repaired, found.no_longer_accepted) == (1, 1, 1)


def test_s14_a_supplement_can_have_a_supplement():
    parent = process_scores(make_campaign(), messy())
    rows = [row for row in rejected_rows(parent) if row["reason"] == "invalid_score"]
    child = supplemented(parent, as_csv([*corrected(rows[:-1]), rows[-1]]))
    grandchild = supplemented(child, as_csv(corrected(rejected_rows(child))))
    assert (grandchild.supplement_of, grandchild.rejected) == (child, 0)
    assert grandchild.accepted == parent.accepted + len(rows)
    assert scores_of(child).items() <= scores_of(grandchild).items()


def test_s14_the_same_corrected_file_again_is_the_same_supplement():
    """[S-12]"""
    parent = process_scores(make_campaign(), messy())
    content = as_csv(corrected(rejected_rows(parent)))
    child = supplemented(parent, content)
    again = make(parent, content)
    assert again.received.repeated
    assert again.received.score_file == child
    assert ScoreFile.objects.count() == 2


def test_s15_a_supplement_of_ranks_stays_with_its_fan_list():
    """[S-14]"""
    ranks = b"global_user_id,rank,email\na,1,a@mail.example\nb,first,b@mail.example\nc,2,c@mail.example\n"
    taken = rank_files.receive(
        make_campaign(), "vip", "ranks.csv", in_memory(ranks), by=None
    ).score_file
    parent = score_files.process(score_files.open_job(taken, by=None).pk)
    (wrong,) = (row for row in rejected_rows(parent) if row["reason"] == "invalid_score")
    child = supplemented(parent, as_csv([wrong | {"raw_local_fanscore": "0.9"}]))
    assert (child.fanlist, child.stream) == (parent.fanlist, parent.stream)
    assert child.key == "fanlist/scored/vip/ranks-s1.txt"
    assert child.accepted == parent.accepted + 1


def test_s13_the_switch_to_a_supplement_is_undone_to_its_parent():
    """[S-14]"""
    parent = process_scores(make_campaign(), messy())
    child = supplemented(parent, as_csv(corrected(rejected_rows(parent))))
    assert make_active(child).active_score_file == child
    activation.undo(parent.campaign_id, **why_late(parent.campaign))
    assert Campaign.objects.get().active_score_file == parent


def test_s14_the_corrected_file_is_kept_where_no_score_file_is_looked_for():
    parent = process_scores(make_campaign(), messy())
    content = as_csv(corrected(rejected_rows(parent)))
    make(parent, content)
    (key,) = buckets.scoring().list("supplements/")
    assert read(key) == content
    assert not key.startswith(("scored/", "fanlist/", "blacklist/"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda rows: as_csv([*rows, rows[0]]), "appears twice"),
        (lambda rows: as_csv([rows[0] | {"line": "1"}]), "Line 1 was not rejected"),
        (
            lambda rows: as_csv([rows[0] | {"reason": "no_contact"}]),
            "Line 2 was rejected as below_minimum_score",
        ),
        (
            lambda rows: as_csv([{name: cell for name, cell in rows[0].items() if name != "line"}]),
            "is missing the column line",
        ),
        (lambda rows: as_csv([rows[0]]).replace(b",", b";"), "semicolons"),
        (lambda rows: as_csv(rows).partition(b"\n")[0] + b"\n", "has no rows"),
        (lambda rows: b"", "is missing the columns"),
        (
            lambda rows: as_csv([rows[0], rows[1] | {"member_id": "é"}]).decode().encode("cp1252"),
            "not UTF-8 in line 3",
        ),
        (lambda rows: as_csv(rows).decode().encode("utf-16"), "UTF-8"),
        (lambda rows: gzip.compress(as_csv(rows), mtime=0), "UTF-8"),
    ],
)
def test_s14_what_is_not_this_files_corrected_csv_is_refused_and_nothing_is_written(
    spoil: Callable[[list[Row]], bytes], says: str
):
    parent = process_scores(make_campaign(), messy())
    refused(parent, spoil(rejected_rows(parent)), BadCorrection, says)


def test_s12_rows_that_nobody_changed_make_no_second_score_file_of_the_same_bytes():
    """[S-14] It could only come to the same end."""
    parent = process_scores(
        make_campaign(), score_file_bytes([score_row(1), score_row(2, raw_local_fanscore="no")])
    )
    refused(parent, read(parent.rejected_key), BadCorrection, "contains no corrections")


def test_s14_only_a_judged_file_of_an_open_campaign_can_have_a_supplement():
    campaign = make_campaign()
    parent = process_scores(campaign, messy())
    content = as_csv(corrected(rejected_rows(parent)))
    refused(receive_scores(campaign, messy(10)), content, CannotSupplement, "Process it before")
    close_campaign(campaign.pk, by=None)
    parent.refresh_from_db()
    parent.campaign.refresh_from_db()
    refused(parent, content, WrongStatus, "closed")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n"])
def test_s14_what_is_wrong_at_the_top_is_said_by_the_job(content):
    parent = process_scores(make_campaign(), messy())
    job = supplements.keep(parent, in_memory(content), activate=True, **why_late(parent.campaign))
    with pytest.raises(BadCorrection):
        supplements.process(job.pk)
    assert ScoreFile.objects.count() == 1


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_s14_a_person_can_pause_and_cancel_the_composing(how, monkeypatch):
    parent = process_scores(make_campaign(), messy())
    job = supplements.keep(
        parent,
        in_memory(as_csv(corrected(rejected_rows(parent)))),
        activate=True,
        **why_late(parent.campaign),
    )
    with monkeypatch.context() as patch:
        real = merged_file._pieces
        patch.setattr(
            merged_file, "_pieces", lambda file: (jobs.request_stop(job.pk, how), real(file))[1]
        )
        assert supplements.process(job.pk) is None
    assert ScoreFile.objects.count() == 1
    job.refresh_from_db()
    assert job.state == {"pause": JobState.PAUSED, "cancel": JobState.CANCELLED}[how]
    if how == "pause":
        assert jobs.requeue(job.pk)
        assert supplements.process(job.pk) is not None


class Killed(BaseException):
    """As when the process is asked to end: no code of ours catches it."""


@pytest.mark.parametrize(
    ("module", "at"),
    [(merged_file, "lines_of"), (merged_file, "_accepted"), (supplements, "receive")],
)
def test_o6_a_worker_killed_while_it_composes_leaves_nothing_and_the_next_one_makes_it_whole(
    module, at, monkeypatch
):
    """[S-14]"""
    parent = process_scores(make_campaign(), messy())
    job = supplements.keep(
        parent,
        in_memory(as_csv(corrected(rejected_rows(parent)))),
        activate=True,
        **why_late(parent.campaign),
    )
    files = list(buckets.scoring().list(""))

    def killed(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, at, killed)
        with pytest.raises(Killed):
            supplements.process(job.pk)
    assert ScoreFile.objects.count() == 1
    assert list(buckets.scoring().list("")) == files
    made = supplements.process(job.pk)
    assert made is not None
    assert buckets.scoring().exists(made.key)
    assert (
        Job.objects.get(kind=score_files.JOB_KIND, subject_id=str(made.pk)).state == JobState.QUEUED
    )


def test_s14_a_kill_between_the_record_and_its_bytes_is_repaired_by_the_next_worker(monkeypatch):
    parent = process_scores(make_campaign(), messy())
    job = supplements.keep(
        parent,
        in_memory(as_csv(corrected(rejected_rows(parent)))),
        activate=True,
        **why_late(parent.campaign),
    )
    real = supplements.receive

    def killed(*arguments, **options):
        buckets.scoring().delete(real(*arguments, **options).score_file.key)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(supplements, "receive", killed)
        with pytest.raises(Killed):
            supplements.process(job.pk)
    made = supplements.process(job.pk)
    assert made is not None
    assert buckets.scoring().sha256(made.key) == made.sha256
    assert ScoreFile.objects.count() == 2


def command(*arguments: object, said: io.StringIO | None = None) -> dict:
    out, given = io.StringIO(), [*map(str, arguments), *late_arguments(), "--json"]
    call_command("process_scores", *given, stdout=out, stderr=said or io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def test_s14_the_command_warns_of_a_second_supplement_that_lacks_the_first_ones_rows(tmp_path):
    parent, said = process_scores(make_campaign(), messy()), io.StringIO()
    path, campaign_id = tmp_path / "corrected.csv", parent.campaign.campaign_id
    rows = corrected(rejected_rows(parent))
    path.write_bytes(as_csv(rows[:3]))
    first = command(campaign_id, path, "--supplement-of", parent.pk, said=said)["score_file"]
    assert "supplements" not in said.getvalue()
    path.write_bytes(as_csv(rows[3:]))
    command(campaign_id, path, "--supplement-of", parent.pk, said=said)
    assert f"--supplement-of {first}" in said.getvalue()


def test_s14_the_command_takes_a_corrected_file(tmp_path, capsys):
    parent = process_scores(make_campaign(), messy())
    path, campaign_id = tmp_path / "corrected.csv", parent.campaign.campaign_id
    path.write_bytes(as_csv(corrected(rejected_rows(parent))))
    found = command(campaign_id, path, "--supplement-of", parent.pk)
    assert (found["supplement_of"], found["state"], found["repeated"]) == (
        parent.pk,
        "streamed",
        False,
    )
    assert found["rows_in"] == found["accepted"] + sum(found["rejected"].values())
    assert command(campaign_id, path, "--supplement-of", parent.pk)["repeated"]
    for asked, wrong in ((make_campaign().campaign_id, parent.pk), (campaign_id, 987_654)):
        with pytest.raises(SystemExit):
            command(asked, path, "--supplement-of", wrong)


@settings(
    max_examples=200 if FULL else 12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_s14_whatever_is_corrected_the_ledger_is_whole_and_nobody_accepted_is_lost(data):
    """Random messy files, random corrections."""
    Campaign.objects.update(active_score_file=None)
    spoilt = st.sampled_from(
        [{}, {"raw_local_fanscore": "no"}, {"global_user_id": ""}, {"tmemail": "", "sms": "?"}]
    )
    rows = data.draw(st.lists(st.tuples(st.integers(1, 9), spoilt), min_size=1, max_size=14))
    parent = process_scores(
        make_campaign(), score_file_bytes([score_row(n, **fields) for n, fields in rows])
    )
    if not parent.rejected:
        return
    before, rejected = scores_of(parent), rejected_rows(parent)
    cells = {
        name: st.text(max_size=8)
        for name in ("id", "tmemail", "sms", "global_user_id", "member_id")
    }
    cells["raw_local_fanscore"] = st.sampled_from(["0.3", "0.97", "1", "2", "", "'0.5"])
    edits = st.dictionaries(st.sampled_from(sorted(cells)), st.just(None)).flatmap(
        lambda names: st.fixed_dictionaries({name: cells[name] for name in names})
    )
    back = data.draw(st.lists(st.sampled_from(range(len(rejected))), min_size=1, unique=True))
    edited = [rejected[at] | data.draw(edits) for at in back]
    for row, at in zip(edited, back, strict=True):
        if row["reason"] not in ABOUT_THE_ID:
            row["global_user_id"] = rejected[at]["global_user_id"]
    if edited == [rejected[at] for at in back]:
        return  # it may be the parent itself, byte for byte
    child = supplemented(parent, as_csv(edited))
    assert (
        child.rows_in
        == parent.accepted + len(back)
        == child.accepted + sum(child.rejected_by.values())
    )
    after = scores_of(child)
    assert {fan: after[fan] for fan in before} == before
    found = supplements.outcome_of(child)
    assert found is not None
    assert (found.came_back, found.repaired) == (len(back), len(after) - len(before))
