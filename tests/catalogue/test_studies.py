"""A study checks its own entry when it is created."""

from dataclasses import replace

import pytest

from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import STUDIES, Claim, Published, Step, by_number

BLOCKS = STUDIES[9]


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_steps_of_a_study_include_all_its_networks(study):
    assert {model for step in study.changes for model in (step.before, step.after)} == set(
        study.models
    )


def test_changes_of_study_10_are_each_one_setting_in_both_directions_of_a_square():
    dials = {}
    for step in STUDIES[10].changes:
        before, after = (MODELS[name].settings.items() for name in (step.before, step.after))
        assert not before - after
        ((dial, _),) = after - before
        dials.setdefault(dial, set()).add(step.before)
    assert dials == {"head": {"base_cnn", "base_norm"}, "norm": {"base_cnn", "base_pooled"}}
    tunings = [MODELS[name].tuning for name in STUDIES[10].models]
    assert tunings.count(tunings[0]) == 4  # otherwise, the training would be a second change


def test_only_study_10_is_stressed_and_has_no_source():
    assert [number for number, study in STUDIES.items() if study.stressed] == [10]
    assert [number for number, study in STUDIES.items() if study.table is None] == [10]


def test_study_knows_whether_anything_was_published():
    assert [number for number, study in STUDIES.items() if not study.has_figures] == [3, 10]


@pytest.mark.parametrize(
    "change, mistake",
    [
        ({"models": {}}, "at least one network"),
        ({"against": ()}, "one axis in `against`"),
        ({"datasets": ()}, "one data set"),
        ({"changes": (Step("res_basic", "mlp", "layers"),)}, "names 'mlp', which is not one of"),
        ({"changes": (Step("mlp", "res_wide", "layers"),)}, "names 'mlp', which is not one of"),
        ({"changes": (Step("res_wide", "res_wide", ""),)}, "compares 'res_wide' with itself"),
        ({"claims": (Claim("res_basic", "cnn", "params", 2.0),)}, "names 'cnn', which is not one"),
        ({"claims": (Claim("res_basic", "res_wide", "weight", 2.0),)}, "about 'weight': choose"),
        ({"claims": (Claim("res_basic", "res_wide", "params", 0.0),)}, "the factor 0.0"),
        ({"claims": (Claim("res_basic", "res_wide", "params", 1.0),)}, "the factor 1.0"),
        ({"claims": (Claim("res_basic", "res_wide", "params", float("nan")),)}, "the factor nan"),
        ({"against": ("params", "colour")}, "against names 'colour': choose from params, "),
        ({"goal": 98.0}, "its goal is 98.0"),
        ({"goal": 0.0}, "its goal is 0.0"),
    ],
)
def test_inconsistent_study_raises_with_the_mistake(change, mistake):
    with pytest.raises(ValueError, match=rf"study 9 \(Residual blocks\): .*{mistake}"):
        replace(BLOCKS, **change)


def test_study_with_published_figures_has_at_most_seven_networks():
    models = {model: Published() for study in STUDIES.values() for model in study.models}
    ours = replace(BLOCKS, models=models)  # no limit without published figures
    with pytest.raises(ValueError, match=f"{len(models)} networks .* at most 7"):
        replace(ours, models=models | {"res_basic": Published(0.9)})
    eight = dict(list(models.items())[-8:]) | {"res_basic": Published(0.9)}
    with pytest.raises(ValueError, match="8 networks .* at most 7"):
        replace(ours, models=eight)
    seven = dict(list(eight.items())[-7:])
    assert len(replace(BLOCKS, models=seven).models) == 7


def test_studies_with_the_same_number_are_refused():
    with pytest.raises(ValueError, match="two studies have the number 9: renumber one"):
        by_number([BLOCKS, replace(BLOCKS, title="Another")])
