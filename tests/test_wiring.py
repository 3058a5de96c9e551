"""Guards of the wiring: what no type checker sees."""

from __future__ import annotations

import ast
import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from operations.commands import JsonCommand

ROOT = Path(settings.ROOT)
OURS = ("operations", "datalake", "demand", "campaigns", "waves", "console")
COMMANDS = sorted((name, app) for name, app in get_commands().items() if app in OURS)


@pytest.mark.parametrize(("name", "app"), COMMANDS)
def test_every_command_says_what_it_does_and_speaks_json(name, app):
    command = load_command_class(app, name)
    assert isinstance(command, JsonCommand)
    assert command.help.strip().endswith(".")


def test_only_tasks_commands_and_pages_enqueue():
    """A shell never enqueues: tasks.py alone says which stage follows which. [O-6]"""
    ringers = {
        str(path.relative_to(ROOT))
        for app in OURS
        for path in (ROOT / app).rglob("*.py")
        if {"django_q.tasks", "operations.tasks"} & _imported(path)
    }
    allowed = {f"{app}/{name}.py" for app in OURS for name in ("tasks", "apps")}
    rim = ("management", "console/pages")
    assert {
        path for path in ringers if path not in allowed and not any(part in path for part in rim)
    } == set()


def _imported(path: Path) -> set[str]:
    """Modules, and the names taken from modules, that the file imports."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    return named


def test_every_setting_the_environment_can_give_is_documented():
    documented = (ROOT / ".env.example").read_text()
    source = (ROOT / "fairwave" / "settings.py").read_text() + (
        ROOT / "fairwave" / "env.py"
    ).read_text()
    readers = {"text", "words", "switch", "whole", "choice", "address", "bucket"}
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {
        call.args[0].value
        for call in calls
        if call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and (getattr(call.func, "attr", "") in readers or getattr(call.func, "id", "") in readers)
    }
    own = {"FAIRWAVE_TEST_DB"}  # only for people who run several test suites at once
    assert {
        name for name in names - own if name.isupper() and f"#{name}=" not in documented
    } == set()


OUR_IMPORT = re.compile(
    r"^\s*from ((?:fairwave|operations|datalake|demand|campaigns|waves|console|sandbox|tests)[\w.]*)"
    r" import ([\w, ]+)$",
    re.MULTILINE,
)


def test_what_programs_inside_strings_import_is_there():
    """A benchmark's worker, say, is a text: no type checker and no rename follows its imports."""
    strings = (
        (path, node.value)
        for folder in (*OURS, "fairwave", "sandbox", "benchmarks", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    wanted = {
        (str(path.relative_to(ROOT)), module, name.split()[0])
        for path, text in strings
        for module, names in OUR_IMPORT.findall(text)
        for name in names.split(",")
    }
    assert wanted
    for path, module, name in wanted:
        found = importlib.import_module(module)
        assert hasattr(found, name) or find_spec(f"{module}.{name}"), f"{path}: {module}.{name}"
