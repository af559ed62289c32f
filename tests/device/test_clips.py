"""clips.js as it ships, in a small Live set, with a daemon that follows the protocol of clips."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import amxd
from max_js import MaxJs, ScriptError
from needs_node import NEEDS_NODE

SCRIPT = Path(__file__).resolve().parents[2] / "max_for_live" / "clips.js"

pytestmark = NEEDS_NODE

IDLE, ASKING, WRITTEN, READ, NOTHING, NO_CLIP, INCOMPLETE, NO_LIVE = range(8)
UNUSABLE, NOT_MIDI, NO_SLOT, NO_REPLY = range(8, 12)

ME = [{"name": "Antiphon", "me": True}]
NOTES = [
    {"pitch": 60, "start_time": 0, "duration": 1, "velocity": 100},
    {"pitch": 64, "start_time": 1.5, "duration": 0.5, "velocity": 80.4},
    {"pitch": 67, "start_time": 3, "duration": 1, "velocity": 64},
]


def session(**changes: Any) -> dict[str, Any]:
    """Return a set of four scenes with the device on a track whose first slot has a clip."""
    track = {"devices": ME, "clips": {"0": {"length": 4, "notes": NOTES}}}
    told: dict[str, Any] = {"scenes": 4, "detail_clip": [0, 0], "tracks": [track]}
    track.update(changes.pop("track", {}))
    told.update(changes)
    return told


Out = tuple[float, int, list[Any]]


class Daemon:
    """What the device talks to: it answers as `antiphon play` does, over a link that may lose."""

    def __init__(
        self, js: MaxJs, clips: dict[int, tuple[float, list[list[float]]]] | None = None
    ) -> None:
        self.js = js
        self.clips = clips or {}
        self.phrase: tuple[float, list[tuple[float, ...]]] | None = None
        self.status: list[int] = []
        self.sent: list[tuple[float, list[Any]]] = []
        self.loses: Callable[[], bool] = lambda: False
        self._beats, self._count, self._notes = 0.0, -1, dict[int, tuple[float, ...]]()

    def do(self, *message: str | float) -> int:
        """Send the device a message, let it end what it starts, and return the last status."""
        out = self.js.send(*message)
        for _ in range(100_000):
            self.take(out)
            if self.js.next is None:
                return self.status[-1]
            out = self.js.advance(self.js.next)
        raise AssertionError("it never ends")

    def take(self, out: list[Out]) -> None:
        """Hear what the device sent, and answer it."""
        pending = list(out)
        while pending:
            ms, outlet, atoms = pending.pop(0)
            if outlet == 1:
                assert atoms[0] == "set"
                self.status.append(atoms[1])
                continue
            self.sent.append((ms, atoms))
            if not self.loses():
                for answer in self._hear(atoms):
                    if not self.loses():
                        pending += self.js.send(*answer)

    def _hear(self, message: list[Any]) -> Iterator[list[Any]]:
        address, *args = message
        if address == "/antiphon/clip/get":
            beats, notes = self.clips.get(args[0], (0.0, []))
            if not notes:
                yield ["refused", 4, address]
                return
            yield ["begin", args[0], beats, len(notes)]
            for n, note in enumerate(notes):
                yield ["note", args[0], n, *note]
            yield ["end", args[0]]
        elif address == "/antiphon/clip/begin":
            assert args[0] == 0
            self._beats, self._count, self._notes = args[1], args[2], {}
            assert 0 < self._count <= 1024
            assert args[3] in (1, 10)
        elif address == "/antiphon/clip/note":
            self._notes[args[1]] = tuple(args[2:])
        elif address == "/antiphon/clip/end":
            if len(self._notes) != self._count:
                yield ["refused", 4, address]
                return
            self._count = -1  # taken: another needs a beginning of its own
            self.phrase = (self._beats, [self._notes[n] for n in range(len(self._notes))])
            yield ["phrase", self._beats, len(self._notes)]
        else:
            raise AssertionError(f"no such address: {address}")


@pytest.fixture(scope="module")
def process() -> Iterator[MaxJs]:
    """Start node once; each test gives it a set of its own."""
    js = MaxJs(SCRIPT)
    yield js
    js.close()


@pytest.fixture
def js(process: MaxJs) -> MaxJs:
    """Return the script with nothing under way and a fresh set."""
    process.send("cancel")
    process.send("phrase", 4, 1)
    process.send("channel", 1)
    process.request(set=session())
    return process


def clips_of(js: MaxJs, track: int = 0) -> list[dict[str, Any] | None]:
    """Return a track's clips by scene."""
    found: list[dict[str, Any] | None] = js.dump()["tracks"][track]["clips"]
    return found


