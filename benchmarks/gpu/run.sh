#!/usr/bin/env bash
# Everything that needs a GPU, in one call; see README.md beside this.
#
#     benchmarks/gpu/run.sh [SHARED] [OUT]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
shared=${1:-}
out=${2:-$(mktemp -d)}
python=${PYTHON:-python3}
export PYTHONPATH="$root/src${PYTHONPATH:+:$PYTHONPATH}"
mkdir -p "$out"

echo "== tests" >&2
if "$python" -c "import hypothesis, pytest" 2>/dev/null; then
	(cd "$root" && "$python" -m pytest -q -m gpu -p no:cacheprovider tests)
else
	echo "pytest and hypothesis are not installed: the tests are left out" >&2
fi
echo "== correctness" >&2
"$python" "$here/correctness.py" | tee "$out/correctness.json"
echo "== throughput against the usual script" >&2
source=()
[[ -n "$shared" ]] && source=(--source "$shared/data/kvasir-seg/kvasir-seg.zip")
"$python" "$root/benchmarks/throughput.py" "${source[@]}" --steps 40 --batch-size 16 --json | tee "$out/throughput.json"
echo "== all networks" >&2
"$python" "$root/benchmarks/networks.py" --batch 16 --steps 20 | tee "$out/networks.md"
echo "== devices" >&2
"$python" "$here/scaling.py" --set network.encoder_weights=none | tee "$out/scaling.json"
if [[ -n "$shared" ]]; then
	echo "== Kvasir-SEG, as much of the recipe's epochs as fits" >&2
	PYTHON=$python LIMNER="$python -m limner" "$root/benchmarks/kvasir.sh" "$shared" "$out" 8m
	cat "$out/evaluation.json"
	echo "== the model file, on every provider that is here" >&2
	"$python" -m limner export "$out/run" --out "$out/polyp-float16.onnx" --precision float16 --overwrite
	"$python" -m limner bench "$out/polyp.onnx" "$out/polyp-float16.onnx" --providers all --images "$out/images" --out "$out/bench.md" --overwrite
fi
echo "everything is in $out" >&2
