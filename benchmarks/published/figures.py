"""The figures of others, and the table that puts ours beside them."""

from __future__ import annotations

from typing import Final

POLY: Final[dict[str, dict[str, dict[str, float]]]] = {
    "independent": {
        "GRU (Chung 2014)": {"jsb": 8.54, "nottingham": 3.23, "musedata": 5.99, "piano": 8.82},
        "RNN (Bai 2018)": {"jsb": 8.91, "nottingham": 4.05},
        "GRU (Bai 2018)": {"jsb": 8.43, "nottingham": 3.46},
        "LSTM (Bai 2018)": {"jsb": 8.45, "nottingham": 3.29},
        "TCN (Bai 2018)": {"jsb": 8.10, "nottingham": 3.07},
        "TCN retuned (Seq-U-Net)": {"jsb": 8.154, "nottingham": 2.783},
        "Seq-U-Net": {"jsb": 8.173, "nottingham": 2.97, "musedata": 6.96, "piano": 7.93},
        "R-Transformer": {"jsb": 8.26, "nottingham": 2.24},
    },
    "joint": {
        "RNN-NADE (Boulanger-Lewandowski 2012)": {
            "jsb": 5.56, "nottingham": 2.31, "musedata": 5.60, "piano": 7.05,
        },
    },
}  # fmt: skip
"""Head -> source -> data set -> nats a frame on the test split, as quoted by third parties."""

JSB16: Final = {"Transformer": 0.417, "Music Transformer": 0.335}
"""Source -> nats a voice token; TonicNet's 0.317 counts its chord tokens too."""


def show_poly(name: str, head: str, ours: dict[str, tuple[float, ...]]) -> None:
    """Print the figures of others on a data set, and ours: (test, without first, validation)."""
    print(f"\n{name}, {head} head, nats a frame on the test split")
    for source, figures in POLY[head].items():
        if name in figures:
            print(f"  {source:<60} {figures[name]:7.3f}")
    _ours(ours)


def show_jsb16(ours: dict[str, tuple[float, ...]]) -> None:
    """Print the figures of others on the JSB chorales in sixteenths, and ours."""
    print("\njsb16, nats a voice token on the test split")
    for source, figure in JSB16.items():
        print(f"  {source:<60} {figure:7.3f}")
    _ours(ours)


def _ours(ours: dict[str, tuple[float, ...]]) -> None:
    print(f"  {'ours':<60} {'test':>7} {'without first':>14} {'validation':>11}")
    for source, (test, later, validation) in ours.items():
        print(f"  {source:<60} {test:7.3f} {later:14.3f} {validation:11.3f}")
