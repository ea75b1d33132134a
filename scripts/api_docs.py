"""The functions of `mnistcmp.api` as Markdown, made from their docstrings, for docs/API.md."""

import doctest
import inspect
from pathlib import Path

from mnistcmp import api

# In the order in which a reader meets them.
FUNCTIONS = (
    "load_dataset",
    "build",
    "train",
    "evaluate",
    "compare",
    "load",
    "load_all",
    "read_picture",
    "read",
    "break_digit",
)


def functions(_: Path) -> str:
    """Every function with its signature, its docstring and its example."""
    return "\n\n".join(_section(name) for name in FUNCTIONS)


def _section(name: str) -> str:
    function = getattr(api, name)
    parts = doctest.DocTestParser().parse(inspect.getdoc(function) or "")
    text = "".join(part for part in parts if isinstance(part, str)).strip()
    example = "".join(_shown(part) for part in parts if isinstance(part, doctest.Example))
    code = f"\n\n```pycon\n{example}```" if example else ""
    return f"## {name}\n\n```python\n{_signature(name)}\n```\n\n{text}{code}"


def _signature(name: str) -> str:
    """The call without types, which the text gives with shapes; a function as default is "…"."""
    whole = inspect.signature(getattr(api, name))
    bare = [
        each.replace(
            annotation=inspect.Parameter.empty,
            default=Ellipsis if inspect.isfunction(each.default) else each.default,
        )
        for each in whole.parameters.values()
    ]
    text = whole.replace(parameters=bare, return_annotation=inspect.Signature.empty)
    return f"{name}{text}".replace("Ellipsis", "...").replace("'", '"')  # as ruff formats it


def _shown(example: doctest.Example) -> str:
    first, *more = example.source.splitlines()
    lines = [f">>> {first}", *(f"... {line}" for line in more)]
    return "\n".join(lines) + "\n" + example.want
