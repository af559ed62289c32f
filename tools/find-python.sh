#!/bin/sh
# Print a Python that can run Antiphon (3.11 to 3.13): $PYTHON if it is set, else the best here.
# 3.12 and 3.11 come first: python-rtmidi has ready-made packages for them, and would have to be
# compiled for later ones.
set -eu

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" && { echo "$PYTHON"; exit 0; }
    echo "Antiphon needs Python 3.11 or later; PYTHON=$PYTHON is not; name another" >&2
    exit 1
fi
for python in python3.12 python3.11 python3.13 python3; do
    if command -v "$python" >/dev/null 2>&1 && fits "$python"; then
        echo "$python"
        exit 0
    fi
done
echo "Antiphon needs Python 3.11 or later; none was found; install python3.11 or later" \
     "(Debian: apt-get install python3 python3-venv; macOS: brew install python@3.12)" >&2
exit 1
