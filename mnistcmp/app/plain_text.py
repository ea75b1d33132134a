"""Names and errors within the Markdown of a page, shown as they are.

Names of folders, networks in records and files may contain anything, also Markdown.
"""

import re

JOINER = "\N{WORD JOINER}"  # invisible

# An underscore between letters or digits is not formatting.
_MARKUP = re.compile(r"[\\`*\[\]<>$~|&#!]|(?<![^\W_])_|_(?![^\W_])")
_LIST_OR_HEADING = re.compile(r"^(\d*)([-+=.)])")
# What is replaced after Markdown was read, whether escaped or not: links, addresses, icons, emoji,
# colours (":red[…]") and arrows.
_REPLACED_LATER = re.compile(
    r":(?=\S)|@|(?<=\bwww)(?=\.)|(?<!\S)[-<>~](?=[-=>]+(?:\s|$))", re.IGNORECASE
)


def plain(text: object) -> str:
    """The text in one line of Markdown that shows it without formatting."""
    one_line = " ".join(str(text).split())
    apart = _REPLACED_LATER.sub(rf"\g<0>{JOINER}", one_line)
    return _LIST_OR_HEADING.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", apart))


def code(text: object) -> str:
    """The text in Markdown for code, also if it contains backticks."""
    one_line = " ".join(str(text).split())
    longest = max((len(run) for run in re.findall("`+", one_line)), default=0)
    if not longest:
        return f"`{one_line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {one_line} {fence}"
