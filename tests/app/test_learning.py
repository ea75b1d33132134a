"""Watch it learn: what small networks read before training and after each epoch."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnistcmp import inference
from mnistcmp.app import cached_networks, session
from mnistcmp.app.draw import learning
from mnistcmp.checkpoints import load_all
from mnistcmp.data import pen_digits
from mnistcmp.data.unipen import PenDigit
from mnistcmp.drawing import to_pixels
from mnistcmp.inspection import snapshots
from mnistcmp.manifest import read_manifest
from mnistcmp.records import FOLDER_VARIABLE, Records, default_folder

NAMES = ("mlp", "tiny_cnn", "cnn")
KEPT = [entry.model for entry in read_manifest(snapshots.folder_in())]


def one() -> np.ndarray:
    """float32 (28, 28) pixels of a 1."""
    line = np.array([[0, 0], [0, 100]], np.float32)
    return to_pixels(pen_digits.replay(PenDigit(1, 0, (line,)), brush_px=20))


def section() -> None:
    """The section alone, with a 1."""
    from mnistcmp.app.draw import learning
    from tests.app.test_learning import one

    learning.show(one(), 1)


def opened() -> AppTest:
    app = AppTest.from_function(section, default_timeout=120)
    app.session_state[session.LEARNING] = True
    return app.run()


def shown(app: AppTest) -> dict:
    """What the component got."""
    (part,) = app.get("bidi_component")
    return json.loads(part.proto.json)


def rows(data: dict) -> dict[str, dict]:
    return {row["name"]: row for family in data["families"] for row in family["rows"]}


def test_section_computes_nothing_while_it_is_closed(monkeypatch):
    asked = []
    monkeypatch.setattr(cached_networks, "during_training", lambda: asked.append(1) or ({}, []))
    app = AppTest.from_function(section, default_timeout=120).run()
    assert not app.exception
    assert [part.label for part in app.expander] == ["Watch it learn"]
    assert not asked
    app.session_state[session.LEARNING] = True
    assert not app.run().exception
    assert asked


def test_section_shows_every_network_at_every_epoch():
    app = opened()
    assert not app.exception
    data = shown(app)
    assert data["digit"] == 1
    assert data["labels"] == ["Before training", *(f"After epoch {at}" for at in range(1, 6))]
    assert rows(data).keys() == set(KEPT)
    assert data["states"][-1] == f"{len(KEPT)} of {len(KEPT)} networks read 1"
    for row in rows(data).values():
        assert len(row["answers"]) == len(row["sure"]) == len(row["chances"]) == 6
        assert row["answers"][-1] == 1
        assert row["chances"][-1] > 80 > row["chances"][0]


def test_section_shows_the_recorded_test_accuracies():
    epochs = Records(default_folder() / "results").epochs()
    found = rows(shown(opened()))
    for entry in read_manifest(snapshots.folder_in()):
        recorded = epochs[epochs["run"] == entry.run]["heldout_accuracy"]
        expected = [f"{100 * accuracy:.1f} %" for accuracy in recorded]
        assert found[entry.model]["accuracies"] == ["–", *expected]


def test_last_epoch_reads_as_the_trained_networks():
    networks, problems = cached_networks.during_training()
    assert not problems
    trained = {name: network for name, network in load_all("tuned").items() if name in networks}
    read = learning.probabilities(one(), networks)
    (expected,) = inference.read(one()[None], {name: trained[name] for name in networks})
    assert abs(read[:, -1] - expected.probabilities).max() < 1e-2
    assert abs(read[:, 0] - expected.probabilities).max() > 0.1


def test_network_with_fewer_epochs_stays_as_it_was():
    networks, _ = cached_networks.during_training()
    few = {"mlp": networks["mlp"][:3], "cnn": networks["cnn"]}
    read = learning.probabilities(one(), few)
    assert read.shape == (2, 6, 10)
    assert (read[0, 2:] == read[0, 2]).all()
    assert not (read[1, 2:] == read[1, 2]).all()


def test_damaged_file_is_named_and_the_others_are_shown(tmp_path, monkeypatch):
    shutil.copytree(snapshots.folder_in(), snapshots.folder_in(tmp_path))
    (path,) = snapshots.folder_in(tmp_path).rglob("mlp-*.safetensors")
    path.write_bytes(b"damaged")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    app = opened()
    assert not app.exception
    (warning,) = app.warning
    assert "mlp-" in warning.value and "train it again with" in warning.value
    assert rows(shown(app)).keys() == set(KEPT) - {"mlp"}
    assert all(row["accuracies"] == ["–"] * 6 for row in rows(shown(app)).values())


def test_folder_without_states_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    app = opened()
    assert not app.exception
    assert "--recipe tuned" in app.info[0].value
    assert not app.get("bidi_component")


def test_without_a_sure_digit_the_one_that_the_networks_end_with_is_followed():
    probabilities = np.full((2, 3, 10), 0.01)
    probabilities[:, :2, 4], probabilities[:, 2, 6] = 0.91, 0.91
    data = learning.as_data(NAMES[:2], probabilities, {}, None)
    assert data["digit"] == 6
    assert data["heads"][2] == "Probability of 6"
    assert rows(data)["mlp"]["chances"] == [1, 1, 91]
    assert rows(data)["mlp"]["answers"] == [4, 4, 6]
    assert rows(data)["mlp"]["course"] == (
        "Probability of 6: 1 % before training, 1 % after epoch 1, 91 % after epoch 2"
    )
    assert data["states"] == ["0 of 2 networks read 6"] * 2 + ["2 of 2 networks read 6"]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ([[3, 7, 7], [7, 7, 7], [1, 7, 7]], "All 3 networks read 7 from the first epoch on."),
        (
            [[3, 7, 7], [7, 1, 1], [1, 1, 1]],
            "1 of 3 networks reads 7 after the first epoch; later epochs change nothing.",
        ),
        (
            [[3, 7, 7, 7], [7, 2, 2, 7], [1, 1, 7, 7]],
            "1 of 3 networks reads 7 after the first epoch, 3 after the last. “Tiny CNN” was the "
            "last to change its mind: from 2 to 7 in epoch 3.",
        ),
        (
            [[3, 7, 7, 7], [7, 2, 7, 7], [1, 7, 1, 1]],
            "2 of 3 networks read 7 after the first epoch, 2 after the last. The last to change "
            "their minds were 2 networks in epoch 2.",
        ),
    ],
)
def test_headline_says_when_the_networks_learned_it(read, said):
    assert learning.headline(NAMES, np.array(read), 7) == said
