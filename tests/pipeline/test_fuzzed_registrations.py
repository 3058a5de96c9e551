"""Whatever the bytes of registration files are: every line has one outcome, and fans and published
records are what the rules read line by line make of them. [C-4, C-5]
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from random import Random

import pytest

from campaigns.models import Campaign, Registrant, RegistrationImport
from datalake import streams
from datalake.choices import StreamName
from datalake.streams.batches import unpack_records
from operations import instants
from tests.campaigns.contacts import email_samples, phone_samples
from tests.campaigns.registrations.plain_registrations import (
    COLUMNS,
    PlainImport,
    rows_of,
)
from tests.campaigns.registrations.registration_cases import process, receive
from tests.campaigns.scoring.plain_scores import PlainJudge
from tests.pipeline.test_fuzzed_scores import LISTS, OPTIONS, campaign_with_lists
from tests.support.score_files import read

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
SEEDS = range(200, 240) if FULL else range(200, 203)
ROWS = 4_000 if FULL else 500
FILES = 3  # of one campaign, one after the other
OPENS, CLOSES = "2026-01-02T00:00:00+00:00", "2026-01-20T00:00:00+00:00"
IDS = [
    "f1",
    "\u200bf1 ",
    "",
    " ",
    "x" * 500,
    "x" * 501,
    "f\x00",
    "é",
    "\ufefff2",
    '"',
    "a,b",
    "\\N",
]
DATES = [
    *("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.5+02:00", "2026-01-05T10:00:00.123456-23:59"),
    *("2026-01-05T10:00:00,123456789Z", "2026-01-05 10:00:00Z", "20260105T100000Z", "2026-01-05"),
    *("2026-W02-1T10:00:00Z", "2026-01-05T10Z", "2026-01-05T10:00+0130", "2026-01-05T10:00:60Z"),
    *("2026-01-05T24:00:00Z", "2026-02-30T10:00:00Z", "2026-13-05T10:00:00Z", "yesterday", ""),
    *("2026-01-05T10:00:00", "2026-01-05T10:00:00z", "2026-01-05T10:00:00+24:00", "0000-01-01Z"),
    *("2026-01-05T10:00:00+00:00:30", "1999-12-31T23:30:00-01:00", "2200-12-31T23:30:00-01:00"),
    *("2026-01-05T10:00:00.Z", "2026-01-05T10:00:00.1234567Z", "２026-01-05T10:00:00Z"),
    *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2026-01-05T10:00:00-00:00"),
]
WANTED = ["", "west", "west|east", " east | west|east", "atlantis", "|", "west||", "\u200bwest"]
LANGUAGES = ["", "", "en", "PT_br", "klingonese", "zh-hant", "ſe", "x" * 36]
COUNTRIES = ["US", "us", "GB", "DE", "", "XX", "Germany", "ß"]
CONFIRMED = ["true", "TRUE", "1", "yes", "no", "", "\u3000yes\u2003"]
SOUP = (b'"', b"\r", b"\t", b",", b"\xff", b"\x00", b"\x85", b"\n", b'"\n', b"\xc2\x85", b"\\")
EMAILS = [each or "" for each in email_samples.samples(7, 400)]
PHONES = [written or "" for written, _ in phone_samples.samples(7, 400)]
pytestmark = pytest.mark.django_db(transaction=True)


def line_of(dice: Random, separator: str) -> bytes:
    fields = dict.fromkeys(COLUMNS, "")
    number = dice.randrange(ROWS)
    fields["global_user_id"] = dice.choice(IDS) if dice.random() < 0.2 else f"fan-{number}"
    fields["member_id"] = f"m{dice.randrange(9)}"
    plain = dice.random() < 0.6
    address = f"fan{number % 200}@mail.example" if plain else dice.choice(EMAILS)
    fields["email"] = address
    fields["phone"] = f"+1206555{number % 999:04d}" if plain else dice.choice(PHONES)
    fields["phone_confirmed"] = dice.choice(CONFIRMED)
    fields["country_code"] = dice.choice(COUNTRIES)
    fields["language"], fields["market_preferences"] = dice.choice(LANGUAGES), dice.choice(WANTED)
    day, second = dice.randrange(1, 22), dice.randrange(60)
    usual = f"2026-01-{day:02}T10:00:{second:02}{dice.choice(['Z', '+00:00', '.250Z', '-05:30'])}"
    fields["registered_at"] = usual if dice.random() < 0.7 else dice.choice(DATES)
    fields["date_created"] = "" if dice.random() < 0.6 else dice.choice([usual, *DATES])
    if separator == "\t":
        line = "\t".join(fields.values()).encode(errors="surrogatepass")
    else:
        out = io.StringIO(newline="")
        quoting = dice.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL])
        csv.writer(out, lineterminator="", quoting=quoting).writerow(fields.values())
        line = out.getvalue().encode(errors="surrogatepass")
    if dice.random() < 0.05:
        at = dice.randrange(len(line))
        line = line[:at] + dice.choice(SOUP) + line[at + dice.randrange(3) :]
    return line + dice.choice([b"\n"] * 9 + [b"\r\n"])


def file_of(dice: Random, separator: str) -> bytes:
    head = separator.join(COLUMNS).encode() + b"\n"
    lines = b"".join(line_of(dice, separator) for _ in range(ROWS))
    return dice.choice([b"", b"\xef\xbb\xbf"]) + head + lines


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_and_every_fan_is_what_a_reading_line_by_line_makes_of_it(seed):
    """Three files of 500 lines for each of three campaigns; forty times three of 4,000 in the full
    run.
    """
    dice = Random(seed)
    campaign = campaign_with_lists(**OPTIONS[seed % len(OPTIONS)])
    window = {"registration_opens": OPENS, "registration_closes": CLOSES} if seed % 2 else {}
    Campaign.objects.filter(pk=campaign.pk).update(**window)
    bounds = {name.removeprefix("registration_"): instants.parse(at) for name, at in window.items()}
    plain = PlainImport(PlainJudge(campaign, LISTS), ["west", "east"], **bounds)
    for number in range(FILES):
        content = file_of(dice, dice.choice([",", "\t"]))
        rows = list(rows_of(content))
        expected = plain.take(rows)
        found = process(receive(campaign, content))
        check(found, rows, expected, plain, hint=f"seed {seed}, file {number}")
    assert len(found.rejected_by) >= 5, seed


def check(
    found: RegistrationImport,
    rows: list,
    expected: dict[int, str],
    plain: PlainImport,
    *,
    hint: str,
) -> None:
    """Ledger, rejected rows and their file, fans and records against the plain reading."""
    found.refresh_from_db()
    rejected = list(found.rejected_rows.order_by("line").values_list("line", "reason", "raw"))
    assert [(line, reason) for line, reason, _ in rejected] == list(expected.items()), hint
    kept = {line: raw for line, _, raw in rows}
    assert [raw for *_, raw in rejected] == [kept[line] for line in expected], hint
    assert (found.rows_in, found.rejected) == (len(rows), len(expected)), hint
    assert found.accepted == len(rows) - len(expected), hint
    assert found.rejected_by == Counter(expected.values()), hint
    assert found.tagged_by == plain.tagged, hint
    told = list(csv.reader(io.StringIO(read(found.rejected_key).decode(), newline="")))
    assert [(int(row[-2]), row[-1]) for row in told[1:]] == list(expected.items()), hint
    names = ("member_id", "email", "phone", "phone_region", "phone_confirmed", "country")
    names += ("language", "preferences", "registered_at", "changed_at")
    fans = {
        fan.global_user_id: {name: getattr(fan, name) for name in names} | {"tags": fan.tags}
        for fan in Registrant.objects.filter(campaign=found.campaign)
    }
    assert fans == {
        fan: {name: row[name] for name in names} | {"tags": "|".join(row["tags"])}
        for fan, row in plain.fans.items()
    }, hint
    assert Counter(map(str, records_of(found.campaign))) == Counter(map(str, plain.published)), hint


def records_of(campaign: Campaign) -> list[tuple]:
    batches = streams.read(StreamName.INPUT, 1, 10_000)
    records = [record for batch in batches for record in unpack_records(batch.payload)]
    names = ("globalUserId", "memberId", "marketId", "email", "phone", "tags")
    return [
        (record["date"]["created"], *(record[name] for name in names))
        for record in records
        if record["campaignId"] == campaign.campaign_id
    ]
