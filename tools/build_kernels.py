"""Compile the player's kernel for every platform (see antiphon_models/kernel.py).

pip install ziglang==0.17.1
python tools/build_kernels.py [--check]

Zig brings clang and a linker for all of them, and the same version makes the same bytes on
every machine; ``--check`` compares them with those that are there.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[1] / "models" / "antiphon_models" / "kernels"
ZIG = "0.17.1"

# File -> target of the compiler. No kernel needs a library, so the versions only say how old a
# system may be.
TARGETS = {
    "step-linux-x86_64.so": "x86_64-linux-gnu.2.17",
    "step-linux-aarch64.so": "aarch64-linux-gnu.2.17",
    "step-macos-x86_64.dylib": "x86_64-macos.11.0",
    "step-macos-aarch64.dylib": "aarch64-macos.11.0",
    "step-windows-x86_64.dll": "x86_64-windows-gnu",
    "step-windows-aarch64.dll": "aarch64-windows-gnu",
}

# No contraction and no reordering of floats: every platform gets the same bits.
FLAGS = ("-ffp-contract=off", "-fno-math-errno", "-std=c11", "-O3", "-Wall", "-Wextra", "-Werror")
# Nothing around it: no libc, no start-up code, no checks that call a run-time.
ALONE = (
    *("-ffreestanding", "-fno-builtin", "-nostdlib", "-shared", "-fPIC", "-fvisibility=hidden"),
    *("-fno-stack-protector", "-fno-sanitize=all", "-s"),
)


def compile_kernel(target: str, out: Path) -> None:
    """Compile step.c for one target; what the compiler complains of goes to stderr."""
    # Relative names, so that no path of this machine gets into the file.
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *FLAGS, *ALONE]
    subprocess.run([*command, "-o", out.name, "step.c"], cwd=out.parent, check=True)


def main() -> int:
    """Compile or compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only compare with what is there")
    args = parser.parse_args()
    found = subprocess.run(
        [sys.executable, "-m", "ziglang", "version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if found != ZIG:
        print(f"expected ziglang {ZIG}, found {found or 'none'}; pip install ziglang=={ZIG}")
        return 2
    source = (KERNELS / "step.c").read_bytes()
    lines, different = [f"{hashlib.sha256(source).hexdigest()}  step.c"], []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "step.c").write_bytes(source)
        for name, target in TARGETS.items():
            compile_kernel(target, Path(folder) / name)
            made = (Path(folder) / name).read_bytes()
            lines.append(f"{hashlib.sha256(made).hexdigest()}  {name}")
            there = KERNELS / name
            if not there.is_file() or there.read_bytes() != made:
                different.append(name)
            if not args.check:
                there.write_bytes(made)
            print(f"{name}: {len(made):,} bytes{', differs' if name in different else ''}")
    if not args.check:
        (KERNELS / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if args.check and different else 0


if __name__ == "__main__":
    sys.exit(main())
