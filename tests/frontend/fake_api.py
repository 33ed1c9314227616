"""A tiny real HTTP server in the API's place: it gives fake answers and remembers the requests that it got."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

TALL_PNG = bytes.fromhex(  # two red pixels, one above the other
    "89504e470d0a1a0a0000000d494844520000000100000002080200000016e32170"
    "0000000e49444154789c63386060c000c4000a28024102f9fadc0000000049454e44ae426082"
)


CURSOR = "WyJkZW1vIl0"
CREATED = "2026-11-24T18:05:42.000001Z"


@dataclass(frozen=True)
class Reply:
    """One fake answer. `raw` is sent in place of any HTTP; `hangs` sends nothing until the test is over."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hangs: bool = False


@dataclass(frozen=True)
class ReceivedRequest:
    """One request, as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): cast("bytes", part.get_payload(decode=True))
            for part in message.iter_parts()
        }


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), headers=headers)


def problem(status: int, title: str = "Refused", detail: str = "", code: str = "some_code", **headers: str) -> Reply:
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return as_json(body | {"request_id": "request-7"}, status, **headers)


def item(item_id: str, **changes: Any) -> dict[str, Any]:
    known = {"label": "Tall bottle", "attributes": {"shape": "bottle", "price": 3.5}, "width": 300, "height": 400}
    return {"id": item_id, "media_type": "image/jpeg", "created": CREATED} | known | changes


def hit(item_id: str, rank: int = 1, **changes: Any) -> dict[str, Any]:
    scores = {"cosine": 0.91, "euclidean": 0.42, "cluster": 7}
    known = {"label": "Round jug", "attributes": {"shape": "jug", "glazed": True, "age": None}}
    return {"id": item_id, "rank": rank, "width": 300, "height": 400, "created": CREATED} | known | scores | changes


def matches(*hits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = {"bundle": "20261122-demo", "metric": "cosine", "exact": True, "items": 1200, "query": None}
    answer |= {"clusters_opened": 12, "clusters_total": 139}
    answer |= {"total": 1200, "offset": 0, "link": f"/search?k=20&cursor={CURSOR}", "next_cursor": None}
    answer |= {"milliseconds": {"decode": 3.1, "encode": 7.2, "search": 0.6, "total": 11.4}}
    return answer | {"hits": list(hits)} | changes


class FakeApi:
    """`replies` maps "METHOD /path", of an item "METHOD /item?id=ID", to what is answered.

    What it does not know is answered by `fallback`.
    """

    def __init__(self) -> None:
        self.over = threading.Event()
        self.requests: list[ReceivedRequest] = []
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # so that closing waits for them: no thread outlives its test
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self) -> None:
        """Everything is well again: a catalogue of three pictures that all look alike."""
        self.requests.clear()
        picture = Reply(body=TALL_PNG, media_type="image/png", headers={"ETag": '"red"'})
        self.fallback: Callable[[ReceivedRequest], Reply] = lambda request: (
            picture if request.target.partition("?")[0].endswith(("/thumbnail", "/image")) else problem(404)
        )
        ids = ("one", "two", "three")
        self.replies: dict[str, Reply] = {f"GET /item?id={name}": as_json(item(name)) for name in ids}
        self.replies["GET /items"] = as_json({"items": [item(name) for name in ids], "total": 1200})
        result = as_json(matches(*(hit(name, n) for n, name in enumerate(ids, start=1))))
        self.replies |= {"POST /search": result, "GET /search": result}
        self.replies["POST /faces"] = problem(422, code="unsupported_by_model")

    def everything(self, reply: Reply) -> None:
        """Give this answer to every request."""
        self.replies.clear()
        self.fallback = lambda _: reply

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = ReceivedRequest(self.command, self.path, dict(self.headers), body)
                fake.requests.append(request)
                path = urlsplit(self.path).path
                key = f"{self.command} {self.path if path == '/item' else path}"
                self.send(fake.replies.get(key) or fake.fallback(request))

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

            def send(self, reply: Reply) -> None:
                if reply.hangs:
                    fake.over.wait()
                elif reply.raw is not None:
                    self.wfile.write(reply.raw)
                else:
                    self.send_response(reply.status)
                    length = {"Content-Type": reply.media_type, "Content-Length": str(len(reply.body))}
                    for name, value in (length | reply.headers).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Tests read `requests`, nobody reads a log."""

        return Handler
