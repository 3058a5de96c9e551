"""What the documents name exists: files, headings, commands, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.ROOT)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
APPS = ("operations", "datalake", "demand", "campaigns", "waves", "stats", "console")
IN_BUCKETS = {"demand/uploaded/"}  # an object's key that begins like a folder of ours
PLACEHOLDER = re.compile(r"(^|/)[A-Z]+(?=[/.]|$)")  # waves/providers/NAME/
TOPS = {*APPS, "fairwave", "sandbox", "benchmarks", "tests", "docs", "bin"}
QUOTED = re.compile(r"`([^`\n]+)`")
LINKED = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
PICTURES = ROOT / "docs" / "pictures"
PICTURED = re.compile(r"\[([^\]]*)\]\(([^)\s]+\.(?:png|svg|webp))\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)


@documents
def test_every_path_that_a_document_names_is_there(document):
    """`campaigns/draw.py`, `waves/codes/`, `waves/models/waves.py: Wave`."""
    missing = {path for path in _paths(document) if not _is_there(path)}
    assert missing - IN_BUCKETS == set()


@documents
def test_every_name_that_a_document_finds_in_a_file_is_in_it(document):
    """`campaigns/choices.py: Reason`."""
    named = re.findall(r"`(\w+/[\w/]*\.py): (\w+)`", _prose(document))
    assert [each for each in named if each[1] not in (ROOT / each[0]).read_text()] == []


@documents
def test_every_link_leads_to_a_file_and_its_heading(document):
    broken = []
    for target, anchor in LINKED.findall(_prose(document)):
        if "://" in target:
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_every_picture_is_shown_by_a_document_with_words_for_who_cannot_see_it():
    shown = {
        (document.parent / target).resolve(): words
        for document in DOCUMENTS
        for words, target in PICTURED.findall(_prose(document))
    }
    assert {*PICTURES.iterdir()} == {path for path in shown if path.parent == PICTURES}
    assert [path.name for path, words in shown.items() if not words] == []
    assert sum(path.stat().st_size for path in PICTURES.glob("*.png")) < 2_500_000


@pytest.mark.parametrize("command", sorted(n for n, app in get_commands().items() if app in APPS))
def test_every_command_is_in_the_operators_guide_or_in_deployment(command):
    guides = ("operators-guide.md", "deployment.md", "proof-of-the-draw.md")
    texts = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in guides]
    assert any(re.search(rf"\b{command}\b", text) for text in texts)


@pytest.mark.parametrize("name", ["deployment.md", "formats.md", "operators-guide.md"])
def test_every_setting_that_a_guide_names_exists(name):
    known = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[`/]", _prose(ROOT / "docs" / name)))
    assert {setting for setting in named if f"#{setting}=" not in known} == set()


@pytest.mark.parametrize("checks", ["fairwave/secret_settings.py", "waves/checks.py"])
def test_every_check_that_stops_the_start_over_a_secret_or_a_provider_is_in_deployment(checks):
    known = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    ids = re.findall(r'"((?:fairwave|waves)\.E\d+)"', (ROOT / checks).read_text(encoding="utf-8"))
    assert ids
    assert [each for each in ids if f"| {each} |" not in known] == []


def test_every_dependency_has_its_reason():
    reasons = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").lower()
    lines = [*_lines("requirements.in"), *_lines("requirements-dev.in")]
    names = [match[0].lower() for line in lines if (match := re.match(r"[\w-]+", line))]
    names = [name for name in names if name != "-r"]
    assert [name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", reasons)] == []


def _lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def _prose(document: Path) -> str:
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def _paths(document: Path) -> list[str]:
    quoted = [text.partition(":")[0].strip() for text in QUOTED.findall(_prose(document))]
    return [
        text
        for text in quoted
        if text.partition("/")[0] in TOPS
        and re.fullmatch(r"[\w./-]+/[\w./-]*", text)
        and not PLACEHOLDER.search(text)
    ]


def _is_there(path: str) -> bool:
    found = ROOT / path
    return found.is_dir() if path.endswith("/") else found.exists()


def _anchors(document: Path) -> set[str]:
    """A heading's anchor as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {text.replace(" ", "-") for text in words}
