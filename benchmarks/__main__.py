"""Run the benchmarks that are named, or all."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from benchmarks.figures import Bound, Figure

NAMES = (
    "phones",
    "registrations",
    "scoring",
    "suspicious",
    "codes",
    "selecting",
    "waves",
    "proving",
    "sending",
    "emailing",
    "paced",
    "merging",
    "kinesis",
    "querying",
    "demand",
    "redaction",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description="Each stage beside its limit and its peer."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (all)")
    parser.add_argument(
        "--rows", type=int, default=None, help="how many rows (each stage has its own default)"
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=1,
        metavar="N",
        help="run each so often and show the middle of each figure (1)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the figures as one JSON object on the last line"
    )
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    set_up()
    figures: list[Figure | Bound] = []
    for name in options.names or NAMES:
        print(f"── {name}", file=sys.stderr, flush=True)
        for figure in middle_figures(name, options.rows, options.repeat):
            figures.append(figure)
            print("\n".join(figure.lines()), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"figures": [figure.as_json() for figure in figures]}))
    return 0 if all(figure.holds is not False for figure in figures) else 1


def middle_figures(name: str, rows: int | None, repeat: int) -> list[Figure | Bound]:
    """The figures of a benchmark; of several runs, each figure's middle one."""
    run: Callable[[int | None], Sequence[Figure | Bound]] = import_module(f"benchmarks.{name}").run
    runs = []
    for _ in range(repeat):
        empty_database()
        runs.append(run(rows))
    return [
        sorted(same, key=lambda figure: figure.measured)[len(same) // 2]
        for same in zip(*runs, strict=True)
    ]


def set_up() -> None:
    """A database of its own, whose loss is none."""
    from fairwave import embedded, env

    if url := env.text("DATABASE_URL"):
        if not url.split("?")[0].endswith("_bench"):
            sys.exit(
                "DATABASE_URL: the benchmarks empty their database, so its name must end with"
                " _bench."
            )
    else:
        embedded.share(env.data_folder())
    os.environ |= {"DJANGO_SETTINGS_MODULE": "fairwave.settings", "LOG_LEVEL": "ERROR"}
    import django

    django.setup()


def empty_database() -> None:
    """Each benchmark begins with nothing, so that their order changes no figure."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
