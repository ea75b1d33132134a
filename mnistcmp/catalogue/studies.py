"""The studies: which networks answer which question, and what was published about them.

Every figure here was published by others; PUBLISHED.md gives the sources. Our own results are in
the records.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mnistcmp.catalogue.datasets import DATASETS, find
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.settings import Recipe


@dataclass(frozen=True)
class Published:
    """The published figures of one network; None where the source gives none.

    Accuracies are in [0, 1], losses are per image, `train_seconds` is for the entire training,
    `ms_per_image` is for a batch of one image. `repeated_accuracy` is the figure that the same
    author published later, after another run; `mnist_accuracy` is the accuracy on MNIST if the
    other figures are for another data set. `first_` and `last_` refer to the first and last epoch.
    Gradient norms are 2-norms. `receptive_field_px` is a side length. `note` holds statements that
    are not figures.
    """

    test_accuracy: float | None = None
    test_loss: float | None = None
    train_seconds: float | None = None
    train_accuracy: float | None = None
    ms_per_image: float | None = None
    repeated_accuracy: float | None = None
    first_train_loss: float | None = None
    last_train_loss: float | None = None
    mnist_accuracy: float | None = None
    epoch_seconds: float | None = None
    receptive_field_px: int | None = None
    params: int | None = None
    first_gradient_norm: float | None = None
    last_gradient_norm: float | None = None
    epochs_to_converge: int | None = None
    note: str = ""


# Columns of analysis/study_tables: those that a study may plot accuracy against, and those that a
# claim may be about.
AXES = ("params", "epoch_seconds", "receptive_field_px", "convolutions", "activation_mb")
CLAIMED = ("params", "epoch_seconds", "epochs_until", "activation_mb")

MOST_NETWORKS = 7  # with published figures: more than seven colours are hard to distinguish


@dataclass(frozen=True)
class Step:
    """One change: the networks before and after it, and a short label for it.

    part: the one part in which the two differ, if the study has a second step that changes the same
        part of other networks; else "". Only to such a part does the app attribute an effect.
    """

    before: str
    after: str
    what: str
    part: str = ""


@dataclass(frozen=True)
class Claim:
    """A source's claim: `measure` of `after` is `factor` times that of `before`."""

    before: str
    after: str
    measure: str
    factor: float


@dataclass(frozen=True)
class Study:
    """One comparison of networks: its question, its source, the published figures, what to show.

    models: the networks in display order, each with its published figures.
    changes: the steps from network to network that the study compares.
    against: the AXES that accuracy is plotted against, the main one first.
    table: the anchor of its section in docs/PUBLISHED.md; None for our own studies.
    published_on: the data set of the published figures; None if the source does not say.
    datasets: the data sets that we train the networks on, the main one first.
    claims: the factors that the source states.
    goal: the test accuracy in [0, 1] that the source asks for.
    show_gradients: whether to show gradient norms.
    stressed: whether robustness is measured in full for every seed, and not only for seed 0.
    published_recipe: the recipe of the source; None if it states none. Settings that it does not
        mention have the usual defaults.

    Raises ValueError, with the study and the mistake, if an entry is inconsistent.
    """

    number: int
    title: str
    question: str
    source: str
    models: dict[str, Published]
    changes: tuple[Step, ...]
    against: tuple[str, ...]
    table: str | None = None
    published_on: str | None = "mnist"
    datasets: tuple[str, ...] = ("mnist",)
    claims: tuple[Claim, ...] = ()
    goal: float | None = None
    show_gradients: bool = False
    stressed: bool = False
    published_recipe: Recipe | None = None

    def __post_init__(self) -> None:
        for mistake in self._mistakes():
            raise ValueError(f"study {self.number} ({self.title}): {mistake}")

    def _mistakes(self) -> Iterator[str]:
        """The inconsistencies of the entry, one sentence each."""
        if not self.models or not self.against or not self.datasets:
            yield "it needs at least one network, at least one axis in `against` and one data set"
        for model in self.models:
            if model not in MODELS:
                yield f"its network {model!r} has no entry in catalogue/networks.py"
        for dataset in filter(None, (*self.datasets, self.published_on)):
            if dataset not in DATASETS:
                yield f"its data set {dataset!r} has no entry in catalogue/datasets.py"
        pairs: tuple[Step | Claim, ...] = (*self.changes, *self.claims)
        for pair in pairs:
            for model in (pair.before, pair.after):
                if model not in self.models:
                    yield f"{pair} names {model!r}, which is not one of its networks"
            if pair.before == pair.after:
                yield f"{pair} compares {pair.before!r} with itself"
        for axis in self.against:
            if axis not in AXES:
                yield f"against names {axis!r}: choose from {', '.join(AXES)}"
        for claim in self.claims:
            if claim.measure not in CLAIMED:
                yield f"{claim} is about {claim.measure!r}: choose from {', '.join(CLAIMED)}"
            if not 0 < claim.factor < math.inf or claim.factor == 1:
                yield f"{claim} has the factor {claim.factor}: it must be positive and not 1"
        if self.goal is not None and not 0 < self.goal <= 1:
            yield f"its goal is {self.goal}: it must be above 0 and at most 1"
        if self.has_figures and len(self.models) > MOST_NETWORKS:
            yield (
                f"it has {len(self.models)} networks and published figures: at most "
                f"{MOST_NETWORKS} networks can be distinguished in the charts"
            )

    @property
    def has_figures(self) -> bool:
        """Whether anything was published about one of its networks."""
        return any(figures != Published() for figures in self.models.values())

    def published_for(self, dataset: str) -> bool:
        """Whether the published figures are for this data set or for the original of this copy."""
        return self.published_on == (find(dataset).copy_of or dataset)

    def figures(self, model: str, dataset: str) -> Published:
        """The published figures of `model` that are comparable with ours on `dataset`, if any."""
        if self.published_for(dataset):
            return self.models[model]
        if dataset == "mnist":
            return Published(self.models[model].mnist_accuracy)
        return Published()


