"""Splits: which items train, validate and test. Groups are never divided, and every split is checked for leaks.

`choose_split` settles the split of a run, `draw` and `draw_folds` draw, `find_leaks` checks; a `Split` is data that can be saved with
the hashes of its files.
"""

from limner.data.splits.choose import (
    DrawRules,
    SplitChoice,
    check_choice,
    check_groups,
    choose_folds,
    choose_split,
    names_file,
    names_official,
    official_parts,
    saved_split,
)
from limner.data.splits.draw import draw, draw_val, make_split
from limner.data.splits.evidence import Evidence, gather, groups_of
from limner.data.splits.folds import draw_folds
from limner.data.splits.groups import Group, find_groups
from limner.data.splits.keep import check_keep
from limner.data.splits.leaks import Leak, LeakReport, LeakWarning, find_leaks, load_leaks, save_leaks
from limner.data.splits.lists import read_list, split_from_lists
from limner.data.splits.split import PARTS, Split, load_hashes, load_split, save_split, verify_split
from limner.data.splits.summary import PartSummary, summarise

__all__ = [
    "PARTS",
    "DrawRules",
    "Evidence",
    "Group",
    "Leak",
    "LeakReport",
    "LeakWarning",
    "PartSummary",
    "Split",
    "SplitChoice",
    "check_choice",
    "check_groups",
    "check_keep",
    "choose_folds",
    "choose_split",
    "draw",
    "draw_folds",
    "draw_val",
    "find_groups",
    "find_leaks",
    "gather",
    "groups_of",
    "load_hashes",
    "load_leaks",
    "load_split",
    "make_split",
    "names_file",
    "names_official",
    "official_parts",
    "read_list",
    "save_leaks",
    "save_split",
    "saved_split",
    "split_from_lists",
    "summarise",
    "verify_split",
]
