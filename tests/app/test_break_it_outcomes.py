"""Where networks break, and the sentences and the picture that say so."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageFont

from mnistcmp.app.break_it import picture, sentences, slider
from mnistcmp.app.break_it.outcomes import NO_MAJORITY, Sweep, by_family, outcomes, rest, sides
from mnistcmp.app.break_it.sweep import _majority
from mnistcmp.catalogue.corruptions import DIALS
from mnistcmp.catalogue.networks import MODELS

RIGHT = 7


def sweep(name: str, direction: str = "", **breaks: tuple[int, ...] | int) -> Sweep:
    """A sweep in which each network reads 7, but 1 from these positions outwards; in % sure 90."""
    dial = DIALS[name]
    count, unchanged = len(dial.positions), rest(dial)
    answers = np.full((len(breaks), count), RIGHT)
    for row, places in zip(answers, breaks.values(), strict=True):
        for at in np.atleast_1d(places):
            row[slice(at, None) if at >= unchanged else slice(None, at + 1)] = 1
    pictures = np.arange(count * 784, dtype=np.uint32).reshape(count, 28, 28).astype(np.uint8)
    return Sweep(name, direction, tuple(breaks), pictures, answers, np.full(answers.shape, 0.9))


def headline(name: str, direction: str = "", **breaks: tuple[int, ...] | int) -> str:
    """The headline, with the networks' short names in place of their titles."""
    seen = sweep(name, direction, **breaks)
    text = sentences.headline(seen, outcomes(seen, RIGHT), RIGHT)
    for model in breaks:
        text = text.replace(f"“{MODELS[model].title}”", model)
    return text


def level(name: str, at: int) -> str:
    return DIALS[name].label(DIALS[name].positions[at])


NEVER = ()  # no position


def test_sides_go_from_rest_outwards():
    assert rest(DIALS["shift"]) == 0
    assert sides(DIALS["shift"]) == (tuple(range(15)),)
    last = len(DIALS["contrast"].positions) - 1
    assert rest(DIALS["contrast"]) == last
    assert sides(DIALS["contrast"]) == (tuple(range(last, -1, -1)),)
    assert rest(DIALS["turn"]) == 7
    assert sides(DIALS["turn"]) == (tuple(range(7, -1, -1)), tuple(range(7, 15)))


def test_network_breaks_at_the_first_wrong_level_of_each_side():
    seen = sweep("turn", mlp=(4, 10), cnn=(9,), fcn=NEVER)
    mlp, cnn, fcn = outcomes(seen, RIGHT)
    assert (mlp.breaks, mlp.held, mlp.knows, mlp.survives) == ((4, 10), 2 + 2, True, False)
    assert (cnn.breaks, cnn.held, cnn.survives) == ((None, 9), 7 + 1, False)
    assert (fcn.breaks, fcn.held, fcn.survives) == ((None, None), 14, True)


def test_network_that_is_right_again_farther_out_has_broken():
    seen = sweep("shift", mlp=3)
    seen.answers[0, 5:] = RIGHT
    (mlp,) = outcomes(seen, RIGHT)
    assert (mlp.breaks, mlp.held) == ((3,), 2)


def test_network_that_misreads_the_unchanged_digit_holds_nothing():
    seen = sweep("turn", mlp=7)
    seen.answers[0, :7] = RIGHT
    (mlp,) = outcomes(seen, RIGHT)
    assert (mlp.knows, mlp.breaks, mlp.held) == (False, (7, 7), 0)


def test_families_and_networks_that_hold_out_longest_come_first():
    seen = sweep("shift", mlp=1, fcn=9, cnn=5, depth_2=9, depth_4=2, res_wide=0)
    ordered = by_family(outcomes(seen, RIGHT))
    assert {family: [each.model for each in group] for family, group in ordered.items()} == {
        "depth": ["depth_2", "depth_4"],
        "perceptrons": ["fcn", "mlp"],
        "convnets": ["cnn"],
        "residual": ["res_wide"],
    }
    assert list(ordered) == ["depth", "perceptrons", "convnets", "residual"]


