"""Is a folder of weights and records whole, and are its figures true?"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import SHIPPED_SEED, Checkpoint, CheckpointError
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import home, load_dataset, short_name
from mnistcmp.records import Records, newest, training_command
from mnistcmp.safe_files import DamagedFile
from mnistcmp.training.evaluate import Images, evaluate

# Another processor sums in another order, which may turn an image or two that lie on the border.
TOLERATED_ACCURACY = 3e-4
ROUNDING = 1e-6  # of the accuracies on record


def check(folder: Path, dataset: str, data: Path) -> tuple[list[str], bool]:
    """Everything that is wrong with a folder, and whether accuracies were measured again.

    They are where the files of `dataset`, a name or the path of a folder of images, are in `data`.
    """
    there = home(dataset, data).exists()
    images = load_dataset(dataset, data) if there else None
    return list(problems(folder, images, short_name(dataset))), there


def problems(
    folder: Path | str, dataset: Dataset | None = None, name: str = "mnist"
) -> Iterator[str]:
    """Everything that is wrong with a folder that `train_all.py` made; nothing if all is well.

    Every weight file must load, belong to a recorded run and be named by the manifest; every
    reported run must have its epochs and predictions, those on MNIST with seed 0 their weights.
    With the test images of `dataset`, which records call `name`, the accuracy of each of its
    prediction files and networks is measured again and must be as recorded. Networks of other data
    sets than MNIST may be absent.
    """
    folder = Path(folder)
    try:
        manifest = checkpoints.read_manifest(folder)
    except CheckpointError as error:
        yield str(error)
        return
    records = Records(folder / "results")
    runs = records.runs().set_index("run")
    if not manifest and (runs.empty or (runs["dataset"] == "mnist").any()):
        yield f"{folder} names no checkpoints: run {training_command()}"
    named = {folder / checkpoint.file for checkpoint in manifest}
    for path in sorted(set(folder.rglob("*.safetensors")) - named):
        yield f"{path} is not named by the manifest: delete it"
    for checkpoint in manifest:
        images = dataset if checkpoint.dataset == name else None
        yield from _of_checkpoint(checkpoint, folder, runs, images)
    run_of = {checkpoint.key: checkpoint.run for checkpoint in manifest}
    epochs_of = records.epochs().groupby("run").size()
    reported = newest(records.runs())
    for row in reported[reported["status"] == "ok"].itertuples():
        if epochs_of.get(row.run, 0) != row.epochs:
            yield f"run {row.run} ({row.model}, {row.recipe}) lacks rows in epochs.csv"
        yield from _of_predictions(records, row, dataset if row.dataset == name else None)
        kept = run_of.get((row.dataset, row.model, row.recipe))
        if (row.dataset, row.seed) == ("mnist", SHIPPED_SEED) and kept != row.run:
            yield f"the weights of run {row.run} ({row.model}, {row.recipe}) are not kept: train it"


def _of_checkpoint(
    checkpoint: Checkpoint, folder: Path, runs: pd.DataFrame, dataset: Dataset | None
) -> Iterator[str]:
    try:
        model = checkpoints.load_checkpoint(checkpoint, folder)
    except CheckpointError as error:
        yield str(error)
        return
    if checkpoint.run not in runs.index:
        yield f"{checkpoint.file} is of run {checkpoint.run}, which is not recorded: train it again"
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
            yield f"{checkpoint.file} reads {measured:.4f}, recorded is {row['test_accuracy']:.4f}"


def _of_predictions(records: Records, row, dataset: Dataset | None) -> Iterator[str]:
    path = records.predictions_path(row.run)
    try:
        predicted = torch.from_numpy(records.predictions(row.run)["test"])
    except (DamagedFile, KeyError) as error:
        problem = str(error) if isinstance(error, DamagedFile) else f"{path} lacks {error}"
        yield f"{problem}: train {row.model} again"
        return
    if dataset and len(predicted) != len(dataset.test_labels):
        yield f"{path} is of {len(predicted)} test images, not of {len(dataset.test_labels)}"
    elif dataset:
        accuracy = (predicted == dataset.test_labels).double().mean().item()
        if abs(accuracy - row.test_accuracy) > ROUNDING:
            yield f"{path} has accuracy {accuracy:.4f}, recorded is {row.test_accuracy:.4f}"
