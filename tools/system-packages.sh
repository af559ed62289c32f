#!/bin/sh
# Install the system packages that Antiphon needs and that are missing. Debian and its kin only;
# elsewhere it says what would be needed and goes on.
#
#   venv   what Python needs to make an environment
#   play   the ALSA library, which the MIDI package loads (its JACK library comes with it)
#   test   JACK, liblo's oscsend and oscdump, Pure Data: real peers for the tests; node, which runs
#          the devices' scripts
set -eu

what=${1:?"usage: $0 venv|play|test"}
missing=""

need() { # need PACKAGE CHECK...: PACKAGE is missing if CHECK fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_library() {
    for folder in /lib /usr/lib /usr/local/lib /lib64 /usr/lib64; do
        if find "$folder" -maxdepth 2 -name "$1" 2>/dev/null | grep -q .; then return 0; fi
    done
    return 1
}

case $what in
venv)
    python=$("$(dirname "$0")/find-python.sh")
    need python3-venv "$python" -c 'import ensurepip, venv'
    ;;
play)
    [ "$(uname)" = Linux ] || exit 0
    need libasound2 has_library 'libasound.so.2'
    ;;
test)
    need jackd2 command -v jackd
    need liblo-tools command -v oscsend
    need puredata-core command -v pd
    need nodejs command -v node
    ;;
*)
    echo "usage: $0 venv|play|test" >&2
    exit 2
    ;;
esac
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "note: not found here:$missing (Debian's names);" \
         "what needs them is left out, or install them with your package manager" >&2
    exit 0
fi
run=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        run="sudo"
    else
        echo "system packages are needed:$missing; this user cannot install them;" \
             "run as root: apt-get install$missing" >&2
        [ "$what" = play ] || exit 1
        exit 0 # playing goes on without MIDI ports, and says so itself
    fi
fi
echo "installing system packages:$missing"

# jackd2 would ask about real-time priority on the terminal: noninteractive takes the default.
complain() {
    echo "system packages are needed:$missing; apt-get could not install them;" \
         "see its messages above" >&2
    [ "$what" = play ] || exit 1
    exit 0
}

apt() { $run env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >/dev/null; }

apt update || complain
if apt-cache show libasound2t64 >/dev/null 2>&1; then # its name since Debian 13
    missing=$(echo "$missing" | sed 's/libasound2$/libasound2t64/')
fi
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing || complain
