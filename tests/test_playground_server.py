"""The playground's server answers its own page, once entered, and nothing and nobody else."""

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import product

import pytest

from shoal.errors import ShoalError
from shoal.playground.server import (
    CONNECTIONS,
    HEADERS,
    HOST,
    PlaygroundServer,
    make_routes,
    page_files,
)

PAGE = {
    "index.html": b"<!doctype html><title>page</title>",
    "page.css": b"body {}",
    "main.js": b"export {};",
}
ROUTES = make_routes(PAGE, '{"version": 1}')


@pytest.fixture
def server() -> Iterator[PlaygroundServer]:
    """A server at work."""
    with PlaygroundServer(ROUTES) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: PlaygroundServer,
    path: str,
    *,
    method: str = "GET",
    enter: bool = True,
    drop: str = "",
    **headers: str,
) -> http.client.HTTPResponse:
    """One request, with the cookie and the right Host unless said otherwise."""
    sent = {"Host": f"{HOST}:{server.server_port}"} | ({"Cookie": server.cookie} if enter else {})
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(HOST, server.server_port, timeout=30)) as connection:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if name != drop:
                connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        response.text = response.read().decode()  # type: ignore[attr-defined]
        return response


def path_of(server: PlaygroundServer) -> str:
    """Path and query of the server's address."""
    return server.address.removeprefix(f"http://{HOST}:{server.server_port}")


# ---- entering ----------------------------------------------------------------------------------


def test_the_address_opens_the_page_once(server: PlaygroundServer) -> None:
    """The token of the address is worth one cookie; then it opens to its own browser alone."""
    entered = ask(server, path_of(server), enter=False)
    cookie = entered.headers["Set-Cookie"]
    assert entered.status == 200
    assert cookie == f"{server.cookie}; Path=/; HttpOnly; SameSite=Strict"
    assert 'url=/"' in entered.text
    assert server.cookie.split("=")[1] not in server.address
    assert len(server.cookie.split("=")[1]) >= 43, "32 bytes"
    assert ask(server, path_of(server), enter=False).status == 403
    assert ask(server, path_of(server)).status == 200
    assert ask(server, "/").text == PAGE["index.html"].decode()


def test_a_head_does_not_use_up_the_address(server: PlaygroundServer) -> None:
    """What looks at an address before it is opened does not spend it."""
    assert ask(server, path_of(server), method="HEAD", enter=False).status == 403
    assert ask(server, path_of(server), enter=False).status == 200


def test_only_one_of_many_enters(server: PlaygroundServer) -> None:
    """Of twenty browsers that come with the token at the same moment one gets in."""
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(ask(server, path_of(server), enter=False).status)
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [403] * 19


# ---- every route -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
def test_a_route_answers(server: PlaygroundServer, path: str) -> None:
    """With the cookie each route gives its resource, with the headers that protect it."""
    for method in ("GET", "HEAD"):
        response = ask(server, path, method=method)
        assert response.status == 200
        assert response.text.encode() == (ROUTES[path].body if method == "GET" else b"")
        assert response.headers["Content-Type"] == ROUTES[path].media
        assert response.headers["Content-Length"] == str(len(ROUTES[path].body))
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


