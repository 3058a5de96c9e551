"""A service outside hears from us each minute, and its silence means that everything is dead. [O-2]"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from operations.services import watchdog


def test_o2_the_watchdog_is_called_where_it_is_set(settings):
    called: list[str] = []

    class Watchdog(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Watchdog) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        settings.WATCHDOG_URL = f"http://127.0.0.1:{server.server_port}/fairwave"
        assert watchdog.ping()
        thread.join()
    assert called == ["/fairwave"]
    assert not watchdog.ping()  # nobody listens any more, and nothing fails
    settings.WATCHDOG_URL = ""
    assert watchdog.ping()
