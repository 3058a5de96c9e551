"""Tests mirror the code: a module has its test where its name says, and a test's name says its
rule.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
APPS = ("campaigns", "console", "datalake", "demand", "fairwave", "operations", "stats", "waves")

# What has no test of its own: declarations, what only other modules' tests reach, and faces whose
# tests stand together in one file.
WITHOUT_LOGIC = {
    "admin",
    "apps",
    "choices",
    "errors",
    "models",
    "rights",
    "settings",
    "urls",
    "wsgi",
}
WITHOUT_TEST = {
    "fairwave.formats": "constants of a locale",
    "fairwave.guardian": "its process is started and killed by the tests of fairwave.embedded",
    "waves.management.wave_commands": "the wave commands are tested together in test_commands.py",
    "console.templatetags": "its filters are tested together in tests/console/test_templatetags.py",
}
# Tests whose names say something else than a module.
OF_NO_MODULE = {"test_admin", "test_commands", "test_models", "test_templatetags"}

MOST_FILES = 25
RULE_ID = re.compile(r"(?:br\d{3}|[a-z]\d{1,2})")
NOT_RULES = {"s3", "v1", "v2"}


def modules() -> list[str]:
    """Every module of the product that needs a test, as `app.package.module`."""
    found = []
    for app in APPS:
        for file in sorted((ROOT / app).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts)
            if (
                parts[-1] == "__init__"
                or {"migrations", "commands"} & set(parts)
                or (len(parts) == 2 and parts[1] in WITHOUT_LOGIC)
                or parts[1] == "models"
                or any(name == each or name.startswith(f"{each}.") for each in WITHOUT_TEST)
            ):
                continue
            found.append(name)
    return found


def files_of_tests() -> list[Path]:
    """Every test file of the apps, from the folder of tests."""
    return [
        file.relative_to(TESTS) for app in APPS for file in sorted((TESTS / app).rglob("test_*.py"))
    ]


def test_every_module_has_its_test_where_its_name_says():
    places = set(files_of_tests())
    missing = []
    for name in modules():
        *folders, module = name.split(".")
        place = Path(*folders) / f"test_{module}.py"
        if place not in places:
            missing.append(f"tests/{place} for {name}")
    assert missing == []


def test_every_test_of_an_app_names_a_module_a_package_or_a_command():
    astray = []
    for place in files_of_tests():
        name = place.stem.removeprefix("test_")
        folder = ROOT / place.parent
        names = [folder / f"{name}.py", folder / name / "__init__.py"]
        names.append(folder / "commands" / f"{name}.py")
        if place.stem not in OF_NO_MODULE and not any(each.is_file() for each in names):
            astray.append(f"tests/{place}")
    assert astray == []


def test_rule_ids_stand_at_the_beginning_of_a_tests_name():
    """As in `test_s8_x2_what_happens`: lower case, without a hyphen, never at the end."""
    astray = []
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            words = node.name.split("_")
            is_suffix = RULE_ID.fullmatch(words[-1]) and words[-1] not in NOT_RULES
            is_split = re.match(r"test_(?:br|[a-z])_\d+_", node.name)
            if is_suffix or is_split:
                astray.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert astray == []


def test_no_folder_of_tests_has_more_than_25_files():
    sizes = Counter(file.parent.relative_to(ROOT) for file in TESTS.rglob("*.py"))
    assert {str(folder): size for folder, size in sizes.items() if size > MOST_FILES} == {}
