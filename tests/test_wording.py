"""The texts that people read are plain, and each thing has the one name of docs/wording.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils.text import capfirst

from fairwave.theme import NAVIGATION

ROOT = Path(__file__).parent.parent
WORDING = (ROOT / "docs" / "wording.md").read_text(encoding="utf-8")
NAMES_PART, WORDS_PART = WORDING.split("## Words that we do not use")
PRODUCT = (
    "campaigns",
    "console",
    "datalake",
    "demand",
    "fairwave",
    "operations",
    "sandbox",
    "stats",
    "waves",
)
# The bundle of a proof is the same bytes in every version: its script and its README keep theirs.
LEFT_AS_IT_IS = {"console/proof/verify_draw.py", "console/proof/bundle.py"}


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


FORBIDDEN = [
    re.compile(rf"\b{re.escape(words)}\b", re.IGNORECASE)
    for row in rows(WORDS_PART)
    for words in re.findall(r"`([^`]+)`", row[0])
]
# plain English that holds a forbidden piece
ALLOWED = re.compile(r"there is no\b|is no longer|is no other", re.IGNORECASE)
LISTED = {row[2] for row in rows(NAMES_PART) if row[2]}
NAMED_COMMANDS = {name for row in rows(NAMES_PART) for name in re.findall(r"`(\w+)", row[3])}


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each string of a module, docstrings and statements of SQL aside."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            parts = (part.value for part in node.values if isinstance(part, ast.Constant))
            yield node.lineno, "…".join(str(part) for part in parts)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skipped:
            continue
        if isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value


def found_in(text: str) -> list[str]:
    said = ALLOWED.sub("", text)
    return [match[0] for pattern in FORBIDDEN for match in pattern.finditer(said)]


def modules() -> list[Path]:
    return [
        path
        for app in PRODUCT
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts and str(path.relative_to(ROOT)) not in LEFT_AS_IT_IS
    ]


def test_the_tables_are_read():
    assert len(FORBIDDEN) > 30
    assert {"Home", "Waves", "Access codes", "Personal data log"} <= LISTED


@pytest.mark.parametrize(
    "sentence",
    ["Open and fix the draw", "It goes on.", "Nobody mended it: mend it", "Lives in UTC"],
)
def test_a_forbidden_word_is_found(sentence):
    assert found_in(sentence)


def test_no_text_of_the_product_has_a_word_that_we_do_not_use():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in modules()
        for line, text in texts_of(path.read_text(encoding="utf-8"))
        if (words := found_in(text))
    ]
    assert wrong == []


# a template's tags and values, and the comments of templates and scripts
CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|^\s*//.*$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "suffixes"),
    [("templates", {".html"}), ("static", {".js"}), ("docs", {".md"})],
)
def test_no_page_and_no_document_has_a_word_that_we_do_not_use(folder, suffixes):
    wrong = [
        f"{path.relative_to(ROOT)}: {words}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in suffixes and path.name != "wording.md"
        if (words := found_in(CODE.sub("", path.read_text(encoding="utf-8"))))
    ]
    assert wrong == []


def entries() -> list[dict[str, object]]:
    return [entry for group in NAVIGATION for entry in group["items"]]  # type: ignore[attr-defined]


def test_menu_entries_have_the_names_of_the_table():
    pages = {"Find a fan", "Find a code", "Find a demand record"}
    assert {str(entry["title"]) for entry in entries()} - pages <= LISTED


def test_a_list_is_titled_as_its_menu_entry():
    titles = {
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/": capfirst(
            str(model._meta.verbose_name_plural)
        )
        for model in admin.site._registry
    }
    for entry in entries():
        if (link := str(entry["link"])) in titles:
            assert titles[link] == entry["title"]


def test_the_groups_of_the_menu_are_those_of_the_breadcrumbs():
    groups = {group["title"] for group in NAVIGATION if "title" in group}
    assert groups == {"Campaigns", "Messaging", "Data", "Demand", "System", "People"}
    labels = {model._meta.app_label for model in admin.site._registry}
    for group in NAVIGATION:
        for link in (str(entry["link"]) for entry in group["items"]):  # type: ignore[attr-defined]
            label = link.removeprefix("/admin/").partition("/")[0]
            if label in labels:
                assert str(apps.get_app_config(label).verbose_name) == group["title"], link


def test_every_command_of_the_table_exists():
    there = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert there >= NAMED_COMMANDS
