"""llmtui learn: the lessons, on the screen; as a list, how far one is."""

import sys
from typing import Any

import click

from llmtui.commands.options import CONTEXT, JSON, leave, model_options, settings_of


@click.command(context_settings=CONTEXT)
@click.argument("number", required=False, type=click.IntRange(1, 8))
@click.option("--list", "as_list", is_flag=True, help="The lessons and what was done, without the screen.")
@JSON
@model_options
@click.pass_context
def learn(ctx: click.Context, /, number: int | None, as_list: bool, as_json: bool, **flags: Any) -> None:
    """Open the lessons beside the screen.

    NUMBER: of a lesson; without one, the first with something left to try.

    --json (with or without --list) keys of each lesson: number, title, tasks (id, do, look_for, done, found).
    """
    if not (as_list or as_json):
        settings = settings_of(ctx, flags)
        from llmtui.commands.screen import run_screen

        leave(run_screen(settings, serve=False, lesson=str(number or "")))
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_list(number, as_json)))


def run_list(number: int | None, as_json: bool) -> int:
    """Write the lessons with what was done; the exit code."""
    from llmtui.commands import exit_codes
    from llmtui.commands.table import terminal_width, write_json, write_lines
    from llmtui.insight.lessons.course import COURSE
    from llmtui.system.learned import load_learned

    done = load_learned()
    lessons = [(n, lesson) for n, lesson in enumerate(COURSE, start=1) if number in (None, n)]
    if as_json:
        write_json(
            [
                {
                    "number": n,
                    "title": lesson.title,
                    "tasks": [
                        {
                            "id": task.id,
                            "do": task.do,
                            "look_for": task.look_for,
                            "done": task.id in done,
                            "found": done.get(task.id),
                        }
                        for task in lesson.tasks
                    ],
                }
                for n, lesson in lessons
            ]
        )
        return exit_codes.DONE
    from llmtui.tui.text_table import table

    rows = []
    for n, lesson in lessons:
        finished = sum(task.id in done for task in lesson.tasks)
        rows.append((str(n), lesson.title, f"{finished} of {len(lesson.tasks)} done"))
    write_lines(table((), rows, "><<", width=terminal_width()))
    if sys.stdout.isatty():
        write_lines(["", "llmtui learn opens the next one."])
    return exit_codes.DONE
