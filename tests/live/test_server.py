"""The serving process from outside: how it starts, what strangers may send it, and how it ends."""

import json
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, suppress

import pytest
import requests
import websocket

from chatapp.realtime.websocket import MAX_MESSAGE_BYTES
from tests.live.server import MODES

TRIED = [os.environ["ASYNC_MODE"]] if "ASYNC_MODE" in os.environ else MODES
SOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
HANDSHAKE = (
    f"GET {SOCKET} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()
SLOWLY_S = 0.3
TEXT, CONTINUATION = 1, 0
REFUSED = "44/{}"


def open_socket(server, **options) -> websocket.WebSocket:
    connection = websocket.create_connection(server.url.replace("http", "ws") + SOCKET, timeout=10, **options)
    assert connection.recv().startswith("0{")
    return connection


def raw_connection(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.port)), timeout=10)


def is_alive(connection: websocket.WebSocket) -> bool:
    """Whether a Socket.IO packet is answered (a namespace nobody has is refused)."""
    connection.send("40/nowhere,")
    return connection.recv().startswith(REFUSED.format("nowhere"))


def everything_heard(connection: websocket.WebSocket) -> list[str]:
    """What comes until the connection ends."""
    heard = []
    with suppress(websocket.WebSocketConnectionClosedException, ConnectionError):
        while said := connection.recv():
            heard.append(said)
    return heard


def is_closed(connection: websocket.WebSocket) -> bool:
    everything_heard(connection)
    return True


def frame(data: bytes, opcode: int, final: bool) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([(0x80 if final else 0) | opcode]) + length + bytes(4) + data


def packets(text: str) -> list[str]:
    return text.split("\x1e") if text else []


class Poller:
    """A long-polling client, packet by packet."""

    def __init__(self, server):
        self.http = requests.Session()
        self.url = server.url + POLLING
        opened = json.loads(self.http.get(self.url, timeout=10).text[1:])
        self.url += f"&sid={opened['sid']}"

    def post(self, *payload: str) -> requests.Response:
        return self.http.post(self.url, "\x1e".join(payload).encode(), timeout=10)

    def read(self, count: int) -> list[str]:
        got = []
        while len(got) < count:
            got += packets(self.http.get(self.url, timeout=10).text)
        return got


@pytest.fixture(scope="module", params=TRIED)
def carried(request, servers):
    """A server in each mode, one after the other."""
    server = servers(ASYNC_MODE=request.param)
    yield server
    server.kill()


def test_it_says_where_it_is(steady):
    deadline = time.monotonic() + 5  # it listens a moment before it says so
    while not steady.log and time.monotonic() < deadline:
        time.sleep(0.05)
    assert steady.log.splitlines()[0] == f"Chatapp is at {steady.url}"


