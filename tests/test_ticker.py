"""The ticker: each job in its time, and none held up by another's accident."""

import pytest

from chatapp import health, notices, presence, typists
from chatapp.realtime import ticker


class Enough(Exception):
    pass


@pytest.fixture
def runs(app, monkeypatch):
    """`runs(job, seconds, turns)`: so many turns of one job; nobody really sleeps. Answers the pauses between."""

    def run(job, seconds, turns):
        pauses = []

        def sleep(seconds):
            pauses.append(seconds)
            if len(pauses) == turns:
                raise Enough

        monkeypatch.setattr(ticker.socketio, "sleep", sleep)
        with pytest.raises(Enough):
            ticker.run(app, job, seconds)
        return pauses

    return run


def test_a_job_comes_as_often_as_it_asked(runs, app):
    done = []
    assert runs(lambda: done.append(1), 0.2, 30) == [0.2] * 30
    assert len(done) == 30


def test_an_accident_in_a_job_does_not_end_it(runs):
    done = []

    def breaks():
        done.append(1)
        raise RuntimeError("the database is away")

    runs(breaks, 0.1, 5)
    assert len(done) == 5


def test_an_accident_that_goes_on_is_logged_once(runs, monkeypatch):
    lines, turns = [], iter([OSError, OSError, None, OSError, KeyError, KeyError])
    monkeypatch.setattr(ticker.log, "warning", lambda event, **more: lines.append(more["error"]))

    def shaky():
        if accident := next(turns):
            raise accident

    runs(shaky, 0.1, 6)
    assert lines == ["OSError", "OSError", "KeyError"]


def test_the_jobs_of_the_house_are_there_and_often_enough(app):
    jobs = dict(ticker._jobs)
    assert jobs[notices.obey] <= 0.5  # rights hold within one second
    assert jobs[presence.tell_crowds] == 1.0  # at most one `presence` a second
    assert jobs[typists.sweep] <= 0.5 and jobs[presence.sweep] <= 1.0
    assert notices.tidy in jobs


def test_starting_hands_each_job_to_the_background_on_its_own(app, monkeypatch):
    started = []
    monkeypatch.setattr(ticker.socketio, "start_background_task", lambda *given: started.append(given))
    monkeypatch.setattr(ticker, "_serving", [])
    assert not ticker.runs()
    ticker.start(app)
    assert ticker.runs()
    assert started == [(ticker.run, app, job, seconds) for job, seconds in ticker._jobs.items()]
    assert (ticker.run, app, health.look_for_redis, 0.5) in started
