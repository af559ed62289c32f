"""The thinker and its thread: what is planned, unsaid, and swapped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from antiphon.model import Controls, Event, Variation
from antiphon.music import Beats, Meter, Note, Phrase, Ticks, Voice
from antiphon.thinking import Begin, Feed, Plan, Planned, Rewind, Style, Swap, Thinker
from antiphon.varying import Equip, Made, NotMade, Purpose, Reply, Vary, Varying
from antiphon.worker import Failed, Worker
from looping import TransposingVarier
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

    def reply(message: Planned | Failed) -> None:
        replies.append(message)
        arrived.release()

    class Broken(ScalePlayer):
        def set_style(self, mix: object) -> None:
            raise ValueError("no such style")

    worker = Worker()
    seat = worker.seat(reply)
    worker.start()
    seat.take(Broken())
    seat.submit(Style(()))
    seat.submit(plan(end=200))
    for _ in range(2):
        assert arrived.acquire(timeout=5)
    worker.stop()
    assert replies[0] == Failed("Style: no such style")
    assert isinstance(replies[1], Planned)
    assert worker.step_seconds()


def test_what_is_asked_before_the_network_is_there_is_done_when_it_comes() -> None:
    """Early jobs wait, in their order, and hold up nobody else."""
    replies: list[Any] = []
    others: list[Any] = []
    arrived = threading.Semaphore(0)
    worker = Worker()
    early = worker.seat(lambda reply: (replies.append(reply), arrived.release()))
    other = worker.seat(lambda reply: (others.append(reply), arrived.release()))
    worker.start()
    early.submit(Feed(HEARD))
    early.submit(plan(end=200))
    other.take(ScalePlayer())
    other.submit(plan(end=200))
    while not (others and others[-1].finished):
        assert arrived.acquire(timeout=5)
    assert not replies
    early.take(ScalePlayer())
    while not (replies and replies[-1].finished):
        assert arrived.acquire(timeout=5)
    worker.stop()
    assert notes(replies)[0].pitch == HEARD.pitch + 1  # a step up from what it was fed


def test_seats_have_networks_of_their_own_and_a_seat_that_was_left_is_silent() -> None:
    """What one conversation is fed the other never hears; nothing is done for one that ended."""
    replies: list[Any] = []
    arrived = threading.Semaphore(0)
    worker = Worker()
    players = [ScalePlayer(), ScalePlayer()]
    seats = [worker.seat(lambda r: (replies.append(r), arrived.release())) for _ in players]
    worker.start()
    for seat, player in zip(seats, players, strict=True):
        seat.take(player)
    seats[0].submit(Feed(HEARD))
    seats[0].leave()
    seats[0].submit(plan(end=200))
    seats[1].submit(plan(end=200))
    while not (replies and replies[-1].finished):
        assert arrived.acquire(timeout=5)
    worker.stop()
    assert HEARD not in players[1].fed
    assert len(players[0].fed) <= 1
    assert all(reply.generation == 1 for reply in replies)


PHRASE = Phrase((Note(Beats(0.0), 60),))


def wanted(request: int, count: int, purpose: Purpose = Purpose.OFFER) -> Vary:
    """Ask for variations."""
    return Vary(purpose, request, PHRASE, Beats(4.0), 0.5, count, (0,))


def test_variations_for_the_next_pass_come_before_those_on_offer() -> None:
    """Whatever is under way, what is due first is made first."""
    replies: list[Reply] = []
    varying = Varying(replies.append)
    varying.do(Equip(TransposingVarier()))
    varying.do(wanted(1, 3))
    while not replies:
        varying.work()
    varying.do(wanted(2, 1, Purpose.PASS))
    while varying.busy:
        varying.work()
    assert [(r.request, r.index) for r in replies if isinstance(r, Made)] == [
        (1, 0),
        (2, 0),
        (1, 1),
        (1, 2),
    ]


def test_a_pause_in_the_work_is_no_variation() -> None:
    """Where the networks pause nothing is told, and the request goes on."""

    class Pausing(TransposingVarier):
        def variations(self, *args: Any, **more: Any) -> Iterator[Variation | None]:
            for made in super().variations(*args, **more):
                yield None
                yield made

    replies: list[Reply] = []
    varying = Varying(replies.append)
    varying.do(Equip(Pausing()))
    varying.do(wanted(1, 2))
    slices = 0
    while varying.busy:
        varying.work()
        slices += 1
    assert [r.index for r in replies if isinstance(r, Made)] == [0, 1]
    assert slices == 5


def test_a_request_that_fails_is_told_and_the_next_one_is_done() -> None:
    """Whatever a network raises, at the call or in the middle, ends that request only."""

    class Broken(TransposingVarier):
        def variations(self, *args: Any, **more: Any) -> Iterator[Variation | None]:
            yield Variation((), 0.0)
            raise ValueError("torn")

    replies: list[Reply] = []
    varying = Varying(replies.append)
    varying.do(wanted(1, 1))
    varying.work()
    varying.do(Equip(Broken()))
    varying.do(wanted(2, 3))
    while varying.busy:
        varying.work()
    varying.do(Equip(TransposingVarier()))
    varying.do(wanted(3, 1))
    while varying.busy:
        varying.work()
    assert [type(r).__name__ for r in replies] == ["NotMade", "Made", "NotMade", "Made"]
    assert replies[2] == NotMade(Purpose.OFFER, 2, "torn")


def test_the_players_jobs_go_before_every_slice() -> None:
    """While variations are made without end, a feed waits for one slice and no more."""
    order: list[str] = []
    begun, go_on, done = (threading.Event() for _ in range(3))

    class Watched(ScalePlayer):
        def feed(self, event: Event) -> None:
            order.append("feed")

    class Slow(TransposingVarier):
        def variations(self, *args: Any, **more: Any) -> Iterator[Variation]:
            for _ in range(16):
                order.append("slice")
                begun.set()
                assert go_on.wait(5)
                yield Variation((), 0.0)
            done.set()

    worker = Worker()
    seat = worker.seat(lambda reply: None)
    worker.start()
    seat.take(Watched())
    seat.submit(Equip(Slow()))
    seat.submit(wanted(1, 17))
    assert begun.wait(5)
    for _ in range(3):
        seat.submit(Feed(HEARD))
    go_on.set()
    assert done.wait(5)
    worker.stop()
    assert order == ["slice", "feed", "feed", "feed", *["slice"] * 15]
