"""An interpreter of Max patchers, for tests: it runs the JSON that Max would open.

It knows the native objects that our patches use, as Max's reference documents them, and nothing
else: an object class, a message or an inlet that it does not know is an error, so that nothing in
a patch is silently passed over. Time is a virtual clock, and the network is memory or real UDP.

Modules: `atoms` (what messages are made of), `graph` (boxes and cords), `patch` (running them),
`clock`, `transport`, `osc`, `network`, `device` (a file as Live or Max would load it), and in
`objects` one module for each family of object classes.
"""

from maxpatch.atoms import Message, PatchError
from maxpatch.clock import Clock
from maxpatch.device import Device, read
from maxpatch.network import Memory, Udp
from maxpatch.patch import Patch
from maxpatch.transport import Transport

__all__ = [
    "Clock",
    "Device",
    "Memory",
    "Message",
    "Patch",
    "PatchError",
    "Transport",
    "Udp",
    "read",
]
