"""Between two phrases: what the DIC decodes on the way, written with the notes of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from antiphon.music import Beats, Note
from antiphon_models.codec import Code
from antiphon_models.notation import Part, fit
from antiphon_models.rolls import BoolArray, FloatArray, IntArray, distance, is_drum, write_sheet


def hits_of(part: Part, notes: Sequence[Note]) -> FloatArray:
    """Return the hits that notes have on the grid of a part."""
    mine = [n for n in notes if is_drum(n) == (part.sheet.kind == "drums")]
    kind, tempo = part.sheet.kind, part.sheet.grid.bpm
    return write_sheet(kind, mine, part.meter, Beats(part.end), tempo).hits


def _best(score: FloatArray, among: BoolArray, count: int) -> IntArray:
    """Return the cells of a choice with the best scores, those that exist."""
    order = np.argsort(-np.where(among, score, -np.inf), kind="stable")[:count]
    found: IntArray = order[among[order] & np.isfinite(score[order])]
    return found


def blended(one: Part, other: Part, share: float) -> list[Note]:
    """Decode what lies between two phrases, and write it with the notes of both."""
    if share <= 0:
        return list(one.sheet.notes)
    if share >= 1:
        return list(other.sheet.notes)
    near, far = (one, other) if share < 0.5 else (other, one)
    codec = near.editor.codec
    codes = [codec.encode(p.sheet.roll, p.position) for p in (one, other)]
    content, style = ((1 - share) * a + share * b for a, b in zip(codes[0], codes[1], strict=True))
    cells = codec.decode(Code(content, style), near.position)
    first, last = one.sheet.hits.ravel(), other.sheet.hits.ravel()
    # What both have stays longest; what only the last has comes first, the more so the nearer.
    writer = near if near.size else far
    valid = near.phrase.valid.ravel() & writer.phrase.valid.ravel()  # their grids may differ
    score = np.where(valid, cells.hit.ravel() + 6 * share * last, -np.inf)
    count = max(round((1 - share) * one.size + share * other.size), 1)
    # Of the first as many are left as put the blend at its share of the distance.
    apart = share * float(distance(one.sheet.hits, other.sheet.hits))
    left = min(round((1 - apart) * (one.size + count) / 2), one.size, count)
    chosen = np.concatenate([_best(score, first > 0, left), _best(score, first == 0, count - left)])
    plain, notes = writer.plain, []
    of_cell: dict[int, list[Note]] = {}
    for part in (far, near):  # the nearer one's notes win
        for note, cell in zip(part.sheet.notes, part.sheet.cell.tolist(), strict=True):
            if cell >= 0 and (part is near or cell not in of_cell):
                of_cell.setdefault(cell, []).append(note)
    for cell in chosen.tolist():
        if cell in of_cell:
            notes += of_cell[cell]
        else:
            values = (cells.velocity.ravel(), cells.offset.ravel(), cells.duration.ravel())
            notes.append(plain.new_note(cell, *(float(v[cell]) for v in values)))
    return fit([*notes, *near.plain.unknown], near.end)
