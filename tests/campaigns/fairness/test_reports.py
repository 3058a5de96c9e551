"""The report of a score file is counted by the database as by hand, kept with the file, and made as
a job of its own. [X-3]
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import call_command

from campaigns.errors import NotDrawn
from campaigns.fairness import reports
from campaigns.fairness.groups import BINS, FIRST_BIN
from campaigns.models import Campaign, FanScore, Market, Registrant, ScoreFile
from operations.models import Alert, Job
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
    score_file_bytes,
    score_row,
)

pytestmark = pytest.mark.django_db(transaction=True)
FANS = 900
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


@functools.cache
def fan(number: int) -> dict[str, str]:
    domain = ("gmail.com", "mail.example", f"own{number}.example")[(number % 7) // 3]
    rng = np.random.default_rng(number)
    score = (
        f"{rng.choice([rng.uniform(0.95, 1), rng.uniform(0.8, 0.95), rng.uniform(0.22, 0.8)]):.3f}"
    )
    country = ("US", "CA", "", "Atlantis")[number % 4]
    return score_row(
        number, tmemail=f"fan{number}@{domain}", raw_local_fanscore=score, country_code=country
    )


def processed(capacity: int = 100, fans: int = FANS) -> ScoreFile:
    """Every third fan never registered; a row in fifty is rejected."""
    # by name: luck depends on it
    campaign = make_campaign("judged", markets=["west"], home_countries=["US", "CA"])
    Market.objects.filter(campaign=campaign).update(capacity=capacity)
    registered = [number for number in range(1, fans + 1) if number % 3]
    moment = {number: (BEGIN + timedelta(minutes=11 * number)).isoformat() for number in registered}
    import_registrations(
        campaign,
        (
            registration_row(n, registered_at=moment[n], market_preferences="west")
            for n in registered
        ),
    )
    rows = [
        fan(n) | ({"raw_local_fanscore": "none"} if n % 50 == 0 else {}) for n in range(1, fans + 1)
    ]
    return process_scores(campaign, score_file_bytes(rows))


def by_hand(score_file: ScoreFile) -> list[FanScore]:
    return list(FanScore.objects.filter(score_file=score_file).order_by("-band_score", "-luck"))


def groups_in(report, by: str) -> dict[str, tuple[int, int]]:
    return {
        one["name"]: (one["fans"], one["selected"]) for one in report["groups"] if one["by"] == by
    }


def test_x3_the_database_counts_as_a_plain_reading_does():
    score_file = processed()
    report = reports.make(score_file)
    order = by_hand(score_file)
    chosen = {row.global_user_id for row in order[:100]}

    def domain(row: FanScore) -> str:
        name = row.email.partition("@")[2]
        return name if not name.startswith("own") else "others"

    def counted(name_of) -> dict[str, tuple[int, int]]:
        fans = Counter(name_of(row) for row in order)
        selected = Counter(name_of(row) for row in order if row.global_user_id in chosen)
        return {name: (fans[name], selected[name]) for name in fans}

    assert groups_in(report, "domain") == counted(domain)
    assert groups_in(report, "country") == counted(
        lambda row: row.country if len(row.country) == 2 else "no country"
    )
    u = {row.global_user_id: ((row.luck + 2**63) >> 11) / 2**53 for row in order}
    for test in report["luck"]:
        own = [u[row.global_user_id] for row in order if test["band"] in ("all", row.band)]
        assert test["cells"] == np.histogram(own, bins=32, range=(0, 1))[0].tolist()
    for name, bins in (("raw_score", report["raw_scores"]), ("band_score", report["band_scores"])):
        assert bins == [
            sum(min(int(getattr(row, name) * 100 + 1e-9), 99) == FIRST_BIN + at for row in order)
            for at in range(BINS)
        ]


@pytest.mark.parametrize("by", ["domain", "country", "position", "time"])
def test_x3_the_groups_of_each_kind_hold_every_fan_once(by):
    score_file = processed(fans=300)
    groups = groups_in(reports.make(score_file), by)
    assert sum(fans for fans, _ in groups.values()) == score_file.accepted
    assert sum(selected for _, selected in groups.values()) == 100


def test_x3_who_registered_is_parted_by_time_and_who_did_not_stands_apart():
    score_file = processed()
    groups = groups_in(reports.make(score_file), "time")
    missing = score_file.accepted - sum(
        row.global_user_id in _registered(score_file.campaign) for row in by_hand(score_file)
    )
    assert groups.pop("not registered")[0] == missing
    assert len(groups) == 20
    assert next(iter(groups)).startswith("5 Jan, 00:00 – ")


def _registered(campaign: Campaign) -> set[str]:
    return set(
        Registrant.objects.filter(campaign=campaign).values_list("global_user_id", flat=True)
    )


def test_x3_lines_are_parted_into_twenty():
    groups = groups_in(reports.make(processed()), "position")
    assert list(groups)[:2] == ["2–46", "47–91"]
    assert list(groups)[-1] == "857–901"


def test_x3_a_domain_that_could_name_a_person_is_among_the_others():
    report = reports.make(processed())
    assert "own" not in json.dumps(report)


def test_x3_the_report_is_kept_with_the_file_and_the_same_however_often():
    score_file = processed(fans=200)
    first = reports.run(reports.open_job(score_file, by=None).pk)
    second = reports.run(reports.open_job(score_file, by=None).pk)
    score_file.refresh_from_db()
    assert score_file.fairness == first == second
    assert Job.objects.filter(kind="fairness", state="done").count() == 2


def test_x3_a_file_that_is_not_drawn_has_no_report():
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1)]))
    with pytest.raises(NotDrawn, match="once it is streamed"):
        reports.open_job(score_file, by=None)
    assert reports.without_report() == []


def test_x3_a_red_report_goes_to_slack_and_names_nobody():
    """As if the luckiest half had been thrown away before the draw: the rows are swapped for bent
    ones.
    """
    score_file = processed(fans=700)
    kept = [row.global_user_id for row in by_hand(score_file) if row.luck > 0]
    rows = [fan(int(name.removeprefix("fan-"))) for name in kept]
    bent = process_scores(score_file.campaign, score_file_bytes(rows))
    report = reports.run(reports.open_job(bent, by=None).pk)
    assert report["verdict"] == "look"
    alert = Alert.objects.filter(text__contains="Fairness report").get()
    assert "Never repeat the draw" in alert.text


def test_x3_the_command_makes_and_prints_the_report(capsys):
    score_file = processed(fans=200)
    call_command("fairness_report", str(score_file.pk), "--json")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["score_file"], result["places"], result["places_by"]) == (
        score_file.pk,
        100,
        "capacity",
    )
    assert [test["band"] for test in result["luck"]] == ["all", "high", "mid", "low"]
    assert result["look_at"] == []
    call_command("fairness_report", str(score_file.pk))
    first = capsys.readouterr().out.splitlines()[0]
    assert first.split(maxsplit=1) == ["says", result["says"]]


def test_x3_the_command_refuses_an_unknown_file_in_one_line(capsys):
    with pytest.raises(SystemExit):
        call_command("fairness_report", "987654", "--json")
    assert json.loads(capsys.readouterr().out)["error"] == "Score file 987654 does not exist."


def test_x3_a_file_without_accepted_fans_is_judged_too_small():
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1, raw_local_fanscore="none")])
    )
    report = reports.make(score_file)
    assert (report["verdict"], report["groups"], sum(report["raw_scores"])) == ("none", [], 0)
