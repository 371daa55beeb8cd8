"""Requests as no library sends them: bodies that trickle in or come in chunks, and request lines that are none."""

import json
import socket
import time
import uuid
from contextlib import ExitStack, suppress

import pytest
import requests

from tests.live.tabs import ANSWER_S

POOL = 20  # connections to the database that one process may have
PROMPTLY_S = 4.0  # the database is given up after 5
A_BODY = {"content": "in pieces", "clientId": ""}


def connection(house):
    opened = socket.create_connection(("127.0.0.1", int(house.server.port)), timeout=ANSWER_S)
    opened.settimeout(ANSWER_S)
    return opened


def head(somebody, room, *lines):
    first = f"POST /api/v1/sessions/{room}/messages HTTP/1.1"
    auth = f"Authorization: Bearer {somebody.token}"
    return "\r\n".join([first, "Host: here", auth, "Content-Type: application/json", *lines, "", ""]).encode()


def status_of(opened):
    """The status that is answered, or None where the connection is just ended."""
    line = opened.makefile("rb").readline()
    return int(line.split()[1]) if line.startswith(b"HTTP/") else None


def a_message(**more):
    return A_BODY | {"clientId": str(uuid.uuid4())} | more


def in_chunks(body, size):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("beginning", [b"{", b""])
def test_bodies_that_trickle_in_hold_no_connection_to_the_database(house, ana, ben, room, beginning):
    ana.enters(room), ben.enters(room)
    with ExitStack() as stack:
        for _ in range(POOL + 1):
            stack.enter_context(connection(house)).sendall(head(ana, room, "Content-Length: 100") + beginning)
        time.sleep(0.5)  # they have all been taken up
        began = time.monotonic()
        assert requests.get(house.url + "/readyz", timeout=ANSWER_S).status_code == 200
        assert ana.calls("POST", f"/sessions/{room}/messages", a_message()).status_code == 201
        ben.says("undisturbed", room)
        assert time.monotonic() - began < PROMPTLY_S
    ana.hears("newMessage", rev=2)


def test_a_form_that_trickles_in_holds_none_either(house, ana, room):
    browser = ana.opens_a_browser()
    lines = ["Host: here", f"Cookie: {browser.cookie}", "Content-Type: application/x-www-form-urlencoded"]
    begun = "\r\n".join([f"POST /rooms/{room}/messages HTTP/1.1", *lines, "Content-Length: 100", "", "c"]).encode()
    with ExitStack() as stack:
        for _ in range(POOL + 1):
            stack.enter_context(connection(house)).sendall(begun)
        time.sleep(0.5)
        began = time.monotonic()
        assert requests.get(house.url + "/readyz", timeout=ANSWER_S).status_code == 200
        assert ana.calls("POST", f"/sessions/{room}/messages", a_message()).status_code == 201
        assert time.monotonic() - began < PROMPTLY_S


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_body_in_chunks_is_read(house, ana, room, size):
    body = json.dumps(a_message(content="in chunks")).encode()
    with connection(house) as opened:
        opened.sendall(head(ana, room, "Transfer-Encoding: chunked", "Connection: close") + in_chunks(body, size))
        assert status_of(opened) == 201
    assert [row[5] for row in house.rows(room)] == ["in chunks"]


@pytest.mark.parametrize("content", ["x" * 200_000, "short"])
def test_a_body_too_long_is_refused_also_in_chunks(house, ana, room, content):
    body = json.dumps(a_message(content=content)).encode().ljust(200_000)  # white space may follow JSON
    with connection(house) as opened:
        opened.sendall(head(ana, room, "Transfer-Encoding: chunked", "Connection: close") + in_chunks(body, 8_192))
        assert status_of(opened) == 413
    assert house.rows(room) == []
    assert ana.calls("POST", f"/sessions/{room}/messages", a_message()).status_code == 201


@pytest.mark.parametrize(
    "broken", [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"5\r\n{}\r\n0\r\n\r\n", b"0\r\n\r\n", b"\r\n\r\n"]
)
def test_chunks_that_are_none_harm_nobody(house, ana, room, broken):
    with connection(house) as opened:
        opened.sendall(head(ana, room, "Transfer-Encoding: chunked", "Connection: close") + broken)
        opened.shutdown(socket.SHUT_WR)
        assert status_of(opened) in (None, 400, 413, 422)
    assert house.rows(room) == []
    assert "Traceback" not in house.server.log
    assert ana.calls("POST", f"/sessions/{room}/messages", a_message()).status_code == 201


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "left"])
def test_a_chunk_whose_length_never_ends_ends_that_connection_only(house, ana, room, is_read):
    if house.server.environ["ASYNC_MODE"] == "threading":
        pytest.skip("Werkzeug's server, which is for trials, has no such bound")
    begun = head(ana, room, "Transfer-Encoding: chunked")
    with connection(house) as opened, pytest.raises(ConnectionError):
        never_ends(opened, begun if is_read else begun.replace(b"/messages ", b"/nowhere ", 1))
    assert "Traceback" not in house.server.log
    assert ana.calls("POST", f"/sessions/{room}/messages", a_message()).status_code == 201


def never_ends(opened, begun):
    opened.sendall(begun)
    for _ in range(32):  # MB; more than the pipe holds
        opened.sendall(b"5" * 1_000_000)


MALFORMED = {
    "a version that nobody has": "GET /join/SECRET HTTP/9.9\r\nHost: here\r\n\r\n",
    "a version that is none": "GET /join/SECRET HTTP/x\r\nHost: here\r\n\r\n",
    "four words": "GET /join/SECRET foo HTTP/1.1\r\nHost: here\r\n\r\n",
    "one word": "/join/SECRET\r\n\r\n",
    "no version": "GET /join/SECRET\r\n\r\n",
    "a method that nobody has": "JOIN-SECRET /join/SECRET HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    "a line too long": "GET /join/SECRETLONG HTTP/1.1\r\nHost: here\r\n\r\n",
    "a header that is none": "GET /join/SECRET HTTP/1.1\r\nSECRET\r\nHost: here\r\nConnection: close\r\n\r\n",
    "a header too long": "GET /join/SECRET HTTP/1.1\r\nX: SECRETLONG\r\nHost: here\r\n\r\n",
    "a length that is none": "POST /join/SECRET HTTP/1.1\r\nHost: here\r\nContent-Length: SECRET\r\n\r\n",
    "no HTTP at all": "\x16\x03\x01 SECRET\x00\xff\r\n\r\n",
    "a query": "GET /join/SECRET?SECRET HTTP/1.1\r\nHost: SECRET\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("request_text", MALFORMED.values(), ids=MALFORMED)
def test_a_request_that_is_none_leaves_no_secret_in_the_log(house, request_text):
    secret = uuid.uuid4().hex
    request_text = request_text.replace("SECRET", secret).replace("LONG", "x" * 70_000)
    with connection(house) as opened:
        answer = b""
        with suppress(OSError):  # what is too long is not read to its end
            opened.sendall(request_text.encode("latin-1"))
            opened.shutdown(socket.SHUT_WR)
            while got := opened.recv(65_536):
                answer += got
    assert requests.get(house.url + "/healthz", timeout=ANSWER_S).status_code == 200
    log = house.server.log
    assert secret not in log and "Traceback" not in log
    assert b"Traceback" not in answer and b" 500 " not in answer[:20]
