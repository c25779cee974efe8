"""llmtui dashboard: a Grafana dashboard over /metrics, to be imported as it is."""

from importlib.resources import files

import click

from llmtui.commands.options import CONTEXT


@click.command(context_settings=CONTEXT)
def dashboard() -> None:
    """Print a Grafana dashboard over the API's metrics, as JSON.

    llmtui dashboard > llmtui.json, then in Grafana: Dashboards, New, Import.
    """
    click.echo(files("llmtui").joinpath("server", "dashboard.json").read_text(encoding="utf-8"), nl=False)
