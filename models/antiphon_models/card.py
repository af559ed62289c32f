"""Writes the model card of a checkpoint from its metadata and an evaluation.

``python -m antiphon_models.card CHECKPOINT EVAL.json > player.md``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antiphon.errors import AntiphonError, DataError
from antiphon_models import card_variation
from antiphon_models.checkpoint import Checkpoint, CheckpointHeader, load_checkpoint
from antiphon_models.folding import LINEAR, LSTM, core_of
from antiphon_models.passages import LONGEST
from antiphon_models.report import describe, markdown_table, verdict_table
from antiphon_models.report_pedal import summary

SOURCES: Final = {
    "chopin": "piano, first editions; CC BY 4.0, Fryderyk Chopin Institute",
    "giantmidi": "piano, transcribed from recordings, with wrong notes; "
    "CC BY 4.0, ByteDance (GiantMIDI-Piano)",
    "groove": "drums, played; CC BY 4.0, Google LLC (Groove MIDI Dataset 1.0.0, "
    "Gillick et al. 2019)",
    "js_fakes": "four-part chorales in Bach's manner, machine-made; CC BY 4.0, Omar Peracha "
    "(JS Fake Chorales)",
    "lead_sheets": "melodies of 1930 and before; public domain, via OpenEWLD",
    "lieder": "voice and piano; CC0, OpenScore Lieder",
    "piano_rolls": "piano, reproducing rolls 1905 to 1930; MIT, Stanford University piano rolls "
    "(pianolatron-data)",
    "pop909": "pop songs: melody, second voice, piano; MIT, Music X Lab (POP909); the songs are "
    "in copyright",
}
"""What the shipped sets are, with licence and credit."""

_LAYERS: Final = {LSTM: "an LSTM", LINEAR: "a gated linear recurrence"}


def write_card(checkpoint: Checkpoint, evaluation: Mapping[str, Any]) -> str:
    """Return the model card as Markdown.

    Parameters
    ----------
    checkpoint : Checkpoint
        What is described.
    evaluation : mapping
        What ``antiphon evaluate --json`` printed of it.

    Raises
    ------
    DataError
        If the evaluation is of another kind of network.
    """
    found = evaluation.get("kind", "player")
    if found != checkpoint.kind:
        raise DataError(
            f"expected the evaluation of a {checkpoint.kind}",
            f"found that of a {found}",
            f"run 'antiphon evaluate {checkpoint.kind} --json'",
        )
    write = _player_card if checkpoint.kind == "player" else _variation_card
    return "\n\n".join(write(checkpoint, evaluation)) + "\n"


def _player_card(header: Checkpoint, evaluation: Mapping[str, Any]) -> list[str]:
    info, config = header.info, header.config
    data = info.get("data", {})
    return [
        f"# {header.path.stem}: the player's network",
        "A recurrent network that reads notes and says what comes next. Antiphon plays with it: "
        "it hears a musician's phrase note by note, and its answer is drawn from it.",
        "## Architecture",
        f"One event is one note: onset shift, voice, pitch, velocity (32 bins) and duration, drawn "
        f"in this order, each from what was drawn before it. {config.get('layers')} layers of "
        f"width {config.get('width')}, each {_LAYERS[core_of(config)]} (residual, "
        f"layer norm before each), five heads of width "
        f"{config.get('head_width')}, styles: {', '.join(config.get('styles', [])) or 'none'}. "
        f"{_beside(config)}{_size(header)}",
        "## Training",
        _training(info, "player"),
        "## Data",
        _data(data),
        "## Figures",
        "\n\n".join(describe(evaluation)),
        markdown_table(evaluation),
        _verdict(evaluation),
        *filter(None, [verdict_table(evaluation)]),
        *_pedal(info.get("pedal")),
        "## Use",
        "Meant for playing with a musician live, and for continuing MIDI files. It knows melody, "
        "a second voice, keys and drums, in the styles of its data. The program around it keeps "
        f"scale, register and the most notes and onsets at once. {_obeys(config)}",
        "## Limits",
        _limits(data, bool(config.get("memory")), header.passages is not None),
    ]


def _variation_card(header: CheckpointHeader, evaluation: Mapping[str, Any]) -> list[str]:
    kind, config, info = header.kind, header.config, header.info
    data = info.get("data", {})
    return [
        f"# {header.path.stem}: {card_variation.TITLES[kind]}",
        card_variation.introduce(kind, config),
        "## Architecture",
        f"{card_variation.architecture(kind, config)} {_size(header)}",
        "## Training",
        _training(info, kind),
        "## Data",
        _data(data),
        "## Figures",
        "\n\n".join(describe(evaluation)),
        markdown_table(evaluation),
        verdict_table(evaluation),
        "## Use",
        card_variation.use(kind),
        "## Limits",
        "\n".join([*card_variation.limits(kind, config), *_data_limits(data, False)]),
    ]


def _beside(config: Mapping[str, Any]) -> str:
    """Say what the heads are told besides."""
    told = ""
    if config.get("memory"):
        told += (
            "A memory of motifs, which needs no weights, tells the heads what followed the last "
            "notes when they were heard before, in whatever key. "
        )
    if config.get("conditions"):
        told += f"The heads can be asked for {', '.join(config['conditions'])}. "
    return told


def _obeys(config: Mapping[str, Any]) -> str:
    return (
        "The network was trained to be asked for them, too, and is told what is set."
        if config.get("conditions")
        else "The network knows nothing of them."
    )


def _pedal(found: Mapping[str, Any] | None) -> list[str]:
    """Say how well the pedal head foretells pianists' pedals, if there is one."""
    if not found:
        return []
    text = (
        f"A head of {_number(found.get('weights'))} weights more reads the player's state and says "
        "for each onset whether the sustain pedal is up, down, or changed. It was trained after "
        f"the player, which stayed as it is (`antiphon train pedal`, seed {found.get('seed')}, "
        f"{found.get('minutes')} minutes)."
    )
    if found.get("carried"):
        text += " The player was tuned since, and the head was not: the figures are from before."
    return ["## Sustain pedal", text, "\n".join(summary(found.get("sets", {})))]


