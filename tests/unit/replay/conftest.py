"""A local HTTP door for the replay's tests: it remembers what it stored and answers as it is told to."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ioc.replay import ReplayResult


class StubDoor:
    """Answers like the contract's HTTP door; ``script`` holds answers to give first: (status, headers, body)."""

    def __init__(self):
        self.script = []
        self.requests = []
        self.stored = {}
        self.reject: Callable[[dict[str, Any]], str | None] = lambda _event: None
        self.batch_max = 1_000
        self.url = ""

    def answer(self, body):
        """Return (status, body) for a batch, as the contract says."""
        events = json.loads(body)
        if len(events) > self.batch_max:
            return 413, {"title": "Too large", "status": 413, "detail": "too many events"}
        accepted = duplicate = 0
        rejected = []
        for index, event in enumerate(events):
            reason = self.reject(event)
            if reason:
                rejected.append({"index": index, "reason": reason, "detail": "said the stub"})
            elif (event["id"], event["time"]) in self.stored:
                duplicate += 1
            else:
                self.stored[(event["id"], event["time"])] = event
                accepted += 1
        return 202, {"accepted": accepted, "duplicate": duplicate, "rejected": rejected}


@pytest.fixture
def door():
    """A stub door listening on a free port."""
    stub = StubDoor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            split = urlsplit(self.path)
            stub.requests.append((split.path, parse_qs(split.query), dict(self.headers)))
            headers = {}
            if stub.script:
                status, headers, answer = stub.script.pop(0)
            else:
                status, answer = stub.answer(body)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_arguments):
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()


class Heard:
    """A report that remembers."""

    def __init__(self):
        self.troubles = []
        self.begun = []
        self.results: list[ReplayResult] = []
        self.counts = []

    def begin(self, title, rows_expected):
        self.begun.append((title, rows_expected))

    def progress(self, progress):
        self.counts.append(progress.rows)

    def trouble(self, text):
        self.troubles.append(text)

    def end(self, result):
        self.results.append(result)


@pytest.fixture
def heard():
    """A report to look into afterwards."""
    return Heard()
