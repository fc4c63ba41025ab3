"""All kinds of findings: how grave each is, why it matters, what to do about it, and what `--fix` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
Remedy: TypeAlias = Literal["leave out", "keep", "keep one", "mend", "split"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        name: In kebab case.
        severity: `error` breaks or corrupts training, `warning` is likely a mistake, `note` is good to know.
        why: Why it matters, one sentence.
        cure: What the user can do, one phrase.
        fix: What `--fix` does, one phrase.
        remedy: The same for programs: `keep one` of each case, `mend` by the steps of `limner.doctor.repair.plan`, `split` alone.
    """

    name: str
    severity: Severity
    why: str
    cure: str
    fix: str
    remedy: Remedy

    @property
    def is_repaired(self) -> bool:
        """Whether `--fix` alone changes anything about it."""
        return self.remedy != "keep"


_KINDS = (
    Kind(
        "no-pairs",
        "error",
        "without an image that has a mask there is nothing to train on",
        "name them alike: images/NAME.jpg with masks/NAME.png, or NAME.jpg with NAME_mask.png",
        "writes nothing",
        "keep",
    ),
    Kind(
        "unreadable",
        "error",
        "training stops at a file that cannot be read",
        "copy the file again from where it came, or leave it out",
        "leaves the pair out",
        "leave out",
    ),
    Kind(
        "collision",
        "error",
        "files that share one name cannot be told apart, so all of them are left out",
        "rename or remove what does not belong; merge several masks of one image",
        "leaves them out",
        "leave out",
    ),
    Kind(
        "rival-masks",
        "error",
        "nobody can tell which of several folders holds the masks, so none is used",
        "keep one of the folders",
        "leaves them out",
        "leave out",
    ),
    Kind(
        "annotation",
        "warning",
        "an entry that cannot be used is an object that the model learns to overlook",
        "mend or remove the entry in the annotation file",
        "leaves the entry out",
        "leave out",
    ),
    Kind(
        "orphan-image",
        "warning",
        "an image without a mask cannot be learnt from",
        "add its mask, or an empty one where there is nothing to find",
        "leaves it out",
        "leave out",
    ),
    Kind("orphan-mask", "warning", "a mask without its image cannot be learnt from", "add its image", "leaves it out", "leave out"),
    Kind(
        "copied-folder",
        "warning",
        "where one data set lies there twice, training sees what it is tested on",
        "keep one of the folders",
        "leaves out what is a copy; says so of the rest",
        "keep",
    ),
    Kind(
        "left-out",
        "note",
        "files that are not used, though they look like data",
        "nothing, if that is what you want",
        "leaves them out",
        "leave out",
    ),
    Kind(
        "size-mismatch",
        "error",
        "a mask of another shape than its image cannot be laid over it",
        "export both at one size",
        "leaves the pair out",
        "leave out",
    ),
    Kind(
        "resized-mask",
        "error",
        "a mask of another scale than its image cannot be laid over it",
        "resize the mask to its image",
        "resizes the mask",
        "mend",
    ),
    Kind(
        "transposed-mask",
        "error",
        "a mask that lies across its image marks the wrong pixels",
        "turn the mask like its image",
        "turns the mask by the EXIF tag; leaves the pair out where there is no tag",
        "mend",
    ),
    Kind(
        "exif-rotation",
        "warning",
        "some tools turn a picture by its EXIF tag and others do not, so masks and images part ways",
        "save the picture upright, without the tag",
        "writes the image as PNG, upright and without the tag",
        "mend",
    ),
    Kind(
        "label-map",
        "error",
        "a mask of several labels has no single foreground; limner refuses to guess",
        "say which values are foreground: --foreground VALUES",
        "leaves the pair out; binarises it where --foreground is given",
        "leave out",
    ),
    Kind(
        "not-binary",
        "warning",
        "a tool that takes every value above 0 for the object draws it too large and with specks around it",
        "store masks losslessly, with two values",
        "binarises the mask at half of its brightest level",
        "mend",
    ),
    Kind(
        "alpha-channel",
        "warning",
        "transparency is dropped on reading, but in a mask of one colour, where what is opaque is the object; other tools differ",
        "flatten the picture",
        "writes the picture without transparency; leaves out a mask of which nothing is left then",
        "mend",
    ),
    Kind(
        "mask-is-image",
        "error",
        "the model would learn to draw brightness",
        "put the mask in its place",
        "leaves the pair out",
        "leave out",
    ),
    Kind(
        "inverted-mask",
        "warning",
        "the model would learn the ground for the object",
        "invert the mask, if it is",
        "inverts the mask back",
        "mend",
    ),
    Kind(
        "full-mask",
        "warning",
        "a mask that covers the whole image is nearly always a slip of a tool",
        "draw the mask anew, or leave the pair out",
        "leaves the pair out",
        "leave out",
    ),
    Kind(
        "empty-mask",
        "note",
        "an image without an object is legitimate, but scores treat it in a way of its own",
        "check that there is nothing to see",
        "keeps the pair",
        "keep",
    ),
    Kind(
        "constant-image",
        "warning",
        "there is nothing to see in an image of one colour",
        "leave it out",
        "leaves the pair out",
        "leave out",
    ),
    Kind(
        "dark-image",
        "note",
        "next to nothing is to be seen in an image that is nearly black",
        "check the exposure; stretch the values where 16 bits hold fewer",
        "keeps the pair",
        "keep",
    ),
    Kind(
        "leak",
        "error",
        "what is trained on is tested on, and the scores are too good",
        "take the twins out of the training part, or split by group",
        "writes a split.json without the twins; the test part stays as it is",
        "split",
    ),
    Kind(
        "duplicate",
        "warning",
        "one image counts twice, and a random split puts its twins into training and test",
        "keep one of each",
        "keeps the largest lossless one",
        "keep one",
    ),
    Kind(
        "near-duplicate",
        "warning",
        "a resized, re-encoded or brightened copy leaks from training to test just as the image itself",
        "keep one of each",
        "keeps the largest lossless one",
        "keep one",
    ),
    Kind(
        "similar-frames",
        "note",
        "neighbouring frames of one sequence are nearly one image; a random split spreads them over its parts",
        "split by sequence or patient: --group, or lists",
        "keeps them",
        "keep",
    ),
    Kind(
        "vanishing-foreground",
        "warning",
        "at the input size most of the object is gone, and the model learns that there is none",
        "train at a larger input size",
        "keeps the pair",
        "keep",
    ),
    Kind(
        "size-outlier",
        "note",
        "an image of quite another size is often not from this data",
        "check where it comes from",
        "keeps the pair",
        "keep",
    ),
    Kind(
        "aspect-outlier",
        "note",
        "resizing to one input size distorts an image of another shape",
        "check where it comes from; crop it to the shape of the others",
        "keeps the pair",
        "keep",
    ),
    Kind(
        "intensity-outlier",
        "note",
        "an image of quite another brightness or contrast is often badly exposed, or of another kind",
        "check where it comes from",
        "keeps the pair",
        "keep",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
