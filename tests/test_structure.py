"""Guards of the structure: sizes, circles, and code that nothing uses. Who may import whom stands
in pyproject.toml and is held by import-linter.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
APPS = ("operations", "datalake", "demand", "campaigns", "waves", "stats", "console")
PRODUCT = (*APPS, "fairwave")
MOST_LINES, MANY_LINES = 500, 250
MOST_MODULES = 20
# One file by design: it must run with nothing beside it.
ALONE = {"console/proof/verify_draw.py"}
# Called by Django, by its admin, by templates, by asyncio or by a parser, under their names.
CALLED_BY_FRAMEWORKS = re.compile(
    r"clean_\w+|confirm_login_allowed|form_valid|lookups|password_change|set_password_and_save|process_view|_set_content_type_params|get_\w+|has_\w+|save_\w+|lookup_allowed|response_\w+"
    r"|redirect_request|db_type|from_db_value|init_instance|skip_row|process_exception|readinto|describe|on_\w+|connection_lost|\w+Config"
)


def modules(*apps: str) -> list[Path]:
    return [
        path.relative_to(ROOT)
        for app in apps
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def test_no_module_has_more_than_500_lines():
    lines = {
        str(path): len((ROOT / path).read_text().splitlines())
        for path in modules(*PRODUCT, "sandbox", "benchmarks")
    }
    many = {path for path, count in lines.items() if count > MANY_LINES} - ALONE
    if many:
        warnings.warn(f"Still about one thing each? {', '.join(sorted(many))}", stacklevel=1)
    assert {path for path, count in lines.items() if count > MOST_LINES} <= ALONE


def test_no_folder_has_more_than_20_modules():
    found = modules(*PRODUCT, "sandbox", "benchmarks")
    # Django finds an app's commands in one folder only
    folders = Counter(str(path.parent) for path in found if path.parent.name != "commands")
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Module → the modules of the product that it imports."""
    graph = grimp.build_graph(*PRODUCT)
    return {
        module: {
            name
            for name in graph.find_modules_directly_imported_by(module)
            if ".migrations" not in name
        }
        for module in sorted(graph.modules)
        if ".migrations" not in module
    }


def test_no_files_import_each_other_in_a_circle(imports):
    assert circle_in(imports) == []


def test_no_packages_import_each_other_in_a_circle(imports):
    """A package of an app is one step; two that need each other are one step in two folders."""
    packages: dict[str, set[str]] = defaultdict(set)
    for module, imported in imports.items():
        packages[package_of(module)] |= {package_of(name) for name in imported}
    alone = {name: others - {name} for name, others in packages.items()}
    assert circle_in(alone) == []


def package_of(module: str) -> str:
    """`campaigns.scoring.tables` → `campaigns.scoring`; a module at an app's root is its own."""
    return ".".join(module.split(".")[:2])


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The names along one circle of the graph, none if there is none."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := visit(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := visit(name, []))), [])


def test_a_circle_is_found_and_a_line_is_none():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert sorted(circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == ["b", "c"]


def test_nothing_is_defined_that_nothing_uses():
    """Each function, class and constant is named somewhere else in the product. Tests do not count:
    what only they call is dead.
    """
    sources = {path: (ROOT / path).read_text() for path in modules(*PRODUCT, "sandbox")}
    others = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "bin").iterdir()]
    benches = [ROOT / path for path in modules("benchmarks")]
    read = (path.read_text() for path in (*others, *benches))
    texts = (*sources.values(), *read, *imports_of_migrations())
    named = Counter(word for text in texts for word in re.findall(r"\w+", text))
    unused = {
        f"{path}: {name}"
        for path, text in sources.items()
        if str(path) != "fairwave/settings.py" and "formats/en_" not in str(path)
        for name in defined_in(text)
        if named[name] == 1 and not CALLED_BY_FRAMEWORKS.fullmatch(name)
    }
    assert unused == set()


def imports_of_migrations() -> list[str]:
    """Lines `from … import …`: in all else, migrations name columns and say nothing of the code."""
    texts = [path.read_text() for app in PRODUCT for path in (ROOT / app).glob("migrations/*.py")]
    return [line for text in texts for line in re.findall(r"^from [\w.]+ import .+$", text, re.M)]


def defined_in(text: str) -> set[str]:
    """Names of functions and classes that no decorator hands on, and of constants of the module.
    Values of a choice are left out: rows may hold them.
    """
    tree = ast.parse(text)
    names = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.decorator_list
        and not node.name.startswith("__")
    }
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and not target.id.startswith("__")
    }
    return names | constants


def test_no_row_is_written_back_whole():
    """A row that was read a moment ago is saved with `update_fields`, a new one with
    `force_insert`: what somebody else wrote meanwhile stays. [S-16]
    """
    whole = {
        f"{path}:{call.lineno}"
        for path in modules(*PRODUCT, "sandbox")
        for call in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "save"
        and not {word.arg for word in call.keywords} & {"update_fields", "force_insert", "commit"}
    }
    assert whole == set()


def test_every_module_is_imported_by_another(imports):
    """Pages are named in urls.py, commands and apps are found by Django."""
    used = set().union(*imports.values(), {line.split()[1] for line in imports_of_migrations()})
    sources = "\n".join((ROOT / path).read_text() for path in modules(*PRODUCT))
    found_by_name = re.compile(
        r".*(management\.commands\.\w+|\.apps|\.admin|\.templatetags\.\w+|\.tasks|\.urls|wsgi"
        r"|formats.*|providers\.\w+\.(client|receipts)|settings|theme|checks|guardian|verify_draw)"
    )
    packages = {
        module for module in imports if any(other.startswith(f"{module}.") for other in imports)
    }
    lonely = {
        module
        for module in set(imports) - used - packages
        if not re.search(rf'"{re.escape(module)}[."]', sources)
    }
    assert {module for module in lonely if not found_by_name.fullmatch(module)} == set()
