"""Work in the background: whose turn it is, and what is dropped. No test waits for a clock."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from mnistcmp.app.background_reading import (
    BUSY,
    GONE_SECONDS,
    KEPT,
    PATIENCE_SECONDS,
    RETRY_SECONDS,
    Answer,
    BackgroundReader,
)
from tests.helpers import PATIENCE_SECONDS as TEST_PATIENCE_SECONDS


class Desk:
    """A background reader with a clock that the test sets, and a list of the pieces it has done."""

    def __init__(self):
        self.now, self.done, self.begun, self.threads = 0.0, [], [], 0
        self.reader = BackgroundReader(lambda: self.now, self.start)

    def start(self, work):
        self.threads += 1

    def pieces(self, key: str, count: int) -> Iterator[str | None]:
        for number in range(count):
            self.done.append(f"{key}{number}")
            yield None if number == 0 else f"{key}: {number}"

    def ask(self, session: str, key: str, count: int = 3) -> Answer:
        def begin():
            self.begun.append(key)
            return self.pieces(key, count)

        return self.reader.ask(session, key, begin)

    def finish(self) -> None:
        while self.reader.step():
            pass


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_answer_grows_until_it_is_complete(desk):
    assert desk.ask("anna", "a") == Answer()
    desk.reader.step()
    assert desk.ask("anna", "a") == Answer()  # the first piece has no result
    desk.reader.step()
    assert desk.ask("anna", "a") == Answer("a: 1")
    desk.finish()
    assert desk.ask("anna", "a") == Answer("a: 2", complete=True)


def test_sessions_take_turns(desk):
    desk.ask("anna", "a")
    desk.ask("ben", "b")
    desk.finish()
    assert desk.done == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_new_question_of_a_session_drops_its_old_job(desk):
    desk.ask("anna", "a")
    desk.reader.step()
    desk.ask("anna", "b")
    desk.finish()
    assert desk.done == ["a0", "b0", "b1", "b2"]


def test_stroke_drops_the_job(desk):
    desk.ask("anna", "a")
    desk.reader.step()
    desk.reader.drop("anna")
    assert not desk.reader.step()
    assert desk.done == ["a0"]


def test_dropped_job_of_one_session_goes_on_for_another(desk):
    desk.ask("anna", "a")
    desk.ask("ben", "a")
    desk.reader.drop("anna")
    desk.finish()
    assert desk.begun == ["a"]
    assert desk.ask("ben", "a").complete


def test_job_of_a_session_that_has_gone_is_dropped(desk):
    desk.ask("anna", "a", count=100)
    desk.now = GONE_SECONDS
    assert desk.reader.step()
    desk.ask("anna", "a")
    desk.now += GONE_SECONDS
    assert desk.reader.step()  # it has asked again
    desk.now += 0.1
    assert not desk.reader.step()
    assert desk.done == ["a0", "a1"]


def test_no_piece_begins_while_a_drawing_is_read(desk):
    desk.ask("anna", "a")
    with desk.reader.waiting(), desk.reader.waiting():
        assert desk.reader.step()
        assert desk.done == []
    assert desk.reader.step()
    assert desk.done == ["a0"]


def test_reading_that_fails_does_not_stop_the_work(desk):
    desk.ask("anna", "a")
    with pytest.raises(KeyError), desk.reader.waiting():
        raise KeyError
    desk.finish()
    assert desk.ask("anna", "a").complete


def test_complete_answer_is_kept_and_not_computed_again(desk):
    desk.ask("anna", "a")
    desk.finish()
    desk.now += 1000
    assert desk.ask("ben", "a") == Answer("a: 2", complete=True)
    assert desk.begun == ["a"]


def test_only_the_answers_used_last_are_kept(desk):
    for number in range(KEPT):
        desk.ask("anna", str(number), count=1)
        desk.finish()
    desk.ask("anna", "0")  # used again
    desk.ask("anna", "new", count=1)
    desk.finish()
    assert desk.ask("anna", "0").complete
    assert not desk.ask("anna", "1").complete


def test_busy_server_gives_up_and_tries_again_later(desk):
    desk.ask("anna", "a")
    with desk.reader.waiting():
        while desk.now <= PATIENCE_SECONDS:
            assert desk.ask("anna", "a") == Answer()
            desk.now += 1
        assert desk.ask("anna", "a") == Answer(complete=True, problem=BUSY)
    assert desk.done == []
    desk.now += RETRY_SECONDS + 1
    assert desk.ask("anna", "a") == Answer()
    desk.finish()
    assert desk.ask("anna", "a").complete


def test_failure_is_told_and_other_jobs_go_on(desk, caplog):
    def broken() -> Iterator[str]:
        yield "half"
        raise ValueError("the weights are gone")

    desk.reader.ask("anna", "a", broken)
    desk.ask("ben", "b")
    desk.finish()
    answer = desk.ask("anna", "a")
    assert answer.complete and answer.value is None
    assert "the weights are gone" in answer.problem
    assert "failed" in caplog.text
    assert desk.ask("ben", "b") == Answer("b: 2", complete=True)


def test_thread_is_started_only_while_there_is_work(desk):
    desk.ask("anna", "a")
    desk.ask("ben", "b")
    assert desk.threads == 1
    desk.finish()
    desk.ask("anna", "a")
    assert desk.threads == 1  # it is known
    desk.ask("anna", "c")
    assert desk.threads == 2


def test_dropped_job_leaves_nothing_in_memory(desk):
    class Weights:
        pass

    weights = Weights()
    kept = weakref.ref(weights)

    def pieces(weights: Weights) -> Iterator[str]:
        while weights:
            yield "more"

    desk.reader.ask("anna", "a", lambda weights=weights: pieces(weights))
    desk.reader.step()
    desk.reader.drop("anna")
    desk.reader.step()
    del weights
    gc.collect()
    assert kept() is None


def test_a_real_thread_does_the_work_and_ends():
    threads = []

    def start(work):
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    reader = BackgroundReader(start=start)
    for key in ("a", "b"):
        reader.ask("anna", key, lambda key=key: iter([key]))
        threads[-1].join(TEST_PATIENCE_SECONDS)
        assert not threads[-1].is_alive()
        assert reader.ask("anna", key, iter) == Answer(key, complete=True)
    assert len(threads) == 2


def test_stop_ends_the_thread_within_a_job():
    threads, begun = [], threading.Event()

    def start(work):
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    def endless() -> Iterator[str]:
        while True:
            begun.set()
            yield "more"

    reader = BackgroundReader(start=start)
    reader.ask("anna", "a", endless)
    assert begun.wait(TEST_PATIENCE_SECONDS)
    reader.stop()
    threads[-1].join(TEST_PATIENCE_SECONDS)
    assert not threads[-1].is_alive()