def test_headline_names_who_breaks_first_and_who_holds_out_longest():
    assert headline("shift", "right", mlp=3, cnn=5, conv_batchnorm=9) == (
        "Shift right: mlp breaks first, at 3 px; conv_batchnorm still reads it at 8 px."
    )
    assert headline("shift", "up", mlp=3, cnn=NEVER) == (
        "Shift up: mlp breaks first, at 3 px; cnn still reads it at 14 px."
    )
    # At the low end of a dial that goes down from its rest position.
    assert headline("contrast", mlp=8, cnn=5) == (
        f"Contrast: mlp breaks first, at {level('contrast', 8)}; cnn still reads it at "
        f"{level('contrast', 6)}."
    )


def test_headline_names_networks_by_their_titles():
    seen = sweep("shift", "right", mlp=3, conv_batchnorm=9)
    assert sentences.headline(seen, outcomes(seen, RIGHT), RIGHT) == (
        "Shift right: “Perceptron 32” breaks first, at 3 px; “3 conv., batch norm” still reads it "
        "at 8 px."
    )


def test_headline_counts_networks_that_break_or_hold_out_equally_long():
    assert headline("shift", "right", mlp=3, fcn=3, cnn=5) == (
        "Shift right: mlp and fcn break first, at 3 px; cnn still reads it at 4 px."
    )
    early = dict.fromkeys(("mlp", "mlp_100", "fcn", "cnn"), 2)
    late = dict.fromkeys(("res_basic", "res_wide", "depth_2", "depth_4", "depth_6"), NEVER)
    assert headline("blur", **early, **late) == (
        "Blur: 4 networks, among them mlp and mlp_100, break first, at "
        f"{level('blur', 2)}; 5 networks, among them res_basic and res_wide, still read it at "
        f"{level('blur', -1)}."
    )


def test_headline_says_that_none_breaks_or_all_at_once():
    names = list(MODELS)[:5]
    assert headline("shift", "right", **dict.fromkeys(names, NEVER)) == (
        "Shift right: no network breaks; all 5 networks still read it at 14 px."
    )
    assert headline("shift", "right", **dict.fromkeys(names, 4)) == (
        "Shift right: all 5 networks break at 4 px."
    )
    assert headline("shift", "right", mlp=2, cnn=2) == "Shift right: mlp and cnn break at 2 px."


def test_headline_of_a_dial_with_two_sides_names_the_nearer_side():
    assert headline("turn", mlp=(5, 14), cnn=(1, 13)) == (
        "Turn: mlp breaks first, at −20° (anticlockwise); cnn still reads it from −50° to 50°."
    )
    assert headline("size", mlp=9, cnn=5, fcn=NEVER) == (
        "Size: mlp and cnn break first, at × 0.8 (smaller) or × 1.2 (larger); fcn still reads it "
        "from × 0.3 to × 2."
    )
    # Equally long, but not on the same sides.
    assert headline("turn", mlp=8, cnn=10, fcn=4) == (
        "Turn: mlp breaks first, at 10° (clockwise); cnn and fcn still read it at 9 of 14 levels."
    )


def test_headline_sets_apart_who_misreads_the_unchanged_digit():
    assert headline("shift", "right", mlp=0, cnn=2, fcn=4) == (
        "Shift right: cnn breaks first, at 2 px; fcn still reads it at 3 px. mlp misreads it "
        "unchanged."
    )
    assert headline("shift", "right", mlp=0, cnn=0) == (
        "Shift right: no network reads this digit as a 7, even unchanged."
    )


def test_state_counts_the_answers_at_a_level():
    seen = sweep("noise", mlp=2, cnn=2, fcn=NEVER, depth_2=2, res_wide=2)
    assert sentences.state(seen, RIGHT, 0) == "Unchanged: 5 of 5 networks read 7."
    assert sentences.state(seen, RIGHT, 2) == (
        f"At {level('noise', 2)}: 1 of 5 networks read 7; of the others, 4 read 1."
    )
    seen.answers[:, 3] = [NO_MAJORITY, 3, 3, 5, 7]
    assert sentences.state(seen, RIGHT, 3) == (
        f"At {level('noise', 3)}: 1 of 5 networks read 7; of the others, 2 read 3, 1 reads 5, "
        "1 without a majority (–)."
    )
    seen.answers[:, 4] = [0, 1, 2, 3, 4]
    assert sentences.state(seen, RIGHT, 4) == (
        f"At {level('noise', 4)}: 0 of 5 networks read 7; of the others, 1 reads 0, 1 reads 1, "
        "1 reads 2, 2 read other digits."
    )


