#!/bin/sh
# From a fresh machine with python3 and a package index to `invoke TASK...`.
#
#   sh scripts/bootstrap.sh TASK...         run toolkit tasks, e.g. setup verify
#   sh scripts/bootstrap.sh test [ARG...]   run the tests (arguments go to pytest)
#   sh scripts/bootstrap.sh check           ruff, ruff format --check, mypy
#
# Makes one private environment per pinned set under the data root, once, and reuses it. Exit codes are errors.py's:
# 2 something is to be installed, 3 network, 5 a hash is wrong, 6 disk or permission, 8 anything else; then the task's.

set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
home=${KOKORO_SPARK_HOME:-}
case $home in
'') home=$checkout/.kokoro-spark ;;
'~'/*) home=$HOME/${home#??} ;; # quoted by the caller; home.py expands it too
/*) ;;
*) home=$PWD/$home ;;
esac
work=''

say() { printf '%s\n' "$*" >&2; }

# fail CODE MESSAGE [DETAIL] [HINT]
fail() {
    say "error: $2"
    [ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/  /' >&2
    [ -z "${4:-}" ] || say "hint: $4"
    exit "$1"
}

usage() {
    cat >&2 <<'END'
usage: sh scripts/bootstrap.sh TASK [OPTION...] [TASK...]   run tasks, e.g. setup verify
       sh scripts/bootstrap.sh test [PYTEST-ARGUMENT...]    run the tests
       sh scripts/bootstrap.sh check                        lint, format and types

END
}

clean() {
    [ -z "$work" ] || rm -rf -- "$work"
}

# Sets python to the first Python that is new enough, or to nothing; older says what was found instead.
find_python() {
    python=''
    older=''
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        command -v "$name" >/dev/null 2>&1 || continue
        version=$("$name" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if "$name" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python=$(command -v "$name")
            return
        fi
        older="${older:+$older, }$name is $version"
    done
}

# How this system installs a program: install_with DEBIAN-PACKAGE FEDORA-PACKAGE
install_with() {
    if command -v apt-get >/dev/null 2>&1; then
        echo "apt-get install $1"
    elif command -v dnf >/dev/null 2>&1; then
        echo "dnf install $2"
    else
        echo "install $1 with your system's package manager"
    fi
}

# The pinned set's environment works. A system upgrade that replaces Python leaves one that doesn't.
works() {
    [ -x "$1/bin/python" ] &&
        "$1/bin/python" -I -c 'import importlib.util as u, sys; sys.exit(u.find_spec("invoke") is None)' 2>/dev/null
}

# What a person needs of an installer's output: no credentials, each retry once, the last lines.
digest_output() {
    printf '%s\n' "$1" | sed -e 's#//[^@/ ]*@#//****@#g' \
        -e "s/^WARNING: Retrying .* after connection broken by '\\(.*\\)': .*/\\1/" \
        -e 's/<[^>]* object at [^>]*>: //' -e '/is ignored: /d' | uniq | tail -n 15
}

# explain OUTPUT PINS: give up with the message and the code that the installer's output calls for.
explain() {
    text=$(digest_output "$1")
    free=$(df -Pk -- "$home" 2>/dev/null | sed -n '2p' | tr -s ' ' | cut -d' ' -f4)
    if [ "${free:-102400}" -lt 102400 ] || # ensurepip hides its reason
        matches "$1" 'No space left|Permission denied|Read-only file system|Disk quota'; then
        fail 6 "the private environment could not be written to $home" "$text" \
            "free some space (100 MB), or set KOKORO_SPARK_HOME to a folder you can write to"
    elif matches "$1" 'DO NOT MATCH THE HASHES|hash mismatch'; then
        fail 5 "a package is not the one that is pinned in $2" "$text" \
            "the index or a proxy serves a changed file; try another index"
    elif [ -z "$python" ] && matches "$1" 'python-build-standalone|No interpreter found|downloads'; then
        fail 3 "Python 3.11 or newer is needed, and uv could not get one" "$text" \
            "$(install_with 'python3 python3-venv' python3.12)"
    elif matches "$1" 'connect|timed out|name resolution|dns error|unreachable|Max retries|HTTP error|HTTP status|certificate|proxy|No matching distribution|not found in the package registry'; then
        fail 3 "the package index could not be reached or has not got the pinned packages" "$text" \
            "check the network; a proxy goes in HTTPS_PROXY, a mirror in PIP_INDEX_URL (pip.conf is read too), a corporate CA in PIP_CERT and SSL_CERT_FILE"
    fi
    fail 8 "the private environment could not be made" "$text" "the lines above are the installer's own"
}

matches() {
    printf '%s\n' "$1" | grep -qiE "$2"
}

# Each maker fills $work/env from the requirements $1 and prints what the installer says.
make_with_uv() {
    # What the user has set for projects of their own must not meddle with this one.
    unset UV_CONSTRAINT UV_OVERRIDE UV_EXCLUDE UV_BUILD_CONSTRAINT
    uv venv --quiet --no-project --python "${python:->=3.11,<3.14}" "$work/env" 2>&1 &&
        uv pip install --quiet --python "$work/env/bin/python" --require-hashes --only-binary :all: -r "$1" 2>&1
}

