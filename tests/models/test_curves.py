"""The curves of training runs: drawn from their logs, whether they are finished or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.cli import main
from antiphon.errors import DataError
from antiphon_models.curves import draw_curves, read_log
from antiphon_models.run_folder import LOG, Figures, write_log

PNG = b"\x89PNG\r\n\x1a\n"


def write_run(folder: Path, steps: int = 4) -> Path:
    """Write the log of a run."""
    folder.mkdir()
    for step in range(1, steps + 1):
        train: Figures = {("all", "loss"): 9.0 / step, ("all", "notes_per_s"): 1000.0}
        found: Figures = {("songs", "pitch"): 3.0 / step, ("all", "score"): 8.0 / step}
        write_log(folder, step, 60.0 * step, 100 * step, "train", train)
        write_log(folder, step, 60.0 * step, 100 * step, "validation", found)
    return folder


def test_a_log_is_read_as_curves(tmp_path: Path) -> None:
    """Every figure comes back as a line over the minutes, and a half-written row is left out."""
    run = write_run(tmp_path / "run")
    with (run / LOG).open("a") as file:
        file.write("5,5.000,500,train,all,loss")
    log = read_log(run)
    assert log["train", "all", "loss"] == [(1, 9), (2, 4.5), (3, 3), (4, 2.25)]
    assert len(log["validation", "songs", "pitch"]) == 4


def test_runs_are_drawn_alone_and_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`antiphon curves` draws one run into its folder, or several into a picture that is named."""
    runs = [write_run(tmp_path / name) for name in ("a", "b")]
    assert main(["curves", str(runs[0])]) == 0
    assert (runs[0] / "curves.png").read_bytes().startswith(PNG)
    picture = tmp_path / "both.png"
    assert main(["curves", *map(str, runs), "--picture", str(picture)]) == 0
    assert picture.read_bytes().startswith(PNG)
    assert capsys.readouterr().out.splitlines() == [str(runs[0] / "curves.png"), str(picture)]


def test_a_run_without_validation_is_drawn(tmp_path: Path) -> None:
    """A run that has only begun has curves already."""
    (tmp_path / "run").mkdir()
    write_log(tmp_path / "run", 1, 1.0, 10, "train", {("all", "loss"): 9.0})
    draw_curves([tmp_path / "run"], tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(PNG)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """A folder without a log, and a log of something else, are refused in one line."""
    with pytest.raises(DataError, match="antiphon train"):
        read_log(tmp_path)
    (tmp_path / LOG).write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="antiphon train") as caught:
        read_log(tmp_path)
    assert "\n" not in str(caught.value)
