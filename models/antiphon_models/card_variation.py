"""The parts of a model card that are about the networks that vary: the DIC and the GAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from antiphon_models import attributes

Values = Mapping[str, Any]

TITLES: Final = {"dic": "the codec of phrases", "gan": "the network that varies phrases"}


def introduce(kind: str, config: Values) -> str:
    """Say in a few words what the network is for."""
    music = _music(kind, config)
    if kind == "gan":
        return (
            f"An editor of phrases ({music}): it says which notes of a phrase a player would drop, "
            "and where one would add some, when varying it by a given distance. Antiphon's "
            "variations are made with it."
        )
    return (
        f"An encoder and decoder of phrases ({music}): it says what happens in a phrase and how it "
        "is played, and writes that out again. Antiphon's GAN leans on it; humanising, blending "
        "and the search for similar phrases use it directly."
    )


def architecture(kind: str, config: Values) -> str:
    """Describe the network's layers."""
    dic = config["dic"] if kind == "gan" else config
    if dic.get("form") == "dense":
        return (
            f"Two bars of a grid of sixteenths at once: dense layers of width {dic['width']} with "
            f"rectifiers around one code of {dic['style']} numbers, a sigmoid at the end. It is "
            "the textbook's form, kept as a baseline."
        )
    codec = (
        f"A beat at a time on a grid of four slots a beat (sixteenths or triplets): hit, velocity "
        f"and offset of each {'drum' if dic['kind'] == 'drums' else 'pitch'}. Encoder and decoder "
        f"are {dic['blocks']} residual blocks each of width {dic['width']}, convolutions over "
        f"three beats; the latent is {dic['content']} numbers a beat for the content and "
        f"{dic['style']} for the style of the whole, of which the first "
        f"{len(attributes.NAMES)} are named: {', '.join(attributes.NAMES)}."
    )
    if kind == "dic":
        return codec
    return (
        f"Generator: {config['blocks']} residual blocks of width {config['width']} over the "
        "phrase, its latent, the distance asked for and noise "
        f"({config['noise']} numbers a beat). It scores the flips of all cells; the best ones up "
        f"to the distance are carried out (amount 1 asks for {config['reach']:g}). The critic, "
        "which sees the phrase and its variation, is not in the file. Beneath it, in the same "
        f"file, lies the DIC: {codec[0].lower()}{codec[1:]}"
    )


def use(kind: str) -> str:
    """Say what the network is meant for."""
    if kind == "gan":
        return (
            "Meant for variations of phrases and grooves of one to eight bars, live (mode loop) "
            "and of files (`antiphon vary`). Amount 0 is the phrase itself; the same seed gives "
            "the same variation."
        )
    return (
        "Meant for what leans on it: the GAN, `antiphon blend`, humanising, drums to a phrase, "
        "finding the training phrase that is nearest to one."
    )


def limits(kind: str, config: Values) -> list[str]:
    """Return what the network cannot do."""
    dic = config["dic"] if kind == "gan" else config
    lines = [
        "- A note is moved to the nearest sixteenth or triplet slot; faster notes of one pitch or "
        "drum fall into one cell, and the loudest is what the network sees.",
        "- Bars that are not in two, three, four or six were rare in training.",
    ]
    if dic["kind"] == "drums":
        lines.append(
            "- The drums are nine voices of a kit, as few drummers played them in one studio; "
            "percussion beyond those is not seen and left as it is."
        )
    else:
        lines.append(
            "- Velocity and microtiming are told for a slot, not for each note of a chord. The "
            "scores among the data have neither; what is known of them comes from few players."
        )
    if kind == "gan":
        lines.append(
            "- It learnt from pairs of windows of one piece, which are not always variations of "
            "each other. It knows nothing of the piece around the phrase."
        )
    else:
        lines.append(
            "- Named dimensions that need other notes (density, syncopation, register, "
            "polyphony) are obeyed less well than those of the touch; see the figures."
        )
    return lines


def _music(kind: str, config: Values) -> str:
    dic = config["dic"] if kind == "gan" else config
    return "drums" if dic.get("kind") == "drums" else "pitched notes"
