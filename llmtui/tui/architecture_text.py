"""What a model is made of, as lines of text: its numbers, the way of a token through its blocks, its modules."""

from typing import TYPE_CHECKING

from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, visible
from llmtui.tui.text_table import table
from llmtui.units import count, size

if TYPE_CHECKING:
    # they come with torch, which no screen waits for
    from llmtui.insight.architecture import Architecture, ModuleFacts
    from llmtui.insight.block_diagram import Block, Diagram, Part

ROLE_CELLS = 14
NAME_CELLS = 26
# below so many cells a module is named without its class
WIDE = 84


def summary_lines(facts: "Architecture", model: str, *, tokens_now: int = 0, width: int | None = None) -> list[str]:
    """A line for each number of a model. tokens_now: of the text in memory at this moment, where there is one."""
    heads = count(facts.heads)
    if facts.kv_heads != facts.heads:
        heads += f", {count(facts.kv_heads)} of keys and values"
    rows = [
        ("model", model),
        ("architecture", facts.kind),
        ("parameters", count(facts.parameters)),
        ("layers × width", f"{count(facts.layers)} × {count(facts.hidden)}"),
        ("heads", heads),
        ("vocabulary", count(facts.vocabulary)),
        ("context", f"{count(facts.context)} tokens"),
        ("dtype", facts.dtype),
    ]
    rows += [("linears", facts.linears)] if facts.linears else []
    rows += [("tied", f"{name} is {other}") for name, other in facts.tied]
    cost = facts.cost
    if cost is None:
        return table((), [*rows, ("cost of a token", "cannot be told for this architecture")], width=width)
    rows.append(("keys and values", f"{size(cost.kv_bytes_per_token)} for each token"))
    if tokens_now:
        now = min(cost.kv_bytes_per_token * tokens_now, cost.kv_bytes_full)
        rows.append(("", f"{size(now)} for the {count(tokens_now)} tokens of the latest text"))
    rows += [
        ("", f"{size(cost.kv_bytes_full)} with the context full"),
        ("operations", f"{cost.flops / 1e6:,.1f} MFLOP for each token"),
        ("", f"{cost.flops_per_context / 1e6:,.3f} MFLOP more for each token before it"),
    ]
    return table((), rows, width=width)


def diagram_lines(diagram: "Diagram | None", *, width: int | None = None, glyphs: GlyphSet = "unicode") -> list[str]:
    """The way of a token, from its id to the logits: a line for each module that it meets, in their true order."""
    if diagram is None:
        return ["the order of its blocks cannot be told for this architecture"]
    wide = width is None or width >= WIDE
    lines = [f"  {_row('input', 'token ids', '', glyphs, wide)}"]
    lines += [f"  {_part_row(part, glyphs, wide)}" for part in diagram.before]
    for block in diagram.blocks:
        lines += _block_lines(block, glyphs, wide)
    lines += [f"  {_part_row(part, glyphs, wide)}" for part in diagram.after]
    lines.append(f"  {_row('logits', 'one for each token', '', glyphs, wide)}")
    return lines if width is None else [middle_ellipsis(line, width, glyphs=glyphs) for line in lines]


def tree_lines(tree: "ModuleFacts", *, width: int | None = None) -> list[str]:
    """Every module with its tensors."""
    return table(
        ("module", "kind", "shape", "parameters", ""), tree_rows(tree), "<<<><", width=width, expendable=("kind",)
    )


def _block_lines(block: "Block", glyphs: GlyphSet, wide: bool) -> list[str]:
    top, side, bottom = ("┌", "│", "└") if glyphs == "unicode" else ("+", "|", "+")
    head = f"{block.repeats} {GLYPHS[glyphs].times} {block.kind}, {count(block.parameters)} parameters each"
    return [f"{top} {head}", *(f"{side} {_part_row(part, glyphs, wide)}" for part in block.parts), bottom]


def _part_row(part: "Part", glyphs: GlyphSet, wide: bool) -> str:
    own = "tied to the embedding" if part.tied else count(part.parameters) + (" parameters" if wide else "")
    shape = part.shape.replace("×", GLYPHS[glyphs].times).replace("→", GLYPHS[glyphs].arrow)
    facts = f" {GLYPHS[glyphs].dot} ".join(
        fact for fact in (shape, own if part.parameters or part.tied else "") if fact
    )
    return _row(part.role, f"{part.name} ({part.kind})" if wide else part.name, facts, glyphs, wide)


def _row(role: str, name: str, facts: str, glyphs: GlyphSet, wide: bool) -> str:
    cells = NAME_CELLS if wide else NAME_CELLS * 3 // 4
    name = middle_ellipsis(visible(name, glyphs=glyphs), cells, glyphs=glyphs)
    return f"{role:<{ROLE_CELLS}}{name}{' ' * (cells - cell_width(name))}  {facts}".rstrip()


def tree_rows(tree: "ModuleFacts") -> list[tuple[str, str, str, str, str]]:
    """A row for each module that holds something, and one for each of its tensors."""
    rows = []
    for depth, module in tree.walk():
        if not module.tensors and not module.parts:
            continue
        name = module.name or "model"
        if module.repeats > 1:
            name += f"–{int(module.name) + module.repeats - 1}"
        times = f"{module.repeats} × " if module.repeats > 1 else ""
        rows.append(("  " * depth + name, times + module.kind, "", f"{times}{module.parameters:,}", ""))
        for tensor in module.tensors:
            shape = " × ".join(str(length) for length in tensor.shape)
            note = f"is {tensor.tied_to}" if tensor.tied_to else tensor.dtype
            rows.append(("  " * (depth + 1) + tensor.name, "", shape, f"{tensor.elements:,}", note))
    return rows
