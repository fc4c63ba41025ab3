#!/usr/bin/env bash
# Thin objects: vessels of DRIVE, seen whole and shrunk, whole at their own size, or in patches at their own resolution; the same time for each.
#
# usage: benchmarks/patches.sh SHARED OUT [BUDGET]
#   SHARED   the folder of real data (data/drive/DRIVE.zip below it)
#   OUT      a new folder for the three runs
#   BUDGET   the time for each, 9m by default
set -euo pipefail
shared=$1 out=$2 budget=${3:-9m}
limner=$(dirname "$0")/../.venv/bin/limner

train() { # NAME SETTING...
    local name=$1
    shift
    "$limner" train "$shared/data/drive/DRIVE.zip" --recipe phantom-unet --split official-20-20 --budget "$budget" --out "$out/$name" --json \
        --set task=vessel --set epochs=400 --set 'network.filters=[32,64,128,256]' "${@/#/--set=}" >"$out/$name.json"
}

mkdir -p "$out"
train resize-256 data.input_size=256 batch_size=4
train resize-576 data.input_size=576 batch_size=2
train patches-128 data.sampling=patches data.input_size=128 batch_size=16
grep -H -A3 '"dice"' "$out"/*.json
