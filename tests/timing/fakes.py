"""A benchmark's result that nobody has measured."""

from __future__ import annotations

from limner.timing.images import TestImages
from limner.timing.result import BenchResult, BenchRow, Clock, Latency, LeftOut


def made_up_row() -> BenchRow:
    return BenchRow(
        model="tf_efficientnet_lite0",
        path="models/tf_efficientnet_lite0.onnx",
        precision="float32",
        provider="openvino",
        input_size=(352, 352),
        sampling="resize",
        network=Clock((40.0, 50.0)),
        file=Clock((20.0, 30.0)),
        latency=Latency(20.25, 25.0, 130.5, 140.0, 99),
        parameters=32_520_000,
        gflops=2.0,
        file_bytes=121_846_885,
        memory_bytes=1_234_000_000,
        peak_share=0.9,
    )


def made_up() -> BenchResult:
    return BenchResult(
        rows=(made_up_row(),),
        left_out=(LeftOut("tf_efficientnet_lite0", "cuda", "there is none"),),
        machine={"processor": "An Abacus", "cores": 2, "memory_gib": 23.5, "system": "Linux x86_64"},
        versions={"limner": "0.1.0", "onnxruntime": "1.31.1"},
        threads=1,
        peak_gflops=100.0,
        images=TestImages(3, ((30, 20), (64, 48)), "of the 5 images of pictures, evenly spaced"),
        batch=1,
        rounds=2,
        seconds=0.5,
        busy=0.05,
    )
