"""docs/rules.md explains every rule that code, tests and documents name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.ROOT)
RULES = ROOT / "docs" / "rules.md"
FOLDERS = (
    *("fairwave", "operations", "datalake", "demand", "campaigns", "waves", "stats", "console"),
    *("sandbox", "benchmarks", "tests", "docs", "bin"),
)
READ = {".py", ".md", ".html", ".js", ".css", ".avsc", ".toml", ""}
# Families by name, so that UTF-8, SHA-256, GSM-7 and a negative number in a drawing are no rules.
RULE_ID = re.compile(r"(?<![\w-])(?:BR-\d+|REQ-\d+|[CSKWNTLDOX]-\d+)(?![\w-])(?!\.\d)")


def test_every_rule_that_is_named_anywhere_is_explained():
    explained = set(_headings())
    unknown: dict[str, set[str]] = defaultdict(set)
    for path in _texts():
        for rule in RULE_ID.findall(path.read_text(encoding="utf-8")):
            if rule not in explained:
                unknown[rule].add(str(path.relative_to(ROOT)))
    assert not unknown, f"docs/rules.md has no heading for {dict(unknown)}"


def test_every_rule_is_explained_once_in_the_order_of_its_number():
    headings = _headings()
    assert [rule for rule, times in Counter(headings).items() if times > 1] == []
    families: dict[str, list[int]] = defaultdict(list)
    for rule in headings:
        family, _, number = rule.partition("-")
        families[family].append(int(number))
    for family, numbers in families.items():
        assert numbers == list(range(1, len(numbers) + 1)), family


def test_an_explanation_stands_under_each_heading():
    parts = re.split(r"^### ", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    empty = [
        part.split("\n")[0] for part in parts if not re.sub(r"^.*\n", "", part, count=1).strip()
    ]
    assert empty == []


def test_names_that_look_like_rules_are_none():
    assert RULE_ID.findall("UTF-8 SHA-256 ISO-8601 GSM-7 PROD-456 M C-1.5 x S-8-draft") == []
    assert RULE_ID.findall("[S-8, BR-014 … BR-017] K-1–K-6.") == [
        *("S-8", "BR-014", "BR-017"),
        *("K-1", "K-6"),
    ]


def _headings() -> list[str]:
    return re.findall(r"^### (\S+)$", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _texts() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    beside = [path for pattern in ("*.md", "*.toml", ".env.example") for path in ROOT.glob(pattern)]
    return [path for path in inside + beside if path.is_file() and path.suffix in READ]
