"""What of this machine llmtui runs on, and what about it needs attention. Loads nothing heavy."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from llmtui import own_kernels
from llmtui.errors import LlmtuiError
from llmtui.models import hub_cache
from llmtui.processor import CPUINFO, cpu_flags
from llmtui.system import paths
from llmtui.system.terminal import detect_terminal

Status = Literal["ok", "warn", "fail"]
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "huggingface-hub", "textual", "flask", "waitress")
# What matrix products profit from, in the words of /proc/cpuinfo.
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "i8mm", "bf16")
LOW_DISK_BYTES = 2_000_000_000
LOW_MEMORY_BYTES = 1_000_000_000
MIN_COLUMNS, MIN_ROWS = 80, 24


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor. advice: what to do about it; None where nothing is to be done."""

    name: str
    status: Status
    found: str
    advice: str | None = None


def check_machine(host: str, port: int, environ: Mapping[str, str]) -> list[Check]:
    """Every check that needs no model, in the order in which people want to read them."""
    return [
        check_python(sys.version_info[:3]),
        *check_packages(requirements(), installed_version),
        check_processor(cpu_flags(CPUINFO), platform.machine()),
        check_kernels(cpu_flags(CPUINFO), own_kernels.is_built),
        check_threads(environ),
        check_memory(psutil.virtual_memory().available, psutil.virtual_memory().total),
        check_gpu(Path("/proc/driver/nvidia/gpus"), installed_version("torch"), installed_version("nvidia-ml-py")),
        *check_folders(),
        check_terminal(environ, sys.stdout.isatty()),
        *check_glyphs(environ, sys.stdout.isatty()),
        check_clipboard(environ),
        check_port(host, port),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    found = ".".join(map(str, version))
    if version < (3, 11):
        return Check("python", "fail", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def requirements() -> list[Requirement]:
    """What this version of llmtui was tested with; empty where it runs from a folder that was never installed."""
    try:
        lines = metadata.requires("llmtui") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Requirement(line))
        except InvalidRequirement:
            continue
    return found


def installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def check_packages(wanted: list[Requirement], version_of: Callable[[str], str | None]) -> list[Check]:
    """Each package that llmtui stands on: there, and of a version that it was tested with."""
    bounds = {item.name.lower(): item.specifier for item in wanted if item.marker is None or item.marker.evaluate()}
    checks = []
    for package in PACKAGES:
        version = version_of(package)
        specifier = bounds.get(package)
        if version is None:
            checks.append(Check(package, "fail", "not installed", f"pip install '{package}{specifier or ''}'"))
        elif specifier is not None and not specifier.contains(Version(version), prereleases=True):
            advice = f"tested with {specifier}: pip install '{package}{specifier}'"
            checks.append(Check(package, "warn", version, advice))
        else:
            checks.append(Check(package, "ok", version))
    return checks


def check_processor(flags: frozenset[str], machine: str) -> Check:
    if not flags:
        return Check("processor", "ok", f"{machine}, instruction sets not known")
    found = ", ".join(name for name in INSTRUCTION_SETS if name in flags)
    if machine == "x86_64" and "avx2" not in flags:
        return Check("processor", "warn", f"{machine} without AVX2", "expect slow models: use a small one")
    return Check("processor", "ok", f"{machine}: {found or 'no vector extensions'}")


def check_kernels(flags: frozenset[str], is_built: Callable[[str], bool]) -> Check:
    suited = own_kernels.suit(flags)
    if not suited:
        return Check("kernels", "ok", "torch's: llmtui's own need AVX2 and FMA, or AVX512-BF16 and VNNI, without AMX")
    built = [name for name in suited if is_built(name)]
    if not built:
        hint = "with a C++ compiler (g++), install llmtui again: models run several times as fast"
        return Check("kernels", "warn", "torch's: llmtui's own were not built", hint)
    if built[0] != suited[0]:
        hint = "with a newer C++ compiler (g++ 10 or later), install llmtui again: models run faster"
        return Check("kernels", "warn", f"llmtui's own, of {built[0]}: those of {suited[0]} were not built", hint)
    return Check("kernels", "ok", f"llmtui's own, of {built[0]}")


def check_threads(environ: Mapping[str, str]) -> Check:
    """Cores, and how many this process may use."""
    logical = psutil.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    found = f"{physical} cores, {logical} threads, {usable} usable"
    limit = environ.get("OMP_NUM_THREADS")
    if limit is not None:
        return Check("threads", "warn", f"{found}, OMP_NUM_THREADS={limit}", "unset OMP_NUM_THREADS unless you mean it")
    if usable < logical:
        return Check("threads", "warn", found, "this process may not use all cores: look at taskset or the container")
    return Check("threads", "ok", found)


def check_memory(available: int, total: int) -> Check:
    found = f"{available / 1e9:.1f} of {total / 1e9:.1f} GB available"
    if available < LOW_MEMORY_BYTES:
        return Check("memory", "warn", found, "close other programs, or use a small model or --dtype bfloat16")
    return Check("memory", "ok", found)


def check_gpu(driver: Path, torch_version: str | None, nvml_version: str | None) -> Check:
    """An NVIDIA GPU, as far as its driver, torch's build and the library that reads its load tell."""
    try:
        gpus = len(list(driver.iterdir()))
    except OSError:
        gpus = 0
    if gpus == 0:
        return Check("gpu", "ok", "none found: models run on the processor")
    found = f"{gpus} NVIDIA GPU{'s' if gpus > 1 else ''}"
    if torch_version is not None and "+cpu" in torch_version:
        return Check("gpu", "warn", f"{found}, torch {torch_version}", "install torch with CUDA: see pytorch.org")
    if nvml_version is None:
        return Check("gpu", "warn", f"{found}, load not shown", "pip install nvidia-ml-py")
    return Check("gpu", "ok", f"{found}, nvidia-ml-py {nvml_version}")


def check_folders() -> list[Check]:
    """The folders that llmtui and the Hugging Face cache write to, with the room on their disks."""
    checks = [check_folder("models", hub_cache.cache_dir(), "set HF_HOME to a folder with more room")]
    for name, make in (("settings", paths.config_dir), ("state", paths.state_dir), ("cache", paths.cache_dir)):
        try:
            checks.append(check_folder(name, make(), "make room on this disk"))
        except LlmtuiError as error:
            checks.append(Check(f"{name} folder", "fail", str(error), "make the folder writable, or set HOME"))
    return checks


def check_folder(name: str, folder: Path, advice: str) -> Check:
    """Whether a folder, or where it would be made, can be written to, and how much room there is."""
    existing = folder.absolute()
    try:
        while not existing.exists():
            existing = existing.parent
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check(f"{name} folder", "fail", f"{folder}: {error.strerror or error}", "make the folder readable")
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Check(f"{name} folder", "fail", f"{folder} cannot be written to", "make the folder writable")
    found = f"{folder}, {free / 1e9:.1f} GB free"
    return Check(
        f"{name} folder", "warn" if free < LOW_DISK_BYTES else "ok", found, advice if free < LOW_DISK_BYTES else None
    )


def check_terminal(environ: Mapping[str, str], is_terminal: bool) -> Check:
    terminal = detect_terminal(environ)
    size = shutil.get_terminal_size()
    where = [part for part, there in (("over SSH", terminal.over_ssh), ("in tmux", terminal.in_tmux)) if there]
    found = ", ".join(
        [
            f"{environ.get('TERM') or 'no TERM'}, {terminal.colours} colours",
            "UTF-8" if terminal.unicode else "no UTF-8",
            f"{size.columns} × {size.lines}",
            *where,
        ]
    )
    if not is_terminal:
        return Check("terminal", "ok", f"stdout is no terminal ({found})")
    if not terminal.unicode:
        return Check("terminal", "warn", found, "set LANG to a UTF-8 locale, or use GLYPHS=ascii")
    if size.columns < MIN_COLUMNS or size.lines < MIN_ROWS:
        return Check("terminal", "warn", found, f"make the window at least {MIN_COLUMNS} × {MIN_ROWS} for the screen")
    if terminal.colours in ("none", "16") and not environ.get("NO_COLOR"):
        return Check("terminal", "warn", found, "heat colours need 256: set TERM=xterm-256color if it can")
    return Check("terminal", "ok", found)


def check_glyphs(environ: Mapping[str, str], is_terminal: bool) -> list[Check]:
    """Whether the screen's glyphs take one cell each, as a terminal that can show them says; else no check."""
    if not is_terminal or not detect_terminal(environ).unicode or os.name != "posix":
        return []
    from llmtui.system.glyph_width import GLYPHS, cells_of

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return []
    try:
        return [glyphs_check(cells_of(GLYPHS, terminal), len(GLYPHS))]
    finally:
        os.close(terminal)


def glyphs_check(cells: int | None, expected: int) -> Check:
    """What it means that so many glyphs take so many cells; None: the terminal did not tell."""
    if cells is None:
        return Check("glyphs", "ok", "the terminal does not tell how wide they are")
    if cells != expected:
        advice = "let the terminal show ambiguous characters narrow, or use GLYPHS=ascii"
        return Check("glyphs", "warn", f"{expected} of them take {cells} cells", advice)
    return Check("glyphs", "ok", "one cell each")


def check_clipboard(environ: Mapping[str, str]) -> Check:
    """Copying goes through the terminal (OSC 52); no terminal answers whether it took it."""
    if detect_terminal(environ).in_tmux:
        return Check("clipboard", "ok", "OSC 52 through tmux", "if nothing arrives: tmux set -g set-clipboard on")
    return Check("clipboard", "ok", "OSC 52", "if nothing arrives: allow OSC 52 in the terminal's settings")


def check_port(host: str, port: int) -> Check:
    """Whether --serve could listen."""
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # as the server does: what only waits for its last packets does not count as in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        advice = "stop what listens there, or give another --port"
        return Check("port", "warn", f"{where}: {(error.strerror or str(error)).lower()}", advice)
    return Check("port", "ok", f"{where} is free")
