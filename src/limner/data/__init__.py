"""Data: find image + mask pairs in folders and archives, split them, hold them in memory."""

from limner.data.items import Dataset, Item
from limner.data.options import SourceOptions
from limner.data.resident import NativeSet, ResidentSet, load_native, load_resident
from limner.data.source import open_source
from limner.data.splits import Split, load_split, make_split, save_split, split_from_lists, verify_split
from limner.data.store import FileRef

__all__ = [
    "Dataset",
    "FileRef",
    "Item",
    "NativeSet",
    "ResidentSet",
    "SourceOptions",
    "Split",
    "load_native",
    "load_resident",
    "load_split",
    "make_split",
    "open_source",
    "save_split",
    "split_from_lists",
    "verify_split",
]
