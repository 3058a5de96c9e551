"""Guards of the wiring: what no type checker sees."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.db.migrations import AddIndex, RemoveIndex
from django.db.migrations.loader import MigrationLoader
from django.urls import get_resolver

from operations.commands import JsonCommand
from tests.console.test_urls import addresses
from tests.support.child import place_of

ROOT = Path(settings.ROOT)
OURS = ("operations", "datalake", "demand", "campaigns", "waves", "stats", "console")
COMMANDS = sorted((name, app) for name, app in get_commands().items() if app in OURS)


@pytest.mark.parametrize(("name", "app"), COMMANDS)
def test_every_command_says_what_it_does_and_speaks_json(name, app):
    command = load_command_class(app, name)
    assert isinstance(command, JsonCommand)
    assert command.help.strip().endswith(".")


# They change nothing, and what they show names no fan.
HARMLESS = {"preview_wave", "verify_draw"}
# Command → the page of the same act. The others have none: what they do, services and jobs do, or
# the site has a form for each part of it.
PAGES = {
    "upload_wave": "upload-wave",
    "waiting_list": "waiting-list",
    "activate_scores": "activate-score-file",
    "name_scores": "name-score-file",
    "take_late_registrations": "take-late-records",
    "approve_wave": "approve-wave",
    "archive_demand": "upload-demand",
    "cancel_wave": "cancel-wave",
    "archive_campaign": "archive-campaign",
    "close_campaign": "close-campaign",
    "consume_demand": "upload-demand",
    "consume_archive_queue": "merge-lake",
    "consume_email_queue": "trigger-wave",
    "consume_s3_events": "start-rank-file",
    "deliver_email": "trigger-wave",
    "enter_entropy": "enter-entropy",
    "fairness_report": "make-fairness",
    "fetch_entropy": "fetch-entropy",
    "find_code": "find-code",
    "import_codes": "import-codes",
    "import_registrations": "upload-registrations",
    "lake_query": "query-lake",
    "merge_avro": "merge-lake",
    "not_selected_wave": "not-selected-wave",
    "open_campaign": "open-campaign",
    "pause_wave": "pause-wave",
    "preflight_wave": "preflight-wave",
    "prepare_wave": "new-wave",
    "process_scores": "upload-scores",
    "proof_bundle": "prove-campaign",
    "rehearse_wave": "rehearse-wave",
    "replay_dead_letters": "replay-dead-letters",
    "reschedule_wave": "reschedule-wave",
    "resend": "resend",
    "reset_wave": "reset-wave",
    "resume_all": "resume-provider",
    "resume_wave": "resume-wave",
    "run_scheduler": "trigger-wave",
    "schedule_wave": "schedule-wave",
    "send_wave": "trigger-wave",
    "settle_unknown": "settle-wave",
    "stop_all": "stop-all",
    "suppress": "suppress-file",
    "top_up_wave": "top-up-wave",
    "translate_ranks": "upload-ranks",
    "undo_activation": "undo-activation",
    "unschedule_wave": "unschedule-wave",
}
WITHOUT_PAGE = {
    "consume",
    "erase_fan",
    "fan_receipt",
    "load_campaign",
    "parity",
    "prune",
    "save_stats",
    "setup_roles",
    "slack_stats",
}


@dataclass(frozen=True)
class DocumentedRight:
    """A row of the guide's table of commands."""

    permissions: tuple[str, ...]
    roles: tuple[str, ...]
    needs_person: bool


def documented_rights() -> dict[str, DocumentedRight]:
    """Command → its row in the operators' guide."""
    guide = (ROOT / "docs" / "operators-guide.md").read_text(encoding="utf-8")
    table = guide.partition("### Who may run which command")[2]
    row = r"^\| `(\w+)` \| (.+) \| (.+) \| (a person is needed|service account) \|$"
    return {
        name: DocumentedRight(
            tuple(permissions.replace("`", "").split(", ")),
            tuple(roles.split(", ")),
            without == "a person is needed",
        )
        for name, permissions, roles, without in re.findall(row, table, re.MULTILINE)
    }


def test_o5_each_command_that_changes_something_declares_its_right_and_the_guide_names_it():
    """A new command declares `permissions` of its app's rights.py, and gets its row in the guide;
    only one that changes nothing and shows no fan goes into HARMLESS. [O-5]
    """
    commands = {name: load_command_class(app, name) for name, app in COMMANDS}
    assert {name for name, each in commands.items() if not each.permissions} == HARMLESS
    declared = {
        name: (each.permissions, each.needs_person)
        for name, each in commands.items()
        if each.permissions
    }
    documented = documented_rights()
    assert {
        name: (row.permissions, row.needs_person) for name, row in documented.items()
    } == declared


def test_o5_a_command_asks_what_the_page_of_the_same_act_asks():
    """[O-5]"""
    asked = {
        pattern.name: getattr(pattern.callback, "permissions", None)
        for _, pattern in addresses(get_resolver().url_patterns)
    }
    apps = dict(COMMANDS)
    assert set(PAGES) | WITHOUT_PAGE | HARMLESS == set(apps)
    for name, page in PAGES.items():
        assert load_command_class(apps[name], name).permissions == asked[page], name


def test_only_tasks_commands_and_pages_enqueue():
    """A shell never enqueues: a tasks.py alone, of an app or of a package that is a step of its
    own, says which stage follows which. [O-6]
    """
    ringers = {
        str(path.relative_to(ROOT))
        for app in OURS
        for path in (ROOT / app).rglob("*.py")
        if {"django_q.tasks", "operations.tasks"} & _imported(path)
    }
    apps = {f"{app}/apps.py" for app in OURS}
    rim = ("/tasks.py", "management", "console/pages")
    assert {
        path for path in ringers if path not in apps and not any(part in path for part in rim)
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
    readers = {
        "text",
        "words",
        "switch",
        "whole",
        "choice",
        "address",
        "addresses",
        "bucket",
        "networks",
    }
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
    wanted = {
        (path, module, name.split()[0])
        for path, text in _strings((*OURS, "fairwave", "sandbox", "benchmarks", "tests"))
        for module, names in OUR_IMPORT.findall(text)
        for name in names.split(",")
    }
    assert wanted
    for path, module, name in wanted:
        found = importlib.import_module(module)
        assert hasattr(found, name) or find_spec(f"{module}.{name}"), f"{path}: {module}.{name}"


OUR_CALL = re.compile(r"(?:operations|datalake|demand|campaigns|waves|console)[.\w]*:[.\w]+")


def test_every_call_at_which_a_test_ends_or_holds_a_process_is_there():
    """Many are reached in the long run only, where a call that was renamed would end nothing."""
    named = {(path, text) for path, text in _strings(("tests",)) if OUR_CALL.fullmatch(text)}
    assert named
    for path, text in named:
        place, last = place_of(text)
        assert hasattr(place, last), f"{path}: {text}"


def _strings(folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """File and text of each string in the source."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield str(path.relative_to(ROOT)), node.value


def test_an_index_of_messages_or_fans_is_built_while_waves_go_on():
    """Building one otherwise holds up senders, receipts and pages for as long. [N-2]"""
    big = {"member", "registrant", "send"}
    locking = [
        f"{app}.{name}"
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in OURS and not migration.initial
        for each in migration.operations
        if type(each) in (AddIndex, RemoveIndex) and each.model_name_lower in big
    ]
    assert locking == []