def by_number(studies: Iterable[Study]) -> dict[int, Study]:
    """The studies by number. Raises ValueError if two have the same number."""
    table: dict[int, Study] = {}
    for study in studies:
        if study.number in table:
            raise ValueError(f"two studies have the number {study.number}: renumber one")
        table[study.number] = study
    return table


STUDIES = by_number(
    (
        Study(
            number=1,
            title="From MLP to CNN",
            question=(
                "How much does higher accuracy on digits cost in parameters and training time?"
            ),
            source="Daniel Gustaw, blog post of 2025-06-09",
            models={
                "mlp": Published(0.9596, 0.14, 8.7, repeated_accuracy=0.9564),
                "tiny_cnn": Published(0.9796, 0.06, 12.3, repeated_accuracy=0.9725),
                "cnn": Published(0.9822, 0.05, 14.3, repeated_accuracy=0.9865),
                "strong_cnn": Published(0.9909, 0.03, 75.0, repeated_accuracy=0.9931),
            },
            changes=(
                Step("mlp", "tiny_cnn", "convolutions"),
                Step("tiny_cnn", "cnn", "a hidden layer"),
                Step("cnn", "strong_cnn", "greater depth and width"),
            ),
            against=("params", "epoch_seconds"),
            table="table-1-from-mlp-to-cnn",
            published_recipe=Recipe("published"),
        ),
        Study(
            number=2,
            title="Pooling or batch normalisation",
            question=(
                "Which is better with about the same number of parameters: max pooling or batch "
                "normalisation?"
            ),
            source="“Convolutional neural network activity”, an exercise of a course",
            models={
                "mlp_100": Published(0.9538, first_train_loss=0.28, last_train_loss=0.16),
                "conv_maxpool": Published(0.9703, first_train_loss=0.24, last_train_loss=0.11),
                "conv_batchnorm": Published(0.9866, first_train_loss=0.17, last_train_loss=0.03),
            },
            changes=(
                Step("mlp_100", "conv_maxpool", "convolutions"),
                Step("conv_maxpool", "conv_batchnorm", "batch norm with strides"),
            ),
            against=("params", "epoch_seconds"),
            show_gradients=True,
            table="table-2-pooling-or-batch-normalisation",
            published_recipe=Recipe("published", learning_rate=1e-2, normalise=True),
        ),
        Study(
            number=3,
            title="How many layers?",
            question="How much does another convolutional or linear layer improve accuracy?",
            source=(
                "“Comparing convolutional networks on MNIST”, a project description in Russian "
                "that asks for 98 % accuracy on validation images and gives no figures"
            ),
            models={
                "conv1_fc1": Published(),
                "conv1_fc2": Published(),
                "conv2_fc1": Published(),
                "conv2_fc2": Published(),
                "conv3_fc2": Published(),
            },
            changes=(
                Step("conv1_fc1", "conv2_fc1", "a 2nd convolution before 1 linear layer"),
                Step("conv1_fc2", "conv2_fc2", "a 2nd convolution before 2 linear layers"),
                Step("conv2_fc2", "conv3_fc2", "a 3rd convolution"),
                Step("conv1_fc1", "conv1_fc2", "a 2nd linear layer after 1 convolution"),
                Step("conv2_fc1", "conv2_fc2", "a 2nd linear layer after 2 convolutions"),
            ),
            against=("convolutions", "params", "epoch_seconds"),
            goal=0.98,
            table="table-3-how-many-layers",
            published_recipe=Recipe("published"),
        ),
        Study(
            number=4,
            title="Fully connected, convolutional, residual",
            question="Are convolutions better than linear layers, and does a residual block help?",
            source=(
                "A course report in Russian; it does not state the number of epochs, so we use 5"
            ),
            models={
                "fcn": Published(0.9772, None, 188.42, 0.9956, 0.23),
                "simple_cnn": Published(0.9896, None, 206.19, 0.9983, 0.21),
                "residual_cnn": Published(0.9885, None, 231.72, 0.9976, 0.21),
            },
            changes=(
                Step("fcn", "simple_cnn", "convolutions"),
                Step("simple_cnn", "residual_cnn", "residual blocks"),
            ),
            against=("params", "epoch_seconds"),
            show_gradients=True,
            table="table-4-fully-connected-convolutional-residual",
            published_recipe=Recipe("published"),
        ),
        Study(
            number=5,
            title="The same on photos",
            question=(
                "How much do convolutions, shortcuts and regularisation improve accuracy on photos?"
            ),
            source=(
                "The course report of study 4, on CIFAR-10; it does not describe the "
                "regularisation. Ours is batch normalisation, dropout and weight decay, which we "
                "use for every network on photos"
            ),
            models={
                "fcn": Published(0.519, None, 189.64, 0.536),
                "residual_cnn": Published(0.7507, None, 292.84, 0.9781),
                "residual_cnn_reg": Published(0.795, None, 315.26, 0.8427),
            },
            changes=(
                Step("fcn", "residual_cnn", "convolutions and shortcuts"),
                Step("residual_cnn", "residual_cnn_reg", "regularisation"),
            ),
            against=("params", "epoch_seconds"),
            show_gradients=True,
            table="table-5-the-same-on-photos",
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            number=6,
            title="Kernel size",
            question="Which kernel size is best for a given number of parameters?",
            source="An exercise of a course, on CIFAR-10; widths and epochs are our choice",
            models={
                "kernel_3": Published(0.782, epoch_seconds=45, receptive_field_px=8),
                "kernel_5": Published(0.765, epoch_seconds=52, receptive_field_px=12),
                "kernel_7": Published(0.741, epoch_seconds=65, receptive_field_px=16),
                "kernel_1_3": Published(0.798, epoch_seconds=48, receptive_field_px=8),
            },
            changes=(
                Step("kernel_3", "kernel_5", "5×5 kernels"),
                Step("kernel_3", "kernel_7", "7×7 kernels"),
                Step("kernel_3", "kernel_1_3", "1×1 before 3×3 kernels"),
            ),
            against=("receptive_field_px", "epoch_seconds"),
            table="table-6-kernel-size",
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            number=7,
            title="Depth",
            question="How many convolutions are enough, and how do shortcuts change the gradients?",
            source="An exercise of a course, on CIFAR-10; widths and epochs are our choice",
            models={
                "depth_2": Published(
                    0.723,
                    epoch_seconds=28,
                    params=800_000,
                    first_gradient_norm=1e-2,
                    last_gradient_norm=1e-4,
                ),
                "depth_4": Published(
                    0.786,
                    epoch_seconds=39,
                    params=1_100_000,
                    first_gradient_norm=1e-3,
                    last_gradient_norm=1e-5,
                ),
                "depth_6": Published(
                    0.684,
                    epoch_seconds=53,
                    params=1_300_000,
                    first_gradient_norm=1e-5,
                    last_gradient_norm=1e-8,
                ),
                "resnet_6": Published(
                    0.821,
                    epoch_seconds=57,
                    params=1_400_000,
                    first_gradient_norm=1e-3,
                    last_gradient_norm=1e-5,
                ),
            },
            changes=(
                Step("depth_2", "depth_4", "4 instead of 2 convolutions"),
                Step("depth_4", "depth_6", "6 instead of 4 convolutions"),
                Step("depth_6", "resnet_6", "shortcuts"),
            ),
            against=("convolutions", "params", "epoch_seconds"),
            show_gradients=True,
            table="table-7-depth",
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            number=8,
            title="Layers of our own",
            question="What does one custom layer change in an otherwise standard network?",
            source=(
                "An exercise of a course, which does not name the data set of most of its "
                "accuracies"
            ),
            models={
                "base_cnn": Published(0.921, mnist_accuracy=0.985, epochs_to_converge=45),
                "custom_conv": Published(mnist_accuracy=0.982, note="15 % slower"),
                "attention_cnn": Published(0.934, note="+0.5 % parameters"),
                "swish_cnn": Published(0.928, epochs_to_converge=40),
                "custom_act_cnn": Published(0.932, epochs_to_converge=38),
                "lp_pool_cnn": Published(note="a compromise between max and average"),
                "avg_pool_cnn": Published(note="a compromise between max and average"),
            },
            changes=(
                Step("base_cnn", "custom_conv", "a gated convolution"),
                Step("base_cnn", "attention_cnn", "channel attention"),
                Step("base_cnn", "swish_cnn", "Swish"),
                Step("base_cnn", "custom_act_cnn", "a learned leak"),
                Step("base_cnn", "lp_pool_cnn", "learned pooling"),
                Step("base_cnn", "avg_pool_cnn", "average pooling"),
            ),
            against=("epoch_seconds", "params"),
            claims=(
                Claim("base_cnn", "custom_conv", "epoch_seconds", 1.15),
                Claim("base_cnn", "attention_cnn", "params", 1.005),
                Claim("base_cnn", "swish_cnn", "epochs_until", 40 / 45),
                Claim("base_cnn", "custom_act_cnn", "epochs_until", 38 / 45),
            ),
            table="table-8-layers-of-our-own",
            published_on=None,
            datasets=("mnist", "cifar10-jpeg"),
        ),
        Study(
            number=9,
            title="Residual blocks",
            question="Which residual block is best: basic, bottleneck or wide?",
            source=(
                "An exercise of a course, which does not name the data set; its parameter counts "
                "are those of the three blocks alone"
            ),
            models={
                "res_basic": Published(0.921, ms_per_image=0.15, params=220_000),
                "res_bottleneck": Published(0.928, params=160_000, note="0.8 × the training time"),
                "res_wide": Published(0.935, params=450_000, note="30 % more memory"),
            },
            changes=(
                Step("res_basic", "res_bottleneck", "bottleneck blocks"),
                Step("res_basic", "res_wide", "wide blocks"),
            ),
            against=("params", "epoch_seconds", "activation_mb"),
            claims=(
                Claim("res_basic", "res_bottleneck", "epoch_seconds", 0.8),
                Claim("res_basic", "res_wide", "activation_mb", 1.3),
            ),
            show_gradients=True,
            table="table-9-residual-blocks",
            published_on=None,
            datasets=("mnist", "cifar10-jpeg"),
        ),
        Study(
            number=10,
            title="What does an architecture survive?",
            question=(
                "What helps a network to read a damaged image: a pooled head, batch normalisation, "
                "or training on such images?"
            ),
            source="Our own question, without published figures",
            models={
                "base_cnn": Published(),
                "base_norm": Published(),
                "base_pooled": Published(),
                "base_pooled_norm": Published(),
            },
            changes=(
                Step(
                    "base_cnn",
                    "base_pooled",
                    "a pooled head if there is no batch norm",
                    "pooled head",
                ),
                Step(
                    "base_norm",
                    "base_pooled_norm",
                    "a pooled head if there is batch norm",
                    "pooled head",
                ),
                Step("base_cnn", "base_norm", "batch norm if the head is dense", "batch norm"),
                Step(
                    "base_pooled",
                    "base_pooled_norm",
                    "batch norm if the head is pooled",
                    "batch norm",
                ),
            ),
            against=("params", "epoch_seconds"),
            stressed=True,
        ),
    )
)


def study_of(model: str) -> Study:
    """The first study that contains `model`. Raises KeyError if none does."""
    for study in STUDIES.values():
        if model in study.models:
            return study
    raise KeyError(f"{model!r} is not in any study")


def published_figures(model: str, dataset: str) -> Published:
    """The published figures of `model` that are comparable with ours on `dataset`, if any."""
    for study in STUDIES.values():
        if model in study.models and (figures := study.figures(model, dataset)) != Published():
            return figures
    return Published()
