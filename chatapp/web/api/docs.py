"""The API described: OpenAPI 3.1 for programs, a page for people."""

from flask import Blueprint

blueprint = Blueprint("api_docs", __name__, url_prefix="/api/v1")
