"""`python -m tests.browser.contact_sheet FOLDER`: pictures of every page of the site, wide and
narrow, light and dark, and a contact sheet of each view.

Run `bin/demo` before, on the same FAIRWAVE_DATA. Links are followed from the home page: one page of
each address pattern. Pages that answer with an error, scroll sideways or make the browser complain
are printed, and make it end with 1.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import Browser, Error, Page, Response, sync_playwright
from playwright.sync_api import TimeoutError as StillLoading

from fairwave import embedded, env

# A page takes the one without windows less than half the processor's time: the others draw their
# own surface, too.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
HEIGHTS = {1280: 900, 390: 844}
THUMBS = {1280: (320, 360, 12), 390: (150, 480, 20)}  # width, at most this high, in a row
QUALITY = 0.5
PATIENCE = 8_000  # milliseconds
LOADS = 3  # of a page by itself, while something is done with it
NOT_FOLLOWED = re.compile(r"logout|download|\.json|\.zip|/history/|/r/|jsi18n|/live/")
# Draws the pictures in rows below their captions, and returns the sheet as WebP.
DRAW = """async ({pictures, width, high, columns, quality}) => {
  const rows = Math.ceil(pictures.length / columns), line = high + 20;
  const canvas = document.createElement("canvas");
  canvas.width = columns * (width + 8); canvas.height = rows * line;
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#777"; brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.font = "11px sans-serif"; brush.fillStyle = "white";
  for (const [number, {caption, data}] of pictures.entries()) {
    const x = (number % columns) * (width + 8) + 4, y = Math.floor(number / columns) * line;
    const image = new Image(); image.src = "data:image/png;base64," + data; await image.decode();
    const shown = Math.min(image.height, image.width * high / width);
    brush.drawImage(image, 0, 0, image.width, shown, x, y + 16, width, shown * width / image.width);
    brush.fillText(caption, x, y + 12, width);
  }
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""

Windows = dict[tuple[int, str], Page]


@dataclass
class Walk:
    """One browser window for each view of somebody; `complaints` says what is wrong, where."""

    address: str
    folder: Path
    browser: Browser
    captions: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def windows(self, session: str = "") -> Windows:
        """A window for each view, signed in where there is a session's key."""
        return {view: self.window(*view, session) for view in VIEWS}

    def window(self, width: int, scheme: Any, session: str) -> Page:
        size = {"width": width, "height": HEIGHTS[width]}
        context = self.browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        if session:
            cookie = {"name": "sessionid", "value": session, "url": self.address}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.on("console", lambda m: self._hear(page, m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self._hear(page, str(error)))
        return page

    def _hear(self, page: Page, what: str) -> None:
        if "the server responded with a status of" not in what:
            self.complaints.append(f"{urlparse(page.url).path}: {what}")

    def take(
        self,
        windows: Windows,
        caption: str,
        path: str,
        *,
        status: int = 200,
        then: Callable[[Page], object] = lambda page: None,
    ) -> list[str]:
        """Pictures of one page in each view, after something was done `then`. Returns the paths
        that its links lead to.
        """
        for (width, scheme), page in windows.items():
            response = when_it_stays(page, partial(page.goto, self.address + path))
            then(page)
            settle(page)
            self._check(response, f"{caption} at {width}", page, status)
            file = self._file(caption, width, scheme)
            when_it_stays(page, partial(page.screenshot, path=file, full_page=True))
        self.captions.append(caption)
        return _links(page)

    def _check(self, response: Response | None, where: str, page: Page, status: int) -> None:
        if response is None or response.status != status:
            self.complaints.append(f"{where}: answers {response and response.status}")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
        if when_it_stays(page, partial(page.evaluate, wide)):
            self.complaints.append(f"{where}: scrolls sideways")

    def _file(self, caption: str, width: int, scheme: str) -> Path:
        name = re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")
        return self.folder / f"{name}.{width}.{scheme}.png"

    def sheets(self) -> Iterator[Path]:
        """A contact sheet of each view."""
        page = self.browser.new_page()
        for width, scheme in VIEWS:
            pictures = [
                {"caption": each, "data": base64.b64encode(file.read_bytes()).decode()}
                for each in self.captions
                if (file := self._file(each, width, scheme))
            ]
            thumb, high, columns = THUMBS[width]
            data = page.evaluate(
                DRAW,
                {
                    "pictures": pictures,
                    "width": thumb,
                    "high": high,
                    "columns": columns,
                    "quality": QUALITY,
                },
            )
            sheet = self.folder / f"pages-{width}-{scheme}.webp"
            sheet.write_bytes(base64.b64decode(data))
            yield sheet


def when_it_stays(page: Page, do: Callable[[], Any]) -> Any:
    """A live page that was shown before may load itself again just now: then once more. One that
    never stays is a fault of the page, and raises what the browser says.
    """
    for _ in range(LOADS):
        with suppress(Error):
            return do()
        settle(page)
    return do()


def settle(page: Page) -> None:
    """Until nothing is loading. On a slow machine a live page, which asks every few seconds, is
    never done: then after a while.
    """
    with suppress(StillLoading):
        page.wait_for_load_state("networkidle", timeout=PATIENCE)


def _links(page: Page) -> list[str]:
    """Where the page leads."""
    paths = "all => all.map(a => new URL(a.href).pathname)"
    found: list[str] = when_it_stays(page, partial(page.eval_on_selector_all, "a[href]", paths))
    return found


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    address = start_site()
    from tests.browser import every_state

    scene = every_state.build()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        walk = Walk(address, folder, browser)
        strangers(walk, scene)
        operators(walk, scene)
        by_links(walk, scene)
        for sheet in walk.sheets():
            print(sheet, f"{sheet.stat().st_size:,} bytes")  # noqa: T201
        browser.close()
    print(f"{len(walk.captions)} pages", *walk.complaints, sep="\n", flush=True)  # noqa: T201
    return 1 if walk.complaints else 0


def chromium() -> str | None:
    """Where Chromium is on this machine, if it is."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def start_site() -> str:
    """The site in a thread of this process, on the data of FAIRWAVE_DATA. Returns its address."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "fairwave.settings", "LOG_LEVEL": "ERROR"}
    # the scene is built in the thread that may hold playwright's loop
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    if not env.text("DATABASE_URL"):
        embedded.share(env.data_folder())
    import django
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.http import HttpResponse
    from django.urls import path as url

    from fairwave import urls
    from fairwave.wsgi import application

    def fault(request: object) -> HttpResponse:
        raise RuntimeError

    class Quiet(WSGIRequestHandler):
        def log_message(self, *values: Any) -> None:
            """Nothing."""

    urls.urlpatterns.insert(0, url("admin/fault/", fault))
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def strangers(walk: Walk, scene: Any) -> None:
    """What somebody sees who is not signed in, or has no role."""
    windows = walk.windows()
    walk.take(windows, "sign-in", "/admin/login/")
    walk.take(windows, "sign-in: locked out", "/admin/login/", then=_fail_to_sign_in)
    walk.take(windows, "choose a password", scene.set_password)
    walk.take(windows, "not found, to a stranger", "/no-such-page", status=404)
    for caption, path in scene.draws.items():
        walk.take(windows, caption, path)
    windows = walk.windows(session_of(scene.without_role))
    walk.take(windows, "no role", "/admin/", status=403)


def _fail_to_sign_in(page: Page) -> None:
    for _ in range(12):
        page.fill("#id_username", "somebody")
        page.fill("#id_password", "wrong")
        page.press("#id_password", "Enter")
        page.wait_for_load_state()


def operators(walk: Walk, scene: Any) -> None:
    """Pages in their states, and errors inside the site."""
    windows = walk.windows(session_of(scene.administrator))
    for caption, path in scene.pages.items():
        walk.take(windows, caption, path)
    invited = scene.pages["user: invited"]
    walk.take(windows, "link to choose a password", invited, then=_send_link)
    walk.take(windows, "not found", "/admin/score-file/999999/", status=404)
    walk.take(windows, "not a page", "/admin/stop-all/", status=405)
    walk.take(windows, "a fault", "/admin/fault/", status=500)
    walk.take(windows, "find a fan: found", "/admin/find/", then=lambda page: _find(page, scene))


def _send_link(page: Page) -> None:
    page.click("text=Send the invitation again")
    page.wait_for_load_state()


def _find(page: Page, scene: Any) -> None:
    page.fill("#id_fan", scene.fan)
    page.fill("#id_reason", "a question by phone")
    page.press("#id_reason", "Enter")
    page.wait_for_load_state()


def by_links(walk: Walk, scene: Any) -> None:
    """One page of each address pattern that links lead to, from the home page."""
    from django.urls import Resolver404, resolve

    windows = walk.windows(session_of(scene.administrator))
    waiting, seen = ["/admin/"], {resolve(path).route for path in scene.pages.values()}
    for path in waiting:
        try:
            route = resolve(path).route
        except Resolver404:
            continue
        if route in seen or NOT_FOLLOWED.search(path):
            continue
        seen.add(route)
        if not _is_download(windows[VIEWS[0]], walk.address + path):
            waiting += walk.take(windows, _caption(route), path)


def _is_download(page: Page, address: str) -> bool:
    return "attachment" in page.request.get(address).headers.get("content-disposition", "")


def _caption(route: str) -> str:
    """`waves/code/…/change` for `admin/waves/code/<path:object_id>/change/`."""
    return re.sub(r"\(?\??P?<[^>]+>", "…", route.removeprefix("admin/")).strip("/^$") or "home"


def session_of(user: Any) -> str:
    """The key of a session in which this person is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


if __name__ == "__main__":
    sys.exit(main())