ANSWER = (8.0, [[60.0, 0.0, 1.0, 100.0], [62.0, 1.5, 0.25, 90.0]])


def test_the_selected_clip_becomes_the_phrase(js: MaxJs) -> None:
    """`read` sends every note of the clip in Live's detail view, with its length in beats."""
    daemon = Daemon(js)
    assert daemon.do("readclip") == READ
    assert daemon.status == [ASKING, READ]
    assert daemon.phrase == (4, [(60, 0, 1, 100), (64, 1.5, 0.5, 80), (67, 3, 1, 64)])


def test_a_drum_clip_says_so(js: MaxJs) -> None:
    """What `channel` said goes out with the clip that is read."""
    daemon = Daemon(js)
    js.send("channel", 10)
    daemon.do("readclip")
    assert daemon.sent[0][1] == ["/antiphon/clip/begin", 0, 4, 3, 10]


@pytest.mark.parametrize(
    ("clip", "status"),
    [
        (None, NO_CLIP),
        ({"kind": "audio", "length": 4}, NOT_MIDI),
        ({"length": 4, "notes": []}, NOTHING),
        ({"length": 4, "notes": [{**NOTES[0], "mute": 1}]}, NOTHING),
        ({"length": 33, "notes": NOTES}, UNUSABLE),
        ({"length": 25, "signature": [3, 4], "notes": NOTES}, UNUSABLE),
        ({"length": 4, "notes": [NOTES[0]] * 1025}, UNUSABLE),
    ],
    ids=["none", "audio", "empty", "muted", "long", "long-waltz", "many"],
)
def test_what_cannot_be_a_phrase_is_refused(js: MaxJs, clip: Any, status: int) -> None:
    """Each kind of clip that cannot be read is told by its own status, and nothing is sent."""
    js.request(set=session(detail_clip=clip))
    daemon = Daemon(js)
    assert daemon.do("readclip") == status
    assert daemon.sent == []


def test_the_longest_clip_is_read(js: MaxJs) -> None:
    """Eight bars with 1024 notes still go, at most 32 notes in any 10 ms."""
    notes = [{"pitch": n % 128, "start_time": n / 32, "duration": 0.1} for n in range(1024)]
    js.request(set=session(detail_clip={"length": 32, "notes": notes}))
    daemon = Daemon(js)
    assert daemon.do("readclip") == READ
    assert daemon.phrase is not None
    assert len(daemon.phrase[1]) == 1024
    times = [ms for ms, atoms in daemon.sent if atoms[0] == "/antiphon/clip/note"]
    assert all(later - first >= 10 for first, later in zip(times, times[32:], strict=False))


def test_only_what_sounds_in_the_loop_is_read(js: MaxJs) -> None:
    """Notes outside the loop and muted ones are left out, and long ones end with the loop."""
    starts = [(-1, 0), (3, 0), (4, 0), (5, 1), (7.5, 0), (8, 0)]
    notes = [
        {"pitch": 60 + n, "start_time": start, "duration": 2, "mute": mute}
        for n, (start, mute) in enumerate(starts)
    ]
    clip = {"length": 16, "loop_start": 4, "loop_end": 8, "notes": notes}
    for looping in (1, 0):
        js.request(set=session(detail_clip={**clip, "looping": looping}))
        daemon = Daemon(js)
        daemon.do("readclip")
        assert daemon.phrase == (4, [(62, 0, 2, 100), (64, 3.5, 0.5, 100)])


