"""Owns the proxy that stands between a client and the server and fails on demand, as networks and gateways do.

How it fails is in the address: `http://PROXY/MODE/TOKEN` instead of the server's. What came is told at
`http://PROXY/seen/TOKEN`: a list of "METHOD PATH".
"""

import collections
import http.client
import http.server
import json
import threading
import urllib.parse

HOST = "127.0.0.1"
# How a request is answered: by its number (from 0) under this token, a status instead of the server's answer, and
# whether the server got the request all the same.
MODES = {
    "pass": lambda _: None,
    "refuse-once": lambda number: (503, False) if number == 0 else None,
    "lose-once": lambda number: (504, True) if number == 0 else None,
    "busy": lambda _: (429, False),
    "busy-wordless": lambda _: (429, False),
    "broken": lambda _: (500, False),
}
HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "expect"}


def words(mode: str) -> bytes:
    """What a failure says."""
    if mode.endswith("-wordless"):
        return b""
    return json.dumps({"code": "too_many_requests" if mode == "busy" else "odd", "message": "Not now."}).encode()


class Proxy(http.server.ThreadingHTTPServer):
    """Listens on loopback until the program ends."""

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__((HOST, 0), Handler)
        self.server = urllib.parse.urlsplit(server).netloc
        self.seen: dict[str, list[str]] = collections.defaultdict(list)
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}"

    def note(self, token: str, request: str) -> int:
        """Notes a request; its number."""
        with self.lock:
            self.seen[token].append(request)
            return len(self.seen[token]) - 1


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def answer(self) -> None:
        """Forwards a request, or fails as its address says."""
        body = self.body()
        _, mode, token, rest = self.path.split("/", 3) if self.path.count("/") > 2 else (*self.path.split("/"), "")
        if mode == "seen":
            self.send(200, [("content-type", "application/json")], json.dumps(self.server.seen[token]).encode())
            return
        path = "/" + rest
        failure = MODES[mode](self.server.note(token, f"{self.command} {path}"))
        if failure is None or failure[1]:
            status, headers, told = self.forward(path, body)
        if failure is not None:
            status, told = failure[0], words(mode)
            headers = [("content-type", "application/json")] if told else []
        self.send(status, headers, told)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def body(self) -> bytes:
        """The whole body, chunked or not."""
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def forward(self, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Asks the server."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection = http.client.HTTPConnection(self.server.server, timeout=60)
        try:
            connection.request(self.command, path, body or None, headers)
            response = connection.getresponse()
            told = response.read()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
            return response.status, kept, told
        finally:
            connection.close()

    def send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Sends an answer."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing about requests."""
