"""Names that contain Markdown or HTML appear as text."""

from dataclasses import replace

import pytest

from mnistcmp.app import palette
from mnistcmp.app.plain_text import JOINER, code, plain
from mnistcmp.catalogue.networks import MODELS


@pytest.mark.parametrize("text", ["MNIST", "CIFAR-10 (JPEG copy)", "a.csv: use --out"])
def test_ordinary_text_stays_as_it_is(text):
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("conv2_fc1", "conv2_fc1"),
        ("_a_ __b__", r"\_a\_ \_\_b\_\_"),
        ("*a* **b**", r"\*a\* \*\*b\*\*"),
        ("<b>", r"\<b\>"),
        ("[a](b)", r"\[a\](b)"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("a\n\n- b", "a - b"),
        ("$a$ `b` &lt;", r"\$a\$ \`b\` \&lt;"),
        ("http://a", f"http:{JOINER}//a"),
        ("www.a.b", f"www{JOINER}.a.b"),
        ("a@b.c", f"a@{JOINER}b.c"),
        (":smile: :material/face:", f":{JOINER}smile: :{JOINER}material/face:"),
        ("a -- b -> c", f"a -{JOINER}- b -{JOINER}> c".replace(">", r"\>")),
        (":red[a]", rf":{JOINER}red\[a\]"),
    ],
)
def test_markup_is_escaped(text, markdown):
    assert plain(text) == markdown


def test_code_may_contain_backticks():
    assert code("a b") == "`a b`"
    assert code("a `b`` c") == "``` a `b`` c ```"


def test_legend_escapes_html(monkeypatch):
    monkeypatch.setitem(MODELS, "mlp", replace(MODELS["mlp"], title="<b>"))
    assert "&lt;b&gt;" in palette.network_legend(["mlp"])