def test_an_answer_goes_into_the_next_empty_slot(js: MaxJs) -> None:
    """`write 0` makes a named clip of the answer's length and notes, and touches no other clip."""
    before = clips_of(js)
    daemon = Daemon(js, {-1: ANSWER})
    assert daemon.do("writeclip", 0) == WRITTEN
    after = clips_of(js)
    made = after[1]
    assert made is not None
    assert [after[0], *after[2:]] == [before[0], *before[2:]]
    assert (made["name"], made["length"]) == ("Antiphon Answer", 8)
    told = [[n["pitch"], n["start_time"], n["duration"], n["velocity"]] for n in made["notes"]]
    assert told == ANSWER[1]


def test_variations_are_written_in_order_below_each_other(js: MaxJs) -> None:
    """`write 2` writes every variation on offer, each with its distance in its name."""
    js.send("varied", 2, 0.4567, 2)
    clips = {n: (4.0, [[60.0 + n, 0.0, 1.0, 90.0]]) for n in (1, 2, 3)}
    daemon = Daemon(js, clips)
    assert daemon.do("writeclip", 2) == WRITTEN
    made = clips_of(js)
    assert [clip and clip["name"] for clip in made[1:]] == [
        "Antiphon Variation 1",
        "Antiphon Variation 2 (0.46)",
        "Antiphon Variation 3",
    ]
    assert [clip and clip["notes"][0]["pitch"] for clip in made[1:]] == [61, 62, 63]


def test_sixteen_variations_make_the_scenes_they_need(js: MaxJs) -> None:
    """Scenes are added when the slots run out, and nothing is asked for beyond the sixteenth."""
    clips = dict.fromkeys(range(1, 17), ANSWER)
    daemon = Daemon(js, clips)
    assert daemon.do("writeclip", 2) == WRITTEN
    assert len(clips_of(js)) == 17
    assert [atoms[1] for _, atoms in daemon.sent] == list(range(1, 17))


@pytest.mark.parametrize(
    ("changes", "slot"),
    [
        ({"selected_scene": 2}, 2),
        ({"selected_scene": 3, "track": {"playing": 1}}, 1),
        ({"selected_scene": 0, "track": {"playing": -2}}, 1),
        ({"selected_scene": 2, "track": {"clips": {"2": {"length": 4}, "3": {"length": 4}}}}, 4),
    ],
    ids=["selected", "playing", "stopped", "new-scene"],
)
def test_clips_go_where_one_looks(js: MaxJs, changes: dict[str, Any], slot: int) -> None:
    """The first empty slot is taken from the playing scene on, else from the selected one."""
    js.request(set=session(**changes))
    before = clips_of(js)
    assert Daemon(js, {-1: ANSWER}).do("writeclip", 0) == WRITTEN
    after = clips_of(js)
    filled = [n for n, clip in enumerate(after) if n >= len(before) or clip != before[n]]
    assert filled == [slot]


def test_the_device_may_sit_in_a_rack(js: MaxJs) -> None:
    """The track is found through racks in racks, and it is the device's own, not another."""
    rack = [{"chains": [[], [{"name": "other"}, {"chains": [ME]}]]}]
    js.request(set=session(detail_clip=None, tracks=[{}, {"devices": rack}, {}]))
    assert Daemon(js, {0: ANSWER}).do("writeclip", 1) == WRITTEN
    filled = [n for n in range(3) if any(clips_of(js, n))]
    assert filled == [1]
    made = clips_of(js, 1)[0]
    assert made is not None
    assert made["name"] == "Antiphon Phrase"


@pytest.mark.parametrize(
    "changes",
    [
        {"track": {"frozen": 1}},
        {"track": {"kind": "group", "clips": {}}},
        {"track": {"kind": "audio", "clips": {}}},
        {"tracks": [{}]},
    ],
    ids=["frozen", "group", "audio", "nowhere"],
)
def test_a_track_that_takes_no_clips_is_told_at_once(js: MaxJs, changes: dict[str, Any]) -> None:
    """On a frozen, group or audio track, or on none, nothing is asked for and nothing changes."""
    js.request(set=session(**{"detail_clip": None, **changes}))
    before = js.dump()
    daemon = Daemon(js, {-1: ANSWER})
    assert daemon.do("writeclip", 0) == NO_SLOT
    assert daemon.sent == []
    assert js.dump() == before


