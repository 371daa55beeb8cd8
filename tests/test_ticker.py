"""The ticker: each job in its time, and none held up by another's accident."""

import pytest

from chatapp import notices, presence, typists
from chatapp.realtime import ticker


class Enough(Exception):
    pass


@pytest.fixture
def runs(app, clock, monkeypatch):
    """`runs(jobs, turns)`: so many turns of the ticker, a tick apart; nobody really sleeps."""

    def run(jobs, turns):
        left = [turns]

        def sleep(seconds):
            clock.offset += seconds
            left[0] -= 1
            if not left[0]:
                raise Enough

        monkeypatch.setattr(ticker, "_jobs", jobs)
        monkeypatch.setattr(ticker.socketio, "sleep", sleep)
        with pytest.raises(Enough):
            ticker.run(app)

    return run


def test_each_job_comes_about_as_often_as_it_asked(runs, app):
    often, seldom = [], []
    runs({lambda: often.append(1): 0.2, lambda: seldom.append(1): 1.0}, 30)
    assert 13 <= len(often) <= 16 and 3 <= len(seldom) <= 4


def test_an_accident_in_one_job_holds_up_no_other(runs):
    done = []

    def breaks():
        raise RuntimeError("the database is away")

    runs({breaks: 0.1, lambda: done.append(1): 0.1}, 5)
    assert len(done) >= 4


def test_the_jobs_of_the_house_are_there_and_often_enough(app):
    jobs = dict(ticker._jobs)
    assert jobs[notices.obey] <= 0.5  # rights hold within one second
    assert jobs[presence.tell_crowds] == 1.0  # at most one `presence` a second
    assert jobs[typists.sweep] <= 0.5 and jobs[presence.sweep] <= 1.0
    assert notices.tidy in jobs


def test_starting_hands_the_work_to_the_background(app, monkeypatch):
    started = []
    monkeypatch.setattr(ticker.socketio, "start_background_task", lambda *given: started.append(given))
    ticker.start(app)
    assert started == [(ticker.run, app)]
