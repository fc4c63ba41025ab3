#!/usr/bin/env bash
# Everything that needs a GPU, in one call; see README.md beside this.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shared=${1:-}
out=${2:-$(mktemp -d)}
python=${PYTHON:-python3}
export PYTHONPATH="$here/../../src${PYTHONPATH:+:$PYTHONPATH}"

"$python" "$here/correctness.py"
source=()
[[ -n "$shared" ]] && source=(--source "$shared/data/kvasir-seg/kvasir-seg.zip")
"$python" "$here/../throughput.py" "${source[@]}" --steps 40 --batch-size 16 --json
if [[ -n "$shared" ]]; then
	# As much of the recipe's 50 epochs as fits.
	PYTHON=$python LIMNER="$python -m limner" "$here/../kvasir.sh" "$shared" "$out" 8m
	cat "$out/evaluation.json"
fi
