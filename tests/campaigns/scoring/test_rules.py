"""The rules in force: gathered from lists and options, kept as they were. [S-2, S-4]"""

from __future__ import annotations

import json

import pytest

from campaigns.errors import ListEntryInvalid, NoBlacklist, UnreadableList
from campaigns.models import ListEntry, ScoreFile
from campaigns.scoring import rules
from datalake.storage import buckets
from tests.support.campaigns import make_campaign, receive_scores, score_file_bytes, score_row

pytestmark = pytest.mark.django_db


def put(key: str, content: bytes) -> None:
    buckets.scoring().put(key, content)


def test_lists_are_those_of_the_bucket_of_all_campaigns_and_of_this_one():
    campaign, other = make_campaign(), make_campaign()
    put(rules.BLACKLIST_KEY, b"\xef\xbb\xbf# bought\r\nBucket@mail.example\r\n\r\n@bad.example\r\n")
    put(rules.WHITELIST_KEY, b"vip*@bad.example\n")
    ListEntry.objects.create(kind="blacklist", pattern="all@mail.example")
    ListEntry.objects.create(kind="blacklist", pattern="ours@mail.example", campaign=campaign)
    ListEntry.objects.create(kind="blacklist", pattern="theirs@mail.example", campaign=other)
    ListEntry.objects.create(kind="disposable", pattern="throw.example", campaign=campaign)
    found = rules.gather(campaign).email_rules
    assert found.addresses == {"bucket@mail.example", "all@mail.example", "ours@mail.example"}
    assert found.domains == {"bad.example"}
    assert found.whitelist_patterns == {"vip*@bad.example"}
    assert {"throw.example", "mailinator.com"} <= found.disposable


def test_absent_lists_are_empty():
    assert rules.gather(make_campaign()).email_rules.addresses == frozenset()


def test_without_a_blacklist_for_all_campaigns_there_is_a_warning():
    """[S-1] One of a single campaign, a whitelist, and a file of comments are none."""
    campaign = make_campaign()
    ListEntry.objects.create(kind="blacklist", pattern="ours@mail.example", campaign=campaign)
    ListEntry.objects.create(kind="whitelist", pattern="vip@mail.example")
    put(rules.BLACKLIST_KEY, b"# nobody yet\n\n")
    assert rules.warnings_of(rules.files_for(campaign)) == [rules.NO_BLACKLIST]


@pytest.mark.parametrize("line", [b"bad@mail.example", b"@bad.example", b"@*.bad.example"])
def test_a_blacklist_in_the_bucket_leaves_no_warning(line, settings):
    """[S-1]"""
    settings.REQUIRE_BLACKLIST = True
    put(rules.BLACKLIST_KEY, line)
    assert rules.warnings_of(rules.files_for(make_campaign())) == []


def test_a_list_entry_for_all_campaigns_is_a_blacklist_too(settings):
    """[S-1]"""
    settings.REQUIRE_BLACKLIST = True
    ListEntry.objects.create(kind="blacklist", pattern="all@mail.example")
    assert rules.warnings_of({}) == []


def test_a_missing_blacklist_is_refused_where_one_is_required(settings):
    """[S-1]"""
    settings.REQUIRE_BLACKLIST = True
    with pytest.raises(NoBlacklist, match=r"blacklist/emails\.txt"):
        rules.warnings_of({})


@pytest.mark.parametrize("key", [rules.BLACKLIST_KEY, rules.WHITELIST_KEY])
def test_a_list_that_is_there_and_cannot_be_read_is_an_error(key, bucket_folders):
    """[S-1] Judging without it would let in whom it keeps out."""
    campaign = make_campaign()
    put(key, b"bad@\xff\xfe.example")
    with pytest.raises(UnreadableList, match=key):
        rules.gather(campaign)
    path = bucket_folders / "scoring" / key
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(UnreadableList, match=key):
        rules.gather(campaign)


def test_a_line_that_can_match_nothing_is_named():
    put(rules.BLACKLIST_KEY, b"good@mail.example\nno address\n")
    with pytest.raises(
        ListEntryInvalid, match=r"^blacklist/emails\.txt in the scoring bucket, line 2 "
    ):
        rules.gather(make_campaign())


def test_an_entry_of_the_admin_that_can_match_nothing_is_named_apart_from_a_line_of_the_bucket():
    put(rules.WHITELIST_KEY, b"good@mail.example\n# two lines\n")
    ListEntry.objects.create(kind="whitelist", pattern="a@mail.example")
    ListEntry.objects.create(kind="whitelist", pattern="no address")
    with pytest.raises(
        ListEntryInvalid,
        match=r"^The whitelist entries on the List entries page, sorted by pattern, line 2 ",
    ):
        rules.gather(make_campaign())


@pytest.mark.parametrize(
    ("kind", "pattern"), [("blacklist", "maria@private@x.de"), ("disposable", "maria private")]
)
def test_an_error_about_a_list_quotes_no_address(kind, pattern):
    """[O-6] The refusal becomes the error of a job, and goes to Slack."""
    ListEntry.objects.create(kind=kind, pattern=pattern)
    with pytest.raises(ListEntryInvalid) as refusal:
        rules.gather(make_campaign())
    assert "private" not in str(refusal.value)


def test_a_snapshot_gives_the_same_rules_whatever_has_changed_since():
    """[S-2]"""
    campaign = make_campaign(
        home_countries=["GB", "GG", "JE", "IM"], min_score=0.4, max_fans_per_contact=3
    )
    put(rules.BLACKLIST_KEY, b"@bad.example\n")
    before = rules.gather(campaign)
    kept = json.loads(json.dumps(rules.snapshot(before)))
    put(rules.BLACKLIST_KEY, b"")
    assert rules.restore(kept) == before
    assert rules.gather(campaign) != before


def test_the_digest_speaks_of_lists_options_and_versions_and_of_nothing_else():
    """[S-10]"""
    campaign = make_campaign()
    digest = rules.digest(rules.snapshot(rules.gather(campaign)))
    assert digest == rules.digest(rules.snapshot(rules.gather(make_campaign())))
    ListEntry.objects.create(kind="blacklist", pattern="b@mail.example")
    with_entry = rules.digest(rules.snapshot(rules.gather(campaign)))
    campaign.allow_intl_phones = True
    with_option = rules.digest(rules.snapshot(rules.gather(campaign)))
    assert len({digest, with_entry, with_option}) == 3
    assert set(rules.snapshot(rules.gather(campaign))["versions"]) == {
        *rules.PACKAGES,
        "phone metadata",
    }


def test_a_blacklist_that_cannot_be_read_fails_the_file_before_anything_is_written(bucket_folders):
    """[S-1]"""
    campaign, content = make_campaign(), score_file_bytes([score_row()])
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").mkdir(parents=True)
    with pytest.raises(UnreadableList, match=r"blacklist/emails\.txt"):
        receive_scores(campaign, content)
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").rmdir()
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").write_bytes(b"bad@\xff.example")
    with pytest.raises(UnreadableList, match=r"blacklist/emails\.txt"):
        receive_scores(campaign, content)
    assert not ScoreFile.objects.exists()