def test_an_edition_with_few_scenes_is_told(js: MaxJs) -> None:
    """Where Live makes no further scene, the status says that there is no slot."""
    full = {str(n): {"length": 4} for n in range(4)}
    js.request(set=session(scene_limit=4, track={"clips": full}))
    before = js.dump()
    assert Daemon(js, {-1: ANSWER}).do("writeclip", 0) == NO_SLOT
    assert js.dump() == before


def test_a_clip_that_live_does_not_make_is_told(js: MaxJs) -> None:
    """If Live makes no clip in an empty slot, the status says that there is no slot."""
    js.request(set=session(full=True))
    assert Daemon(js, {-1: ANSWER}).do("writeclip", 0) == NO_SLOT


def test_notes_go_out_in_order(js: MaxJs) -> None:
    """Notes are sent by their start, and those of a chord from the lowest up."""
    places = [(2, 64), (0, 67), (2, 60), (1, 62)]
    notes = [{"pitch": pitch, "start_time": start, "duration": 1} for start, pitch in places]
    js.request(set=session(detail_clip={"length": 4, "notes": notes}))
    daemon = Daemon(js)
    daemon.do("readclip")
    assert daemon.phrase is not None
    assert [(note[1], note[0]) for note in daemon.phrase[1]] == sorted(places)


def test_nothing_to_write_is_told(js: MaxJs) -> None:
    """A clip that the daemon does not have is told, whichever was asked for."""
    for what in (0, 1, 2):
        assert Daemon(js).do("writeclip", what) == NOTHING
    assert clips_of(js)[1:] == [None] * 3


def test_without_a_daemon_it_gives_up(js: MaxJs) -> None:
    """With no reply at all both ways end, after four tries in 2 s, and nothing was written."""
    for message, status in ((["writeclip", 0], NO_REPLY), (["readclip"], INCOMPLETE)):
        daemon = Daemon(js, {-1: ANSWER})
        daemon.loses = lambda: True
        began = js.now
        assert daemon.do(*message) == status
        assert js.now - began == 2000
        firsts = ("/antiphon/clip/get", "/antiphon/clip/begin")
        assert sum(atoms[0] in firsts for _, atoms in daemon.sent) == 4
    assert clips_of(js)[1:] == [None] * 3


def test_a_refused_clip_is_not_sent_again(js: MaxJs) -> None:
    """What the daemon cannot use is told, and is not offered a second time."""
    out = js.send("readclip")
    out += js.send("refused", 3, "/antiphon/clip/begin")
    assert out[-1][1:] == (1, ["set", UNUSABLE])
    assert js.next is None


def test_errors_about_other_things_are_not_its_own(js: MaxJs) -> None:
    """Refusals of other addresses, and clips nobody asked for, change nothing."""
    astray: list[list[Any]] = [["refused", 4, "/antiphon/clip/get"], ["begin", 5, 4, 1]]
    astray += [["note", 5, 0, 60, 0, 1, 90], ["end", 5]]
    for message in astray:
        assert js.send(*message) == []
    js.send("writeclip", 0)
    assert js.send("refused", 4, "/antiphon/capture") == []
    assert js.send("begin", 3, 4, 1) + js.send("end", 3) == []
    assert js.send("cancel") == [(js.now, 1, ["set", IDLE])]
    assert js.next is None


def test_a_second_press_begins_anew(js: MaxJs) -> None:
    """Pressing again while a clip is on its way makes one clip, not two."""
    js.send("writeclip", 0)
    js.send("begin", -1, 8, 2)
    assert Daemon(js, {-1: ANSWER}).do("writeclip", 0) == WRITTEN
    assert sum(clip is not None for clip in clips_of(js)) == 2


