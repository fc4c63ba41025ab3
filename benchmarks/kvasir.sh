#!/usr/bin/env bash
# The main job on Kvasir-SEG, from the archive to masks of images that were never seen: train, evaluate, export, predict.
#
#     benchmarks/kvasir.sh SHARED OUT [TIME] [KEY=VALUE ...]
#
# SHARED holds data/kvasir-seg/kvasir-seg.zip, data/kvasir-seg/splits/official-880-120.{train,test}.txt and weights/resnet50.*.safetensors.
# LIMNER, if set, is the command to use instead of the one in .venv. Called again with the same OUT after an interruption, it goes on.
set -euo pipefail
shared=$1 out=$2 budget=${3:-58m}
shift $(($# < 3 ? $# : 3))
read -ra limner <<<"${LIMNER:-$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/limner}"
archive="$shared/data/kvasir-seg/kvasir-seg.zip"
lists="$shared/data/kvasir-seg/splits/official-880-120"
settings=()
for setting in "network.encoder_weights=$shared/weights" "data.normalisation=unit" "$@"; do settings+=(--set "$setting"); done

if [[ -d "$out/run" ]]; then
	"${limner[@]}" train "$archive" --out "$out/run" --resume
else
	"${limner[@]}" train "$archive" --recipe polyp-unet-resnet50 --split "train=$lists.train.txt,test=$lists.test.txt" \
		--budget "$budget" --out "$out/run" "${settings[@]}"
fi
"${limner[@]}" evaluate "$out/run" "$archive" --out "$out/evaluation" --overwrite --json >"$out/evaluation.json"
"${PYTHON:-$(dirname "${limner[0]}")/python}" "$(dirname "${BASH_SOURCE[0]}")/parity.py" "$out/run" "$archive" | tee "$out/parity.json"
"${limner[@]}" export "$out/run" --out "$out/polyp.onnx" --overwrite
mkdir -p "$out/images"
while read -r id; do unzip -qoj "$archive" "*/images/$id.jpg" -d "$out/images"; done <"$lists.test.txt"
"${limner[@]}" predict "$out/polyp.onnx" "$out/images" --out "$out/predictions" --overwrite
