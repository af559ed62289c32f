"""Partners for guests: OSC clients, such as devices on tracks, that have one of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from antiphon.commands import Client
from antiphon.conversation import Conversation, beside
from antiphon.errors import AntiphonError
from antiphon.model import Player, Varier

_log = logging.getLogger("antiphon")


class Guests:
    """Makes a guest's partner when it first plays, and ends it when the guest leaves.

    Parameters
    ----------
    make : callable
        Makes the conversation of a guest; returns at once.
    load : callable
        Loads the network that each partner begins with; takes its time.
    changed : callable
        Told how many there are whenever that changes.
    """

    def __init__(
        self,
        make: Callable[[Client], Conversation],
        load: Callable[[], Player],
        changed: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._make, self._load, self._changed = make, load, changed
        self._lock = threading.Lock()
        self._conversations: dict[Client, Conversation] = {}
        self._varier: Varier | None = None

    def submit(self, guest: Client, asked: Any) -> bool:
        """Give a guest's partner something; the first time it is made. OSC thread, never waits."""
        conversation = self._conversations.get(guest) or self._welcome(guest)
        return conversation.submit(asked)

    def leave(self, guest: Client) -> None:
        """End a guest's partner; there may be none. OSC thread, never waits."""
        with self._lock:
            conversation = self._conversations.pop(guest, None)
        if conversation is not None:
            conversation.stop()
            beside("antiphon-guest-leaves", lambda: conversation.join(2.0))
            self._changed(len(self._conversations))

    def equip(self, varier: Varier) -> None:
        """Vary with these networks, everyone who is here and who will come. Any thread."""
        with self._lock:
            self._varier = varier
            for conversation in self._conversations.values():
                conversation.equip(varier)

    def stop(self) -> None:
        """End everyone's."""
        with self._lock:
            ending, self._conversations = list(self._conversations.values()), {}
        for conversation in ending:
            conversation.stop()
        for conversation in ending:
            conversation.join(0.3)

    def _welcome(self, guest: Client) -> Conversation:
        conversation = self._make(guest)
        conversation.start()
        with self._lock:
            self._conversations[guest] = conversation
            if self._varier is not None:
                conversation.equip(self._varier)
        beside("antiphon-load", lambda: self._furnish(conversation))
        self._changed(len(self._conversations))
        return conversation

    def _furnish(self, conversation: Conversation) -> None:
        """Load a guest's network; until then what it plays is kept for it."""
        try:
            conversation.begin(self._load())
        except AntiphonError as error:
            _log.warning("a guest has no partner: %s", error)
