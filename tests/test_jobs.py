"""Work outside requests, in this process: done, tried again, given up; and a Redis that is away when it is asked for."""

import threading
import time

import pytest
from dramatiq import Worker

from chatapp import create_app, jobs
from chatapp.errors import NotFound, Unavailable
from chatapp.extensions import db
from chatapp.jobs import broker, declared, posting
from chatapp.models import Person
from tests.ports import free_port

SOON_S = 15


@pytest.fixture
def doing(monkeypatch):
    """Declares a function as a job for this test only, with short pauses between tries."""
    monkeypatch.setattr(broker, "PAUSE_MIN_MS", 10)
    monkeypatch.setattr(broker, "PAUSE_MAX_MS", 20)
    monkeypatch.setattr(declared, "DECLARED", dict(declared.DECLARED))
    monkeypatch.setattr(broker, "DECLARED", declared.DECLARED)
    return lambda function, minutes=1: jobs.job(minutes)(function)


@pytest.fixture
def threads(inside, monkeypatch):
    """The worker threads of this application end with the test."""
    made = []

    class Kept(Worker):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, worker_timeout=50, **named)
            made.append(self)

    monkeypatch.setattr(posting, "Worker", Kept)
    yield made
    for worker in made:
        worker.stop(timeout=2_000)
    inside.extensions.pop("jobs", None)


def eventually(condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def dead_letters(app):
    return app.extensions["jobs"].dead_letters


def test_a_job_is_done_outside_with_the_application_around_it(inside, threads, doing, ana):
    seen = []

    def greet(progress, person_id):
        progress(0, 1)
        seen.append((db.session.get(Person, person_id).name, threading.current_thread() is threading.main_thread()))

    doing(greet)
    assert isinstance(jobs.post(greet, "a greeting", person_id=ana.id), str)
    eventually(lambda: seen)
    assert seen == [("Ana", False)]


def test_what_fails_is_tried_again_until_it_works(inside, threads, doing):
    tries = []

    def stumble(progress):
        tries.append(1)
        if len(tries) < 4:
            raise OSError("not yet")

    jobs.post(doing(stumble), "")
    eventually(lambda: len(tries) == 4)
    time.sleep(0.2)
    assert len(tries) == 4 and dead_letters(inside) == []


def test_what_never_works_is_given_up_after_a_limit_and_kept(inside, threads, doing):
    tries = []

    def fail(progress):
        tries.append(1)
        raise OSError("never")

    posted = jobs.post(doing(fail), "")
    eventually(lambda: dead_letters(inside))
    assert len(tries) == 1 + broker.RETRIES_MAX
    assert [one.message_id for one in dead_letters(inside)] == [posted]


@pytest.mark.parametrize("error", [NotFound("There is no such room."), jobs.Gone()])
def test_what_has_no_hope_is_not_tried_again(inside, threads, doing, error):
    tries = []

    def refuse(progress):
        tries.append(1)
        raise error

    jobs.post(doing(refuse), "")
    eventually(lambda: dead_letters(inside))
    assert len(tries) == 1


def test_a_job_ends_when_its_time_is_over(inside, threads, doing):
    steps = []

    def dawdle(progress):
        for step in range(10_000):
            steps.append(step)
            progress(step, 10_000)
            time.sleep(0.01)

    jobs.post(doing(dawdle, minutes=0.05 / 60), "")
    eventually(lambda: dead_letters(inside))
    assert 1 < len(steps) < 1_000


def test_a_job_of_a_stopping_worker_goes_back_to_the_queue(inside, threads, doing):
    begun, ended = threading.Event(), []

    def last(progress):
        begun.set()
        while not ended:
            progress(0, 1)
            time.sleep(0.01)

    jobs.post(doing(last), "")
    assert begun.wait(SOON_S)
    begun.clear()
    declared.stopping.set()
    time.sleep(0.1)
    declared.stopping.clear()
    assert begun.wait(SOON_S)  # begun again
    ended.append(1)
    eventually(lambda: inside.extensions["jobs"].queues[broker.QUEUE].unfinished_tasks == 0)
    assert dead_letters(inside) == []


def test_a_redis_that_is_away_refuses_work_at_once_and_nothing_is_done(app, doing, note):
    done = []
    forget = doing(lambda progress: done.append(1))
    settings = {"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    with create_app(settings).app_context():
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(Unavailable):
                jobs.post(forget, "")
        took = time.monotonic() - began
    assert took < 5 * 0.25 + 1  # the first one makes dramatiq's broker
    assert done == []
    note(f"20 jobs refused while Redis was away: {took * 1000:.0f} ms")


def test_a_cluster_has_no_queue(app):
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_CLUSTER_NODES": "127.0.0.1:1"})
    assert not jobs.elsewhere()
