"""Effects of isolated parts and of training, for made-up records whose effects are known."""

import pytest

from mnistcmp.analysis import effects
from mnistcmp.analysis.robustness_tables import ladder_means
from mnistcmp.catalogue.corruptions import DIALS, SIDES
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records.robustness import RobustnessRecords
from tests.made_up import measured, said

STUDY = STUDIES[10]
POOLED = ("base_pooled", "base_pooled_norm")
NORM = ("base_norm", "base_pooled_norm")
SPREAD = (-0.01, 0, 0.01)  # of three seeds


def lost(model: str, recipe: str) -> dict[str, float]:
    """A world in which the head decides about shift, the norm about blur, training about noise.

    And training harms the size.
    """
    return {
        "shift": 0.2 if model in POOLED else 0.8,
        "blur": 0.8 if model in NORM else 0.3,
        "noise": (0.1 if recipe == "hardened" else 0.6) + 0.3 * (model in POOLED),
        "salt_and_pepper": 0.2 if recipe == "hardened" else 0.5,
        "size": 0.9 if recipe == "hardened" else 0.6,
    }


@pytest.fixture
def means(tmp_path):
    """The table of mean accuracies over the ladders, for a world."""

    def means(lost=lost, seeds=3):
        records = RobustnessRecords(tmp_path)
        for model in STUDY.models:
            for recipe in (effects.BEFORE, effects.AFTER):
                for seed in range(seeds):
                    clean = 0.95 + SPREAD[seed]
                    at_the_end = lost(model, recipe)
                    records.append(
                        measured(model, seed=seed, recipe=recipe, clean=clean, lost=at_the_end)
                    )
        return ladder_means(records.table())

    return means


def found(means, part: str, dial: str, recipe: str = "") -> effects.Effect:
    (effect,) = [
        each
        for each in effects.effects(STUDY, means)
        if (each.part, each.side.title, each.recipe) == (part, dial, recipe)
    ]
    return effect


def points(title: str, share_not_lost: float) -> str:
    """The effect in words if this share more of 95 % is read at the end of the ladder."""
    (side,) = [side for side in SIDES if side.title == title]
    mean = sum(map(side.share, side.levels)) / len(side.levels)
    return f"{95 * share_not_lost * mean:+.1f} ± "


def test_study_isolates_two_parts_in_two_pairs_each():
    parts = [step.part for step in STUDY.changes]
    assert sorted(parts) == ["batch norm"] * 2 + ["pooled head"] * 2


def test_effect_is_the_mean_of_its_gaps(means):
    effect = found(means(), "pooled head", "Shift", "tuned")
    # The levels 1 to 14 px have a mean share of 7.5 / 14.
    assert effect.mean.share == pytest.approx(0.95 * 0.6 * 7.5 / 14)
    assert list(effect.pairs) == ["base_cnn → base_pooled", "base_norm → base_pooled_norm"]
    assert effect.consistent and effect.worth_naming and not effect.no_help
    assert effect.mean.half < min(gap.half for gap in effect.pairs.values())


def test_effects_of_opposite_sign_are_not_consistent(means):
    def world(model, recipe):
        pooled, norm = model in POOLED, model in NORM
        return {"shift": 0.5 + (0.4 if norm else -0.2) * pooled}

    effect = found(means(world), "pooled head", "Shift", "tuned")
    assert effect.mean.sure and not effect.consistent


def test_effect_that_only_one_pair_shows_is_not_consistent(means):
    def world(model, recipe):
        return {"shift": 0.2 if model == "base_pooled" else 0.8}

    assert not found(means(world), "pooled head", "Shift", "tuned").consistent


def test_small_effects_are_not_named(means):
    def world(model, recipe):
        return {"shift": 0.74 if model in POOLED else 0.8}

    effect = found(means(world), "pooled head", "Shift", "tuned")
    assert effect.mean.share == pytest.approx(0.0305, abs=1e-3)
    assert not effect.worth_naming
    assert "**Pooled head**: no effect of 5 points or more" in said(
        effects.say(effects.effects(STUDY, means(world))), None
    )


