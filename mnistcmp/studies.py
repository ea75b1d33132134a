"""Which models answer which question, and what was published about them.

Every figure here is somebody else's, taken over from the tables of PUBLISHED.md with its source;
our own stand in the records.
"""

from dataclasses import dataclass

# The writers of UCI 81 whose pen digits measure and never train: every sixth of the thirty in
# numerical order, fixed before anything was trained.
HELD_OUT_WRITERS = (6, 12, 18, 24, 30)


@dataclass(frozen=True)
class Published:
    """What a source prints about one model; None where it prints nothing.

    Accuracies are in [0, 1], losses per image, `train_seconds` for the whole training,
    `ms_per_image` for one image read by itself. `repeated_accuracy` is what the same author
    printed later, after running it again; `mnist_accuracy` is that on MNIST where the others are
    of another data set. `first_` and `last_` are of the first and the last epoch; gradient norms
    are 2-norms. `receptive_field_px` is a side. `note` is what fits no number.
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


@dataclass(frozen=True)
class Study:
    """One published comparison: its question, its source and its models' published figures.

    `published_on` is the data set of those figures ("" if the source does not say), `datasets` are
    those that we train its models on.
    """

    number: int
    title: str
    question: str
    source: str
    models: dict[str, Published]
    published_on: str = "mnist"
    datasets: tuple[str, ...] = ("mnist",)

    def published_for(self, dataset: str) -> bool:
        """Whether the published figures are of this data set, or of that which it is a copy of."""
        return self.published_on == COPIES.get(dataset, dataset)

    def figures(self, model: str, dataset: str) -> Published:
        """Those of `model` that may stand beside ours on `dataset`; empty if there are none."""
        if self.published_for(dataset):
            return self.models[model]
        if dataset == "mnist":
            return Published(self.models[model].mnist_accuracy)
        return Published()


# Of a copy, which data set's figures may stand beside ours.
COPIES = {"cifar10-jpeg": "cifar10"}

STUDIES: dict[int, Study] = {
    study.number: study
    for study in (
        Study(
            1,
            "From MLP to CNN",
            "At what cost in parameters and training time does a network read digits better?",
            "Daniel Gustaw, blog post of 2025-06-09",
            {
                "mlp": Published(0.9596, 0.14, 8.7, repeated_accuracy=0.9564),
                "tiny_cnn": Published(0.9796, 0.06, 12.3, repeated_accuracy=0.9725),
                "cnn": Published(0.9822, 0.05, 14.3, repeated_accuracy=0.9865),
                "strong_cnn": Published(0.9909, 0.03, 75.0, repeated_accuracy=0.9931),
            },
        ),
        Study(
            2,
            "Pooling or batch normalisation",
            "Conv-ReLU-MaxPool or Conv-ReLU-BatchNorm, at the same number of parameters?",
            "“Convolutional neural network activity”, a course's exercise",
            {
                "mlp_100": Published(0.9538, first_train_loss=0.28, last_train_loss=0.16),
                "conv_maxpool": Published(0.9703, first_train_loss=0.24, last_train_loss=0.11),
                "conv_batchnorm": Published(0.9866, first_train_loss=0.17, last_train_loss=0.03),
            },
        ),
        Study(
            3,
            "How many layers?",
            "What does one more convolutional layer buy, and what one more linear layer?",
            "“Comparing convolutional networks on MNIST”, a project description (in Russian) that "
            "asks for 98 % on validation images and prints no figures",
            {
                "conv1_fc1": Published(),
                "conv1_fc2": Published(),
                "conv2_fc1": Published(),
                "conv2_fc2": Published(),
                "conv3_fc2": Published(),
            },
        ),
        Study(
            4,
            "Fully connected, convolutional, residual",
            "Do convolutions win, and does a residual block add anything?",
            "A course report (in Russian); it does not give the number of epochs, we take 5",
            {
                "fcn": Published(0.9772, None, 188.42, 0.9956, 0.23),
                "simple_cnn": Published(0.9896, None, 206.19, 0.9983, 0.21),
                "residual_cnn": Published(0.9885, None, 231.72, 0.9976, 0.21),
            },
        ),
        Study(
            5,
            "The same on photos",
            "What do convolutions, shortcuts and regularisation buy on photos?",
            "The course report of study 4, on CIFAR-10; the regularisation is ours to choose: "
            "batch normalisation, dropout, weight decay (on photos, every network has the last)",
            {
                "fcn": Published(0.519, None, 189.64, 0.536),
                "residual_cnn": Published(0.7507, None, 292.84, 0.9781),
                "residual_cnn_reg": Published(0.795, None, 315.26, 0.8427),
            },
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            6,
            "Kernel size",
            "How far should a convolution look, if the number of parameters stays the same?",
            "A course's exercise on CIFAR-10; widths and epochs are ours",
            {
                "kernel_3": Published(0.782, epoch_seconds=45, receptive_field_px=8),
                "kernel_5": Published(0.765, epoch_seconds=52, receptive_field_px=12),
                "kernel_7": Published(0.741, epoch_seconds=65, receptive_field_px=16),
                "kernel_1_3": Published(0.798, epoch_seconds=48, receptive_field_px=8),
            },
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            7,
            "Depth",
            "How many convolutions are enough, and what does a shortcut do to the gradients?",
            "A course's exercise on CIFAR-10; widths and epochs are ours",
            {
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
            published_on="cifar10",
            datasets=("cifar10-jpeg", "mnist"),
        ),
        Study(
            8,
            "Layers of our own",
            "What does one unusual layer change in an otherwise usual network?",
            "A course's exercise, which does not say on which data set it has 92 and 93 %",
            {
                "base_cnn": Published(0.921, mnist_accuracy=0.985, epochs_to_converge=45),
                "custom_conv": Published(mnist_accuracy=0.982, note="15 % slower"),
                "attention_cnn": Published(0.934, note="+0.5 % parameters"),
                "swish_cnn": Published(0.928, epochs_to_converge=40),
                "custom_act_cnn": Published(0.932, epochs_to_converge=38),
                "lp_pool_cnn": Published(note="a compromise between max and average"),
                "avg_pool_cnn": Published(note="a compromise between max and average"),
            },
            published_on="",
            datasets=("mnist", "cifar10-jpeg"),
        ),
        Study(
            9,
            "Residual blocks",
            "Which residual block: basic, bottleneck or wide?",
            "A course's exercise, which does not say on which data set; its parameters are those "
            "of the three blocks",
            {
                "res_basic": Published(0.921, ms_per_image=0.15, params=220_000),
                "res_bottleneck": Published(0.928, params=160_000, note="0.8 × the training time"),
                "res_wide": Published(0.935, params=450_000, note="30 % more memory"),
            },
            published_on="",
            datasets=("mnist", "cifar10-jpeg"),
        ),
    )
}


def study_of(model: str) -> Study:
    """The first study that `model` is in. Raises KeyError for a model that is in none."""
    for study in STUDIES.values():
        if model in study.models:
            return study
    raise KeyError(f"{model!r} is in no study")


def published_figures(model: str, dataset: str) -> Published:
    """The published figures that may stand beside ours of `model` on `dataset`; empty if none."""
    for study in STUDIES.values():
        if model in study.models and (figures := study.figures(model, dataset)) != Published():
            return figures
    return Published()
