"""For operators: is the process alive, can it reach what it needs, what does it count."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .. import health

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz():
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz():
    """503 without the database. Without Redis the chat goes on, only slower: "degraded", and still fit for traffic."""
    parts = health.check()
    if parts["database"] != "ok":
        return jsonify(status="unavailable", **parts), 503
    return jsonify(status="degraded" if parts["redis"] == "unavailable" else "ok", **parts)


@blueprint.get("/metrics")
def metrics():
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
