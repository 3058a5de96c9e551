"""Every member has a code of their own. [X-6, K-1, K-3]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, person, request
from waves.choices import WaveKind
from waves.models import Code, Member
from waves.preflight.check import Color
from waves.preflight.codes import CodeFacts, code_facts, judge
from waves.preparation.prepare import prepare


def test_x6_stock_that_is_managed_elsewhere_needs_no_code():
    found = judge(CodeFacts(members=10, tm=4, without=0, own=6, ends_at=None))
    assert (found.ok, found.detail) == (
        Color.GREEN,
        "6 members with a code of their own. 4 have stock managed elsewhere (TM).",
    )


def test_x6_a_member_without_a_code_is_red():
    found = judge(CodeFacts(members=10, tm=0, without=1, own=9, ends_at=None))
    assert found.ok == Color.RED
    assert "1 member without a code" in found.detail


def test_x6_fans_who_were_not_selected_need_none():
    facts = CodeFacts(10, 0, 10, 0, None, needs_codes=False)
    assert judge(facts).ok == Color.GREEN


@pytest.mark.django_db
def test_x6_a_code_that_is_reserved_for_another_fan_is_red():
    wave = prepare(request(campaign_with(30)), by=person("ann"), now=NOW).wave
    facts = code_facts(wave)
    assert (facts.members, facts.own, facts.without, facts.tm) == (10, 10, 0, 0)
    assert facts.ends_at is not None
    one, other = Code.objects.filter(wave=wave).order_by("id")[:2]
    Member.objects.filter(wave=wave, global_user_id=one.global_user_id).update(code=other.code)
    assert "1 member with a code that is not reserved" in judge(code_facts(wave)).detail
    Member.objects.filter(wave=wave, code=other.code).update(code="TM")
    assert judge(code_facts(wave)).ok == Color.GREEN
    wave.kind = WaveKind.NOT_SELECTED
    assert not code_facts(wave).needs_codes
