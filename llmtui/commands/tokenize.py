"""llmtui tokenize: how a text is cut into tokens, and ids back into text."""

import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from llmtui.commands.options import CONTEXT, JSON, MODEL, leave, log_options, server_options, settings_of

if TYPE_CHECKING:
    from llmtui.insight.tokenization import Piece, Tokenization
    from llmtui.settings import Settings
    from llmtui.system.api_client import ApiClient


@click.command(context_settings=CONTEXT)
@click.argument("text", required=False)
@MODEL
@click.option("--decode", "ids", metavar="IDS", help="The other way: 15496,11 into text.")
@JSON
@server_options
@log_options
@click.pass_context
def tokenize(
    ctx: click.Context, /, text: str | None, ids: str | None, as_json: bool, url: str | None, **flags: Any
) -> None:
    """Show how TEXT is cut into tokens; - reads the text from stdin. Needs no weights; with --url not even the model.

    Each token with its id, its true bytes and its place in the text's UTF-8. --json keys: model, text, characters,
    bytes, own_tokens, characters_per_token, bytes_per_token, offsets, tokens (index, id, text, bytes, start, end,
    special, added).
    """
    if (text is None) == (ids is None) and (ids is not None or sys.stdin.isatty()):
        raise click.UsageError("give either TEXT (- is stdin) or --decode with ids")
    wanted = None if ids is None else _parse_ids(ids)
    settings = settings_of(ctx, flags, ("model_name", "debug", "llmtui_api_key"))
    from llmtui.commands.guard import guarded

    leave(guarded(lambda: run_tokenize(settings, text, wanted, as_json, url)))


def run_tokenize(
    settings: "Settings", text: str | None, ids: list[int] | None, as_json: bool, url: str | None = None
) -> int:
    """Cut or join, write; the exit code. url: of a server whose tokenizer does it."""
    from llmtui.commands import exit_codes
    from llmtui.commands.stdin import read_text
    from llmtui.system.logs import setup_logging
    from llmtui.system.paths import log_file

    setup_logging(log_file(), settings.debug)
    source = read_text(text) if ids is None else ids
    model, result = here(settings, source) if url is None else there(url, settings, source)
    if as_json:
        from llmtui.commands.table import write_json

        write_json(as_fields(result, model))
    else:
        write_for_people(result, decoded=ids is not None)
    return exit_codes.DONE


def here(settings: "Settings", source: str | list[int]) -> "tuple[str, Tokenization]":
    """The model's name, and a text cut or ids joined by its tokenizer on this machine."""
    from llmtui.insight.tokenization import detokenize, read_tokenizer
    from llmtui.insight.tokenization import tokenize as cut
    from llmtui.models.partial import tokenizer_folder

    tokenizer = read_tokenizer(tokenizer_folder(settings.model_name))
    result = cut(tokenizer, source) if isinstance(source, str) else detokenize(tokenizer, source)
    return settings.model_name, result


def there(url: str, settings: "Settings", source: str | list[int]) -> "tuple[str, Tokenization]":
    """The same by a server."""
    from llmtui.system.api_client import ApiClient, ServerUnreachable

    client = ApiClient(url, settings.client_key)
    try:
        return asked_of(client, settings, source)
    except (KeyError, TypeError, ValueError):
        message = f"{client.url} does not answer as an llmtui: what it says of the tokens cannot be read"
        raise ServerUnreachable(message) from None


def asked_of(client: "ApiClient", settings: "Settings", source: str | list[int]) -> "tuple[str, Tokenization]":
    from llmtui.insight.tokenization import Tokenization, told_tokenization

    asked = {"model": settings.model_name} if "model_name" in settings.model_fields_set else {}
    if isinstance(source, str):
        answer, text = client.post("/tokenize", asked | {"text": source}), source
    else:
        answer = client.post("/detokenize", asked | {"ids": source})
        text = answer["text"]
    told = told_tokenization(
        text, [(token["id"], bytes(token["bytes"]), token["special"]) for token in answer["tokens"]]
    )
    if not isinstance(source, str):
        told = Tokenization(
            text, tuple(replace(piece, start=None, end=None, added=False) for piece in told.pieces), "none"
        )
    return asked.get("model") or str(client.get("/info")["model"]), told


def as_fields(result: "Tokenization", model: str) -> dict[str, Any]:
    return {
        "model": model,
        "text": result.text,
        "characters": len(result.text),
        "bytes": len(result.text.encode()),
        "own_tokens": result.own,
        "characters_per_token": result.characters_per_token,
        "bytes_per_token": result.bytes_per_token,
        "offsets": result.offsets,
        "tokens": [
            {
                "index": piece.index,
                "id": piece.id,
                "text": piece.bytes.decode("utf-8", errors="replace"),
                "bytes": list(piece.bytes),
                "start": piece.start,
                "end": piece.end,
                "special": piece.special,
                "added": piece.added,
            }
            for piece in result.pieces
        ],
    }


def write_for_people(result: "Tokenization", *, decoded: bool) -> None:
    from llmtui.commands.table import terminal_width, write_lines, write_table
    from llmtui.tui.text import piece, visible_multiline

    if decoded:
        # the text is the result: a pipe gets every character of it
        write_lines([visible_multiline(result.text) if sys.stdout.isatty() else result.text])
        return
    write_table(
        ("#", "id", "piece", "bytes", "at", ""),
        [
            (str(p.index), str(p.id), piece(p.bytes), p.bytes.hex(" ").upper(), _place(p), _mark(p))
            for p in result.pieces
        ],
        ">><<><",
    )
    line = f"{len(result.pieces)} tokens, {len(result.text)} characters, {len(result.text.encode())} bytes"
    if result.characters_per_token is not None:
        line += f"; {result.characters_per_token:.2f} characters per token"
    width = terminal_width()
    write_lines([line] if width is None else textwrap.wrap(line, width))


def _place(piece: "Piece") -> str:
    return "–" if piece.start is None else f"{piece.start}–{piece.end}"


def _mark(piece: "Piece") -> str:
    return "added" if piece.added else "special" if piece.special else ""


def _parse_ids(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise click.BadParameter(f"must be token ids like 15496,11, got {text!r}", param_hint="--decode")
    # longer than any id: int() refuses thousands of digits
    if any(len(part) > 10 for part in parts):
        raise click.BadParameter("holds a number that is no token id", param_hint="--decode")
    return [int(part) for part in parts]
