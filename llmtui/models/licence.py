"""The licence that a model's card names."""

import re
from pathlib import Path

MAX_CARD_BYTES = 1_000_000
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
_LICENCE = re.compile(r"^(license_name|license):[ \t]*['\"]?([A-Za-z0-9][\w.+-]*)['\"]?[ \t]*$", re.MULTILINE)


def licence_of(folder: Path) -> str | None:
    """The `license` of the front matter of README.md, as Hugging Face writes it; `license_name` where it is "other".

    None if there is no card or it names none.
    """
    try:
        with (folder / "README.md").open("rb") as file:
            card = file.read(MAX_CARD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    matter = _FRONT_MATTER.match(card)
    named = dict(_LICENCE.findall(matter[1])) if matter else {}
    licence = named.get("license")
    return named.get("license_name", licence) if licence == "other" else licence