def test_what_came_before_a_loss_is_not_asked_for_in_vain(js: MaxJs) -> None:
    """Notes of earlier tries count, so that a fifth of all packets may get lost."""
    chance = random.Random(1)
    clip = (8.0, [[float(n), n / 8, 0.125, 90.0] for n in range(64)])
    daemon = Daemon(js, {-1: clip})
    daemon.loses = lambda: chance.random() < 0.2
    statuses = []
    for _ in range(20):
        js.request(set=session())
        statuses.append(daemon.do("writeclip", 0))
        made = clips_of(js)[1]
        if statuses[-1] == WRITTEN:
            assert made is not None
            assert [[n["pitch"], n["start_time"]] for n in made["notes"]] == [
                note[:2] for note in clip[1]
            ]
        else:
            assert made is None
    assert statuses.count(WRITTEN) > 10


def test_lost_notes_of_a_phrase_are_made_up_for(js: MaxJs) -> None:
    """The daemon keeps what reached it, so that the next try has only to fill the gaps."""
    chance = random.Random(2)
    notes = [{"pitch": n, "start_time": n / 4, "duration": 0.25} for n in range(16)]
    statuses = []
    for _ in range(20):
        js.request(set=session(detail_clip={"length": 4, "notes": notes}))
        daemon = Daemon(js)
        daemon.loses = lambda: chance.random() < 0.05
        statuses.append(daemon.do("readclip"))
        if statuses[-1] == READ:
            assert daemon.phrase is not None
            assert [note[0] for note in daemon.phrase[1]] == list(range(16))
    assert statuses.count(READ) > 14


def test_two_answers_are_never_mixed(js: MaxJs) -> None:
    """If another answer came between two tries, the clip is all of that one."""
    js.send("writeclip", 0)
    js.send("begin", -1, 4, 3)
    js.send("note", -1, 0, 60, 0, 1, 100)
    js.send("note", -1, 1, 61, 1, 1, 100)
    js.send("end", -1)
    js.send("begin", -1, 4, 3)
    js.send("note", -1, 1, 71, 1, 1, 100)
    js.send("note", -1, 2, 72, 2, 1, 100)
    js.send("end", -1)
    other = (4.0, [[70.0 + n, float(n), 1.0, 100.0] for n in range(3)])
    daemon = Daemon(js, {-1: other})
    js.send("begin", -1, *other[:1], 3)
    for n, note in enumerate(other[1]):
        js.send("note", -1, n, *note)
    daemon.take(js.send("end", -1))
    assert daemon.status[-1] == WRITTEN
    made = clips_of(js)[1]
    assert made is not None
    assert [n["pitch"] for n in made["notes"]] == [70, 71, 72]


def test_only_the_gaps_are_sent_again(js: MaxJs) -> None:
    """Notes that the daemon misses follow soon: without a new beginning, and the next time with."""
    firsts = []
    js.send("readclip")
    for _ in range(3):
        assert js.send("refused", 4, "/antiphon/capture") == []
        assert js.send("refused", 4, "/antiphon/clip/end") == []
        assert js.send("phrase", 4, 3) == []  # another's
        assert js.next == js.now + 200
        out = js.advance(js.next)
        firsts.append(out[0][2][0])
        assert out[-1][2][0] == "/antiphon/clip/end"
    assert firsts == [f"/antiphon/clip/{word}" for word in ("note", "begin", "note")]
    js.send("refused", 4, "/antiphon/clip/end")
    assert js.advance(js.now + 200) == [(js.now, 1, ["set", INCOMPLETE])]


def test_a_daemon_that_is_not_ready_gets_the_whole_clip_later(js: MaxJs) -> None:
    """If the clip cannot be taken now, all of it is sent again, its beginning as well."""
    js.send("readclip")
    assert js.send("refused", 4, "/antiphon/clip/begin") == []
    assert js.advance(js.now + 200)[0][2][0] == "/antiphon/clip/begin"


def test_a_clip_without_its_beginning_is_not_written(js: MaxJs) -> None:
    """If the beginning is lost, how many notes there are is not known, whatever came before."""
    js.send("writeclip", 0)
    js.send("begin", -1, 4, 2)
    js.send("end", -1)
    for n in range(3):  # another answer, of three notes
        js.send("note", -1, n, 70 + n, n, 1, 90)
    assert js.send("end", -1) == [(js.now, 0, ["/antiphon/clip/get", -1])]
    assert clips_of(js)[1:] == [None] * 3