make_with_pip() {
    # pip's configuration holds (index, proxy, CA, cache), except what would break a pinned set in a venv: a
    # variable outranks the file, and an empty one is ignored.
    "$python" -I -m venv "$work/env" 2>&1 &&
        PIP_CONSTRAINT=/dev/null PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
            "$work/env/bin/python" -m pip install --quiet --require-hashes --only-binary :all: -r "$1" 2>&1
}

# Without uv and without venv there is nothing to make an environment with: say what to install.
check_makers() {
    if command -v uv >/dev/null 2>&1; then
        return
    fi
    if [ -z "$python" ]; then
        fail 2 "Python 3.11 or newer is needed, and no uv is there to get it" "${older:-no python3 was found on PATH}" \
            "$(install_with 'python3 python3-venv' 'python3.12'), or install uv"
    fi
    if ! "$python" -I -c 'import venv, ensurepip' 2>/dev/null; then
        package=$("$python" -I -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        case $python in /usr/bin/python3) package=python3-venv ;; esac
        fail 2 "$python can't make a virtual environment: venv or ensurepip is missing" '' \
            "$(install_with "$package" python3-pip), or install uv"
    fi
}

# environment NAME: sets env to the environment of constraints/NAME.txt, made if it isn't there.
environment() {
    pins=$checkout/constraints/$1.txt
    digest=$(sha256sum <"$pins" | cut -c1-12)
    env=$home/$1-$digest
    works "$env" && return
    find_python
    check_makers
    if ! mkdir -p -- "$home" 2>/dev/null || ! work=$(mktemp -d "$home/$1-$digest.XXXXXX.tmp" 2>/dev/null); then
        work=''
        fail 6 "$home can't be written to" '' "set KOKORO_SPARK_HOME to a folder you can write to"
    fi
    trap clean EXIT
    trap 'clean; trap - INT; kill -INT $$' INT
    trap 'exit 143' TERM HUP
    # What killed runs left behind; an hour is longer than any living one takes.
    find "$home" -maxdepth 1 -name "$1-*.tmp" -mmin +60 -exec rm -rf {} +
    say "kokoro-spark: making its private environment, once (some 30 MB from the package index)"
    make "constraints/$1.txt" "$pins"
    publish
    clean
    work=''
    trap - EXIT INT TERM HUP
}

# uv is quick, and pip knows the user's pip configuration: the one that works makes it, and the last one explains.
# make SHOWN-PINS PINS
make() {
    can_pip=false
    if [ -n "$python" ] && "$python" -I -c 'import venv, ensurepip' 2>/dev/null; then
        can_pip=true
    fi
    if command -v uv >/dev/null 2>&1; then
        # With pip to fall back on, uv needs no patience.
        ! $can_pip || export UV_HTTP_RETRIES="${UV_HTTP_RETRIES:-0}"
        said=$(make_with_uv "$2") && return
        $can_pip || explain "$said" "$1"
        rm -rf -- "$work/env"
    fi
    said=$(make_with_pip "$2") || explain "$said" "$1"
}

# Move the finished environment into place in one step; where another run was first, its one is as good.
publish() {
    if [ -e "$env" ] && ! works "$env"; then
        mv -- "$env" "$work/broken"
    fi
    said=$("$work/env/bin/python" -I -c 'import os, sys; os.rename(*sys.argv[1:])' "$work/env" "$env" 2>&1) ||
        works "$env" || explain "$said" ''
}

# toolkit ARG...: become invoke.
toolkit() {
    environment toolkit
    # Messages name tasks by the command that starts them: there is no invoke on PATH.
    KOKORO_SPARK_COMMAND="sh $0"
    case $0 in *[!A-Za-z0-9_./-]*) KOKORO_SPARK_COMMAND=$(printf "sh '%s'" "$0") ;; esac
    export KOKORO_SPARK_COMMAND
    # The modules are run, not their scripts, whose first lines name the folder that the environment was made in.
    # -I: a PYTHONPATH set for another Python must not reach the toolkit. The working directory stays the caller's, so
    # that `--out hello.wav` means what it says.
    exec "$env/bin/python" -I -m invoke --search-root "$checkout" "$@"
}

# `--help TASK` is invoke's to answer.
first=${1:-}
case $#:$first in
1:-h | 1:--help) first='' ;;
esac
case $first in
test)
    shift
    environment dev
    cd -- "$checkout"
    exec "$env/bin/python" -m pytest "$@"
    ;;
check)
    [ $# -eq 1 ] || fail 2 "check takes no arguments"
    environment dev
    cd -- "$checkout"
    "$env/bin/python" -m ruff check
    "$env/bin/python" -m ruff format --check
    exec "$env/bin/python" -m mypy
    ;;
'')
    usage
    toolkit --list
    ;;
*)
    toolkit "$@"
    ;;
esac