def test_a_second_server_on_the_port_ends_with_one_line(steady):
    second = subprocess.run(
        [sys.executable, "wsgi.py"], env=steady.environ, capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert second.stdout == ""
    assert second.stderr == f"PORT: cannot listen at 127.0.0.1 port {steady.port}: Address already in use\n"


def test_a_wrong_setting_ends_the_start_with_one_line_that_names_it(steady):
    wrong = steady.environ | {"CACHE_TTL": "an hour"}
    for command in (["wsgi.py"], ["-m", "flask", "--app", "chatapp", "db", "current"]):
        ended = subprocess.run([sys.executable, *command], env=wrong, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (2, "CACHE_TTL: must be a whole number from 1\n")


@pytest.mark.parametrize("count", [17, 500])
def test_packets_polled_together_all_arrive(carried, count):
    poller = Poller(carried)
    sent = [f"40/nowhere-{number}," for number in range(count)]
    assert poller.post(*sent).status_code == 200
    answers = poller.read(count)
    assert [answer.split(",")[0] for answer in answers] == [REFUSED.format(f"nowhere-{n}") for n in range(count)]


def test_a_polled_packet_too_long_ends_that_connection_only(carried):
    greedy, modest = Poller(carried), Poller(carried)
    assert greedy.post("2" + "x" * MAX_MESSAGE_BYTES).status_code == 400
    assert greedy.post("40/nowhere,").status_code == 400
    assert modest.post("40/nowhere,").status_code == 200
    assert len(modest.read(1)) == 1


@pytest.mark.parametrize("garbage", ["", "hello", "4[" + "[" * 60_000])
def test_a_polled_payload_that_cannot_be_read_is_not_called_ok(carried, garbage):
    assert Poller(carried).post("40/nowhere,", garbage).status_code == 400


def test_a_frame_of_the_longest_length_is_read(carried):
    connection = open_socket(carried)
    connection.send("4" * MAX_MESSAGE_BYTES)
    assert is_alive(connection)


def test_a_frame_too_long_ends_that_connection_only(carried):
    greedy, modest = open_socket(carried), open_socket(carried)
    greedy.send("4" * (MAX_MESSAGE_BYTES + 1))
    assert is_closed(greedy)
    assert is_alive(modest)


def test_a_long_message_in_many_frames_ends_that_connection_only(carried):
    greedy, modest = open_socket(carried), open_socket(carried)
    piece = b"4" * 16_384
    with suppress(ConnectionError):
        greedy.sock.sendall(frame(piece, TEXT, final=False))
        for _ in range(20):  # 330 KB in all; more would fill the pipe, and who sends would not hear the end
            greedy.sock.sendall(frame(piece, CONTINUATION, final=False))
    assert is_closed(greedy)
    assert is_alive(modest)


def test_a_message_in_a_few_frames_is_read(carried):
    connection = open_socket(carried)
    for piece, opcode, final in ((b"40/no", TEXT, False), (b"whe", CONTINUATION, False), (b"re,", CONTINUATION, True)):
        connection.sock.sendall(frame(piece, opcode, final))
    assert connection.recv().startswith(REFUSED.format("nowhere"))


@pytest.mark.parametrize("garbage", ["", "hello", "4[" + "[" * 60_000])
def test_a_frame_that_is_no_packet_ends_that_connection_only(carried, garbage):
    confused, modest = open_socket(carried), open_socket(carried)
    confused.send(garbage)
    assert is_closed(confused)
    assert is_alive(modest)


def test_compression_is_not_taken_up(carried):
    connection = open_socket(carried, header=["Sec-WebSocket-Extensions: permessage-deflate"])
    assert "sec-websocket-extensions" not in connection.getheaders()


def test_a_message_in_endlessly_many_frames_ends_that_connection(steady):
    connection = open_socket(steady)
    with suppress(ConnectionError):
        connection.sock.sendall(frame(b"4", TEXT, final=False))
        for _ in range(1_000):
            connection.sock.sendall(frame(b"", CONTINUATION, final=False))
    assert is_closed(connection)


def test_a_socket_that_always_sends_does_not_keep_others_waiting(steady):
    chatterer = open_socket(steady)
    chatterer.sock.sendall(frame(b"40/nowhere,", TEXT, final=True) * 5_000)
    began = time.monotonic()
    assert requests.get(steady.url + "/healthz", timeout=10).status_code == 200
    assert time.monotonic() - began < 1


def test_1100_connections_and_more(steady):
    lift_own_file_limit()
    with ExitStack() as stack:
        opened = [stack.enter_context(raw_connection(steady)) for _ in range(1_100)]
        for connection in opened:
            connection.sendall(HANDSHAKE)
        assert all(connection.recv(12) == b"HTTP/1.1 101" for connection in opened)
        assert is_alive(open_socket(steady))
        assert requests.get(steady.url + "/healthz", timeout=10).status_code == 200


def test_1000_handshakes_begun_and_never_ended_stop_nobody(steady):
    lift_own_file_limit()
    with ExitStack() as stack:
        for _ in range(1_000):
            stack.enter_context(raw_connection(steady)).sendall(HANDSHAKE[:-30])
        began = time.monotonic()
        assert is_alive(open_socket(steady))
        assert requests.get(steady.url + "/healthz", timeout=10).status_code == 200
        assert time.monotonic() - began < 5


def test_more_connections_than_it_can_bear_are_told_so(servers):
    few = 400
    server = servers(most_files=few)
    with ExitStack() as stack:
        opened = [stack.enter_context(raw_connection(server)) for _ in range(few)]
        opened[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        assert opened[-1].recv(12) == b"HTTP/1.1 503"
    time.sleep(SLOWLY_S)
    assert requests.get(server.url + "/healthz", timeout=10).status_code == 200
    assert server.stop() == 0


@pytest.mark.parametrize("mode", TRIED)
def test_asked_to_stop_it_ends_what_is_under_way_and_lets_browsers_return(servers, mode):
    server = servers(ASYNC_MODE=mode)
    connection = open_socket(server)
    body = b"email=a%40example.com"
    with raw_connection(server) as slow, raw_connection(server) as idle:
        head = f"POST /sign-in HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        slow.sendall(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body[:5])
        time.sleep(SLOWLY_S)
        server.ask_to_stop()
        assert is_closed(connection)
        server.ask_to_stop()  # a second time changes nothing
        time.sleep(SLOWLY_S)
        assert server.process.poll() is None, server.log
        with pytest.raises(ConnectionRefusedError):
            raw_connection(server)
        slow.sendall(body[5:])
        assert slow.makefile("rb").readline().startswith(b"HTTP/1.")
        assert idle.recv(1) == b""
    began = time.monotonic()
    assert server.process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_stop_says_no_goodbye_after_which_python_clients_would_stay_away(server):
    connection = open_socket(server)
    server.ask_to_stop()
    assert "1" not in everything_heard(connection)


def test_killed_it_starts_again_on_the_same_port_and_database(server):
    open_socket(server)
    server.kill()
    server.start()
    assert requests.get(server.url + "/readyz", timeout=10).status_code == 200


def test_the_log_holds_no_query_string_and_no_traceback(steady):
    requests.get(steady.url + "/sign-in?next=/rooms/hush-hush", timeout=10)
    assert "hush-hush" not in steady.log
    assert "Traceback" not in steady.log, steady.log
    assert all(json.loads(line) for line in steady.log.splitlines()[1:])


def lift_own_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4_096:
        pytest.skip(f"this machine lets a process open only {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
