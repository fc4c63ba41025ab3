"""Find the files that an annotation file names: in the source, or, where the user may point elsewhere, on disk."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from limner.data.formats.entries import NoImage, Unusable
from limner.data.names import is_picture, normal
from limner.data.pairing import image_names
from limner.data.store import FileRef, FolderStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.data.names import Role
    from limner.data.store import Store


class Finder:
    """The pictures of a source, by their names.

    Args:
        store: The source.
        names: All names in it.
    """

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self.store = store
        self.pictures = [name for name in names if is_picture(name)]
        self._by_name = {normal(name): name for name in self.pictures}
        self._by_base: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.pictures):
            path = PurePosixPath(normal(name).casefold())
            self._by_base[path.name].append(name)
            self._by_stem[path.stem].append(name)
        self._folders: dict[Path, FolderStore] = {}

    def find(self, name: str, file: FileRef, *, role: Role = "image", on_disk: bool = False) -> FileRef:
        """A picture by the name that an annotation file gives it.

        Looked for are, in this order: the name seen from the annotation file's folder, and from the source; on disk, if that is allowed
        and the source is a folder; what ends in the whole name; what has its last part; and for a name without suffix, what has its stem.

        Args:
            name: As it is written in the file; slashes may lean either way.
            file: The annotation file.
            role: Whether an image or a mask is meant, for names that both have.
            on_disk: Whether it may be an absolute path, or lead out of the source.

        Raises:
            NoImage: It is not there.
            Unusable: Several pictures could be meant.
        """
        wanted = normal(name.strip()).replace("\\", "/")
        for whole in (posixpath.join(posixpath.dirname(file.name), wanted), wanted):
            if found := self._by_name.get(posixpath.normpath(whole)):
                return FileRef(found, self.store)
        if on_disk and (outside := self._on_disk(wanted, file)):
            return outside
        path = PurePosixPath(wanted.casefold())
        alike = self._by_base[path.name] if path.name in self._by_base else [] if is_picture(path.name) else self.of_stem(path.name)
        ending = [found for found in alike if normal(found).casefold().endswith(f"/{path}")]
        return FileRef(self._one(ending or alike, name, role), self.store)

    def beside(self, stem: str, file: FileRef) -> FileRef:
        """The image of a stem: in the annotation file's own folder, else the only one anywhere.

        Raises:
            NoImage: There is none.
            Unusable: There are several.
        """
        alike = self.of_stem(stem)
        near = [name for name in alike if posixpath.dirname(name) == posixpath.dirname(file.name)]
        return FileRef(self._one(near or alike, stem, "image"), self.store)

    def of_stem(self, stem: str) -> list[str]:
        """All pictures of a stem; case does not count."""
        return self._by_stem.get(normal(stem).casefold(), [])

    def images(self) -> list[str]:
        """All pictures but those that look like masks of others."""
        return [pair.image for pair in image_names(self.pictures).pairs]

    @cached_property
    def _masks(self) -> set[str]:
        return set(self.pictures) - set(self.images())

    def _one(self, names: list[str], wanted: str, role: Role) -> str:
        if len(names) > 1:
            fitting = [name for name in names if (name in self._masks) == (role == "mask")]
            names = fitting or names
        if not names:
            raise NoImage(wanted)
        if len(names) > 1:
            raise Unusable(f"'{_short(wanted)}' could be {names[0]} or {names[1]}; write the folder before the name")
        return names[0]

    def _on_disk(self, name: str, file: FileRef) -> FileRef | None:
        if not isinstance(self.store, FolderStore):
            return None
        path = self.store.place / posixpath.dirname(file.name) / name
        try:
            if not is_picture(path.name) or not path.is_file():
                return None
            folder = path.parent.resolve()
        except (OSError, ValueError):  # a name that is too long, or that holds a zero byte
            return None
        return FileRef(path.name, self._folders.setdefault(folder, FolderStore(folder)))


def last_part(url: str) -> str:
    """The path within a URL, without host and query, or the one that a query names as `d`.

    Example:
        >>> last_part("/data/upload/1/ab%20c.png?x=1"), last_part("/data/local-files/?d=a%2Fb.png"), last_part("s3://bucket/a/b.png")
        ('/data/upload/1/ab c.png', 'a/b.png', 'a/b.png')
    """
    from urllib.parse import unquote

    query = re.search(r"[?&]d=([^&#]*)", url)
    path = query[1] if query else re.sub(r"^[a-z0-9+.-]+://[^/]*/?", "", re.split(r"[?#]", url)[0], flags=re.IGNORECASE)
    return unquote(path)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
