"""Plain Flask-SocketIO, as its documentation has it: an echo to the room. No sign-in, no check, no database.

python plain.py eventlet|gevent|threading      (PORT in the environment)
"""

import itertools
import os
import sys
import warnings
from datetime import UTC, datetime

mode = sys.argv[1]
warnings.simplefilter("ignore")
if mode == "eventlet":
    import eventlet

    eventlet.monkey_patch()
elif mode == "gevent":
    from gevent import monkey

    monkey.patch_all()

from flask import Flask
from flask_socketio import Namespace, SocketIO, emit, join_room

app = Flask(__name__)
socketio = SocketIO(app, async_mode=mode, cors_allowed_origins="*")
numbers = itertools.count(1)

HTML = """<article class="message" id="m-{clientId}" data-id="{id}" data-seq="{id}" data-rev="{id}" data-author="1" \
data-at="{createdAt}" data-client="{clientId}">
<header class="message__head"><img class="face" src="/people/1/avatar.svg" alt="" width="36" height="36">\
<b class="message__author">Somebody</b> <a class="message__at" href="/rooms/{sessionId}/messages/{id}">\
<time datetime="{createdAt}" title="{createdAt}">00:00</time></a></header>
<div class="body"><p>{content}</p></div>
</article>"""


class Chat(Namespace):
    def on_joinSession(self, payload):  # noqa: N802
        join_room(payload["sessionId"])
        return {"ok": True}

    def on_sendMessage(self, payload):  # noqa: N802
        number, at = next(numbers), datetime.now(UTC).isoformat(timespec="milliseconds")
        message = {
            "id": number,
            "sessionId": payload["sessionId"],
            "seq": number,
            "rev": number,
            "author": {"id": 1, "name": "Somebody", "kind": "person", "avatarUrl": "/people/1/avatar.svg"},
            "content": payload["content"],
            "status": "complete",
            "gen": 0,
            "askedBy": None,
            "error": None,
            "replyTo": None,
            "clientId": payload["clientId"],
            "createdAt": at,
            "editedAt": None,
            "removed": False,
        }
        message["html"] = HTML.format(**message)
        told = {"sessionId": payload["sessionId"], "rev": number, "message": message}
        emit("newMessage", told, to=payload["sessionId"])
        return {"ok": True, "message": message}


socketio.on_namespace(Chat("/chat"))
many = {"max_size": 50_000} if mode == "eventlet" else {}
unsafe = {"allow_unsafe_werkzeug": True} if mode == "threading" else {}
socketio.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), **many, **unsafe)
