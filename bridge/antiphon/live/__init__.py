"""Ableton Live without Max for Live: a client of AbletonOSC.

AbletonOSC (https://github.com/ideoforms/AbletonOSC) is a remote script that lets Live 11 and
later be asked over OSC. What this package relies on, from its README and its source as of
November 2025:

- It hears UDP 11000 and sends every reply to port 11001 of whoever asked, not to the port that
  the question came from. Notices go to whoever asked last: there is one client at a time.
- It takes in what has come in every 100 ms, on Live's main thread, all of it in order; where a
  message raises, the rest waits for the next time. So a reply can be 100 ms late, and more while
  Live loads something; but its values are those of the moment at which it is sent.
- A question ``/live/OBJECT/get/PROPERTY`` is answered under the same address, with the indices
  of the track and the slot first where it had them. ``/live/OBJECT/start_listen/PROPERTY`` has
  the value sent at once and then whenever it changes, under the address of the question.
- ``/live/song/start_listen/beat`` has each whole beat told under ``/live/song/get/beat``, as an
  int, once Live notices that it has passed, and at each jump back.
- Times are in quarter notes, counted from 0. Truth values come as OSC types T and F, what is not
  there as N, times and velocities as 32-bit floats.
- A note is five arguments: pitch, start, duration, velocity, muted. Asked without a range of
  pitches and times, ``/live/clip/get/notes`` leaves pitch 127 out (its issue 190). A reply has to
  fit a datagram, which on macOS is 9216 bytes unless somebody has raised that (its issue 88).
- What fails is told with ``/live/error`` and a text, without the address or the client that it
  was for. Commands that succeed are not confirmed.
- ``/live/startup`` is sent when the script starts or is reloaded; listeners are gone by then. It
  goes to this machine unless somebody has asked before.
- Properties that are read, and changes that are told, are written into its log; beats are not.
  ``/live/test`` shows a message in Live. So we listen to beats, ask for the exact place a few
  times a second, and never use ``/live/test`` to find out whether Live is there.
"""
