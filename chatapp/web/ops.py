"""For operators: is the process alive, can it reach what it needs, what does it count."""

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from .. import health, metrics

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz():
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz():
    """503 without the database. Without Redis or a replica the chat goes on, only slower: "degraded", and still fit for
    traffic."""
    parts = health.check()
    if parts["database"] != "ok":
        return jsonify(status="unavailable", **parts), 503
    return jsonify(status="ok" if health.all_there(parts) else "degraded", **parts)


@blueprint.get("/metrics")
def counted():
    is_one_of_several = current_app.config["WORKER_LIFELINE"] is not None
    return Response(metrics.collected(is_one_of_several), content_type=CONTENT_TYPE_LATEST)
