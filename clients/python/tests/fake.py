"""A server that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple


class Asked(NamedTuple):
    method: str
    url: str
    headers: Dict[str, str]
    body: str


Turn = Callable[[BaseHTTPRequestHandler], None]


def fake_server(test: unittest.TestCase, *turns: Turn) -> Tuple[str, List[Asked]]:
    """Takes one turn for each request; the last one again and again."""
    asked: List[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(self.command, self.path, headers, self.rfile.read(length).decode()))
            turns[min(len(asked), len(turns)) - 1](self)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}", asked


def answer(body: str, status: int = 200, headers: Optional[Dict[str, str]] = None) -> Turn:
    def turn(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return turn


def problem(status: int, code: str, headers: Optional[Dict[str, str]] = None, **more: str) -> Turn:
    document = {"title": "A title", "status": status, "code": code, "detail": "What happened", "request_id": "req_1", **more}
    return answer(json.dumps(document), status, headers)


def drop(handler: BaseHTTPRequestHandler) -> None:
    """The request is done, and its answer is lost."""
    handler.close_connection = True


def cut(handler: BaseHTTPRequestHandler) -> None:
    """The answer is cut off in its middle."""
    answer('{"id":"ord_', 200, {"Content-Length": "500"})(handler)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever."""
    answer("", 200)(handler)
    pause = threading.Event()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            pause.wait(0.05)
    except OSError:
        pass


def silence(_: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(1)


def stream(*chunks: str) -> Turn:
    """A stream of events that ends after these chunks."""
    return answer("".join(chunks), 200, {"Content-Type": "text/event-stream"})