def test_where_it_breaks_names_every_side():
    seen = sweep("turn", mlp=(4, 10), cnn=(9,), fcn=NEVER, depth_2=7)
    dial = DIALS["turn"]
    texts = [sentences.where_it_breaks(dial, each) for each in outcomes(seen, RIGHT)]
    assert texts == [
        "breaks at −30° (anticlockwise) and 30° (clockwise)",
        "breaks at 20° (clockwise)",
        "does not break",
        "misreads the unchanged digit",
    ]


def test_answer_of_a_random_dial_is_that_of_most_pictures():
    votes = np.zeros((1, 3, 5, 10), np.float32)
    for position, digits in enumerate(([7, 7, 7, 1, 2], [7, 7, 1, 1, 2], [1, 1, 1, 1, 1])):
        for seed, digit in enumerate(digits):
            votes[0, position, seed, digit] = 1
    answers, certainties = _majority(votes)
    assert answers.tolist() == [[7, NO_MAJORITY, 1]]
    assert certainties[0] == pytest.approx([0.6, 0.4, 1.0])


def test_data_for_the_browser_has_marks_bars_and_the_path_of_the_sweep():
    seen = sweep("turn", mlp=(4, 10), cnn=(9,), fcn=NEVER, depth_2=7)
    families = by_family(outcomes(seen, RIGHT))
    data = slider.as_data(seen, families, RIGHT)
    rows = {row["name"]: row for family in data["families"] for row in family["rows"]}
    assert {name: (row["breaks"], row["held"]) for name, row in rows.items()} == {
        "mlp": ([4, 10], [4, 10]),
        "cnn": ([9], [0, 9]),
        "fcn": ([], [0, 14]),
        "depth_2": ([7], None),
    }
    assert rows["mlp"]["answers"] == seen.answers[0].tolist()
    assert rows["mlp"]["sure"] == [90] * 15
    assert data["path"] == [*range(7, 15), *range(7, -1, -1)]
    assert data["scale"] == [(0, "−90°"), (7, "0°"), (14, "90°")]
    assert data["labels"][7] == "0°, unchanged"
    strip = Image.open(io.BytesIO(slider._png(seen.pictures)))
    assert (np.asarray(strip)[:, 28:56] == seen.pictures[1]).all()


def test_picture_shows_the_digit_at_the_level_and_grows_with_the_networks():
    few = sweep("shift", "right", mlp=3, cnn=NEVER)
    image = Image.open(io.BytesIO(picture.png(few, outcomes(few, RIGHT), RIGHT, 4, "tuned")))
    margin, side = picture.MARGIN_PX, picture.DIGIT_PX
    digit = np.asarray(image.convert("L"))[margin : margin + side, margin : margin + side]
    assert (digit[6::12, 6::12] == few.pictures[4]).all()
    many = sweep("shift", "right", **dict.fromkeys(MODELS, 3))
    taller = Image.open(io.BytesIO(picture.png(many, outcomes(many, RIGHT), RIGHT, 4, "tuned")))
    assert taller.width == image.width and taller.height > image.height
    other = picture.png(few, outcomes(few, RIGHT), RIGHT, 0, "tuned")
    assert other != picture.png(few, outcomes(few, RIGHT), RIGHT, 1, "tuned")


def test_picture_lists_more_failing_networks_the_more_fail():
    seen = sweep("shift", "right", mlp=1, cnn=4, depth_2=NEVER)
    found = outcomes(seen, RIGHT)

    def red(at: int) -> int:
        image = Image.open(io.BytesIO(picture.png(seen, found, RIGHT, at, "tuned")))
        return int((np.asarray(image) == ImageColor.getrgb(picture.FAILING)).all(axis=2).sum())

    assert red(0) < red(1) < red(4)


def test_font_of_the_picture_has_every_character_of_a_level():
    font = ImageFont.load_default(20)
    missing = bytes(font.getmask("\uffff"))
    words = {dial.title + dial.lower + dial.upper for dial in DIALS.values()}
    labels = {dial.label(level) for dial in DIALS.values() for level in dial.positions}
    text = "".join(words | labels).translate(picture.IN_ITS_PLACE)
    for character in set(text) - {" "}:
        assert bytes(font.getmask(character)) != missing, character
