"""The terminal view: beat, state, a scrolling piano roll, and how well time is kept.

The engine's thread only stores (:meth:`View.update`); the main thread draws (:meth:`View.run`).
Where there is no terminal, state changes and warnings become plain lines. Nothing here may
raise into the daemon: a view that breaks falls silent, the music goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.style import Style

from antiphon.commands import (
    Looped,
    Mode,
    PhraseTaken,
    Refused,
    State,
    Stats,
    Status,
    TurnEnded,
    Update,
)
from antiphon.music import Seconds, pitch_name
from antiphon.textroll import ANSWER, CALL, Bar, Compass, half_blocks, lines, raster
from antiphon.timebase import Clock
from antiphon.viewstate import ViewState

log = logging.getLogger(__name__)

FPS: Final = 15
WORDS: Final = {
    State.IDLE: "idle",
    State.LISTENING: "listening",
    State.ANSWERING: "answering",
    State.LOOPING: "looping",
    State.LOADING: "loading the model",
}
AHEAD: Final = 0.12
"""Share of the roll that lies ahead of the now-line."""

PLAIN: Final = Style()
BOLD: Final = Style(bold=True)
DIM: Final = Style(dim=True)
WARN: Final = Style(color="yellow", bold=True)
PARTS: Final = {CALL: Style(color="#3f9bdc"), ANSWER: Style(color="#f07f45")}
"""Blue for the player, vermilion for the partner, on dark and on light terminals."""
BOTH: Final = {
    (CALL, ANSWER): Style(color="#3f9bdc", bgcolor="#f07f45"),
    (ANSWER, CALL): Style(color="#f07f45", bgcolor="#3f9bdc"),
}

Row = list[Segment]


class View:
    """Shows what the engine tells.

    Parameters
    ----------
    clock : Clock
        The clock of the engine's updates.
    console : rich.console.Console, optional
        Where to draw; standard output if not given.
    sync : str
        Where the beat comes from: ``internal``, ``midi``, ``osc``.
    ports : str
        One line about ports and addresses, shown at the foot.
    plain : bool, optional
        Lines instead of a picture; by default where the console is no terminal.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        console: Console | None = None,
        sync: str = "internal",
        ports: str = "",
        plain: bool | None = None,
    ) -> None:
        self.console = console or Console()
        self.sync, self.ports = sync, ports
        self.state = ViewState()
        self.plain = not self.console.is_terminal if plain is None else plain
        self.frame_ms: deque[float] = deque(maxlen=300)
        """Cost of the last frames, in milliseconds of this thread."""
        self._clock = clock
        self._updates: deque[tuple[Update, Seconds]] = deque(maxlen=20_000)
        self._compass = Compass()
        self._told: Status | None = None
        self._counts, self._quiet_until = (0, 0), 0.0

    def update(self, update: Update) -> None:
        """Take an update. Called on the engine's thread: stores it and never waits."""
        self._updates.append((update, self._clock.now()))

    def run(self, until: threading.Event) -> None:
        """Draw on this thread until `until` is set."""
        try:
            if self.plain:
                self._run_plain(until)
            else:
                self._run_live(until)
        except Exception:  # the music must not depend on a picture of it
            log.exception("the view gave up; the music goes on")
            until.wait()

    def _run_live(self, until: threading.Event) -> None:
        with Live(console=self.console, auto_refresh=False, transient=False) as live:
            while True:
                began = time.thread_time()
                self.take()
                live.update(self, refresh=True)
                self.frame_ms.append((time.thread_time() - began) * 1e3)
                if until.wait(1 / FPS):
                    return

    def _run_plain(self, until: threading.Event) -> None:
        while True:
            for line in self.take():
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)
            if until.wait(0.1):
                return

    def take(self) -> list[str]:
        """Take in what has been stored; return the lines that it is worth, for plain output."""
        said: list[str] = []
        while self._updates:
            update, when = self._updates.popleft()
            self.state.apply(update, when)
            said += self._lines(update, when)
        self.state.forget(self._clock.now())
        return said

    def _lines(self, update: Update, when: Seconds) -> Iterator[str]:
        """Return the lines that an update is worth; a stream of warnings is thinned out."""
        match update:
            case Status():
                before, self._told = self._told, update
                if update.model and (before is None or update.model != before.model):
                    yield f"model {update.model}"
                if before is not None and update.mode != before.mode:
                    yield f"mode {update.mode.name.lower()}"
                # the end of a turn says more than "answering" does
                told = update.state == State.ANSWERING and update.mode == Mode.RESPOND
                if (before is None or update.state != before.state) and not told:
                    yield WORDS[update.state]
            case TurnEnded(at=at, start=start, length=length):
                bar = self.state.bar_of(start - at, when)
                yield f"answering bar {bar}" + (f", {length:g} beats" if length else "")
            case PhraseTaken(length=length, notes=notes):
                yield f"phrase {length:g} beats, {notes} note{'s' if notes > 1 else ''}"
            case Stats(late_notes=late, dropped=dropped) if when >= self._quiet_until:
                if (late, dropped) > self._counts:
                    yield f"warning: {late} notes late, {dropped} dropped so far"
                    self._quiet_until = when + 10.0
                self._counts = (late, dropped)
            case Refused(code=code, address=address):
                if when >= self._quiet_until:
                    self._quiet_until = when + 1.0
                    yield f"refused {address or 'a command'}: {code.name.lower().replace('_', ' ')}"
            case _:
                pass

    # -- the picture -------------------------------------------------------------------------

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, min(console.height - 1, 32)
        rows = self.rows(width, height, unicode=options.encoding.lower().startswith("utf"))
        for index, row in enumerate(rows):
            if index:
                yield Segment.line()
            yield from Segment.adjust_line_length(row, width - 1)

    def rows(self, width: int, height: int, *, unicode: bool = True) -> list[Row]:
        """Return the picture as at most `height` rows of segments."""
        now = self._clock.now()
        head, foot = self._head(now, width, unicode), self._foot(now, width, unicode)
        rule = [Segment(("─" if unicode else "-") * (width - 1), DIM)]
        room = height - len(head) - len(foot) - 2
        if room < 3:  # a small window: the words matter more than the picture
            return [*head, *foot][: max(height, 1)]
        return [*head, rule, *self._roll(now, width, min(room, 24), unicode), rule, *foot]

    def _head(self, now: Seconds, width: int, unicode: bool) -> list[Row]:
        state, status = self.state, self.state.status
        lights = state.meter_lights()
        signs = ("●", "○") if unicode else ("*", ".")
        where = f"{state.bar + 1}.{state.beat_number}"
        beat = f"{where:>7}  {state.bpm:.1f} bpm  {self.sync}"
        model = status.model or ("no model" if status.state != State.LOADING else "")
        left = [
            Segment(" Antiphon", BOLD),
            Segment(f"  {status.mode.name.lower()}", PLAIN),
            Segment(f"  {model}"[: max(width - 48, 0)], DIM),
        ]
        lamp = "".join(signs[0] if on else signs[1] for on in lights)
        first = _spread(left, [Segment(lamp, BOLD), Segment(beat, PLAIN)], width)
        style = {State.LISTENING: PARTS[CALL], State.ANSWERING: PARTS[ANSWER]}
        style[State.LOOPING] = PARTS[ANSWER]
        words = [Segment(f" {WORDS[status.state]}", style.get(status.state, PLAIN) + BOLD)]
        if status.state is State.LOOPING and state.loop is not None:
            words.append(Segment(f"  {_loop(state.loop)}"[: max(width - 32, 0)], PLAIN))
        lamps: Row = []
        for name, on, part in (
            ("in", state.input_lit(now), CALL),
            ("out", state.output_lit(now), ANSWER),
        ):
            lamps.append(Segment(f"   {name} ", DIM))
            lamps.append(Segment(signs[0] if on else signs[1], PARTS[part] if on else DIM))
        return [first, _spread(words, lamps, width)]

    def _foot(self, now: Seconds, width: int, unicode: bool) -> list[Row]:
        state, stats = self.state, self.state.stats
        room = max((width - 14) // 4, 1)
        rows: list[Row] = []
        for name, part, notes in (
            ("you", CALL, state.heard),
            ("partner", ANSWER, state.sounded(now)),
        ):
            names = " ".join(pitch_name(pitch) for pitch in list(notes)[-room:])
            rows.append([Segment(f" {name:<9}", DIM), Segment(names[-(width - 12) :], PARTS[part])])
        good = (
            f" step {stats.step_ms_p50:.2f} / {stats.step_ms_p99:.2f} ms"
            f"   late p99 {stats.late_ms_p99:.2f} ms"
        )
        bad = f"   dropped {stats.dropped}   late {stats.late_notes}   refused {stats.refused}"
        rows.append([Segment(good, DIM), Segment(bad, WARN if stats.dropped else DIM)])
        if self.ports:
            rows.append([Segment(f" {self.ports}"[: width - 1], DIM)])
        return rows

    def _roll(self, now: Seconds, width: int, height: int, unicode: bool) -> list[Row]:
        """Draw the roll: the past scrolls left from the now-line, what is sent stands ahead."""
        colour = unicode and not self.console.no_color and self.console.color_system is not None
        columns, rows = width - 7, height * (2 if colour else 1)
        line = int(columns * (1 - AHEAD))
        second = columns / 8.0 if columns < 96 else 12.0  # columns a second: about 8 s in view
        origin = int(now * second) - line
        bars: list[Bar] = []
        for start, stop, pitch, part in self.state.spans(now):
            left, right = start * second - origin, stop * second - origin
            if right >= 0 and left < columns:
                bars.append(Bar(left, right, pitch, part))
        self._compass = self._compass.fitted((bar.pitch for bar in bars), rows)
        grid = raster(bars, self._compass, columns, rows)
        signs = "│┊·" if unicode else "|:."
        under = [" "] * columns
        for when, is_bar in self.state.beat_lines(now):
            column = int(when * second) - origin
            if 0 <= column < columns:
                under[column] = signs[1 if is_bar else 2]
        under[line] = signs[0]
        empty = "".join(under)
        drawn: list[Row] = []
        for index in range(height):
            row: Row = [Segment(self._name(rows - 1 - index * (2 if colour else 1), colour), DIM)]
            if colour:
                row += _coloured(grid[2 * index], grid[2 * index + 1], empty)
            else:
                text = lines([grid[index]], unicode=unicode)[0]
                row.append(Segment("".join(map(_over, text, empty))))
            drawn.append(row)
        return drawn

    def _name(self, place: int, double: bool) -> str:
        """Return the name of a row where it holds a C."""
        low, step = self._compass.low, self._compass.step
        first = low + (place - 1 if double else place) * step
        held = range(first, first + step * (2 if double else 1))
        named = next((pitch for pitch in held if pitch % 12 == 0), None)
        return f"{pitch_name(named) if named is not None else '':>5} "


def _loop(loop: Looped) -> str:
    """Say what the loop plays: how long, which pass, which variation, whether it is held."""
    bars = f"{loop.bars:g} bar{'' if loop.bars == 1 else 's'}"
    if loop.bars != int(loop.bars):
        bars = f"{loop.length:g} beats"
    what = {None: "varied", 0: "as played"}.get(loop.index, f"variation {loop.index}")
    far = f" {loop.distance:.2f}" if loop.index != 0 else ""
    return f"{bars}  pass {loop.number}  {what}{far}" + ("  frozen" if loop.frozen else "")


def _spread(left: Row, right: Row, width: int) -> Row:
    """Put segments at both ends of a row."""
    gap = width - 2 - sum(len(s.text) for s in left) - sum(len(s.text) for s in right)
    return [*left, Segment(" " * max(gap, 1)), *right]


def _over(sign: str, empty: str) -> str:
    """Return the sign, or what lies under it where there is none."""
    return empty if sign == " " else sign


def _coloured(upper: bytearray, lower: bytearray, empty: str) -> Row:
    """Join two rows into half blocks, with the lines of the grid where both are empty."""
    row: Row = []
    column = 0
    for text, front, behind in half_blocks(upper, lower):
        if front:
            row.append(Segment(text, BOTH[front, behind] if behind else PARTS[front]))
        else:
            row.append(Segment(empty[column : column + len(text)], DIM))
        column += len(text)
    return row
