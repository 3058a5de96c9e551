"""`python -m tests.browser.guide_pictures FOLDER [ALL]`: the pictures of the guides. ALL names a
folder for each of these pages whole, wide and narrow, light and dark, to be looked at.

`bin/pictures` runs it, after `bin/demo` on a data folder of their own.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

import sandbox
from fairwave import env
from sandbox.presale_waves import APPROVER, PREPARER
from tests.browser import contact_sheet

WIDTH, MARGIN = 1280, 12
TEST_RECIPIENTS = "ann@band.example,+12065550100"


@dataclass(frozen=True)
class Picture:
    """One picture: what is done on its page `then`, which `part` is shown, at most how `high`."""

    name: str
    path: str
    then: Callable[[Page], object] = lambda page: None
    part: str = "#content"
    high: int = 700
    by: str = PREPARER


def pictures_of(scene: Any) -> Iterator[Picture]:
    """In the order of the guides."""
    campaign, wave = f"/admin/campaign/{scene.campaign}", "/admin/wave"
    file = f"/admin/score-file/{scene.score_file}"
    yield Picture("home", "/admin/", part="body", high=820)
    yield Picture("campaign", f"{campaign}/", high=900)
    yield Picture("registrations", f"/admin/registrations/{scene.registrations}/")
    yield Picture("upload", f"/admin/campaign/{scene.fresh}/scores/", high=620)
    yield Picture("dry-run", f"/admin/score-file/{scene.dry_run}/", part="#dry-run")
    watched = f"/admin/score-file/{scene.in_progress}/"
    yield Picture("progress", watched, _check_rows(scene.in_progress), high=360)
    yield Picture("score-file", f"{file}/")
    yield Picture("supplement", f"{file}/", part="#supplements")
    yield Picture("ranks", f"/admin/rank-file/{scene.rank_file}/", high=480)
    yield Picture("fairness", f"{file}/fairness/")
    yield Picture("draw", f"/draws/{scene.done}", part="main", high=900)
    yield Picture("new-wave", f"{campaign}/waves/new/", high=900)
    yield Picture("wave-preview", f"{campaign}/waves/new/", _preview, part=_card("Preview"))
    yield Picture("wave-plans", f"{campaign}/waves/new/", _compare, part="#what-if", high=800)
    yield Picture("wave-upload", f"{campaign}/waves/upload/", high=800)
    yield Picture("wave-uploaded", f"{wave}/{scene.uploaded}/", part=_card("Uploaded list"))
    yield Picture("wave", f"{wave}/{scene.waiting}/", high=900)
    yield Picture("wave-preflight", f"{wave}/{scene.waiting}/", part="#preflight", high=800)
    yield Picture("wave-rehearsal", f"{wave}/{scene.waiting}/", part="#rehearsal")
    yield Picture("wave-approval", f"{wave}/{scene.waiting}/", part="#approval", by=APPROVER)
    yield Picture("wave-sending", f"{wave}/{scene.sending}/", _send_more(scene.sending), high=640)
    scene.cancel(scene.waiting, scene.uploaded)  # else neither of these can follow
    yield Picture("top-up", f"{campaign}/waves/top-up/", _preview)
    yield Picture("not-selected", f"{campaign}/waves/not-selected/", _preview)
    yield Picture(
        "template",
        f"/admin/waves/template/add/?campaign={scene.campaign_pk}",
        _write,
        ".fw-editor",
        900,
    )
    yield Picture("import-codes", f"{campaign}/codes/", high=560)
    yield Picture("find-code", "/admin/find-code/", _find("code", scene.code), high=760)
    yield Picture("find-fan", "/admin/find/", _find("fan", scene.fan), high=900)
    yield Picture("check-entry", scene.entry, part="main", high=700)
    yield Picture("demand", "/admin/demand-archive/")
    yield Picture("demand-record", f"/admin/demand-archive/record/{scene.demand_record}/")
    yield Picture("demand-errors", f"/admin/demand-archive/error-file/{scene.error_file}/")


def _card(title: str) -> str:
    return f"section.fw-card:has(h2:text-is('{title}'))"


def _preview(page: Page) -> None:
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("heading", name="Preview").wait_for()


def _compare(page: Page) -> None:
    """Fewer seats, a higher minimum, and one market only, each in a plan of its own."""
    _preview(page)
    page.get_by_label("At most in US West, plan 2").fill("10")
    page.get_by_label("Minimum score, plan 3").fill("0.8")
    page.get_by_label("Selection order, plan 4").select_option("One market only")
    page.get_by_label("Single market, plan 4").select_option("Canada")
    page.get_by_role("button", name="Compare these plans").click()
    page.get_by_role("row", name="All markets").wait_for()


def _send_more(wave: str) -> Callable[[Page], None]:
    """Messages are handed over while the page looks, so that it knows a speed."""

    def then(page: Page) -> None:
        from tests.browser.guide_scene import hand_over

        hand_over(wave, 10)
        page.get_by_text(re.compile(r"[1-9]\S* per second")).first.wait_for()

    return then


def _check_rows(file: int) -> Callable[[Page], None]:
    """However long the pictures before took, its speed is that of the last seconds."""

    def then(page: Page) -> None:
        from tests.browser.guide_scene import check_rows

        check_rows(file)
        page.reload()

    return then


def _write(page: Page) -> None:
    page.get_by_label("Preview").get_by_text("1 segment").wait_for()


def _find(field: str, value: str) -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.fill(f"#id_{field}", value)
        page.fill("#id_reason", "a question by phone")
        page.press("#id_reason", "Enter")
        page.wait_for_load_state()

    return then


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/pictures")
    parser.add_argument("folder", type=Path)
    parser.add_argument("all", type=Path, nargs="?")
    options = parser.parse_args()
    data = env.data_folder()
    codes = str(data / "sandbox-codes.jsonl")
    with sandbox.running(token=env.text("SMS_TOKEN", "sandbox"), codes_file=codes) as providers:
        os.environ |= {
            "SMS_URL": providers.url,
            "CODE_SERVICE_URL": providers.url,
            "SLACK_WEBHOOK_URL": f"{providers.url}/slack/pictures",
            "TEST_RECIPIENTS": TEST_RECIPIENTS,
            "SITE_URL": "https://presale.example",
        }
        address = contact_sheet.start_site()
        from tests.browser import guide_scene

        scene = guide_scene.build(data)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=contact_sheet.chromium(), args=["--no-sandbox"]
            )
            walk = contact_sheet.Walk(address, options.all or options.folder, browser)
            take(walk, scene, options.folder, whole=options.all is not None)
            browser.close()
    print(*walk.complaints, sep="\n")  # noqa: T201
    return 1 if walk.complaints else 0


def take(walk: contact_sheet.Walk, scene: Any, folder: Path, *, whole: bool) -> None:
    """Every picture, and its page in each view if `whole`. What goes wrong with one is kept in
    `complaints`, and the others are taken.
    """
    from django.contrib.auth.models import User

    for needed in (folder, walk.folder):
        needed.mkdir(parents=True, exist_ok=True)
    sessions = {
        name: contact_sheet.session_of(User.objects.get(username=name))
        for name in (PREPARER, APPROVER)
    }
    windows = {name: walk.window(WIDTH, "light", session) for name, session in sessions.items()}
    views = {name: walk.windows(session) for name, session in sessions.items()} if whole else {}
    for picture in pictures_of(scene):
        try:
            _take(windows[picture.by], walk.address, picture, folder)
            if whole:
                walk.take(views[picture.by], picture.name, picture.path, then=picture.then)
        except Error as error:
            walk.complaints.append(f"{picture.name}: {error.message}")


def _take(page: Page, address: str, picture: Picture, folder: Path) -> None:
    page.goto(address + picture.path)
    picture.then(page)
    contact_sheet.settle(page)
    box = page.locator(picture.part).first.bounding_box()
    if box is None:
        raise Error(f"there is no {picture.part}")
    left, top = max(0, box["x"] - MARGIN), max(0, box["y"] - MARGIN)
    clip = {
        "x": left,
        "y": top,
        "width": min(WIDTH - left, box["width"] + 2 * MARGIN),
        "height": min(picture.high, box["height"] + 2 * MARGIN),
    }
    page.screenshot(path=folder / f"{picture.name}.png", clip=clip, full_page=True)


if __name__ == "__main__":
    sys.exit(main())
