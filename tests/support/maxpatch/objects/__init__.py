"""Object classes by the name that is typed into a box."""

from maxpatch.objects import flow, interface, midi, parameters, script, storage, timing, udp
from maxpatch.objects.base import Object

CLASSES: dict[str, type[Object]] = {
    name: kind
    for module in (flow, storage, timing, midi, parameters, interface, udp, script)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Object)
    for name in kind.names
}
"""What the interpreter knows; everything else in a patch is an error."""
