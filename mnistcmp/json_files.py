"""JSON from files: believed only if it has the expected fields, types and ranges."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mnistcmp.safe_files import DamagedFile, read_bytes

Content = TypeVar("Content")

MOST_JSON_BYTES = 10_000_000
_CHECKSUM = b', "checksum": "'


@dataclass(frozen=True)
class Rule:
    """What must hold for a value besides its type: `Annotated[int, Rule("even", is_even)]`."""

    text: str
    holds: Callable[[Any], bool]


def between(least: float, most: float) -> Rule:
    """The rule for a number from `least` to `most`."""
    return Rule(f"from {least:,} to {most:,}", lambda number: least <= number <= most)


def _is_file_name(name: str) -> bool:
    return 0 < len(name) <= 255 and name not in (".", "..") and not set(name) & set("/\\\0")


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


Count = Annotated[int, between(0, 10**12)]
Share = Annotated[float, between(0, 1)]
Measure = Annotated[float, Rule("0 or more", lambda number: number >= 0)]
FileName = Annotated[str, Rule("the name of a file", _is_file_name)]
Sha256 = Annotated[str, Rule("a sha256", _is_sha256)]


class Unexpected(ValueError):
    """A value from JSON is not as expected; the message names the field, the value and the rule."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field.lstrip('.') or 'its content'} {reason}")
        self.reason, self.field = reason, field

    def within(self, part: str) -> "Unexpected":
        """The same about a value that is part of another: `.name`, or `[3]`."""
        return Unexpected(self.reason, part + self.field)


def check(value: object, kind: Any) -> None:
    """Raise Unexpected if `value`, read from JSON, is not of this kind.

    A kind is `str`, `int`, `float` (finite), `list[kind]`, `dict[str, kind]`, `kind | None`,
    a tuple of kinds (for a list of that length), a TypedDict (for an object with its fields and no
    others), or `Annotated[kind, Rule(…)]`.
    """
    _check_of(kind)(value)


def base_type(kind: Any) -> type:
    """`str`, `int`, `float`, `list`, `dict` or `tuple`: the type of a kind without its rules."""
    while get_origin(kind) in (Annotated, Union, UnionType):
        kind = get_args(kind)[0]
    base: type = get_origin(kind) or kind
    return base


def read_json(path: Path, kind: type[Content]) -> Content:
    """The content of a small JSON file, if it is of this kind; see `check`. Raises DamagedFile."""
    try:
        content: Content = json.loads(read_bytes(path, MOST_JSON_BYTES))
        check(content, kind)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"{path} is damaged ({error})") from error
    return content


def line_of(content: object) -> bytes:
    """An object as a line of JSON; its last field is the sha256 of the line without it."""
    text = json.dumps(content).encode()
    return text[:-1] + _CHECKSUM + _sha256(text) + b'"}'


def read_line(line: bytes, kind: type[Content]) -> Content:
    """The content of a line, if it is of this kind. Raises ValueError, with the reason."""
    text, _, checksum = line.rpartition(_CHECKSUM)
    if not text or not line.endswith(b'"}'):
        raise ValueError("it is incomplete")
    text += b"}"
    if _sha256(text) + b'"}' != checksum:
        raise ValueError("it was changed: its checksum does not fit")
    try:
        content: Content = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    check(content, kind)
    return content


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


_Check = Callable[[Any], None]
_PLAIN = {str: "a text", int: "a whole number", float: "a finite number"}


@cache
def _check_of(kind: Any) -> _Check:
    """The check for a kind, made once, because records have a hundred thousand values."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _with_rules(_check_of(parts[0]), kind.__metadata__)
    if NoneType in parts:
        return _unless_none(_check_of(parts[0]))
    if origin is list:
        return _of_items(_check_of(parts[0]))
    if origin is tuple:
        return _of_parts([_check_of(part) for part in parts])
    if origin is dict:
        return _of_values(_check_of(parts[1]))
    if kind in _PLAIN:
        return _of_type(kind)
    fields = get_type_hints(kind, include_extras=True)
    required = [name for name in fields if name in kind.__required_keys__]
    return _of_fields({name: _check_of(fields[name]) for name in fields}, required)


def _of_type(kind: type) -> _Check:
    def of_type(value: Any) -> None:
        given = type(value)
        right = given is kind or (kind is float and given is int)  # JSON has 1 for 1.0; no bool
        # A whole number may have more digits than a float holds. NaN is not within either.
        if not right or (kind is float and not abs(value) <= sys.float_info.max):
            raise Unexpected(f"is {_short(value)}, not {_PLAIN[kind]}")
        if given is str and not value.isascii():
            _refuse_surrogates(value)

    return of_type


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unexpected(f"is {_short(text)}, which is not valid Unicode") from error


def _with_rules(check: _Check, rules: tuple[Rule, ...]) -> _Check:
    def with_rules(value: Any) -> None:
        check(value)
        for rule in rules:
            if not rule.holds(value):
                raise Unexpected(f"is {_short(value)}, not {rule.text}")

    return with_rules


def _unless_none(check: _Check) -> _Check:
    return lambda value: None if value is None else check(value)


def _of_items(check: _Check) -> _Check:
    def of_items(value: Any) -> None:
        _expect(value, list, "a list")
        for number, item in enumerate(value):
            _of_part(check, item, f"[{number}]")

    return of_items


def _of_parts(checks: list[_Check]) -> _Check:
    def of_parts(value: Any) -> None:
        _expect(value, list, "a list")
        if len(value) != len(checks):
            raise Unexpected(f"has {len(value)} values, not {len(checks)}")
        for number, check in enumerate(checks):
            _of_part(check, value[number], f"[{number}]")

    return of_parts


def _of_values(check: _Check) -> _Check:
    def of_values(value: Any) -> None:
        _expect(value, dict, "an object")
        for name, each in value.items():
            _of_part(check, each, f".{name}")

    return of_values


def _of_fields(checks: dict[str, _Check], required: list[str]) -> _Check:
    def of_fields(value: Any) -> None:
        _expect(value, dict, "an object")
        for name in required:
            if name not in value:
                raise Unexpected("is missing", f".{name}")
        for name, each in value.items():
            if name not in checks:
                raise Unexpected(f"has the unknown field {_short(name)}")
            _of_part(checks[name], each, f".{name}")

    return of_fields


def _of_part(check: _Check, value: Any, part: str) -> None:
    try:
        check(value)
    except Unexpected as error:
        raise error.within(part) from None


def _expect(value: object, kind: type, name: str) -> None:
    if type(value) is not kind:
        raise Unexpected(f"is {_short(value)}, not {name}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
