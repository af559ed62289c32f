"""Live's user interface objects: parameters of the device. Source: Max's reference page of each,
and the page "Max for Live: parameters".

A parameter keeps a value within its range, as its type says: 0 a number with a point, 1 a whole
number, 2 one of its names. Recalling a set gives each parameter its stored value, else its initial
value if that is enabled, and the value goes out; that happens before ``live.thisdevice`` bangs.
"""

from __future__ import annotations

from typing import Any

from maxpatch.atoms import Atom, Message, PatchError
from maxpatch.objects.base import Object

FLOAT, INT, ENUM, BLOB = range(4)

_ENUM_BY_NATURE = ("live.toggle", "live.text", "live.menu", "live.tab")


class Parameter(Object):
    """What the parameter objects share.

    ``set`` shows a value without sending it, ``outputvalue`` sends it, ``init`` goes back to the
    initial value and sends that. A number is kept within the range, and sent. Without
    ``parameter_enable`` it is a control only, which Live neither stores nor recalls.

    Attributes
    ----------
    value : float or int
        What is stored.
    said : dict
        The parameter's attributes as the file has them.
    """

    def setup(self) -> None:  # noqa: D102
        self.outlets = {2}
        saved: dict[str, Any] = self.box.json.get("saved_attribute_attributes", {})
        self.said: dict[str, Any] = saved.get("valueof", {})
        self.enabled = bool(self.box.json.get("parameter_enable"))
        plain = {} if self.enabled or self.said else {"parameter_type": self._nature()}
        self.said = self.said or plain
        self.kind = int(self.said.get("parameter_type", FLOAT))
        if self.kind not in (FLOAT, INT, ENUM):
            raise self.fail(f"parameter_type {self.kind} is not known here")
        if (self.kind == ENUM) != (self._nature() == ENUM):
            raise self.fail(f"parameter_type {self.kind} does not fit {self.name}")
        self.names_of_values = list(
            self.said.get("parameter_enum", ("val1", "val2") if plain else ())
        )
        if self.kind == ENUM:
            self.low, self.high = 0.0, float(len(self.names_of_values) - 1)
            if len(self.names_of_values) < 2:
                raise self.fail("parameter_enum has to name two values or more")
        else:
            self.low = float(self.said.get("parameter_mmin", 0.0))
            self.high = float(self.said.get("parameter_mmax", 127.0))
            if self.kind == INT and self.high - self.low > 255:
                raise self.fail("an int parameter holds 256 values at most")
        self.value = self.fit(self.low)

    def _nature(self) -> int:
        return ENUM if self.name in _ENUM_BY_NATURE else FLOAT

    @property
    def long_name(self) -> str:
        """The name that Live knows it by."""
        name = self.said.get("parameter_longname")
        if not name:
            raise self.fail("a parameter without parameter_longname")
        return str(name)

    @property
    def initial(self) -> float | None:
        """The initial value, if it is enabled."""
        if not self.said.get("parameter_initial_enable"):
            return None
        return self.fit(float(self.said.get("parameter_initial", [0])[0]))

    def fit(self, value: float) -> float:
        """Return the value that is stored when `value` is asked for."""
        value = max(self.low, min(float(value), self.high))
        return value if self.kind == FLOAT else round(value)

    def recall(self, stored: float | None) -> None:
        """Take the value of the set, or the initial one, and send it."""
        value = self.initial if stored is None else self.fit(stored)
        if value is not None:
            self.value = value
        self.say()

    def move(self, value: float) -> None:
        """Be moved, by a hand, Push or an automation."""
        self.value = self.fit(value)
        self.say()

    def say(self) -> None:
        """Send the value: right to left, the value itself at the left."""
        span = self.high - self.low
        self.out_number(1, (self.value - self.low) / span if span else 0.0)
        self.out_number(0, self.value)

    def _in0_float(self, value: float) -> None:
        self.move(value)

    def _in0_bang(self) -> None:
        self.say()

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        (value,) = args
        if isinstance(value, str):
            raise self.fail(f"set takes a number, got {value!r}")
        self.value = self.fit(value)

    def _in0_assign(self, args: tuple[Atom, ...]) -> None:
        self.move(float(args[0]))

    def _in0_outputvalue(self, _: tuple[Atom, ...]) -> None:
        self.say()

    def _in0_init(self, _: tuple[Atom, ...]) -> None:
        if self.initial is not None:
            self.move(self.initial)


class LiveDial(Parameter):
    """``live.dial``: value, and value from 0 to 1."""

    names = ("live.dial", "live.slider", "live.numbox")


class LiveMenu(Parameter):
    """``live.menu`` and ``live.tab``: index, name, and value from 0 to 1."""

    names = ("live.menu", "live.tab")

    def setup(self) -> None:  # noqa: D102
        super().setup()
        self.outlets = {3}

    def say(self) -> None:  # noqa: D102
        self.out_number(2, self.value / self.high)
        self.out_atoms(1, str(self.names_of_values[int(self.value)]))
        self.out_number(0, self.value)


class LiveToggle(Parameter):
    """``live.toggle``: a bang turns it over, and its value goes out of its only outlet."""

    names = ("live.toggle",)

    def setup(self) -> None:  # noqa: D102
        super().setup()
        self.outlets = {1}
        if self.high != 1:
            raise self.fail("a toggle has two values")

    def say(self) -> None:  # noqa: D102
        self.out_number(0, self.value)

    def _in0_bang(self) -> None:
        self.move(1 - self.value)


class LiveText(Parameter):
    """``live.text``: as a button (mode 0) a bang on the mouse's way up; as a toggle 0 and 1.

    A controller or an automation that moves a button's parameter sends its value, 0 or 1.
    """

    names = ("live.text",)

    def setup(self) -> None:  # noqa: D102
        super().setup()
        if self.high != 1:
            raise self.fail("a button has two values")
        self.button = not self.box.json.get("mode", 1)

    def say(self) -> None:  # noqa: D102
        words = self.box.json.get("text", "A"), self.box.json.get("texton", "B")
        self.out(1, Message(str(words[int(self.value)])))
        self.out_number(0, self.value)

    def recall(self, stored: float | None) -> None:  # noqa: D102
        if self.button:
            self.value = 0  # momentary: there is nothing to recall, and nothing is sent
        else:
            super().recall(stored)

    def click(self) -> None:
        """Be clicked with the mouse."""
        if not self.button:
            self.move(1 - self.value)
            return
        self.out_bang(0)

    def _in0_bang(self) -> None:
        self.click()


class ThisDevice(Object):
    """``live.thisdevice``: a bang when the device is there, whole; 1 or 0 when it is turned on or
    off; and for preview. The bang comes again when a preset is loaded or the device is saved.

    Outside Live it works as ``loadbang``, and the other outlets are silent.
    """

    names = ("live.thisdevice",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {3}

    def ready(self) -> None:
        """The device is there."""
        self.out_bang(0)

    def enabled(self, on: bool) -> None:
        """The device was turned on or off."""
        self.out_number(1, int(on))

    def loaded(self) -> None:  # noqa: D102
        if not self.patch.live:
            self.ready()

    def _in0_bang(self) -> None:
        self.ready()


def by_name(controls: list[Parameter]) -> dict[str, Parameter]:
    """Return parameters by their long names, and mere controls by their scripting names."""
    found: dict[str, Parameter] = {}
    for control in controls:
        name = control.long_name if control.enabled else str(control.box.json.get("varname", ""))
        if name in found:
            raise PatchError(f"two parameters are called {name!r}")
        if name:
            found[name] = control
    return found
