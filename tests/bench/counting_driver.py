"""A terminal for benchmarks of the screen."""

from textual.drivers.headless_driver import HeadlessDriver


class CountingDriver(HeadlessDriver):
    """A terminal that counts what it is sent."""

    written = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        CountingDriver.written += len(data.encode("utf-8", "replace"))
