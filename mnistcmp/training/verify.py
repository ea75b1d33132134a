"""Verify that a folder of weights and records is complete and its accuracies are correct."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import SHIPPED_SEED, Checkpoint, CheckpointError
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import home, load_dataset, short_name
from mnistcmp.drawing import threshold
from mnistcmp.inspection import snapshots
from mnistcmp.records import KEY, Records, RecordsError, newest, training_command
from mnistcmp.robustness import measure
from mnistcmp.robustness.stressed_images import Stress, StressedImages
from mnistcmp.robustness_records import COMMAND, RobustnessRecords
from mnistcmp.safe_files import DamagedFile
from mnistcmp.training.evaluate import Images, evaluate

# Other processors sum in another order, which may change one or two borderline predictions.
TOLERATED_ACCURACY = 3e-4
ROUNDING = 1e-6  # of the recorded accuracies
# Under stress more predictions are borderline.
TOLERATED_UNDER_STRESS, TOLERATED_IMAGES = 1e-3, 2
CHECKED_FIGURES = 10  # of robustness: all of them would take an hour


def check(folder: Path, dataset: str, data: Path) -> tuple[list[str], bool]:
    """All problems of a folder, and whether accuracies were measured again.

    That requires the files of `dataset` (a name or the path of a folder of images) in `data`.
    """
    available = home(dataset, data).exists()
    images = load_dataset(dataset, data) if available else None
    return list(problems(folder, images, short_name(dataset))), available


def problems(
    folder: Path | str, dataset: Dataset | None = None, name: str = "mnist"
) -> Iterator[str]:
    """All problems of a folder of weights and records; none if it is complete and correct.

    No line of the records may be damaged. Every weight file must load, belong to a recorded run and
    be listed in the manifest. Every reported run must have its epochs and predictions and, for seed
    0 on MNIST, its weights and their robustness; weights for other data sets are optional. Where
    `snapshots` keeps the weights during training, they must be there and end with the weights. If
    `dataset` is given, the accuracy of its networks and prediction files, and a few figures of
    robustness, are measured again and must be as recorded. `name` is its name in the records.
    """
    folder = Path(folder)
    records = Records(folder / "results")
    try:
        manifest = checkpoints.read_manifest(folder)
        of_training = checkpoints.read_manifest(snapshots.folder_in(folder))
        yield from records.problems()
        yield from _of_robustness(folder, manifest, dataset if name == "mnist" else None)
    except (CheckpointError, RecordsError) as error:
        yield str(error)
        return
    try:
        threshold.read(records.folder)
    except DamagedFile as error:
        yield f"{error}: {threshold.REMEDY}"
    runs = records.runs().set_index("run")
    if not manifest and (runs.empty or (runs["dataset"] == "mnist").any()):
        yield f"{folder} has no checkpoints: run {training_command()}"
    named = {folder / checkpoint.file for checkpoint in manifest}
    named |= {snapshots.folder_in(folder) / entry.file for entry in of_training}
    for path in sorted(set(folder.rglob("*.safetensors")) - named):
        yield f"{path} is not listed in the manifest: delete it"
    for checkpoint in manifest:
        images = dataset if checkpoint.dataset == name else None
        yield from _of_checkpoint(checkpoint, folder, runs, images)
    yield from _of_training(folder, manifest, of_training)
    run_of = {checkpoint.key: checkpoint.run for checkpoint in manifest}
    epochs_of = records.epochs().groupby("run").size()
    reported = newest(records.runs())
    for row in reported[reported["status"] == "ok"].itertuples():
        epochs = epochs_of.get(row.run, 0)
        if epochs != row.epochs:
            yield (
                f"run {row.run} ({row.model}, {row.recipe}) has {epochs} epochs on record instead "
                f"of {row.epochs}: train it again"
            )
        images = dataset if row.dataset == name else None
        yield from _of_predictions(records, row.run, row.model, row.test_accuracy, images)
        kept = run_of.get((row.dataset, row.model, row.recipe))
        if (row.dataset, row.seed) == ("mnist", SHIPPED_SEED) and kept != row.run:
            yield (
                f"the weights of run {row.run} ({row.model}, {row.recipe}) are missing: "
                "train it again"
            )


def _of_checkpoint(
    checkpoint: Checkpoint, folder: Path, runs: pd.DataFrame, dataset: Dataset | None
) -> Iterator[str]:
    try:
        model = checkpoints.load_checkpoint(checkpoint, folder)
    except CheckpointError as error:
        yield str(error)
        return
    if checkpoint.run not in runs.index:
        yield f"{checkpoint.file} is from run {checkpoint.run}, which has no record: train it again"
        return
    row = runs.loc[checkpoint.run]
    for fact in ("dataset", "model", "recipe", "seed", "params", "epochs", "trained_on"):
        if getattr(checkpoint, fact) != row[fact]:
            yield f"{checkpoint.file}: {fact} is not as recorded ({row[fact]})"
    for fact in ("test_accuracy", "test_loss"):
        if abs(getattr(checkpoint, fact) - row[fact]) > 1e-9:
            yield f"{checkpoint.file}: {fact} is not as recorded ({row[fact]})"
    counted = sum(parameter.numel() for parameter in model.parameters())
    if counted != checkpoint.params:
        yield f"{checkpoint.file} has {counted} parameters, the manifest says {checkpoint.params}"
    if not dataset:
        return
    made_for, found = ((images.in_shape, images.classes) for images in (checkpoint, dataset))
    if made_for != found:
        yield f"{checkpoint.file} is for other images (shape, classes): {made_for}, not {found}"
    else:
        measured = evaluate(model, Images.of(dataset.test_images, dataset.test_labels)).accuracy
        one_image = 1 / len(dataset.test_labels)
        tolerated = max(TOLERATED_ACCURACY, one_image) + ROUNDING
        if abs(measured - row["test_accuracy"]) > tolerated:
            recorded = row["test_accuracy"]
            yield f"{checkpoint.file} has accuracy {measured:.4f}, but {recorded:.4f} is recorded"


def _of_training(
    folder: Path, manifest: list[Checkpoint], of_training: list[Checkpoint]
) -> Iterator[str]:
    """Whether the states of training that are to be kept are there, and end with the weights."""
    entry_of = {entry.run: entry for entry in of_training}
    for checkpoint in manifest:
        if not snapshots.are_kept(*checkpoint.key, checkpoint.seed):
            continue
        if entry := entry_of.pop(checkpoint.run, None):
            yield from _of_last_state(entry, checkpoint, folder)
        else:
            model, recipe = checkpoint.model, checkpoint.recipe
            yield (
                f"the weights of {model} ({recipe}) before training and after each epoch are "
                f"missing: {checkpoints.remedy(checkpoint)}"
            )
    for entry in entry_of.values():
        path = snapshots.folder_in(folder) / entry.file
        yield f"{path} is of run {entry.run}, whose last weights are not here: train it again"


def _of_last_state(entry: Checkpoint, checkpoint: Checkpoint, folder: Path) -> Iterator[str]:
    try:
        last = snapshots.load(entry, folder)[-1]
    except CheckpointError as error:
        yield str(error)
        return
    try:
        trained = checkpoints.load_checkpoint(checkpoint, folder)
    except CheckpointError:
        return  # it was named already
    ended, expected = snapshots.state_of(last), snapshots.state_of(trained)
    different = [name for name in expected if not torch.equal(ended[name], expected[name])]
    if different:
        yield (
            f"{snapshots.folder_in(folder) / entry.file} does not end with the weights of "
            f"{checkpoint.file} (they differ in {different[0]}): {checkpoints.remedy(checkpoint)}"
        )


def _of_robustness(
    folder: Path, manifest: list[Checkpoint], dataset: Dataset | None
) -> Iterator[str]:
    """Whether each network on MNIST has a record of robustness, and that of its weights."""
    records = RobustnessRecords(folder / "results")
    yield from records.problems()
    recorded = {
        (entry["dataset"], entry["model"], entry["recipe"], entry["seed"]): entry["sha256"]
        for entry in records.entries()
    }
    weights, missing = {}, 0
    for checkpoint in manifest:
        key = *checkpoint.key, checkpoint.seed
        if key not in recorded:
            missing += checkpoint.dataset == "mnist"
        elif recorded[key] != checkpoint.sha256:
            yield f"the robustness of {checkpoint.file} is that of other weights: run {COMMAND}"
        else:
            weights[key] = checkpoint
    if missing:
        yield f"{missing} networks have no record of robustness: run {COMMAND}"
    if dataset:
        yield from wrong_figures(folder, records.table(), weights, dataset)


def wrong_figures(
    folder: Path,
    table: pd.DataFrame,
    weights: dict[tuple[str, str, str, int], Checkpoint],
    dataset: Dataset,
) -> Iterator[str]:
    """Measure again a few figures of `table`, each of another kind -> those that are wrong.

    weights: those that the table is about, by KEY; rows of others are left out.
    """
    keys = table[KEY].itertuples(index=False, name=None)
    rows = table[np.array([key in weights for key in keys], dtype=bool)]
    each_kind = rows.groupby("kind").sample(1, random_state=0)
    chosen = each_kind.sample(min(CHECKED_FIGURES, len(each_kind)), random_state=0)
    with TemporaryDirectory(prefix="mnistcmp-") as shared:
        images = StressedImages(Path(shared), dataset.test_images, dataset.test_labels)
        for row in chosen.itertuples():
            checkpoint = weights[row.dataset, row.model, row.recipe, row.seed]
            stress = Stress(row.kind, None if pd.isna(row.level) else row.level)
            where = f"{checkpoint.file}, {stress}:"
            try:
                network = checkpoints.load_checkpoint(checkpoint, folder)
                accuracy = measure.accuracy(network, images, stress, row.n)
            except (CheckpointError, ValueError) as error:
                yield f"{where} {error}"
                continue
            tolerated = max(TOLERATED_UNDER_STRESS, TOLERATED_IMAGES / row.n) + ROUNDING
            if abs(accuracy - row.accuracy) > tolerated:
                yield f"{where} accuracy is {accuracy:.4f}, but {row.accuracy:.4f} is recorded"


def _of_predictions(
    records: Records, run: str, model: str, recorded_accuracy: float, dataset: Dataset | None
) -> Iterator[str]:
    path = records.predictions_path(run)
    try:
        predicted = torch.from_numpy(records.predictions(run)["test"])
    except (DamagedFile, KeyError) as error:
        problem = str(error) if isinstance(error, DamagedFile) else f"{path} lacks {error}"
        yield f"{problem}: train {model} again"
        return
    if dataset and len(predicted) != len(dataset.test_labels):
        yield f"{path} has {len(predicted)} predictions for {len(dataset.test_labels)} test images"
    elif dataset:
        accuracy = (predicted == dataset.test_labels).double().mean().item()
        if abs(accuracy - recorded_accuracy) > ROUNDING:
            yield f"{path} has accuracy {accuracy:.4f}, but {recorded_accuracy:.4f} is recorded"
