#!/bin/sh
# Makes .venv, if need be, and installs a requirements file in it: tools/venv.sh requirements.txt
#
# What was installed is kept beside it (.venv/have/); as long as that equals what is asked for, nothing is done and no
# network is needed. A run that was cut short leaves .venv/unfinished, and the next one begins afresh: pip takes a
# half-copied package for a whole one.
set -u

wanted=$1
python=${PYTHON:-python3}
venv=.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1

say() { printf '%s\n' "$*" >&2; }

# The file and all that it includes, as text: two requirements are the same when this is the same.
spelled_out() { cat "$1" $(includes "$1"); }
includes() { sed -n 's/^-r *//p' "$1"; }

have=$venv/have/$wanted
if [ -e "$have" ] && [ ! -e $venv/unfinished ] && $venv/bin/python -c '' 2>/dev/null; then
    spelled_out "$wanted" | cmp -s - "$have" && exit 0
fi

# --- a Python that will do --------------------------------------------------------------------------------------------

if [ -e $venv/unfinished ] || ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
    if ! $python -c '' 2>/dev/null; then
        say "There is no $python here. On Debian or Ubuntu: sudo apt install python3 python3-venv"
        exit 1
    fi
    version=$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! $python -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        say "$python is Python $version, and 3.10 or later is needed. If you have one: make PYTHON=python3.12 ..."
        exit 1
    fi
    if ! $python -c 'import ensurepip, venv' 2>/dev/null; then
        say "$python cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python$version-venv"
        exit 1
    fi
    [ -e $venv/unfinished ] && say "The last installation was cut short: beginning afresh."
    say "Making $venv with Python $version."
    mkdir -p $venv && touch $venv/unfinished || exit 1
    # --clear would take the mark away before the rest: what is inside goes first, the mark stays
    find $venv -mindepth 1 -maxdepth 1 ! -name unfinished -exec rm -rf {} + && $python -m venv $venv || exit 1
fi

# --- its packages -----------------------------------------------------------------------------------------------------

touch $venv/unfinished
rm -f $venv/pip.code
log=$venv/pip.log
if $venv/bin/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
    say "Installing $wanted."
else
    say "Installing $wanted: some 3 GB to fetch and 6 GB on the disk, torch for the most part. A few minutes, once."
fi
{
    $venv/bin/python -m pip install --progress-bar off -r "$wanted" 2>&1
    echo $? >$venv/pip.code
} | tee $log | while read -r line; do
    case $line in # what takes long, by name, and nothing else
        Downloading*" MB)" | Downloading*" GB)") say "  $line" ;;
        "Installing collected packages"*) say "  Unpacking. This is quiet for a minute or two." ;;
    esac
done
code=$(cat $venv/pip.code 2>/dev/null || echo 130)
rm -f $venv/pip.code
if [ "$code" -ne 0 ]; then
    # pip that ends by itself leaves nothing half copied, and what was there before still works; a signal is another matter
    [ "$code" -lt 128 ] && rm -f $venv/unfinished
    grep '^ERROR' $log >&2 || tail -n 5 $log >&2
    say "The installation did not work. Is there a network, and room on the disk? The whole story is in $log"
    exit 1
fi
mkdir -p $venv/have
for file in "$wanted" $(includes "$wanted"); do
    spelled_out "$file" >"$venv/have/$file"
done
rm -f $venv/unfinished
