"""Data: find image + mask pairs in folders and archives, split them, hold them in memory."""

from limner.data.resident import ResidentSet, load_resident
from limner.data.source import Dataset, FileRef, Item, open_source
from limner.data.splits import Split, load_split, make_split, save_split, split_from_lists, verify_split

__all__ = [
    "Dataset",
    "FileRef",
    "Item",
    "ResidentSet",
    "Split",
    "load_resident",
    "load_split",
    "make_split",
    "open_source",
    "save_split",
    "split_from_lists",
    "verify_split",
]
