"""What the Studies page says about the shipped records, of every study and recipe."""

import re
from functools import cache

import pytest
import streamlit as st

from mnistcmp.app.studies import cards, one_study, results
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES

PARENTHESES = re.compile(r"\(([^()]*)\)")


@pytest.fixture(autouse=True, scope="module")
def no_cache():
    """Nothing is left of the records of other tests."""
    st.cache_data.clear()
    st.cache_resource.clear()


@cache
def shown(number: int) -> list[results.Result]:
    """The study with each data set and recipe that its page offers."""
    study = STUDIES[number]
    runs = results.runs_of(study)
    return [
        results.result(study, dataset, recipe)
        for dataset in results.datasets(study, runs)
        for recipe in results.recipes(study, runs[runs["dataset"] == dataset])
    ]


@pytest.mark.parametrize("number", STUDIES)
def test_findings_have_at_most_one_parenthesis_and_no_figures_in_it(number):
    found = shown(number)
    assert found
    for result in found:
        sentences = [result.answer, *(one.text for one in result.other_findings + result.findings)]
        for sentence in sentences:
            inside = PARENTHESES.findall(sentence)
            assert len(inside) <= 1, sentence
            assert not re.search(r"\d", "".join(inside)), sentence
            assert sentence.endswith(".") and "nan" not in sentence.split(), sentence


@pytest.mark.parametrize("number", STUDIES)
def test_findings_call_networks_by_their_titles(number):
    names = {name for name in MODELS if "_" in name}
    for result in shown(number):
        said = " ".join([result.answer, *(one.text for one in result.other_findings)])
        assert not names & set(re.findall(r"\w+", said))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_card_has_the_answer_of_its_studys_page(recipe):
    for study in STUDIES.values():
        card = cards.card(study, recipe)
        found = shown(study.number)
        (same,) = [
            each for each in found if (each.dataset, each.recipe) == (found[0].dataset, card.recipe)
        ]
        assert card.answer == same.answer
        assert [row.model for row in card.rows] == list(same.table.index)


def test_only_studies_whose_source_gives_accuracies_have_a_verdict():
    without = {study.number for study in STUDIES.values() if not cards.card(study, "drawn").verdict}
    assert without == {3, 10}
    assert cards.card(STUDIES[2], "drawn").compared == "published"
    assert cards.card(STUDIES[7], "drawn").compared == "tuned"


def test_study_on_clean_digits_says_whether_and_where_networks_part():
    (found,) = [each for each in shown(8) if each.recipe == "tuned" and each.dataset == "mnist"]
    assert "too close to be told apart on clean digits" in found.answer
    assert "; under corruption, “" in found.answer
    assert any("**The networks part most** under" in one.text for one in found.other_findings)


def test_page_offers_no_recipe_that_applies_to_one_network_only():
    assert "hardened" not in {each.recipe for each in shown(8)}
    assert "hardened" in {each.recipe for each in shown(10)}


def test_a_sentence_goes_on_after_other_words():
    assert one_study._inside(shown(8)[0].best).startswith(("all ", "“"))
