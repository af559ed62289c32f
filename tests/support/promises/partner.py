"""What the partner plays, and that nothing of it is left sounding."""

from __future__ import annotations

from device_stand import RECEIVE
from faces import MODES
from promises.common import DISTINCT, Make, busy, ended, live_promise, plays_again, promise, same


@promise
def notes_come_exactly_when_they_are_due(make: Make) -> None:
    """A note-on after ``delay_ms``, its note-off after ``duration_ms`` more, to the millisecond."""
    stand = make().connect()
    now = stand.clock.now
    expected = []
    for place, (pitch, velocity) in enumerate(DISTINCT.items()):
        delay, duration = 60 + 7 * place, 203 - 50 * place
        stand.play(pitch, velocity, duration, delay)
        expected += [(now + delay, pitch, velocity), (now + delay + duration, pitch, 0)]
    stand.run(1000)
    same(stand.device.notes(), sorted(expected), "notes")
    same({channel for _, _, channel, _ in stand.device.heard()}, {1}, "channels")


@promise
def a_pitch_that_sounds_is_ended_before_it_comes_again(make: Make) -> None:
    """Notes of one pitch that overlap: the first ends when the second begins."""
    stand = make().connect()
    now = stand.clock.now
    stand.play(60, 90, 200, 10)
    stand.play(60, 80, 200, 100)
    stand.play(60, 70, 50, 300)
    stand.run(1000)
    due = [(10, 90), (100, 0), (100, 80), (300, 0), (300, 70), (350, 0)]
    same(stand.device.notes(), [(now + at, 60, velocity) for at, velocity in due], "notes")


@promise
def a_channel_of_the_answer_does_not_matter(make: Make) -> None:
    """Whatever channel the daemon names, the track hears channel 1."""
    stand = make().connect()
    stand.daemon.play(stand.port, 36, 90, 100, 20, 10)
    stand.run(500)
    same([channel for _, _, channel, _ in stand.device.heard()], [1, 1], "channels")


@promise
def panic_of_the_daemon_ends_the_partner(make: Make) -> None:
    """``/antiphon/panic`` ends what sounds, forgets what is to come, and is not sent back."""
    stand = busy(make)
    same(stand.said(lambda: stand.tell("panic")), [], "sent back")
    ended(stand)
    plays_again(stand)


@promise
def the_panic_button_ends_everything(make: Make) -> None:
    """Panic silences the partner, what passes through, and the daemon."""
    stand = busy(make)
    same(stand.said(lambda: stand.device.press("Panic")), [("panic", ())], "said")
    ended(stand, thru_too=True)
    plays_again(stand)


@promise
def panic_works_without_a_daemon(make: Make) -> None:
    """Panic ends what passes through when there is no daemon, and says nothing."""
    stand = make()
    stand.daemon.quiet = True
    stand.load()
    stand.device.note(60, 90)
    said = stand.said(lambda: stand.device.press("Panic"))
    same(said, [], "said")
    assert stand.silent()


@promise
def off_is_silent(make: Make) -> None:
    """On switched off sends mode 0 and ends the partner; what is played still passes."""
    stand = busy(make)
    same(stand.said(lambda: stand.device.move("On", 0)), [("mode", (0,))], "said")
    ended(stand)
    stand.play(62)
    stand.run(500)
    same(dict(stand.device.sounding()), {(1, 50): 1}, "a note that comes while it is off")
    same(stand.device.notes()[-1][1], 60, "the last note")
    said = stand.said(lambda: stand.device.move("Mode", 1))
    assert set(said) <= {("mode", (0,))}, f"Mode while off says {said}"
    same(stand.said(lambda: stand.device.move("On", 1)), [("mode", (MODES[1][1],))], "on again")
    plays_again(stand)


@promise
def off_comes_back_with_a_set(make: Make) -> None:
    """A set that was saved with On off tells mode 0 and plays nothing."""
    stand = make(stored={"On": 0}).load()
    stand.run(100)
    same(stand.daemon.got("mode"), [(0,)], "mode")
    stand.play(60)
    stand.run(500)
    same(stand.patch.midi_out, [], "bytes")


