"""Made-up records, for which the right tables and findings are known."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mnistcmp.analysis.comparisons import Evidence
from mnistcmp.analysis.study_tables import measures
from mnistcmp.analysis.text import Finding, Verdict
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS, Dial
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.json_files import line_of
from mnistcmp.records import EPOCH_COLUMNS, RUN_COLUMNS, Entry, Records

IMAGES = 1000
EPOCHS = 3
GRADIENTS = ({"network.a": 0.1, "network.b": 0.2},) * EPOCHS
LABELS = np.zeros(IMAGES, np.uint8)


def run(
    model: str, accuracy: float, seed: int = 0, *, dataset: str = "cifar10-jpeg", **other: object
) -> dict[str, object]:
    """The record of a finished run; `other` sets any columns of records.RUN_COLUMNS."""
    usual = {
        "run": f"{dataset}-{model}-{other.get('recipe', 'tuned')}-{seed}",
        "finished": "2026-01-01T00:00:00+00:00",
        "campaign": "made up",
        "dataset": dataset,
        "model": model,
        "recipe": "tuned",
        "seed": seed,
        "protocol": "final",
        "status": "ok",
        "params": 100_000,
        "epochs": EPOCHS,
        "train_seconds": 30.0,
        "train_accuracy": accuracy + 0.01,
        "train_loss": 1 - accuracy,
        "test_accuracy": accuracy,
        "test_loss": 1.1 - accuracy,
        "ms_per_image": 0.5,
        "precision": "fp32",
        "device": "cpu",
        "workers": 1,
        "trained_on": f"nothing of {dataset}",
        "settings": "{}",
        "machine": "none",
        "versions": "none",
    }
    return dict.fromkeys(RUN_COLUMNS) | usual | other


def epochs(
    run: Mapping[str, object],
    gradients: Sequence[Mapping[str, float]] = GRADIENTS,
) -> list[dict[str, object]]:
    """The run's epochs: 60 %, 80 % and 100 % of its final accuracy on the test images."""
    same = {name: run[name] for name in ("run", "dataset", "model", "recipe", "seed")}
    rows = []
    for epoch, norms in enumerate(gradients, start=1):
        share = (2 + epoch) / (2 + len(gradients))
        learned = {
            "epoch": epoch,
            "train_loss": 1.2 - share * run["train_accuracy"],
            "train_accuracy": share * run["train_accuracy"],
            "heldout_loss": 1.2 - share * run["test_accuracy"],
            "heldout_accuracy": share * run["test_accuracy"],
            "seconds": 10.0,
            "gradient_norms": dict(norms),
        }
        rows.append(same | learned)
    return rows


def tables(*runs: dict[str, object], **gradients: Sequence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(runs, epochs) as Records returns them; `gradients` has the norms per epoch, by model."""
    rows = [epoch for row in runs for epoch in epochs(row, gradients.get(row["model"], GRADIENTS))]
    floats = dict.fromkeys(("activation_mb", "receptive_field_px"), float)  # turns None into NaN
    return (
        pd.DataFrame(runs, columns=list(RUN_COLUMNS)).astype(floats),
        pd.DataFrame(rows, columns=list(EPOCH_COLUMNS)),
    )


def readings(*right: int) -> list[np.ndarray]:
    """Each network's predicted labels, of which the first `right` are correct (0)."""
    return [(np.arange(IMAGES) >= count).astype(np.uint8) for count in right]


def record(records: Records, *runs: dict[str, object]) -> None:
    """Write the runs as training does."""
    for row in runs:
        of_run = [
            epoch | {"gradient_norms": json.dumps(epoch["gradient_norms"])} for epoch in epochs(row)
        ]
        (read,) = readings(round(IMAGES * row["test_accuracy"]))
        records.append(row, of_run, {"test": read})


def stressed(
    model: str,
    corrupted: float = 0.6,
    *,
    ladders: Mapping[str, Mapping[float, float]] | None = None,
    **other: object,
) -> dict[str, object]:
    """The record of robustness of one network, which reads `corrupted` under two corruptions.

    ladders: level -> accuracy, by dial; `other` sets any fields of records.robustness.Entry.
    """
    name = f"{model}-{other.get('recipe', 'tuned')}-{other.get('seed', 0)}"
    return {
        "dataset": "mnist",
        "model": model,
        "recipe": "tuned",
        "seed": 0,
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "run": name,
        "finished": "2026-01-01T00:00:00+00:00",
        "machine": "none",
        "versions": "none",
        "device": "cpu",
        "images": 10_000,
        "clean": 0.99,
        "corruptions": {"fog": corrupted, "stripe": corrupted},
        "ladder_images": IMAGES if ladders else 0,
        "ladders": {dial: list(map(list, of.items())) for dial, of in (ladders or {}).items()},
    } | other


def falsify(records: Records, change: Callable[[Entry], object]) -> None:
    """Change the records of all runs, with right checksums."""
    lines = []
    for line in records.path.read_bytes().splitlines():
        entry = json.loads(line)
        del entry["checksum"]
        change(entry)
        lines.append(line_of(entry) + b"\n")
    records.path.write_bytes(b"".join(lines))


def trained(
    accuracies: dict[str, list[float]], **of_model: dict[str, object]
) -> tuple[pd.DataFrame, Evidence]:
    """(measures, evidence) from one run per accuracy; `of_model` sets more columns, by model."""
    runs, epochs = tables(
        *(
            run(model, accuracy, seed, **of_model.get(model, {}))
            for model, values in accuracies.items()
            for seed, accuracy in enumerate(values)
        )
    )
    study = next(study for study in STUDIES.values() if set(accuracies) <= set(study.models))
    return measures(study, runs, epochs), Evidence(runs)


def around(accuracy: float) -> list[float]:
    """The accuracies of three runs with this mean."""
    return [accuracy - 0.002, accuracy, accuracy + 0.002]


def said(found: list[Finding], verdict: Verdict | None) -> str:
    """The findings with this verdict, one per line."""
    return "\n".join(one.text for one in found if one.verdict == verdict)


def measured(
    model: str,
    corrupted: float = 0.8,
    seed: int = 0,
    *,
    clean: float = 0.99,
    lost: Mapping[str, float] | None = None,
    **other: object,
) -> dict[str, object]:
    """A full record of robustness: `corrupted` under every corruption, and all ladders.

    lost: by dial, the share of the correct answers that is lost at the ends of its ladder, and in
    proportion before; 0.8 for the others.
    """

    def accuracy(dial: Dial, level: float) -> float:
        for side in dial.sides:
            share = (level - dial.rest) / (side[-1] - dial.rest)
            if share > 0:
                return clean * (1 - share * (lost or {}).get(dial.name, 0.8))
        return clean

    ladders = {
        dial.name: {level: accuracy(dial, level) for level in dial.positions}
        for dial in DIALS.values()
    }
    everything = {"corruptions": dict.fromkeys(CORRUPTIONS, corrupted), "seed": seed}
    return stressed(model, ladders=ladders, clean=clean, **everything | other)
