"""A server of pictures with all the troubles that a server can have."""

import threading
import time

from tests.support.bundles import picture
from tests.trainer.sources.serving import Handler

PICTURE, OTHER = (picture(number).ljust(200_000, b"\0") for number in range(2))


Answer = tuple[int, bytes, dict[str, str]]

# What is answered the first time, the second, and from then on.
ANSWERS: dict[str, list[Answer]] = {
    "/missing.jpg": [(404, b"", {})],
    "/moved.jpg": [(302, b"", {"Location": "/picture.jpg"})],
    "/loop.jpg": [(302, b"", {"Location": "/loop.jpg"})],
    "/login.jpg": [(200, b"<html>Please log in</html>".ljust(len(PICTURE)), {})],
    "/other.jpg": [(200, OTHER, {})],
    "/ill.jpg": [(503, b"", {})],
    "/recovers.jpg": [(500, b"", {}), (502, b"", {}), (200, PICTURE, {})],
    "/waits.jpg": [(429, b"", {"Retry_After": "1"}), (200, PICTURE, {})],
    "/sleeps.jpg": [(503, b"", {"Retry_After": "86400"}), (200, PICTURE, {})],
    "/short.jpg": [(200, PICTURE[:-1], {})],
    "/cut.jpg": [(200, PICTURE[:-1], {}), (200, PICTURE, {})],
}


class ShopHandler(Handler):
    """Serves pictures and troubles."""

    busy = 0
    busiest = 0
    lock = threading.Lock()
    released = threading.Event()

    def respond(self) -> None:
        name = self.path.partition("?")[0]
        if name == "/drips.jpg":
            self.answer(200, length=len(PICTURE))
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"x")
        elif name == "/stalls.jpg":
            self.answer(200, PICTURE[:100], length=len(PICTURE))
            self.server.closing.wait()
        elif name == "/held.jpg":
            self.released.wait(10)
            self.answer(200, PICTURE)
        elif name == "/counted.jpg":
            self.count()
            self.answer(200, PICTURE)
        else:
            answers = ANSWERS.get(name, [(200, PICTURE, {})])
            status, body, headers = answers[min(self.server.asked.count(self.path), len(answers)) - 1]
            self.answer(status, body, length=len(PICTURE) if status == 200 else None, **headers)

    def count(self) -> None:
        """How many are served at the same time."""
        kind = type(self)
        with self.lock:
            kind.busy += 1
            kind.busiest = max(kind.busy, kind.busiest)
        time.sleep(0.05)
        with self.lock:
            kind.busy -= 1
