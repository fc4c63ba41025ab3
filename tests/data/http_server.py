"""A server on this machine that behaves as badly as those on the net do: it cuts off, corrupts, lies, leads in circles and forgets."""

from __future__ import annotations

import gzip
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Answer: TypeAlias = "Callable[[BaseHTTPRequestHandler], None]"


@dataclass
class Server:
    """What is served under each path, and what was asked for.

    Attributes:
        url: Without a slash at the end.
        answers: By path, in their order; the last one is given again and again.
        asked: Path and headers of each request so far.
        closing: Set at the end of the test, for those who wait.
    """

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, *answers: Answer) -> str:
        """Give these answers under a path; returns its address."""
        self.answers[path] = list(answers)
        return self.url + path

    @property
    def ranges(self) -> list[str | None]:
        """The header `Range` of each request."""
        return [headers.get("Range") for _, headers in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, dict(handler.headers)))
        answers = self.answers.get(handler.path, [status(404)])
        (answers.pop(0) if len(answers) > 1 else answers[0])(handler)


@contextmanager
def running() -> Iterator[Server]:
    """A server in a thread, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = Server(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def send(handler: BaseHTTPRequestHandler, code: int, headers: Mapping[str, object], body: bytes) -> None:
    """A whole answer, after which the connection ends."""
    handler.send_response(code)
    for name, value in {**headers, "Connection": "close"}.items():
        handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


def whole(data: bytes, *, length: int | None = None, **headers: object) -> Answer:
    """All bytes, whatever range is asked for; with a length that may be a lie."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: send(handler, 200, {"Content-Length": len(data) if length is None else length, **named}, data)


def status(code: int, body: bytes = b"", **headers: object) -> Answer:
    """Nothing but a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: send(handler, code, {"Content-Length": len(body), **named}, body)


def redirect(to: str, code: int = 302) -> Answer:
    """Leads on."""
    return status(code, Location=to)


def ranges(
    data: bytes, *, etag: str | None = None, changed: str | None = None, cut: int | None = None, heeds_if_range: bool = True
) -> Answer:
    """A decent server of ranges, as RFC 9110 has it; with `cut` it drops the connection after that many bytes."""
    tags = {name: value for name, value in (("ETag", etag), ("Last-Modified", changed)) if value}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        start = int(found[1]) if found and (condition in {None, etag, changed} or not heeds_if_range) else 0
        if start >= len(data):
            return send(handler, 416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": 0}, b"")
        part = data[start:]
        place = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        return send(handler, 206 if start else 200, {"Content-Length": len(part), **place, **tags}, part[:cut])

    return answer


def chunked(data: bytes, *, cut: bool = False, **headers: object) -> Answer:
    """No length beforehand; with `cut` the last piece is missing."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        half = len(data) // 2
        pieces = [data[:half]] if cut else [data[:half], data[half:], b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        send(handler, 200, {"Transfer-Encoding": "chunked", **{name.replace("_", "-"): value for name, value in headers.items()}}, body)

    return answer


def packed(data: bytes) -> Answer:
    """Packed by gzip on its way, though nobody asked for that."""
    return whole(gzip.compress(data, mtime=0), Content_Encoding="gzip")


def hangs(server: Server, data: bytes = b"", length: int = 100) -> Answer:
    """Begins, and then says nothing more."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(data)
        handler.wfile.flush()
        server.closing.wait(timeout=30)
        handler.close_connection = True

    return answer
