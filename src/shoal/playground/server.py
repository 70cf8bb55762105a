"""The playground as a page of this computer: a table of routes on 127.0.0.1, and nothing to write.

All that it can answer is in the table, made before it listens, so no path that a browser sends
reaches the file system. What it shows may be private, and every page that is open in the browser
can send requests to this computer. So a request is answered only if

- it is a GET or a HEAD without a body;
- its Host is this server's own address, character for character (against DNS rebinding);
- its Origin and Sec-Fetch-Site, where it has them, say that this server's own page sends it;
- it has the cookie that a browser gets for the token in the address, which works once.
"""

import errno
import hmac
import os
import secrets
import socketserver
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from shoal.errors import ShoalError

HOST = "127.0.0.1"
CONNECTIONS = 32  # at a time; those beyond are closed
SECONDS = 30  # that a connection may stay silent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MEDIA = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# What follows on the token: a step of our own to the page, because a browser that came by a link
# on another site sends no SameSite=Strict cookie until it has left that site.
ENTER = b"""<!doctype html>
<title>shoal</title>
<link rel="icon" href="data:,">
<meta http-equiv="refresh" content="0;url=/">
"""
STRANGER = (
    "This page is not open to you: its address works once, in one browser.\n"
    "Stop shoal play with Ctrl-C and start it again for a new address.\n"
)


class Resource(NamedTuple):
    """What a route answers."""

    media: str
    body: bytes


def page_files() -> dict[str, bytes]:
    """The files of the page by name, as they are installed."""
    folder = files("shoal.playground")
    names = sorted(entry.name for entry in folder.iterdir())
    return {name: (folder / name).read_bytes() for name in names if PurePath(name).suffix in MEDIA}


def make_routes(page: Mapping[str, bytes], boot: str) -> dict[str, Resource]:
    """All that the server can answer, by path.

    Parameters
    ----------
    page : mapping of str to bytes
        The files of the page by name; "index.html" among them.
    boot : str
        The JSON document that the page starts from.
    """
    routes = {
        f"/{name}": Resource(f"{MEDIA[PurePath(name).suffix]}; charset=utf-8", body)
        for name, body in page.items()
    }
    routes["/"] = routes["/index.html"]
    routes["/boot.json"] = Resource("application/json; charset=utf-8", boot.encode())
    return routes


class PlaygroundServer(ThreadingHTTPServer):
    """The server of one playground, listening from the start; `serve_forever` answers.

    Parameters
    ----------
    routes : mapping of str to Resource
        See `make_routes`.
    port : int
        0 takes any that is free.

    Raises
    ------
    ShoalError
        If the port cannot be had.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # there it would share the port with other programs
    request_queue_size = CONNECTIONS

    def __init__(self, routes: Mapping[str, Resource], port: int = 0) -> None:
        self.routes = routes
        self._token: str | None = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self._entering = threading.Lock()
        self._connections = threading.BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "another program has it" if taken else error.strerror or str(error)
            raise ShoalError(
                f"cannot listen on port {port}: {reason}; choose another, or none and any free "
                "one is taken"
            ) from None
        self.address = f"http://{HOST}:{self.server_port}/?token={self._token}"

    def server_bind(self) -> None:
        """Bind, without the question to the DNS that the standard library asks here."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may name as its Host."""
        return (f"{HOST}:{self.server_port}", f"localhost:{self.server_port}")

    @property
    def cookie(self) -> str:
        """What a browser that has entered sends; cookies know no ports, so the name has it."""
        return f"shoal-{self.server_port}={self._secret}"

    def enter(self, token: str) -> bool:
        """Whether this is the token, which is then used up."""
        with self._entering:
            right = self._token is not None and _equal(token, self._token)
            if right:
                self._token = None
            return right

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, as long as there are not too many."""
        if self._connections.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away; a fault of ours is told as usual."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request. The checks come in the order of the module's list, and before the routes."""

    server: PlaygroundServer
    timeout = SECONDS
    server_version, sys_version = "shoal", ""

    def parse_request(self) -> bool:
        """Refuse, before any body is read, what is not a GET or HEAD without one."""
        if not super().parse_request():
            return False
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
        elif "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0":
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            return True
        return False

    def do_GET(self) -> None:
        """Answer if the request is from this server's own page."""
        path, _, query = self.path.partition("?")
        token = parse_qs(query).get("token", [""])[-1] if path == "/" else ""
        if not self._is_to_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif not self._is_from_us(entering=bool(token)):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif token and self.command == "GET" and self.server.enter(token):
            cookie = f"{self.server.cookie}; Path=/; HttpOnly; SameSite=Strict"
            self._answer(HTTPStatus.OK, Resource(MEDIA[".html"], ENTER), {"Set-Cookie": cookie})
        elif not self._has_cookie():
            self.send_error(HTTPStatus.FORBIDDEN, explain=STRANGER)
        elif token:  # the address again, in the browser that has entered
            self._answer(HTTPStatus.OK, Resource(MEDIA[".html"], ENTER))
        elif path in self.server.routes:
            self._answer(HTTPStatus.OK, self.server.routes[path])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def _is_to_us(self) -> bool:
        hosts = self.headers.get_all("Host", [])
        return len(hosts) == 1 and hosts[0] in self.server.hosts

    def _is_from_us(self, *, entering: bool) -> bool:
        origins = self.headers.get_all("Origin", [])
        site = self.headers.get("Sec-Fetch-Site", "none")
        return all(origin == f"http://{self.headers['Host']}" for origin in origins) and (
            entering or site in ("none", "same-origin")
        )

    def _has_cookie(self) -> bool:
        cookies = ";".join(self.headers.get_all("Cookie", [])).split(";")
        return any(_equal(cookie.strip(), self.server.cookie) for cookie in cookies)

    def _answer(
        self, status: HTTPStatus, resource: Resource, more: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        own = {"Content-Type": resource.media, "Content-Length": str(len(resource.body))}
        for name, value in {**HEADERS, **own, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(resource.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in a line of text, which has nothing in it that was sent."""
        status = HTTPStatus(code)
        text = explain or f"{status.value} {status.phrase}\n"
        allow = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self.close_connection = True
        self._answer(status, Resource("text/plain; charset=utf-8", text.encode()), allow)

    def log_message(self, *_: object) -> None:
        """Log nothing: a log would hold the token."""


def _equal(sent: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(sent.encode("utf-8", "replace"), secret.encode())