@live_promise
def turned_off_in_live_it_is_silent(make: Make) -> None:
    """The device's own switch ends everything, what passes through as well."""
    stand = busy(make)
    same(stand.said(lambda: stand.device.enable(False)), [("mode", (0,))], "said")
    ended(stand, thru_too=True)
    stand.play(62)
    stand.run(500)
    assert stand.silent()
    same([p for _, p, _ in stand.device.notes()].count(62), 0, "notes while it is off")
    same(stand.said(lambda: stand.device.enable(True)), [("mode", (MODES[0][1],))], "on again")
    plays_again(stand)


@live_promise
def both_switches_have_to_be_on(make: Make) -> None:
    """Turned on in Live while On is off, and the other way round, it stays off."""
    stand = make().connect()
    stand.device.move("On", 0)
    stand.device.enable(False)
    stand.device.enable(True)
    same(stand.daemon.got("mode")[-1], (0,), "mode with On off")
    stand.device.enable(False)
    stand.device.move("On", 1)
    same(stand.daemon.got("mode")[-1], (0,), "mode while off in Live")
    stand.device.enable(True)
    same(stand.daemon.got("mode")[-1], (MODES[0][1],), "mode with both on")


@promise
def a_stopped_song_ends_the_partner(make: Make) -> None:
    """The transport stops: the partner's notes end at once, what passes through does not."""
    stand = make().connect()
    stand.song.set(playing=True)
    stand.run(500)
    stand.device.note(50, 90)
    stand.play(60, 90, 5000, 0)
    stand.play(61, 90, 500, 100)
    stand.run(20)
    stand.song.set(playing=False)
    ended(stand, after=60)
    plays_again(stand)


@promise
def a_lost_daemon_ends_the_partner(make: Make) -> None:
    """5 s after the last pong nothing of the partner sounds."""
    stand = busy(make)
    stand.play(65, 90, 60_000, 0)
    stand.run(0)
    stand.daemon.kill()
    ended(stand, after=7000)


@promise
def a_restarted_daemon_ends_the_partner(make: Make) -> None:
    """A daemon that knows us not any more will not end its notes: the device does."""
    stand = make().connect()
    stand.play(65, 90, 60_000, 0)
    stand.run(0)
    stand.daemon.kill()
    stand.daemon.start()
    stand.run(2000)
    assert stand.silent(), "a note of the daemon that was killed"


@promise
def closed_it_is_silent_and_says_goodbye(make: Make) -> None:
    """Closed, it ends everything, says bye, and then nothing goes out any more."""
    stand = busy(make)
    same(stand.said(stand.device.close), [("bye", (RECEIVE,))], "said")
    ended(stand, thru_too=True)
    same(stand.said(lambda: stand.run(9000)), [], "said later")
    assert stand.network.bind(RECEIVE, lambda *_: None), "the port is still taken"


@live_promise
def it_may_be_told_at_the_start_that_it_is_on(make: Make) -> None:
    """Live may tell a device that it is on right after it was loaded: that changes nothing."""
    stand = make()
    stand.daemon.quiet = True
    stand.load()
    same(stand.said(lambda: stand.device.enable(True)), [], "without a daemon")
    stand.daemon.quiet = False
    stand.run(2100)
    same(stand.daemon.got("mode"), [(MODES[0][1],)], "mode")
    plays_again(stand)


@live_promise
def turned_off_before_there_is_a_daemon_it_is_off(make: Make) -> None:
    """Turned off in Live while there is no daemon, it tells mode 0 when one comes."""
    stand = make()
    stand.daemon.quiet = True
    stand.load()
    same(stand.said(lambda: stand.device.enable(False)), [], "without a daemon")
    stand.daemon.quiet = False
    stand.run(2100)
    same(stand.daemon.got("mode"), [(0,)], "mode")
    stand.play(60)
    stand.run(500)
    same([pitch for _, pitch, _ in stand.device.notes()], [], "notes")
