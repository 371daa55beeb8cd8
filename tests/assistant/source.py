"""A local source of tokens over real HTTP: speaks the OpenAI streaming protocol as a script says, well or badly, and
records what it was asked and when its client hung up. For tests of the assistant, in this process or in a live server.

    with Source() as source:
        source.then(say("Hel", "lo", every=0.05), finish(), done())   # the next request
        source.answers = lambda asked: [say("to all others"), finish(), done()]
        … ASSISTANT_BASE_URL=source.url …
        source.asked[0].body["messages"], source.asked[0].gone.wait(1), source.asked[0].gone_at

A script is a list of steps; a step is a function of the conversation.
"""

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "localhost.pem"  # its key with it; nobody trusts it but these tests
EVENT_STREAM = "text/event-stream; charset=utf-8"


class Gone(Exception):
    """The client hung up."""


class Asked:
    """One request. Times are time.monotonic()."""

    def __init__(self, path, headers, raw):
        self.at = time.monotonic()
        self.path = path
        self.headers = headers
        self.body = json.loads(raw) if raw else None
        self.told_at = None  # when the first piece was sent
        self.gone = threading.Event()  # the client hung up before the script's end
        self.gone_at = None


class Conversation:
    """What steps act on."""

    def __init__(self, handler, asked, cut_into=None, cut_after=None, framing="chunked"):
        self.asked = asked
        self._handler = handler
        self._socket = handler.connection
        self._cut_into = cut_into
        self._left = cut_after
        self._framing = framing
        self._begun = False

    def begin(self, status=200, headers=None):
        self._begun = True
        headers = {"Content-Type": EVENT_STREAM, **(headers or {})}
        if "Content-Length" in headers or self._framing == "close":
            self._framing = "close"
        else:
            headers["Transfer-Encoding"] = "chunked"
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._write("\r\n".join(lines).encode())

    def send(self, data):
        """Bytes of the body, in as small pieces and as far as the script says."""
        if not self._begun:
            self.begin()
        end = len(data) if self._left is None else min(len(data), self._left)
        step = self._cut_into or len(data)
        for start in range(0, end, step):
            piece = data[start : min(start + step, end)]
            self._write(b"%x\r\n%s\r\n" % (len(piece), piece) if self._framing == "chunked" else piece)
        if self._left is not None:
            self._left -= end
            if not self._left:
                self.cut()

    def end(self):
        if not self._begun:
            self.begin()
        if self._framing == "chunked":
            self._write(b"0\r\n\r\n")

    def cut(self, hard=False):
        """Hang up in the middle; `hard`: with a reset."""
        if hard:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def wait(self, seconds):
        """Raises Gone, and notes the time, if the client hangs up meanwhile."""
        if select.select([self._socket], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                if self._socket.recv(1):
                    return
            self._note_gone()

    def _write(self, data):
        self.wait(0)
        try:
            self._socket.sendall(data)
        except OSError:
            self._note_gone()

    def _note_gone(self):
        self.asked.gone_at = time.monotonic()
        self.asked.gone.set()
        raise Gone


class Source:
    """`cut_into` and `cut_after` (bytes) and `framing` ("chunked" | "close") hold for all requests until set anew."""

    def __init__(self, tls=False):
        self.asked = []
        self.answers = lambda asked: [say("Hello", " there"), finish(), done()]
        self.options = {}
        self._scripts = deque()
        self._server = Server(("127.0.0.1", 0), self)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"https://localhost:{self.port}/v1" if tls else f"http://127.0.0.1:{self.port}/v1"

    def then(self, *script):
        """The script of the next request that has none yet."""
        self._scripts.append(script)
        return self

    def script_for(self, asked):
        try:
            return self._scripts.popleft()
        except IndexError:
            return self.answers(asked)

    def wait_until_asked(self, times=1, within=5):
        until = time.monotonic() + within
        while len(self.asked) < times:
            assert time.monotonic() < until, f"asked {len(self.asked)} times, not {times}"
            time.sleep(0.005)
        return self.asked[times - 1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, source):
        self.source = source
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        """A client that hangs up in the middle of a handshake or of its request is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        source = self.server.source
        asked = Asked(self.path, dict(self.headers), self.rfile.read(int(self.headers.get("Content-Length", 0))))
        script = source.script_for(asked)
        source.asked.append(asked)
        self.close_connection = True
        conversation = Conversation(self, asked, **source.options)
        with contextlib.suppress(Gone):
            for step in script:
                step(conversation)
            conversation.end()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_):
        pass


def data(thing):
    return b"data: " + json.dumps(thing, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta=None, reason=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "local", "choices": [choice], **more}


def say(*pieces, every=0.0, part="content"):
    """Each in an event of its own, `every` seconds one."""

    def step(conversation):
        for piece in pieces:
            # Noted first: who hears it may look at once.
            conversation.asked.told_at = conversation.asked.told_at or time.monotonic()
            conversation.send(data(chunk({"role": "assistant", part: piece})))
            conversation.wait(every)

    return step


def finish(reason="stop"):
    return lambda conversation: conversation.send(data(chunk(reason=reason)))


def usage(prompt, completion):
    told = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return lambda conversation: conversation.send(data({**chunk(), "choices": [], "usage": told}))


def done():
    return lambda conversation: conversation.send(b"data: [DONE]\n\n")


def raw(body):
    return lambda conversation: conversation.send(body)


def headers(**given):
    """Of a stream that is otherwise as usual: `headers(Content_Type="text/plain")`."""
    return lambda conversation: conversation.begin(
        headers={name.replace("_", "-"): value for name, value in given.items()}
    )


def wait(seconds):
    return lambda conversation: conversation.wait(seconds)


def hang():
    """Say nothing more until the client hangs up (a minute at the most)."""
    return wait(60)


def cut(hard=False):
    return lambda conversation: conversation.cut(hard)


def status(code, body=b"", kind="application/json", **more):
    """A whole answer with this status: `status(429, Retry_After=1)`."""

    def step(conversation):
        told = {"Content-Type": kind, "Content-Length": len(body)}
        conversation.begin(code, told | {name.replace("_", "-"): value for name, value in more.items()})
        if body:
            conversation.send(body)

    return step


def whole(text, reason="stop", **more):
    """An answer that is not streamed, although that was asked for."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return status(200, json.dumps({"object": "chat.completion", "choices": [choice], **more}).encode())


def failure(**told):
    """An error object in the middle of the stream."""
    return lambda conversation: conversation.send(data({"error": told}))


@contextmanager
def unreachable():
    """A port where nobody answers: connecting to it takes until the client loses patience."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            for one in waiting:
                one.close()
