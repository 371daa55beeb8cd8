"""What is known of each job, in Redis, for operators and to count how often it was begun. Empty without Redis."""

import json
import time

from ..extensions import redis

PREFIX = "chatapp:jobs"
STATES = f"{PREFIX}:states"  # job id → JSON
COUNTS = f"{PREFIX}:counts"  # "done", "failed" → how many, ever
KEPT_MAX = 1_000
OVER = ("done", "dead")


def post(job_id: str, kind: str, about: str) -> None:
    """The job waits for its first worker, unless one has it already."""
    text = json.dumps(fresh(kind, about))
    redis.ask(lambda client: client.hsetnx(STATES, job_id, text))
    if (redis.ask(lambda client: client.hlen(STATES)) or 0) > KEPT_MAX:
        for one in [one for one in everything() if one["status"] in OVER][: KEPT_MAX // 2]:
            forget(one["id"])


def fresh(kind: str, about: str) -> dict:
    times = {"postedAt": time.time(), "startedAt": None, "endedAt": None}
    return {"kind": kind, "about": about, "status": "queued", "done": 0, "total": None, "attempts": 0} | times


def change(job_id: str, **what) -> dict:
    """The state after the change; one that was forgotten begins anew."""
    found = redis.ask(lambda client: client.hget(STATES, job_id))
    state = (json.loads(found) if found else fresh("?", "?")) | what
    redis.ask(lambda client: client.hset(STATES, job_id, json.dumps(state)))
    return state


def begin(job_id: str, kind: str, about: str) -> int:
    """How often the job was begun, this time included."""
    post(job_id, kind, about)
    attempts = change(job_id)["attempts"] + 1
    change(job_id, status="running", attempts=attempts, startedAt=time.time(), endedAt=None, done=0, total=None)
    return attempts


def forget(job_id: str) -> None:
    redis.ask(lambda client: client.hdel(STATES, job_id))


def everything() -> list[dict]:
    """Every job that is remembered, as posted; each with its `id`."""
    found = redis.ask(lambda client: client.hgetall(STATES), otherwise={})
    states = [{"id": job_id.decode(), **json.loads(text)} for job_id, text in found.items()]
    return sorted(states, key=lambda state: state["postedAt"])


def count(outcome: str) -> None:
    redis.ask(lambda client: client.hincrby(COUNTS, outcome, 1))