PORT = "{port}"
FOREIGN = {
    "no cookie": {"drop": "Cookie"},
    "empty cookie": {"Cookie": ""},
    "wrong cookie": {"Cookie": f"shoal-{PORT}=0000000000000000000000000000000000000000000"},
    "name of the cookie alone": {"Cookie": f"shoal-{PORT}="},
    "cookie of no ASCII": {"Cookie": f"shoal-{PORT}=\xe9"},
    "no Host": {"drop": "Host"},
    **{
        f"Host {host}": {"Host": host}
        for host in (
            "evil.example",
            f"evil.example:{PORT}",
            f"127.0.0.1.nip.io:{PORT}",
            f"localhost.evil.example:{PORT}",
            f"127.0.0.1@evil.example:{PORT}",
            f"0.0.0.0:{PORT}",
            f"2130706433:{PORT}",
            f"LOCALHOST:{PORT}",
            "127.0.0.1",
            "127.0.0.1:1",
            "",
        )
    },
    **{
        f"Origin {origin}": {"Origin": origin}
        for origin in (
            "http://evil.example",
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:1",
            f"https://127.0.0.1:{PORT}",
            f"http://127.0.0.1:{PORT}.evil.example",
            f"http://localhost:{PORT}",
            "",
        )
    },
    "from another site": {"Sec_Fetch_Site": "cross-site"},
    "from another port": {"Sec_Fetch_Site": "same-site"},
}


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
@pytest.mark.parametrize("who", FOREIGN)
def test_a_stranger_is_refused(server: PlaygroundServer, path: str, who: str) -> None:
    """Each route, and what is none, refuses who is not the page, and all in the same words."""
    headers = {k: v.replace(PORT, str(server.server_port)) for k, v in FOREIGN[who].items()}
    for method in ("GET", "HEAD"):
        response = ask(server, path, method=method, **headers)
        assert response.status in (403, 421)
        assert "Set-Cookie" not in response.headers
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
        if method == "GET":
            assert response.text.startswith(("403", "421", "This page is not open to you"))


@pytest.mark.parametrize(
    "token", ["", "x", "0" * 43, "%00", "\xe9".encode().hex(), "a&token=b", "[]", "x" * 60_000]
)
def test_a_wrong_token_is_refused(server: PlaygroundServer, token: str) -> None:
    """A wrong token opens nothing, and leaves the right one as it was."""
    assert ask(server, f"/?token={token}", enter=False).status == 403
    assert ask(server, path_of(server), enter=False).status == 200


@pytest.mark.parametrize("who", [who for who in FOREIGN if who.startswith(("Host", "Origin"))])
def test_the_token_opens_nothing_to_a_stranger(server: PlaygroundServer, who: str) -> None:
    """With the right token, a foreign Host or Origin is refused, and does not spend it."""
    headers = {k: v.replace(PORT, str(server.server_port)) for k, v in FOREIGN[who].items()}
    assert ask(server, path_of(server), enter=False, **headers).status in (403, 421)
    assert ask(server, path_of(server), enter=False).status == 200


def test_the_page_itself_is_heard(server: PlaygroundServer) -> None:
    """What a browser sends from the page, by either name of this computer, is answered."""
    for name in (HOST, "localhost"):
        host = f"{name}:{server.server_port}"
        own = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        cookie = f"other=1; {server.cookie}; shoal-1=x"
        assert ask(server, "/boot.json", Cookie=cookie, **own).status == 200
    assert ask(server, "/", Sec_Fetch_Site="none").status == 200


# ---- paths -------------------------------------------------------------------------------------

STEPS = ["..", "%2e%2e", "%2E.", ".%2e", "..%00", "..;", "....", "..%c0%af", "%252e%252e", "．．"]
SEPARATORS = ["/", "\\", "%2f", "%5c", "//", "%252f", "%c0%af"]
TARGETS = ["etc/passwd", "server.py", "boot.py", "main.js", "C:/Windows/win.ini"]
TRAVERSALS = [
    *(
        f"/{(step + separator) * 3}{target}"
        for step, separator, target in product(STEPS, SEPARATORS, TARGETS)
    ),
    *("/./main.js", "/main.js/", "/main.js%00", "/main.js;", "/MAIN.JS", "/main%2ejs"),
    *("main.js", "*", "file:///etc/passwd", "http://evil.example/", "/~root/", "/.git/config"),
    *("/%", "/%zz", "/\x7f", "/index.html#x", "//evil.example/..", "/boot.json%0d%0aX: 1"),
]


def test_no_path_leaves_the_table(server: PlaygroundServer) -> None:
    """Of hundreds of ways to walk out of a folder none leads anywhere: there is no folder."""
    assert len(set(TRAVERSALS)) >= 350
    for path in TRAVERSALS:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{server.server_port}\r\n"
            f"Cookie: {server.cookie}\r\n\r\n"
        )
        status = converse(server, request.encode())[1]
        assert status in (400, 404), path


