"""Damage files in all sorts of ways and read them; run as a program, under limits of memory and time that end it.

Prints, as JSON, how many cases gave a picture and how many an error, and what went wrong: any other exception, a warning, a case of
more than `CASE_SECONDS`. The name of each case is written to standard error before it is read, so that a crash can be told too.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

MEMORY = 1 << 30  # bytes, on top of what the process has before it begins
SECONDS, CASE_SECONDS = 120, 2  # of processor time
CASES = 80  # for each seed


def damaged(seed: bytes, case: random.Random) -> bytes:
    """A damaged copy: one to three of the damages below."""
    data = bytearray(seed)
    for _ in range(case.choice([1, 1, 2, 3])):
        if data:
            case.choice(_DAMAGES)(data, case)
    return bytes(data)


def _flip_bits(data: bytearray, case: random.Random) -> None:
    for _ in range(case.choice([1, 2, 8, 40])):
        data[case.randrange(len(data))] ^= 1 << case.randrange(8)


def _truncate(data: bytearray, case: random.Random) -> None:
    del data[case.randrange(len(data)) :]


def _insert(data: bytearray, case: random.Random) -> None:
    place = case.randrange(len(data))
    data[place:place] = case.randbytes(case.choice([1, 2, 4, 30]))


def _remove(data: bytearray, case: random.Random) -> None:
    place = case.randrange(len(data))
    del data[place : place + case.choice([1, 2, 4, 30])]


def _number(data: bytearray, case: random.Random) -> None:
    """A number in the header, of two, four or eight bytes, of either order."""
    size = case.choice([1, 2, 4, 8])
    place = case.randrange(min(len(data), 300))
    value = case.choice([0, 1, 2, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63, case.randrange(2**16)])
    data[place : place + size] = (value % 256**size).to_bytes(size, case.choice(["little", "big"]))


def _swap(data: bytearray, case: random.Random) -> None:
    """Two pieces change places."""
    size = case.choice([2, 4, 12, 30])
    first, second = sorted(case.randrange(len(data)) for _ in range(2))
    piece, other = data[first : first + size], data[second : second + size]
    data[second : second + size] = piece
    data[first : first + size] = other


def _repeat(data: bytearray, case: random.Random) -> None:
    place, size = case.randrange(len(data)), case.choice([4, 12, 60])
    data[place:place] = data[place : place + size] * case.choice([1, 2, 20])


_DAMAGES = [_flip_bits, _truncate, _insert, _remove, _number, _number, _swap, _repeat]


def limit_memory(more: int) -> tuple[int, int]:
    """Let this process take so many bytes more and no others, where the system tells how many it has; returns the limits before."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    told = Path("/proc/self/statm")
    if told.is_file():
        has = int(told.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + more, before[1]))
    return before


def main() -> None:
    """Read all cases and print what came of them."""
    from tests.imaging.corpus import corpus

    from limner.errors import LimnerError

    seeds = corpus()
    try:
        from tests.imaging.dicoms import dicom_corpus

        seeds |= dicom_corpus()
    except ImportError:
        pass
    wanted = sys.argv[1:]
    limit_memory(MEMORY)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    warnings.simplefilter("error")
    outcomes: Counter[str] = Counter()
    wrong = []
    for name, seed in seeds.items():
        for number in range(CASES):
            if wanted and f"{name}#{number}" not in wanted:
                continue
            data = damaged(seed, random.Random(f"{name}#{number}"))
            print(f"{name}#{number}", file=sys.stderr, flush=True)
            start = time.process_time()
            try:
                outcomes[_read(data, name)] += 1
            except LimnerError as error:
                outcomes["error"] += 1
                if not (error.where and error.fix):
                    wrong.append(f"{name}#{number}: an error without place or advice: {error.what}")
            except BaseException:  # noqa: BLE001 - each is a failure
                wrong.append(f"{name}#{number}: {traceback.format_exc(limit=-3)}")
            if (took := time.process_time() - start) > CASE_SECONDS:
                wrong.append(f"{name}#{number}: took {took:.1f} s")
    print(json.dumps({"outcomes": outcomes, "wrong": wrong}))


def _read(data: bytes, name: str) -> str:
    """Read as image or mask, and check what comes back; the other reader sees the same file."""
    from limner.errors import DataError
    from limner.imaging.describe import describe
    from limner.imaging.read import read_image, read_labels, read_mask

    for read, kind, dimensions in ((read_mask, "bool", 2), (read_labels, "int32", 2)):
        try:
            array = read(data, name=name)
        except DataError:
            continue
        assert str(array.dtype) == kind
        assert array.ndim == dimensions
    try:
        found = describe(data, name=name)
    except DataError:
        found = None
    image = read_image(data, name=name)
    assert image.dtype == "uint8"
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape) > 0
    assert found is not None, "what can be read can be described"
    stored = image.shape[:2] if found.orientation < 5 else image.shape[1::-1]
    assert found.size == stored, f"described as {found.size}, read as {stored}"
    return "picture"


if __name__ == "__main__":
    main()
