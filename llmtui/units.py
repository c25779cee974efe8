"""Numbers as people read them."""

import math

_SHORT_UNITS = "KMGTPE"


def count(number: int | None) -> str:
    """124,439,808; a dash for what is not known."""
    return "–" if number is None else f"{number:,}"


def short_count(number: int | None) -> str:
    """124.4M; a dash for what is not known."""
    if number is None:
        return "–"
    for size, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def size(number: float | None) -> str:
    """Bytes in decimal units: 24.6 MB; a dash for what is not known."""
    if number is None:
        return "–"
    for unit_size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(number) >= unit_size:
            return f"{number / unit_size:.1f} {unit}"
    return f"{number:.0f} B"


def short_size(number: float) -> str:
    """Bytes in four cells at most, in decimal units as in `size`: 999B, 1.2G, 340M."""
    value = max(0.0, number)
    if value < 999.5:
        return f"{value:.0f}B"
    for unit in _SHORT_UNITS:
        value /= 1000
        if value < 9.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return f"{value:.0f}{_SHORT_UNITS[-1]}"


def fixed(number: float | None, digits: int = 2) -> str:
    """A number with so many decimals; a dash for what is not known."""
    return "–" if number is None else f"{number:.{digits}f}"


def duration(seconds: float | None) -> str:
    """4.1 ms, 412 ms, 1.4 s, 150 s, 12 min, 2.5 h; a dash for what is not known."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        digits = 1 if 0 < seconds < 0.00995 else 0
        return f"{seconds * 1000:.{digits}f} ms"
    if seconds < 600:
        return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def probability(number: float) -> str:
    """A probability in percent, with two digits at least; what is rarer than one in a billion as it is: 8.3e-11.

    Only certainty is 100.0%.
    """
    value = number * 100
    if 99.95 <= value < 100:
        return f"{math.floor(value * 1000) / 1000:.3f}%"
    if value >= 1:
        return f"{value:.1f}%"
    if value >= 0.1 or value == 0:
        return f"{value:.2f}%"
    return f"{value:.{1 - math.floor(math.log10(value))}f}%" if number >= 1e-9 else f"{number:.1e}"


def percent(number: float | None) -> str:
    """87%; a dash for what is not known."""
    return "–" if number is None else f"{number:.0f}%"
