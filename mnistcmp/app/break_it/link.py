"""The page's state in a link, and the check of everything that comes from a link or the browser."""

from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from mnistcmp.app import links, sample_images, session
from mnistcmp.app.break_it import nudge
from mnistcmp.app.break_it.digit import DRAWN, PAGE, TESTED, Digit, drawing_id
from mnistcmp.catalogue.corruptions import SHIFT_DIRECTIONS, Dial, find_dial
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.data.sample_pack import SamplesError

LONGEST_QUOTE = 40  # characters of a value from outside that a message repeats

Place = tuple[str, str, float]  # dial, direction (empty if it has none), level


def take() -> list[str]:
    """Apply the URL's parameters when the page is first shown -> what is wrong with them."""
    if session.BREAK_LINKED in st.session_state:
        return []
    st.session_state[session.BREAK_LINKED] = True
    problems = [
        links.take_drawing(),
        *_take({name: st.query_params[name] for name in st.query_params}),
    ]
    return [problem for problem in problems if problem]


def show(digit: Digit, recipe: str, place: Place) -> None:
    """Show the link that opens the page as it is."""
    dial, direction, level = place
    settings: dict[str, object] = {"recipe": recipe, "dial": dial, "level": f"{level:g}"}
    if direction:
        settings["direction"] = direction
    if network := st.session_state.get(session.BREAK_NETWORK):
        settings["network"] = network
    settings |= nudge.settings()
    if digit.number is None:
        settings["label"] = digit.label
    else:
        settings["test"] = digit.number
    links.show(settings, drawing=digit.number is None)


def directions(dial: Dial) -> tuple[str, ...]:
    """The dial's directions; a single empty one for a dial without."""
    return SHIFT_DIRECTIONS if dial.name == "shift" else ("",)


def checked_place(given: Any) -> Place:
    """What the browser reports of its slider -> the place.

    Raises ValueError if there is no such place.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{_quoted(given)} is no place of a slider")
    dial = _dial(given.get("dial"))
    try:
        level = dial.check(given.get("level"))
    except OverflowError as error:  # a whole number that is too large for a float
        raise ValueError(f"the dial {dial.name} has no such level") from error
    return dial.name, _direction(dial, given.get("direction")), level


def _take(given: Mapping[str, str]) -> Iterator[str]:
    """Put what is valid of the parameters into the session, and name what is not."""
    for name, key, choices in (
        ("recipe", session.RECIPE, RECIPES),
        ("network", session.BREAK_NETWORK, MODELS),
    ):
        if name in given and given[name] not in choices:
            yield f"there is no {name} {_quoted(given[name])}: choose one on the page"
        elif name in given:
            st.session_state[key] = given[name]
    try:
        if "test" in given:
            sample_images.put(PAGE, _whole_number(given["test"]))
            st.session_state[session.BREAK_IMAGE] = TESTED
        elif "label" in given:
            _take_label(_whole_number(given["label"]))
    except (ValueError, SamplesError) as error:
        yield str(error)
    if "dial" in given:
        yield from _take_place(given)
    yield from nudge.take(given)


def _take_label(label: int) -> None:
    if label > 9:
        raise ValueError(f"{label} is no digit: choose one on the page")
    st.session_state[session.BREAK_IMAGE] = DRAWN
    st.session_state[session.BREAK_LABEL] = label
    st.session_state[session.BREAK_LABELLED] = drawing_id()


def _take_place(given: Mapping[str, str]) -> Iterator[str]:
    try:
        dial = _dial(given["dial"])
    except ValueError as error:
        yield str(error)
        return
    direction, level = directions(dial)[0], dial.rest
    try:
        direction = _direction(dial, given.get("direction", direction))
        level = dial.check(_number(given.get("level", f"{level}")))
    except ValueError as error:
        yield str(error)
    st.session_state[session.BREAK_DIAL] = dial.name
    st.session_state[session.BREAK_DIRECTION] = direction or SHIFT_DIRECTIONS[0]
    st.session_state[session.BREAK_LEVEL] = dial.name, direction, level


def _dial(name: object) -> Dial:
    return find_dial(str(name)[:LONGEST_QUOTE])


def _direction(dial: Dial, direction: object) -> str:
    for choice in directions(dial):
        if choice == direction:
            return choice
    raise ValueError(f"the dial {dial.name} has no direction {_quoted(direction)}")


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ValueError(f"{_quoted(text)} is no whole number: choose on the page")
    return int(text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text[:LONGEST_QUOTE]


def _quoted(value: object) -> str:
    text = str(value)
    return f"“{text[:LONGEST_QUOTE]}{'…' * (len(text) > LONGEST_QUOTE)}”"