def converse(server: PlaygroundServer, request: bytes) -> tuple[bytes, int]:
    """The whole answer to raw bytes, and its status."""
    with socket.create_connection((HOST, server.server_port), timeout=30) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as reader:
            answer = reader.read()
    return answer, int(answer.split()[1])


# ---- bodies and broken requests ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
@pytest.mark.parametrize("path", ROUTES)
def test_every_other_method_is_refused(server: PlaygroundServer, method: str, path: str) -> None:
    """Only GET and HEAD are answered, even to the page itself."""
    response = ask(server, path, method=method)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


def stream(connection: socket.socket, n_bytes: int) -> None:
    """Send many bytes, a block at a time."""
    for _ in range(0, n_bytes, 65_536):
        connection.sendall(b"x" * 65_536)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("length", ["Content-Length: 100000000000", "Transfer-Encoding: chunked"])
def test_a_body_is_refused_while_it_streams(
    server: PlaygroundServer, method: str, length: str
) -> None:
    """No body is read: the answer is there at once, and the connection ends under the rest."""
    head = (
        f"{method} / HTTP/1.1\r\nHost: {HOST}:{server.server_port}\r\nCookie: {server.cookie}\r\n"
    )
    with socket.create_connection((HOST, server.server_port), timeout=30) as connection:
        connection.sendall(f"{head}{length}\r\n\r\n".encode())
        status = int(connection.recv(4096).split()[1])
        assert status == (405 if method == "POST" else 413)
        with pytest.raises(ConnectionError):
            stream(connection, 100_000_000)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % k for k in range(200)) + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_requests(server: PlaygroundServer, request_bytes: bytes) -> None:
    """A request that is none gets a refusal or nothing, never an echo, and the server lives on."""
    host = f"{HOST}:{server.server_port}".encode()
    with socket.create_connection((HOST, server.server_port), timeout=30) as connection:
        connection.sendall(request_bytes.replace(b"{host}", host))
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.makefile("rb").read()
        except ConnectionError:
            answer = b""
    assert not answer or re.match(rb"(HTTP/1\.0 )?[45]\d\d ", answer)
    assert b"<script>" not in answer
    assert ask(server, "/").status == 200


# ---- the rest ----------------------------------------------------------------------------------


def test_it_listens_on_this_computer_alone(server: PlaygroundServer) -> None:
    """The server is bound to the loopback address, at a port that was free."""
    assert server.server_address[0] == "127.0.0.1"
    assert server.server_port > 0
    assert server.address.startswith(f"http://127.0.0.1:{server.server_port}/?token=")


def test_a_busy_port(server: PlaygroundServer) -> None:
    """A port that is taken is one error, which says what to do."""
    with pytest.raises(ShoalError, match=f"port {server.server_port}: another program has it; ch"):
        PlaygroundServer(ROUTES, server.server_port)


def test_too_many_connections_are_closed(server: PlaygroundServer) -> None:
    """Connections beyond the limit are closed at once; when the others end, all is well again."""
    silent = [
        socket.create_connection((HOST, server.server_port), timeout=30) for _ in range(CONNECTIONS)
    ]
    with socket.create_connection((HOST, server.server_port), timeout=30) as one_more:
        assert one_more.recv(1) == b""
    for connection in silent:
        connection.close()
    for _ in range(100):
        with suppress(ConnectionError, http.client.HTTPException):
            if ask(server, "/").status == 200:
                return
        time.sleep(0.01)
    raise AssertionError("it did not recover")


def test_nothing_is_logged(server: PlaygroundServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the token nor anything else of a request is written anywhere."""
    ask(server, path_of(server), enter=False)
    ask(server, "/nothing")
    assert capfd.readouterr() == ("", "")


def test_the_files_of_the_page() -> None:
    """What is served of the package is its page: no Python, and nothing that is not a route."""
    page = page_files()
    assert "index.html" in page
    assert {name.rpartition(".")[2] for name in page} == {"html", "css", "js"}
    assert set(make_routes(page, "{}")) == {"/", "/boot.json", *(f"/{name}" for name in page)}
