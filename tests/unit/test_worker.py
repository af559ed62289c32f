"""The thinker and its thread: what is planned, unsaid, and swapped."""

from __future__ import annotations

import threading

from antiphon.model import Controls, Event
from antiphon.music import Meter, Ticks, Voice
from antiphon.thinking import Begin, Feed, Plan, Planned, Rewind, Style, Swap, Thinker
from antiphon.worker import Failed, Worker
from stage import ScalePlayer

HEARD = Event(Ticks(0), 60, 80, Voice.MELODY)


def plan(generation: int = 1, until: int = 400, end: int | None = 384, start: int = 192) -> Plan:
    """Make a plan for an answer."""
    bound = None if end is None else Ticks(end)
    return Plan(generation, Ticks(start), True, Ticks(until), bound, Controls(), (0,))


def notes(replies: list[Planned]) -> list[Event]:
    """Join the notes of replies."""
    return [event for reply in replies for event in reply.notes]


def test_the_first_note_falls_on_the_start_and_none_past_the_end() -> None:
    """An answer begins exactly where asked and ends in time."""
    replies: list[Planned] = []
    session = Thinker(ScalePlayer(), replies.append)
    session.do(Feed(HEARD))
    session.do(plan())
    onsets = [event.onset for event in notes(replies)]
    assert onsets[0] == 192
    assert onsets[-1] < 384
    assert replies[-1].finished


def test_a_plan_in_pieces_is_the_plan_in_one() -> None:
    """Horizons do not change what is drawn."""
    together, apart = [], []
    whole = Thinker(ScalePlayer(), together.append)
    whole.do(plan(until=1000))
    pieces = Thinker(ScalePlayer(), apart.append)
    for until in (193, 240, 241, 300, 1000):
        pieces.do(plan(until=until))
    assert notes(together) == notes(apart)


def test_rewinding_restores_the_state_before_the_note() -> None:
    """Notes unsaid are gone from the network's memory."""
    player = ScalePlayer()
    session = Thinker(player, lambda planned: None)
    session.do(Feed(HEARD))
    session.do(plan())
    session.do(Rewind(Ticks(240)))
    assert [e.onset for e in player.fed] == [0, 192, 216]
    session.do(Rewind(Ticks(0)))
    assert player.fed == [HEARD]


def test_an_overtaken_plan_is_dropped() -> None:
    """When a newer question is asked, the old one gets no further reply."""
    replies: list[Planned] = []
    asked = iter([False, False, True])
    session = Thinker(ScalePlayer(), replies.append, superseded=lambda g: next(asked))
    session.do(plan())
    assert len(notes(replies)) == 2
    assert not replies[-1].finished


def test_a_new_network_is_told_what_was_played() -> None:
    """After a swap the new network has heard the recent notes and plays in the known styles."""
    session = Thinker(ScalePlayer(), lambda planned: None)
    session.do(Begin(Meter(3, 4)))
    session.do(Style((("plain", 1.0),)))
    session.do(Feed(HEARD))
    fresh = ScalePlayer()
    session.do(Swap(fresh))
    assert fresh.fed == [HEARD]
    assert fresh.style == (("plain", 1.0),)


def test_a_job_that_fails_does_not_end_the_thread() -> None:
    """A bad job is reported and the next one is done."""
    replies: list[Planned | Failed] = []
    arrived = threading.Semaphore(0)
    loaded = threading.Event()

    def reply(message: Planned | Failed) -> None:
        replies.append(message)
        arrived.release()

    class Broken(ScalePlayer):
        def set_style(self, mix: object) -> None:
            raise ValueError("no such style")

    worker = Worker(Broken, lambda player: loaded.set(), reply)
    worker.start()
    assert loaded.wait(5)
    worker.submit(Style(()))
    worker.submit(plan(end=200))
    for _ in range(2):
        assert arrived.acquire(timeout=5)
    worker.stop()
    assert replies[0] == Failed("Style: no such style")
    assert isinstance(replies[1], Planned)
    assert worker.step_seconds()


def test_a_network_that_cannot_be_loaded_is_reported() -> None:
    """Whoever started the worker learns why there is no network."""
    answers: list[object] = []
    done = threading.Event()

    def load() -> ScalePlayer:
        raise OSError("gone")

    worker = Worker(load, lambda found: (answers.append(found), done.set()), lambda m: None)
    worker.start()
    assert done.wait(5)
    assert isinstance(answers[0], OSError)
