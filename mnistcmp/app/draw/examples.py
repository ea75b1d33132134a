"""Six drawings to start from, with one click or key: each shows something about the networks.

The 7, the 0 without its slash, and the three digits are by writers whom no network saw in training
(UCI pen digits, see docs/DATA.md).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from mnistcmp.app import cached_records, session
from mnistcmp.data.sample_pack import Samples, SamplesError
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import Drawing, put


class Example(NamedTuple):
    """A drawing, which is made when it is chosen, and what it shows."""

    name: str
    sentence: str
    drawing: Callable[[], Drawing]


DRAWN = (  # names, sentences, and drawings as in a link
    (
        "4 or 9?",
        "People can read this as 4 or 9. So do the networks: they disagree.",
        "eNqNjkEOwCAIBD-0JgUU-xfj_79RFqvX9sAwEDZhDL0gLvCK4kgYSkcjckxz2kZb1mmBemBgUIIaJ-y7rreK"
        "MCvHdKFtTORDd0zKnViyfrn9vJzzAfRZLiY",
    ),
    (
        "A crossed 7",
        "In many countries a 7 has a bar. Some networks take this one for a 2.",
        "eNoljtERwCAIQxcKdwZE7Cw991-jhv6AkDzM-7rjGdgDlrCFgE2kBlJPVQc3jKBkJgocEhborS7Y7qq9rPG3"
        "i9dtKaiXbMsDK_0xMYX3DYsDZUkxlw15qLulWOxw3pG8BERjIVNs-Dkff6AnEA",
    ),
    (
        "A slashed 0",
        "Some people draw a line through 0. Some networks take this one for an 8.",
        "eNolTtsNADEIWgiTon3Ocun-axzajxZFQL_PG84GI2AL5rCJBuvwbGZ-bGoY6GAXwwUOUIVsBA82nJK4l4-w"
        "zINJKL_mGdUz2FwrclS4hfGeROZD2N7Mi-4lqqgBf1dFLoqLvJtnYIqmbJzt3h_vCiew",
    ),
    (
        "The letter A",
        "It is no digit. The networks know only digits, and most of them read a 4.",
        "eNqLjjYy0DE0MdABIl1zAx0jA4NYHSQxZCFLUx1DIN_SQMcgNhYAXTAMHw",
    ),
    (
        "Three digits",
        "Each digit of a number is found and read on its own.",
        "eNpVUguuwzAIuxCRAiTpepap97_Gi8Gke1LjeTR8jPv9qotfon2ISzMxaQ6wAypdFD-KgOP9lDYAZBeZygKM"
        "fRM1LNjc6Tjxah4YBFxj_bcNwdmQFyeg2FsGsc6zcx6BJPVbVFGz6fuwzZ62H61-oFQZZvVS1UGgDBLQFf0s"
        "BOI2cvWf0MFFcFZH1ai__yK7LUDELkwUgMS2EjBrYhRosejmFfF6rHAU18JJXpUxX_rqyWLIcJgLsz7lXj_e"
        "pGd5IHiGoymWbobIC9U_BJcb7D77Wz_GpUmwu1fPPdekGZ0TvZ9GLv0Txln4kGdHn-cPsWyCDw",
    ),
)


def show(place: str) -> None:
    """Show a button for each example, with its sentence; page.css places them.

    `place` is unique on the page.
    """
    row = st.container(horizontal=True, key=f"examples_{place}")
    for number, example in enumerate(all_examples()):
        box = row.container(gap="xsmall")
        box.button(
            example.name,
            key=f"example_{place}_{number}",
            on_click=_choose,
            args=(example,),
            width="stretch",
        )
        box.caption(example.sentence)


def all_examples() -> list[Example]:
    """All six; without the test digit if there is no pack of test images."""
    drawn = [
        Example(name, sentence, partial(share_link.from_text, text))
        for name, sentence, text in DRAWN
    ]
    try:
        return [*drawn, _hardest(cached_records.sample_pack("mnist"))]
    except SamplesError:
        return drawn


def _hardest(pack: Samples) -> Example:
    """The test digit that was misread after most training runs."""
    at = int(pack.misread.argmax())
    sentence = (
        f"Its label says {pack.labels[pack.index[at]]}. The networks of {pack.misread[at]} of "
        f"{pack.runs} training runs read another digit."
    )
    return Example("A test digit", sentence, lambda: [put(pack.images[at] / np.float32(255))])


def _choose(example: Example) -> None:
    session.put(example.drawing())
