"""llmtui dashboard: a Grafana dashboard over /metrics, to be imported as it is."""

from importlib.resources import files

import click

from llmtui.commands.options import CONTEXT, leave


@click.command(context_settings=CONTEXT)
def dashboard() -> None:
    """Print a Grafana dashboard over the API's metrics, as JSON.

    llmtui dashboard > llmtui.json, then in Grafana: Dashboards, New, Import.
    """
    from llmtui.commands.guard import guarded

    leave(guarded(write_dashboard))


def write_dashboard() -> int:
    """Write it as it lies in the package; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.output import write_out

    write_out(files("llmtui").joinpath("server", "dashboard.json").read_text(encoding="utf-8"))
    return exit_codes.DONE
