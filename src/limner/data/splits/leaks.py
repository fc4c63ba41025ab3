"""The leak check: what two parts of a split have in common that they should not."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from limner.data.lookalikes import find_lookalikes
from limner.data.splits.evidence import gather
from limner.data.splits.groups import LIKE, find_groups
from limner.data.splits.split import PARTS
from limner.data.splits.words import some_of
from limner.data.wording import counted
from limner.errors import DataError, LimnerWarning
from limner.files import write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from limner.data.items import Dataset
    from limner.data.lookalikes import Look, Lookalike
    from limner.data.splits.groups import Group
    from limner.data.splits.split import Split

LeakKind: TypeAlias = Literal["group", "identical", "copy", "similar"]
_SIGNS = {"identical": "=", "copy": "~", "similar": "~"}
_WORDS = {
    "identical": ("is in {} too", "are in {} too"),
    "copy": ("has a near-duplicate in {}", "have near-duplicates in {}"),
    "similar": ("looks like an image in {}", "look like images in {}"),
}


class LeakWarning(LimnerWarning):
    """Parts of a split share images, copies of images, or patients."""


class Leak(BaseModel):
    """Two images in different parts that do not belong apart.

    Attributes:
        first: The key of the one in the part that comes first, in the order train, val, test.
        second: The key of the other.
        parts: The parts that they are in.
        kind: `group`: of one patient or sequence; the first of its images in each part. `identical`: the same pixels. `copy`: the same
            picture resized, compressed anew or otherwise changed a little. `similar`: much alike, as neighbouring frames are.
        group: The patient or sequence, where it is one that is shared.
        score: How alike they look, in [0, 1]; None for a group.
    """

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    parts: tuple[str, str]
    kind: LeakKind
    group: str | None = None
    score: float | None = None


class LeakReport(BaseModel):
    """What a leak check has found.

    Attributes:
        images: How many images were compared, by part; only parts that have any.
        unread: How many of them could not be read, and so not compared.
        grouped: Of how many of them it is known of which patient or sequence they are.
        leaks: Groups, identical images and copies on both sides.
        similar: Images that only look alike. In two parts they are a doubt, not a leak.
    """

    model_config = ConfigDict(frozen=True)

    images: dict[str, int]
    unread: int = 0
    grouped: int
    leaks: tuple[Leak, ...] = ()
    similar: tuple[Leak, ...] = ()

    def sentence(self) -> str:
        """What was found, in one line.

        Example:
            >>> LeakReport(images={"train": 8, "val": 1, "test": 1}, grouped=10).sentence()
            'leak check: 10 images, 3 parts: no image, copy or group on both sides'
            >>> leak = Leak(first="a", second="b", parts=("train", "test"), kind="copy", score=0.98)
            >>> LeakReport(images={"train": 8, "test": 5}, grouped=0, leaks=(leak,)).sentence()
            'leak check: 1 of 5 test images has a near-duplicate in train: a ~ b'
        """
        found = self._told(self.leaks) or [
            f"{counted(sum(self.images.values()), 'image')}, {counted(len(self.images), 'part')}: {self._none()}"
        ]
        unread = [f"{counted(self.unread, 'image')} could not be read"] if self.unread else []
        return f"leak check: {'; '.join([*found, *self._told(self.similar), *unread])}"

    def warning(self) -> str:
        """What the leaks mean; empty where there are none."""
        if not self.leaks:
            return ""
        tested = any("test" in leak.parts for leak in self.leaks)
        harm = "scores on the test part will look better than new images warrant"
        if not tested:
            harm = "the epoch and the threshold are chosen on images that the model has learnt by heart"
        return f"the parts of the split are not independent, so {harm}: {'; '.join(self._told(self.leaks))}"

    def _none(self) -> str:
        if not self.grouped:
            return "no image or copy on both sides (of which patient or sequence they are is not known)"
        unknown = sum(self.images.values()) - self.grouped
        return "no image, copy or group on both sides" + (f" (the group of {counted(unknown, 'image')} is not known)" if unknown else "")

    def _told(self, leaks: Iterable[Leak]) -> list[str]:
        """A clause for each kind and pair of parts."""
        alike: defaultdict[tuple[str, tuple[str, str]], list[Leak]] = defaultdict(list)
        for leak in leaks:
            alike[leak.kind, leak.parts].append(leak)
        return [self._clause(kind, parts, some) for (kind, parts), some in alike.items()]

    def _clause(self, kind: str, parts: tuple[str, str], leaks: Sequence[Leak]) -> str:
        if kind == "group":
            verb = "is" if len(leaks) == 1 else "are"
            return f"{counted(len(leaks), 'group')} {verb} in {parts[0]} and {parts[1]}: {some_of([leak.group or '' for leak in leaks])}"
        number = len({leak.second for leak in leaks})
        verb = _WORDS[kind][number > 1].format(parts[0])
        shown = some_of([f"{leak.first} {_SIGNS[kind]} {leak.second}" for leak in leaks])
        return f"{number} of {self.images[parts[1]]} {parts[1]} images {verb}: {shown}"


def find_leaks(
    dataset: Dataset, split: Split, looks: Mapping[str, Look] | None = None, *, lookalikes: Iterable[Lookalike] | None = None
) -> LeakReport:
    """Compare the parts of a split, each with each: by known groups, and by the looks of the images.

    Args:
        dataset: The data set that the split is of.
        split: The split. Keys that are no longer in the data set are passed over.
        looks: How the images look; they are read if this is not given.
        lookalikes: What `find_lookalikes` has found among these looks, if it was asked before.
    """
    part_of = {key: part for key, part in split.part_of().items() if key in dataset}
    if looks is None:
        looks = gather(dataset.subset(part_of), shares=False).looks
    pairs = find_lookalikes({key: looks[key] for key in part_of if key in looks}) if lookalikes is None else lookalikes
    alike = _alike_across(pairs, part_of)
    groups = _known_groups(dataset, split, part_of)
    return LeakReport(
        images={part: count for part in PARTS if (count := sum(held == part for held in part_of.values()))},
        unread=sum(key not in looks for key in part_of),
        grouped=len(groups),
        leaks=(*_group_leaks(groups, part_of), *_sorted(leak for leak in alike if leak.kind != "similar")),
        similar=tuple(_sorted(leak for leak in alike if leak.kind == "similar")),
    )


def save_leaks(report: LeakReport, path: str | Path) -> None:
    """Write a report as JSON, with its sentence, atomically."""
    write_json(path, {"sentence": report.sentence(), **report.model_dump(mode="json")})


def load_leaks(path: str | Path) -> LeakReport:
    """Read a report that `save_leaks` wrote.

    Raises:
        DataError: The file is missing, or no such report.
    """
    try:
        return LeakReport.model_validate_json(Path(path).read_bytes())
    except OSError:
        raise DataError("there is no such leak report", where=path, fix="check the path; a run keeps it in leaks.json") from None
    except ValidationError as error:
        raise DataError(
            f"the file is no leak report: {error.errors()[0]['msg']}", where=path, fix="use a leaks.json that limner wrote"
        ) from None


def _alike_across(pairs: Iterable[Lookalike], part_of: Mapping[str, str]) -> list[Leak]:
    """The pairs of lookalikes in different parts.

    Of several identical images each is paired with only one of them, and that one alone with all others. It stands for all here, so that
    nothing is missed where it is itself in the same part, or in none.
    """
    pairs = list(pairs)
    same = [(pair.first, pair.second) for pair in pairs if pair.kind == "identical"]
    held = _Held(find_groups({key for pair in pairs for key in (pair.first, pair.second)}, links=same), part_of)
    twins = {held.one_for(pair.first) for pair in pairs if pair.kind == "identical"}
    found = [leak for one in sorted(twins) for leak in held.leaks(one, one, "identical", 1.0)]
    for pair in pairs:
        if pair.kind != "identical":
            one, other = held.one_for(pair.first), held.one_for(pair.second)
            found += held.leaks(one, other, pair.kind, pair.score) + held.leaks(other, one, pair.kind, pair.score)
    return found


class _Held:
    """Which keys of identical images each part holds."""

    def __init__(self, same: Iterable[Group], part_of: Mapping[str, str]) -> None:
        self._one = {key: group.name for group in same for key in group.keys}
        self._keys: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for key, one in self._one.items():
            if key in part_of:
                self._keys[one, part_of[key]].append(key)

    def one_for(self, key: str) -> str:
        """The key that stands for all images identical to one."""
        return self._one[key]

    def leaks(self, one: str, other: str, kind: LeakKind, score: float) -> list[Leak]:
        """A leak for each image identical to `other` in a part that comes after a part with an image identical to `one`."""
        return [
            Leak(first=self._keys[one, first][0], second=key, parts=(first, second), kind=kind, score=round(score, 4))
            for first, second in combinations(PARTS, 2)
            if (one, first) in self._keys
            for key in self._keys.get((other, second), ())
        ]


def _known_groups(dataset: Dataset, split: Split, keys: Collection[str]) -> dict[str, str]:
    """The patient or sequence of each image of which it is known; where the data know none, as the split was made by."""
    known = {key: group for key in keys if (group := dataset[key].group) is not None}
    return known or {key: label for key, label in split.groups.items() if key in keys and not label.startswith(LIKE)}


def _group_leaks(groups: Mapping[str, str], part_of: Mapping[str, str]) -> list[Leak]:
    """One leak for each group and two parts that it is in."""
    held: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for key, group in sorted(groups.items()):
        held[group].setdefault(part_of[key], key)
    return _sorted(
        Leak(first=keys[first], second=keys[second], parts=(first, second), kind="group", group=group)
        for group, keys in held.items()
        for first, second in combinations([part for part in PARTS if part in keys], 2)
    )


def _sorted(leaks: Iterable[Leak]) -> list[Leak]:
    """The worst first: by kind, then by parts, the test's before all."""
    order = {"group": 0, "identical": 1, "copy": 2, "similar": 3}
    return sorted(
        leaks, key=lambda leak: (order[leak.kind], leak.parts[1] != "test", leak.parts, -(leak.score or 0), leak.first, leak.second)
    )
