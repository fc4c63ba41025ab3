#!/usr/bin/env bash
# Makes .venv from the locked requirements and installs limner into it, editable. Run by `make setup`.
#
# Everything that is downloaded is checked against a hash: pip fetches uv (requirements/uv.txt), uv the rest (requirements/all.txt),
# and limner is built without isolation, that is with the hatchling of the lock. uv does not read pip's configuration, so neither
# `find-links` nor an extra index there can slip in another build of PyTorch; hashes would refuse it anyway.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# Contents, not dates: a fresh checkout or a moved folder is told apart from an edit.
fingerprint() { { pwd; cat tools/setup.sh pyproject.toml requirements/uv.txt requirements/all.txt; } | cksum; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if is_recent "$candidate"; then echo "$candidate"; return; fi
  done
  fail "limner needs Python 3.11 or newer, and none of these is: ${PYTHON:-python3 python3.13 python3.12 python3.11}" \
    "install one (on Debian or Ubuntu: apt install python3 python3-venv), or name it: make setup PYTHON=/path/to/python3"
}

make_venv() {
  local python version
  python=$(find_python)
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  "$python" -c 'import ensurepip, venv' 2>/dev/null \
    || fail "this Python cannot make virtual environments: $python ($version)" "on Debian or Ubuntu: apt install python3-venv python$version-venv"
  "$python" -m venv --clear .venv || { rm -rf .venv; fail "'$python -m venv .venv' failed, see above"; }
}

stamp=.venv/limner-setup
now=$(fingerprint)
if [[ -f $stamp && $(<"$stamp") == "$now" ]]; then exit 0; fi

# A virtual environment does not survive being moved, nor its Python being removed.
if ! is_recent .venv/bin/python || [[ $(.venv/bin/python -c 'import sys; print(sys.prefix)') != "$PWD/.venv" ]]; then make_venv; fi
rm -f "$stamp"

echo "setup: installing the locked requirements into .venv (PyTorch among them: a few minutes the first time)"
PIP_USER=0 PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip install \
  --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/uv.txt
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}"
.venv/bin/uv pip sync --python .venv/bin/python --require-hashes requirements/all.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
echo "$now" > "$stamp"
echo "setup: done; .venv/bin/limner is ready"
