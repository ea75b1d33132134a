"""Bad inputs of every kind are refused with the error that their door promises, or are of use."""

import bad_inputs
import pytest
from throw_bad_inputs import KINDS, throw

INPUTS = dict.fromkeys(KINDS, 300) | {"uploads": 150, "record lines": 80, "folders": 60}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", KINDS)
def test_bad_inputs_raise_nothing_else(name, monkeypatch):
    monkeypatch.setattr(bad_inputs, "large_uploads", lambda: [bad_inputs.picture()])  # fast ones
    result = throw(name, range(INPUTS[name]))
    assert result.tracebacks == []
    assert result.refused + result.accepted == result.inputs == INPUTS[name]
    assert result.refused > result.accepted > 0


def test_all_inputs_are_ten_thousand_or_more():
    assert sum(kind.inputs for kind in KINDS.values()) >= 10_000