def test_half_a_clip_is_incomplete(js: MaxJs) -> None:
    """A clip of which something came, but never all, is told otherwise than no reply at all."""
    out = js.send("writeclip", 0)
    for _ in range(4):
        js.send("begin", -1, 4, 2)
        out = js.advance(js.now + 1000)
    assert out == [(js.now, 1, ["set", INCOMPLETE])]
    assert js.next is None


def test_a_device_that_is_removed_does_nothing_more(js: MaxJs) -> None:
    """When the object is deleted no task is left."""
    js.send("writeclip", 0)
    js.send("notifydeleted")
    assert js.next is None
    assert js.send("end", -1) == []


def test_a_press_that_cannot_be_followed_ends_what_was_under_way(js: MaxJs) -> None:
    """Without a clip to read, or a track to write to, the clip before is forgotten as well."""
    for message, status in ((["readclip"], NO_CLIP), (["writeclip", 0], NO_SLOT)):
        assert js.send("writeclip", 0)[0][1:] == (1, ["set", ASKING])
        js.request(set=session(detail_clip=None, track={"kind": "audio", "clips": {}}))
        assert [out[1:] for out in js.send(*message)] == [(1, ["set", status])]
        assert js.next is None
        assert js.send("end", -1) == []
        js.request(set=session())


@pytest.mark.parametrize(("beats", "count"), [(4, 0), (0, 1)])
def test_an_empty_clip_is_not_written(js: MaxJs, beats: float, count: int) -> None:
    """A clip without notes or without length is nothing to write."""
    js.send("writeclip", 0)
    js.send("begin", -1, beats, count)
    js.send("note", -1, 0, 60, 0, 1, 90)
    assert js.send("end", -1) == [(js.now, 1, ["set", NOTHING])]
    assert clips_of(js)[1:] == [None] * 3


def test_no_live_is_told() -> None:
    """In Max without Live both buttons say so, and nothing is sent."""
    js = MaxJs(SCRIPT)
    try:
        js.request(set={"tracks": []})
        js.request(absent=True)
        for message in (["readclip"], ["writeclip", 0]):
            assert js.send(*message) == [(0, 1, ["set", NO_LIVE])]
    finally:
        js.close()


def test_the_script_inside_the_device_does_the_same(js: MaxJs, tmp_path: Path) -> None:
    """What Antiphon.amxd holds sends, writes and tells exactly what clips.js does."""
    device = amxd.unpack(SCRIPT.with_name("Antiphon.amxd").read_bytes())
    (inside,) = (entry for entry in device.entries if entry.name == SCRIPT.name)
    path = tmp_path / SCRIPT.name
    path.write_bytes(inside.data)
    shipped = MaxJs(path)
    try:
        told = []
        for one in (js, shipped):
            one.request(set=session())
            daemon = Daemon(one, {-1: ANSWER, 1: ANSWER})
            statuses = [
                daemon.do(*message)
                for message in (["readclip"], ["writeclip", 0], ["writeclip", 2])
            ]
            clips = [clip and (clip["name"], clip["length"]) for clip in clips_of(one)]
            told.append((statuses, [atoms for _, atoms in daemon.sent], clips))
        assert told[0] == told[1]
        assert told[0][0] == [READ, WRITTEN, WRITTEN]
    finally:
        shipped.close()


def test_nothing_happens_on_load() -> None:
    """Loading the script prints nothing, sends nothing and leaves Live's objects alone."""
    js = MaxJs(SCRIPT, session(), ready=False)
    try:
        js.now = 1000
        answer = js.request(now=js.now)
        assert (answer["posted"], answer["next"]) == ([], None)
        with pytest.raises(ScriptError, match=r"live\.thisdevice"):
            js.send("readclip")
    finally:
        js.close()


