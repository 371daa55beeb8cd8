"""OpenAPI 3.1 out of the address table, wire.py (what comes in), shapes.py (what goes out) and a mark on each view.
The views of this package carry the mark, docs.py asks for the result.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from ... import wire
from ..auth import CHANGES
from ..errors import STATUS
from . import shapes

PREFIX = "/api/v1"
METHODS = ("GET", *CHANGES)
IN_RULE = re.compile(r"<(?:(\w+):)?(\w+)>")  # converter, name
CONVERTED = {"": {"type": "string"}, "id": {"type": "integer", "minimum": 1, "maximum": wire.ID_MAX}}
REFERENCE = "#/components/schemas/{model}"
TOKEN_OR_COOKIE = [{"token": []}, {"cookie": []}]
TOKEN_OR_COOKIE_WITH_CSRF = [{"token": []}, {"cookie": [], "csrf": []}]
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of the person who asks."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "chatapp_device", "description": "A signed-in browser."},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "With the cookie, for changes."},
}


@dataclass(frozen=True)
class Description:
    """What a view cannot say by itself."""

    summary: str
    answer: type[BaseModel] | str  # the shape of the JSON, or another media type
    statuses: dict[int, str]
    body: type[BaseModel] | None = None
    body_needed: bool = True
    query: type[BaseModel] | None = None
    example: dict | None = None  # of the body
    errors: tuple[str, ...] = ()  # codes beside those that follow from the address and the method
    about: str = ""
    public: bool = False


def described(summary: str, answer, *, statuses=None, **more) -> Callable:
    """Mark a view with its description; the view itself stays as it is."""

    def mark(view: Callable) -> Callable:
        view.description = Description(summary, answer, statuses or {200: "Done."}, **more)
        return view

    return mark


def build(app: Flask, info: dict) -> dict:
    """The whole document for the addresses of `app` under PREFIX; `info` as OpenAPI has it."""
    schemas, paths = components(app), {}
    for rule, method, said in marked(app):
        paths.setdefault(path_of(rule), {})[method.lower()] = operation(rule, method, said, schemas)
    used = {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": used}


def marked(app: Flask) -> Iterator[tuple[Rule, str, Description]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            for method in sorted(rule.methods.intersection(METHODS), key=METHODS.index):
                yield rule, method, app.view_functions[rule.endpoint].description


def path_of(rule: Rule) -> str:
    return IN_RULE.sub(lambda found: f"{{{to_camel(found[2])}}}", rule.rule)


def components(app: Flask) -> dict:
    """Every shape in use by its name, with what the fields mean."""
    said = [one for _, _, one in marked(app)]
    used = {shape for one in said for shape in (one.answer, one.body, one.query) if isinstance(shape, type)}
    wanted = sorted(used | {shapes.Refusal}, key=lambda shape: shape.__name__)
    _, made = models_json_schema([(shape, "validation") for shape in wanted], ref_template=REFERENCE)
    for schema in made["$defs"].values():
        schema["properties"] = {name: explained(name, one) for name, one in schema["properties"].items()}
    made["$defs"]["Error"]["properties"]["code"]["enum"] = list(shapes.ERRORS)
    return made["$defs"]


def explained(name: str, schema: dict) -> dict:
    """A field's schema in JSON Schema's own words (pydantic leaves "ge" behind a validator), and its meaning."""
    words = {"ge": "minimum", "le": "maximum"}
    tidy = {words.get(key, key): value for key, value in schema.items() if key != "title"}
    if "anyOf" in tidy:
        tidy["anyOf"] = [explained("", one) for one in tidy["anyOf"]]
    return {"description": shapes.FIELDS[name]} | tidy if name in shapes.FIELDS else tidy


def operation(rule: Rule, method: str, said: Description, schemas: dict) -> dict:
    made = {"operationId": rule.endpoint.removeprefix("api_").replace(".", "_"), "summary": said.summary}
    made |= {"description": said.about} if said.about else {}
    made["security"] = [] if said.public else TOKEN_OR_COOKIE_WITH_CSRF if method in CHANGES else TOKEN_OR_COOKIE
    if parameters := [*in_path(rule), *in_query(said.query, schemas)]:
        made["parameters"] = parameters
    if said.body:
        made["requestBody"] = {"required": said.body_needed, "content": content(said.body, said.example)}
    return made | {"responses": responses(rule, method, said)}


def in_path(rule: Rule) -> Iterator[dict]:
    for converter, name in IN_RULE.findall(rule.rule):
        about = {"description": shapes.FIELDS[to_camel(name)], "schema": CONVERTED[converter]}
        yield {"name": to_camel(name), "in": "path", "required": True} | about


def in_query(shape: type[BaseModel] | None, schemas: dict) -> Iterator[dict]:
    """A query string knows no null: what may be left out is told by `required` alone."""
    for name, schema in schemas[shape.__name__]["properties"].items() if shape else ():
        plain = schema["anyOf"][0] if "anyOf" in schema else {"type": schema["type"]}
        yield {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": plain}


def content(shape: type[BaseModel] | str, example: dict | None = None) -> dict:
    if isinstance(shape, str):
        return {shape: {}}
    media = {"schema": {"$ref": REFERENCE.format(model=shape.__name__)}}
    return {"application/json": media | ({"example": example} if example is not None else {})}


def responses(rule: Rule, method: str, said: Description) -> dict:
    """By status: what the view answers, and every refusal that it may come to."""
    codes = {
        "unauthorized": not said.public,
        "forbidden": method in CHANGES,
        "not_found": "<" in rule.rule,
        "too_large": said.body,
        "invalid": said.body or said.query,
        "internal": True,
        "unavailable": not said.public,
    }
    answer = content(said.answer)
    made = {str(status): {"description": about, "content": answer} for status, about in said.statuses.items()}
    for code, about in shapes.ERRORS.items():
        if codes.get(code) or code in said.errors:
            refusal = {"error": {"code": code, "message": "A sentence for people."}}
            made[str(STATUS[code])] = {"description": about, "content": content(shapes.Refusal, refusal)}
    return made
