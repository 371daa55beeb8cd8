"""The API described: OpenAPI 3.1 for programs, a page for people; for strangers too."""

import json
from functools import partial

from flask import Blueprint, Response, current_app, render_template

from ... import markdown
from .openapi import PREFIX, build, described

VERSION = "1"  # of the API; its path says the same
ABOUT = """\
What a program may ask of this server over HTTP. JSON in, JSON out, in UTF-8; a body is 128 KB at the most.

A **session** is a room in which people chat: open (everybody is in), closed (who is invited) or direct (one for each \
set of people).

**Who asks.** A program sends `Authorization: Bearer TOKEN`. People make tokens on their account page, operators with \
`flask --app chatapp tokens create EMAIL`. A browser on a page of this server sends its cookie, and with every change \
the page's CSRF token in the header `X-CSRF-Token`. Pages of another origin use tokens, where `CORS_ORIGIN` names them.

```
curl https://chat.example/api/v1/sessions/$SESSION_ID/messages \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"content": "Hello", "clientId": "'$(uuidgen)'"}'
```

**What goes wrong** is answered with a status and a *Refusal*; each status has one `code`. A method that an address \
does not take (405) and what is no HTTP request that one could read (400) are `invalid`.

**Limits.** A person may send 10 messages at once and 5 a second on end, over all doors together, and \
edit as fast.

Fields that are not known here are left aside. Answers may gain fields; they never lose any."""

blueprint = Blueprint("api_docs", __name__, url_prefix=PREFIX)


@blueprint.get("/openapi.json")
@described("This description, for programs", "application/json", about="OpenAPI 3.1. Nobody need sign in.", public=True)
def openapi():
    return Response(json.dumps(description()), content_type="application/json")


@blueprint.get("/docs")
@described("This description, for people", "text/html", about="Nobody need sign in.", public=True)
def page():
    as_json = partial(json.dumps, indent=2, ensure_ascii=False)
    return render_template("api/docs.html", spec=description(), prose=markdown.to_html, as_json=as_json)


def description() -> dict:
    """The document; made once an application."""
    made = current_app.extensions.get("openapi")
    if made is None:
        info = {"title": "Chatapp API", "version": VERSION, "description": ABOUT}
        made = current_app.extensions["openapi"] = build(current_app, info)
    return made