def test_the_patcher_reaches_only_what_is_meant_for_it(js: MaxJs) -> None:
    """Every function that is not a message of the inlet is local."""
    names = re.findall(r"^function (\w+)", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    public = {
        "readclip",
        "writeclip",
        "cancel",
        "channel",
        "begin",
        "note",
        "end",
        "varied",
        "phrase",
    }
    public |= {"refused", "notifydeleted"}
    assert public <= set(names)
    for name in set(names) - public:
        with pytest.raises(ScriptError, match="no function"):
            js.send(name)


def test_it_is_ecmascript_5() -> None:
    """The script uses nothing that Max's js, an engine of ECMAScript 5, cannot read."""
    text = SCRIPT.read_text(encoding="utf-8")
    text = re.sub(r"//.*|\"[^\"\n]*\"", "", text)
    newer = r"=>|`|\.\.\.|\b(let|const|class|of|async|await|import|export)\b|\*\*|\?\.|\?\?"
    assert re.search(newer, text) is None
    assert text.isascii()


clip_notes = st.lists(
    st.tuples(
        st.integers(0, 127),
        st.integers(-4, 40).map(lambda n: n / 4),
        st.integers(1, 20).map(lambda n: n / 4),
        st.integers(1, 127),
        st.booleans(),
    ),
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(clip_notes, st.integers(0, 8), st.integers(1, 32), st.floats(0, 0.2), st.integers())
def test_a_lossy_link_gives_all_of_a_clip_or_a_refusal(
    process: MaxJs, notes: list[Any], start: int, span: int, loss: float, seed: int
) -> None:
    """Whatever is lost, a clip that is read is read whole or is told to be incomplete."""
    told = [
        {"pitch": p, "start_time": s, "duration": d, "velocity": v, "mute": int(m)}
        for p, s, d, v, m in notes
    ]
    clip = {"length": 99, "loop_start": start, "loop_end": start + span, "notes": told}
    process.request(set=session(detail_clip=clip))
    daemon = Daemon(process)
    chance = random.Random(seed)
    daemon.loses = lambda: chance.random() < loss / 10
    status = daemon.do("readclip")
    inside = [n for n in notes if start <= n[1] < start + span and not n[4]]
    expected = sorted((p, s - start, min(d, start + span - s), v) for p, s, d, v, _ in inside)
    if not inside:
        assert status == NOTHING
    elif status == READ:
        assert daemon.phrase is not None
        assert daemon.phrase[0] == span
        assert sorted(daemon.phrase[1]) == expected
    else:
        assert status == INCOMPLETE
    assert process.next is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 60), max_size=16),
    st.sets(st.integers(0, 5)),
    st.integers(0, 5),
    st.floats(0, 0.2),
    st.integers(),
)
def test_a_lossy_link_never_writes_half_a_clip(
    process: MaxJs, counts: list[int], filled: set[int], selected: int, loss: float, seed: int
) -> None:
    """Whatever is lost, clips are written whole and in order, and none that was there changes."""
    chance = random.Random(seed)
    clips = {
        n + 1: (4.0, [[float(chance.randrange(128)), k / 16, 0.25, 90.0] for k in range(count)])
        for n, count in enumerate(counts)
    }
    there = {str(n): {"length": 4, "name": "mine", "notes": NOTES} for n in filled}
    process.request(
        set=session(scenes=6, selected_scene=selected, detail_clip=None, track={"clips": there})
    )
    before = clips_of(process)
    daemon = Daemon(process, clips)
    daemon.loses = lambda: chance.random() < loss / 10
    status = daemon.do("writeclip", 2)
    after = clips_of(process)
    assert all(after[n] == clip for n, clip in enumerate(before) if clip)
    made = [c for n, c in enumerate(after) if c and (n >= len(before) or not before[n])]
    written = [[[n["pitch"], n["start_time"]] for n in clip["notes"]] for clip in made]
    offered = [[note[:2] for note in notes] for _, notes in clips.values()]
    assert written == offered[: len(written)]
    assert not any(c for n, c in enumerate(after[:selected]) if c and not before[n])
    if status in (WRITTEN, NOTHING):
        assert written == offered
    else:
        assert status in (INCOMPLETE, NO_REPLY)
    assert process.next is None
