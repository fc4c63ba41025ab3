"""Rules for what the network sees: whole images or patches, of what size, and how many are held out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from limner.planner.reason import Reason, percent, pixels
from limner.planner.survive import STEP

if TYPE_CHECKING:
    from limner.planner.fingerprint import Fingerprint, Survival
    from limner.planner.machine import Machine

# A mask that goes to the size and back must keep this much; below, the size and not the network would set the limit.
KEPT_DICE, KEPT_LINES, KEPT_OBJECTS = 0.97, 0.95, 0.97
LEAST_SIDE = {"cpu": 256, "gpu": 384}  # texture needs more than outlines do; published work on polyps uses 256 to 384
LARGEST_AREA = {"cpu": 512**2, "gpu": 1024**2}
PATCH_SIDE = {"cpu": 256, "gpu": 512}
_NEARLY_NATIVE = 0.8  # of the images' own long side
_MANY_SIZES = 1.5  # ratio of long sides
_SMALL_OBJECT = 0.15  # of the long side
_FEW = 50  # images, or groups


def choose_view(fingerprint: Fingerprint, machine: Machine, asked: str | None = None) -> list[Reason]:
    """Whole images or patches, and their size.

    Args:
        fingerprint: The data.
        machine: What has to bear it.
        asked: `resize` or `patches`, where the user has decided.
    """
    why = _why_patches(fingerprint, machine)
    if asked == "patches" or (why and asked is None):
        return [Reason("data.sampling", "patches", why), *_patches(fingerprint, machine)]
    best = smallest_that_keeps(fingerprint, machine)
    if why or best is None:
        best = _largest(fingerprint, machine)
    size = best.size if best else _plain_size(fingerprint, machine)
    return [
        Reason("data.sampling", "resize", _why_whole(fingerprint, size)),
        Reason("data.input_size", list(size), _why_size(best, fingerprint, machine)),
    ]


def choose_patch_foreground(fingerprint: Fingerprint) -> list[Reason]:
    """How often a patch is made to hold foreground."""
    share = fingerprint.foreground.middle
    if fingerprint.is_thin or (share >= 0.05 and fingerprint.objects.middle >= 5):
        return [
            Reason(
                "data.patch_foreground", 0.3, f"foreground is everywhere ({percent(share)} of the area), so most places hold some anyway"
            )
        ]
    return [
        Reason("data.patch_foreground", 0.5, f"foreground is {percent(share)} of the area, so half of the patches are made to hold some")
    ]


def choose_shares(fingerprint: Fingerprint) -> list[Reason]:
    """What is held out."""
    units, noun = (fingerprint.groups, "group") if fingerprint.groups else (fingerprint.images, "image")
    few = units < _FEW
    val, test = (0.15, 0.2) if few else (0.1, 0.1)
    known = "groups stay whole" if fingerprint.groups else "no groups are known: name them with --group where images share a patient"
    count = f"{units} {noun}s"
    why = f"{count} are few, so more of them are held out for a score to mean anything" if few else f"{count} leave enough to train on"
    return [
        Reason("data.val_fraction", val, f"the epoch and the threshold are chosen on these; {why}"),
        Reason("data.test_fraction", test, f"nothing is chosen on these; {known}"),
    ]


def smallest_that_keeps(fingerprint: Fingerprint, machine: Machine) -> Survival | None:
    """The smallest size worth its while at which the masks survive; None where none does."""
    least = min(LEAST_SIDE[_kind(machine)], STEP * max(1, round(fingerprint.long_side.middle / STEP)))
    sizes = [found for found in fingerprint.survival if max(found.size) >= least]
    return next((found for found in sizes if _keeps(found)), None)


def _why_patches(fingerprint: Fingerprint, machine: Machine) -> str:
    """Why whole images would not do; empty where they do."""
    largest = _largest(fingerprint, machine)
    if largest is None:
        return ""
    longest, across = fingerprint.long_side, fingerprint.diameter.middle
    ratio = longest.high / max(longest.low, 1)
    if ratio >= _MANY_SIZES and across < _SMALL_OBJECT * longest.middle:
        return (
            f"images differ {ratio:.1f}-fold in size and their objects are small ({across:.0f} px across), so resizing would show the same "
            "thing at many scales; patches keep every pixel as it is"
        )
    best = smallest_that_keeps(fingerprint, machine)
    if best is None or math.prod(best.size) > LARGEST_AREA[_kind(machine)]:
        return (
            f"resized to {pixels(largest.size)}, about the largest that {machine.words} should bear, {_loss(largest)}; patches lose nothing"
        )
    if fingerprint.is_thin and max(best.size) >= _NEARLY_NATIVE * longest.middle > _NEARLY_NATIVE * PATCH_SIDE[_kind(machine)]:
        small = fingerprint.what_is_left_at(_about(fingerprint, 0.5 * longest.middle)) or fingerprint.survival[0]
        return (
            f"structures are thin ({fingerprint.thickness.middle:.0f} px): at {pixels(small.size)} {_loss(small)}, and only nearly the "
            "full size keeps them; patches see it as it is"
        )
    return ""


def _largest(fingerprint: Fingerprint, machine: Machine) -> Survival | None:
    """The largest measured size that the machine should bear; None where nothing was measured."""
    borne = [found for found in fingerprint.survival if math.prod(found.size) <= LARGEST_AREA[_kind(machine)]]
    return borne[-1] if borne else next(iter(fingerprint.survival), None)


def _patches(fingerprint: Fingerprint, machine: Machine) -> list[Reason]:
    wanted = PATCH_SIDE[_kind(machine)]
    shortest = min(fingerprint.height.low, fingerprint.width.low)
    side = max(128, min(wanted, STEP * int(shortest // STEP)))
    limit = f"the smaller images are {shortest:.0f} px" if side < wanted else f"{machine.words} can bear it"
    if fingerprint.is_thin:
        thing = f"structures are mostly {fingerprint.thickness.middle:.0f} px thick, so it shows much of their course"
    else:
        across = max(fingerprint.diameter.high, 1)
        thing = f"nine of ten objects are less than {across:.0f} px across, so it shows {side / across:.0f} side by side"
    why = f"pixels of the original; {thing}, and {limit}"
    return [Reason("data.input_size", [side, side], why), *choose_patch_foreground(fingerprint)]


def _why_whole(fingerprint: Fingerprint, size: tuple[int, int]) -> str:
    share = percent(fingerprint.diameter.middle / max(fingerprint.long_side.middle, 1))
    thing = (
        f"structures are {fingerprint.thickness.middle:.0f} px thick"
        if fingerprint.is_thin
        else f"an object is {share} of the long side across"
    )
    if not fingerprint.survival:
        return "no image has foreground, so there is nothing to lose"
    larger = max(size) >= fingerprint.long_side.middle
    whole = "images are small enough to be seen whole" if larger else "objects survive resizing, and whole images show their surroundings"
    return f"{whole}; {thing}"


def _why_size(best: Survival | None, fingerprint: Fingerprint, machine: Machine) -> str:
    if best is None:
        return "about the images' own proportions, in multiples of 32"
    if not _keeps(best):
        return f"about the largest that {machine.words} should bear, though {_loss(best)} there; data.sampling=patches would lose nothing"
    kept = f"a perfect mask scores Dice {best.dice:.3f} after going there and back"
    if max(best.size) >= 0.95 * fingerprint.long_side.middle:
        return f"about the images' own size, in multiples of 32; {kept}"
    return f"the smallest of at least {LEAST_SIDE[_kind(machine)]} px, in the images' proportions, that the masks survive: {kept}"


def _loss(found: Survival) -> str:
    lost = [f"a perfect mask scores Dice {found.dice:.2f}"]
    if found.lines < KEPT_LINES:
        lost.append(f"{percent(1 - found.lines)} of the centre lines are gone")
    if found.objects < KEPT_OBJECTS:
        lost.append(f"{percent(1 - found.objects)} of the objects are lost")
    return " and ".join(lost) if len(lost) < 3 else f"{lost[0]}, {lost[1]} and {lost[2]}"


def _keeps(found: Survival) -> bool:
    return found.dice >= KEPT_DICE and found.lines >= KEPT_LINES and found.objects >= KEPT_OBJECTS


def _plain_size(fingerprint: Fingerprint, machine: Machine) -> tuple[int, int]:
    longest = min(LEAST_SIDE[_kind(machine)], fingerprint.long_side.middle)
    sides = (
        STEP * max(1, round(side * longest / fingerprint.long_side.middle / STEP))
        for side in (fingerprint.height.middle, fingerprint.width.middle)
    )
    height, width = sides
    return height, width


def _about(fingerprint: Fingerprint, long_side: float) -> tuple[int, int]:
    """The measured size whose long side is nearest."""
    return min((found.size for found in fingerprint.survival), key=lambda size: abs(max(size) - long_side))


def _kind(machine: Machine) -> str:
    return "gpu" if machine.gpu else "cpu"
