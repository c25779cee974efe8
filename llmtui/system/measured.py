"""How fast models were measured to run on this machine: a small file that `llmtui bench` writes and others read."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from llmtui.system.paths import state_dir

logger = logging.getLogger(__name__)

FILE = "measured.json"


@dataclass(frozen=True, slots=True)
class MeasuredSpeed:
    """Tokens per second of one stream of a model, median of a benchmark.

    model  its name as it was asked for          path  the folder of its weights
    when   ISO 8601, UTC, to the second
    """

    model: str
    path: str
    dtype: str
    device: str
    tokens_per_second: float
    when: str

    @property
    def kind(self) -> tuple[str, str, str]:
        """What it is the speed of: a later measurement of the same replaces it."""
        return self.path, self.dtype, self.device


def measured_speeds(file: Path | None = None) -> list[MeasuredSpeed]:
    """All that were kept, newest first; none where there is no file, or one that cannot be read."""
    file = file or state_dir() / FILE
    try:
        kept = json.loads(file.read_bytes())
        speeds = [MeasuredSpeed(**fields) for fields in kept["speeds"]]
        return sorted((_checked(speed) for speed in speeds), key=lambda speed: speed.when, reverse=True)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError):
        logger.warning("%s cannot be read: the speeds in it are not shown", file, exc_info=True)
        return []


def keep_measured(speed: MeasuredSpeed, file: Path | None = None) -> None:
    """Keep a speed in place of an earlier one of the same model, dtype and device. Raises OSError."""
    file = file or state_dir() / FILE
    others = [other for other in measured_speeds(file) if other.kind != speed.kind]
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"speeds": [asdict(each) for each in (speed, *others)]}, indent=1) + "\n")
    # in one step: who reads meanwhile finds the old file or the new one
    new.replace(file)


def speeds_of(name: str, path: Path, speeds: Sequence[MeasuredSpeed]) -> list[MeasuredSpeed]:
    """Those of one model, by its name or the folder of its weights: the newest of each dtype and device, in order."""
    folder = str(path.resolve())
    found: dict[tuple[str, str], MeasuredSpeed] = {}
    for speed in speeds:
        if speed.model == name or str(Path(speed.path).resolve()) == folder:
            found.setdefault((speed.dtype, speed.device), speed)
    return list(found.values())


def _checked(speed: MeasuredSpeed) -> MeasuredSpeed:
    texts = (speed.model, speed.path, speed.dtype, speed.device, speed.when)
    if not all(isinstance(text, str) for text in texts) or not isinstance(speed.tokens_per_second, int | float):
        raise ValueError(f"not a measured speed: {speed}")
    return speed