def _size(header: CheckpointHeader) -> str:
    size = header.path.stat().st_size / 1e6
    return f"{_number(header.info.get('weights'))} weights, {size:.1f} MB."


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else "unknown"


def _training(info: Mapping[str, Any], kind: str) -> str:
    lines = [
        "- data set: `antiphon prepare MIDI_DIR dataset`",
        f"- command: `{info.get('command', 'unknown')}`",
        f"- seed: {info.get('seed', 'unknown')}",
        f"- notes seen: {_number(info.get('notes_seen'))} in {_number(info.get('steps'))} steps",
        f"- wall time: {info.get('minutes', 'unknown')} minutes",
        f"- code: revision {info.get('revision', 'unknown')}, "
        f"torch {info.get('torch', 'unknown')}, {info.get('created', 'unknown')}",
        f"- figures below: `antiphon evaluate {kind} --data MIDI_DIR`",
        "- a run limited by --minutes sees more or less music on another machine: the seed repeats "
        "its order, --steps its length",
    ]
    return "\n".join(lines)


def _data(data: Mapping[str, Any]) -> str:
    rows = ["| set | pieces | notes | what, licence, credit |", "| :-- | --: | --: | :-- |"]
    for name, entry in data.items():
        text = SOURCES.get(name, entry.get("licence", "unknown"))
        rows.append(
            f"| {name} | {_number(entry.get('pieces'))} | {_number(entry.get('notes'))} | {text} |"
        )
    return "\n".join(rows)


def _verdict(evaluation: Mapping[str, Any]) -> str:
    sets = evaluation["sets"]
    judged = {name: f["beats"] for name, f in sets.items() if "beats" in f}
    if not judged:
        return "No baselines were measured."
    lines = []
    for which, text in (
        ("ngram", "the n-gram with back-off"),
        ("repeat", "the last bar repeated"),
        ("own_past", "the n-gram that also copies from the piece's own past"),
    ):
        asked = {name: beats[which] for name, beats in judged.items() if which in beats}
        won = [name for name, beaten in asked.items() if beaten]
        lost = [name for name, beaten in asked.items() if not beaten]
        if asked:
            tail = f"; not on {', '.join(lost)}" if lost else ""
            lines.append(f"- Beats {text} in pitch on {', '.join(won) or 'no set'}{tail}.")
    return "\n".join(lines)


def _limits(data: Mapping[str, Any], memory: bool, avoids: bool) -> str:
    back = (
        "through its state and its memory of motifs. It does not plan form: what comes back, and "
        "when, is chance."
        if memory
        else "through its state alone. It does not plan form, and it forgets: long passages are "
        "not repeated exactly, as an n-gram over the piece's own past can."
    )
    lines = [
        f"- It looks back {back}",
        "- Piano, song and pop accompaniment, drums in 4/4: other music is foreign to it.",
        "- Most scores have no dynamics. Part of the time they were trained on with those of a "
        "performance, note by note: a call of one velocity is answered with one, a played one in "
        "kind, but accents in melodies do not know the metre well. Repeats were not written out "
        "in the scores.",
        "- Rolls and transcriptions have no beat: times there are seconds at two beats a second.",
    ]
    return "\n".join([*lines, *_data_limits(data, avoids)])


def _data_limits(data: Mapping[str, Any], avoids: bool) -> list[str]:
    lines = []
    if "giantmidi" in data:
        lines.append("- giantmidi is a transcription and has wrong notes, which it may imitate.")
    if "pop909" in data:
        measure = (
            f"What it was trained on is broken off after {LONGEST} notes in a row, if not before."
            if avoids
            else "It was not trained to avoid this."
        )
        lines.append(
            "- Memorisation: the songs of POP909 are in copyright, whatever the licence of the "
            "files. The network may reproduce fragments of their melodies; check what you "
            f"publish. {measure}"
        )
    return lines


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m antiphon_models.card``."""
    parser = argparse.ArgumentParser(prog="python -m antiphon_models.card")
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("evaluation", type=Path, metavar="EVAL.json")
    args = parser.parse_args(argv)
    try:
        print(
            write_card(load_checkpoint(args.checkpoint), _read_evaluation(args.evaluation)), end=""
        )
    except AntiphonError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _read_evaluation(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"expected the output of 'antiphon evaluate --json' in {path}",
            f"found {error}",
            "run the evaluation again",
        ) from error
    if not isinstance(found, dict) or "sets" not in found:
        raise DataError(
            f"expected the output of 'antiphon evaluate --json' in {path}",
            "found other JSON",
            "run the evaluation again",
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