def test_sentences_name_where_a_part_helps_and_where_it_harms(means):
    head, norm, training = effects.say(effects.effects(STUDY, means()))
    assert head.text == "**Pooled head**: better under “shift”; worse under “noise”."
    assert f"shift ({points('Shift', 0.6)}" in head.figures
    assert f"noise ({points('Noise', -0.3)}" in head.figures
    assert norm.text == "**Batch norm**: worse under “blur”."
    assert norm.figures.startswith("blur (-")
    better, worse = training.text.split(";")
    assert better.startswith("**Noise and lower contrast in the training images**: better under “")
    assert "“salt and pepper”" in better and "“noise”" in better
    assert worse.startswith(" worse under “size, ")
    assert "salt and pepper (+" in training.figures
    assert " points, not seen in training)" in training.figures
    assert f"noise ({points('Noise', 0.5)}" in training.figures


def test_conclusion_says_what_only_architecture_and_what_only_training_gives(means):
    table = means()
    architecture, training = effects.conclusion(effects.effects(STUDY, table), table)
    assert architecture.text == (
        "Under “shift” and “blur”, **only the architecture decides** how well digits are read."
    )
    assert f"shift (pooled head {points('Shift', 0.6)}" in architecture.figures
    assert "blur (batch norm -" in architecture.figures
    assert training.text == (
        "Under “noise” and “salt and pepper”, **only training improves** how well digits are read."
    )
    assert f"noise ({points('Noise', 0.5)}" in training.figures
    assert "points for “Baseline”, the best without it)" in training.figures
    assert "not seen in training)" in training.figures


def test_only_the_largest_effects_are_named_and_the_others_counted(means):
    def world(model, recipe):
        return {
            dial: 0.8 - (0.2 + number / 100) * (model in POOLED)
            for number, dial in enumerate(DIALS)
        }

    all_effects = effects.effects(STUDY, means(world))
    largest = max(all_effects, key=lambda effect: effect.mean.share).side.title.lower()
    text = said(effects.say(all_effects), None).splitlines()[0]
    assert text.startswith(f"**Pooled head**: better under “{largest}”, ")
    assert f" and {len(SIDES) - effects.MOST_NAMED} more." in text


def test_conclusion_leaves_out_effects_that_training_removes(means):
    def world(model, recipe):
        return {"shift": 0.2 if model in POOLED or recipe == "hardened" else 0.8}

    table = means(world)
    text = said(effects.conclusion(effects.effects(STUDY, table), table), None)
    assert "There is no change of the image for which **only the architecture decides**" in text


def test_training_that_only_helps_the_weak_is_not_said_to_be_needed(means):
    def world(model, recipe):
        best = model == "base_cnn"
        return {"noise": 0.2 if best or recipe == "hardened" else 0.8}

    table = means(world)
    text = said(effects.conclusion(effects.effects(STUDY, table), table), None)
    assert "There is no change of the image for which **only training improves**" in text


def test_too_few_seeds_are_named(means):
    table = means(seeds=2)
    assert effects.effects(STUDY, table) == []
    (finding,) = effects.conclusion([], table)
    assert finding.text.startswith("**Too few trained networks**")
    assert "at least 3 seeds" in finding.text


def test_table_has_each_gap_and_the_mean_of_each_effect(means):
    all_effects = effects.effects(STUDY, means())
    rows = effects.table(all_effects)
    assert len(all_effects) == 5 * len(SIDES)  # two parts with two recipes each, and training
    assert len(rows) == len(SIDES) * (4 * 3 + 5)
    row = rows.query("part == 'pooled head' and dial == 'Shift' and networks == 'mean'").iloc[0]
    assert row["effect"] == pytest.approx(95 * 0.6 * 7.5 / 14)
    assert row["low"] < row["effect"] < row["high"] and row["consistent"]
