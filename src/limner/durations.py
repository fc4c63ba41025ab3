"""Durations as people write them: `90s`, `10m`, `1h30m`."""

from __future__ import annotations

import re

_PATTERN = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?:in)?)?(?:(?P<s>\d+(?:\.\d+)?)s)?")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(text: str) -> float:
    """Read a duration; the units h, m (or min) and s follow their numbers, largest first.

    Returns:
        Seconds, more than 0.

    Raises:
        ValueError: With a message for the user.

    Example:
        >>> parse_duration("1h30m")
        5400.0
    """
    match = _PATTERN.fullmatch(text.replace(" ", "").lower())
    if not match or not any(match.groups()):
        raise ValueError(f"'{text}' is not a duration; write it as 90s, 10m, 1h30m or 2h")
    seconds = sum(float(number) * _SECONDS[unit] for unit, number in match.groupdict().items() if number)
    if seconds <= 0:
        raise ValueError(f"'{text}' is no time at all; write it as 90s, 10m, 1h30m or 2h")
    return seconds


def format_duration(seconds: float) -> str:
    """Write a duration for people, to two units.

    Example:
        >>> [format_duration(s) for s in (0.24, 9.5, 95, 5400)]
        ['0.2 s', '9.5 s', '1 min 35 s', '1 h 30 min']
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
