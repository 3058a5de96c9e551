"""The life of a code, step by step. [X-10]"""

from __future__ import annotations

import io

import pytest

from datalake import save
from datalake.layout import parse_period
from datalake.merging import merge
from tests.support.database import kept
from tests.support.waves import NOTIFY, NOW, campaign_with, person, request
from waves.actions import cancel
from waves.codes import imports
from waves.codes.custody import custody, find, steps
from waves.errors import UnknownCode
from waves.models import Code, Send
from waves.preparation.prepare import prepare
from waves.sending import new_messages
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db(transaction=True)


def names(code: Code) -> list[str]:
    return [step.name for step in steps(find(code.code))]


def facts(code: Code, name: str) -> dict:
    (found,) = (step for step in custody(find(code.code))["custody"] if step["step"] == name)
    return found


def test_a_code_is_found_whatever_its_case_and_a_placeholder_is_none():
    """K-1, K-3"""
    wave = prepare(request(campaign_with(2)), by=person("ann"), now=NOW).wave
    code = Code.objects.filter(wave=wave).first()
    found = custody(find(f" {code.code.lower()} "))
    assert (found["code"], found["wave"], found["state"]) == (code.code, wave.name, "reserved")
    for no_code in ("NOSUCHCODE", "TM"):
        with pytest.raises(UnknownCode):
            find(no_code)


def test_an_own_code_was_made_for_its_wave_by_who_prepared_it():
    wave = prepare(request(campaign_with(2)), by=person("ann"), now=NOW).wave
    code = Code.objects.filter(wave=wave).first()
    made, reserved = custody(find(code.code))["custody"]
    assert (made["step"], made["by"], made["wave"]) == ("made", "ann", wave.name)
    assert (reserved["step"], reserved["by"]) == ("reserved", "ann")
    assert reserved["global_user_id"] == code.global_user_id


def test_a_code_that_serves_a_second_wave_still_says_which_one_it_was_made_for():
    campaign = campaign_with(8, {"west": 2})
    first = prepare(request(campaign), by=person("ann"), now=NOW).wave
    cancel(first, by=person("ann"), reason="rain")
    later = request(campaign, "20260121-2")
    second = prepare(later, by=person("bob"), now=NOW).wave
    code = Code.objects.filter(wave=second).first()
    assert facts(code, "made")["wave"] == first.name
    assert (facts(code, "reserved")["wave"], facts(code, "reserved")["by"]) == (second.name, "bob")


def test_an_imported_code_names_who_imported_it_its_source_file_and_line():
    campaign = campaign_with(2)
    content = io.BytesIO(b"code\nAAA1\nBBB1\n")
    found = imports.receive(
        campaign, "codes.csv", content, origin="Partner", market_id="west", by=person("ann")
    )
    imports.process(imports.open_job(found, by=person("ann")).pk)
    code = Code.objects.get(code="BBB1")
    assert names(code) == ["imported"]
    step = facts(code, "imported")
    assert (step["by"], step["source"], step["file"], step["line"]) == (
        *("ann", "Partner", "codes.csv"),
        3,
    )
    assert custody(find("bbb1"))["only_market"] == "west"


def test_a_code_of_the_code_service_was_received():
    campaign = campaign_with(2)
    code = Code.objects.create(
        campaign=campaign, code="SERVICE1", source="partner", origin="code service"
    )
    assert facts(code, "received")["source"] == "code service"


def test_after_the_trigger_it_says_who_sent_it_where_its_record_is_and_each_message():
    wave = kept.scheduled()
    trigger(wave, by=person("bob"), now=NOTIFY)
    new_messages.make_sends(wave)
    code = Code.objects.filter(wave=wave).first()
    assert names(code) == ["made", "reserved", "assigned", "published", "sent", "sent"]
    assert facts(code, "assigned")["by"] == "bob"
    assert facts(code, "published")["position"] == 1
    assert {send.channel for send in Send.objects.filter(wave=wave)} == {"sms", "email"}


def test_its_record_is_found_in_the_lake_also_after_a_merge():
    """L-4"""
    wave = kept.scheduled()
    trigger(wave, by=None, now=NOTIFY)
    code = Code.objects.filter(wave=wave).first()
    save.save("input")
    loose = facts(code, "archived")["lake_file"]
    assert loose.startswith("avro/codeAssignment")
    merge.merge_period("codeAssignment", parse_period("2026-01-21"))
    assert facts(code, "archived")["lake_file"] != loose
