"""Nothing that arrives in a datagram can stop, slow or swell the server."""

from __future__ import annotations

import random
import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator

from pythonosc.osc_message import OscMessage

from antiphon.osc import addresses, codec
from antiphon.osc.dispatch import Dispatch
from antiphon.osc.server import OscServer
from antiphon.timebase import ManualClock, MonotonicClock

SEED = 20260101
HEAD = b"#bundle\0"


def valid(rng: random.Random) -> bytes:
    """Build a message that some row takes, more or less."""
    row = rng.choice(addresses.ROWS)
    arguments: list[codec.Argument] = []
    for field in rng.choice(row.forms):
        if isinstance(field, addresses.Text):
            arguments.append(rng.choice(["respond", "temperature", "é" * 20, "x" * 70]))
        else:
            value = rng.uniform(field.low, field.high)
            arguments.append(value if rng.random() < 0.5 else int(value))
    return codec.encode(row.address, *arguments)


def malformed(rng: random.Random, stock: list[bytes]) -> bytes:
    """Build one hostile datagram."""
    kind = rng.randrange(8)
    data = rng.choice(stock)
    if kind == 0:
        return rng.randbytes(rng.randrange(0, 64))
    if kind == 1:
        return data[: rng.randrange(len(data))]
    if kind == 2:
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 6)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    if kind == 3:
        tags = "".join(rng.choice("ifshdbTFNImrt[]cS") for _ in range(rng.randrange(1, 30)))
        return b"/antiphon/note\0\0," + tags.encode() + rng.randbytes(rng.randrange(40))
    if kind == 4:
        bad = rng.choice([float("nan"), float("inf"), 3e38, -0.0])
        return b"/antiphon/generate\0\0,f\0\0" + struct.pack(">f", bad)
    if kind == 5:
        size = rng.choice([0, -4, -1, 2**31 - 1, -(2**31), 3, len(data)])
        tag = rng.choice([rng.randbytes(8), b"\0" * 7 + b"\1"])
        return HEAD + tag + struct.pack(">i", size) + data
    if kind == 6:
        for _ in range(rng.randrange(1, 30)):
            data = HEAD + b"\0" * 7 + b"\1" + struct.pack(">i", len(data)) + data
        return data
    return b"/antiphon/" + rng.randbytes(6) + b"\xff\xfe\0\0" + data


def datagrams(count: int) -> Iterator[bytes]:
    """Build hostile datagrams from one seed, and the largest ones."""
    rng = random.Random(SEED)
    stock = [valid(rng) for _ in range(500)]
    for _ in range(count):
        yield malformed(rng, stock)
    yield b""
    yield b"/" * 65507
    yield b"/antiphon/note\0\0," + b"f" * 65000
    yield HEAD * 8000


def test_a_hundred_thousand_malformed_datagrams_are_survived_quickly_in_flat_memory() -> None:
    """Nothing raises, nothing takes long, and nothing is kept."""
    clock = ManualClock()
    taken = 0

    def submit(_: object) -> bool:
        nonlocal taken
        taken += 1
        return True

    def later(_: float, function: object) -> None:
        assert dispatch.pending <= 1000
        dispatch.pending -= 1

    dispatch = Dispatch(submit, lambda *_: None, later, clock, lambda: 0.0)
    rng = random.Random(1)
    stored = list(datagrams(100_000))
    spent = longest = 0.0
    traced_from = 95_000
    for number, datagram in enumerate(stored):
        if number == traced_from:
            tracemalloc.start()
        before = time.thread_time()
        dispatch.receive(datagram, ("127.0.0.1", rng.randrange(1024, 60000)))
        took = time.thread_time() - before
        spent, longest = spent + took, max(longest, took)
        clock.advance(1e-4)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dispatch.refused > 50_000
    assert taken > 0
    assert spent < 10
    assert longest < 0.25
    assert kept < 1_000_000


def test_a_server_under_fire_still_answers_a_ping() -> None:
    """After thousands of malformed datagrams through a real socket a valid ping is ponged."""
    server = OscServer("127.0.0.1", 0, lambda _: True, MonotonicClock())
    server.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        try:
            peer.bind(("127.0.0.1", 0))
            for number, datagram in enumerate(datagrams(3000)):
                peer.sendto(datagram[:60000], server.address)
                if number % 50 == 49:
                    wait_for_pong(peer, server)  # also keeps the socket's buffer from filling
            wait_for_pong(peer, server)
            assert server.refused > 1500
        finally:
            server.stop()


def wait_for_pong(peer: socket.socket, server: OscServer) -> None:
    """Ping until ponged, within a deadline: UDP may lose one."""
    peer.settimeout(1.0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        peer.sendto(codec.encode("/antiphon/ping", peer.getsockname()[1]), server.address)
        try:
            while True:
                if OscMessage(peer.recv(65536)).address == "/antiphon/pong":
                    return
        except TimeoutError:
            continue
    raise AssertionError("no pong within 10 s")
