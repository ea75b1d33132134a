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
    printed later, after running it again; `first_train_loss` and `last_train_loss` are those of the
    first and the last epoch.
    """

    test_accuracy: float | None = None
    test_loss: float | None = None
    train_seconds: float | None = None
    train_accuracy: float | None = None
    ms_per_image: float | None = None
    repeated_accuracy: float | None = None
    first_train_loss: float | None = None
    last_train_loss: float | None = None


@dataclass(frozen=True)
class Study:
    """One published comparison: its question, its source and its models' published figures."""

    number: int
    title: str
    question: str
    source: str
    models: dict[str, Published]


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
    )
}


def study_of(model: str) -> Study:
    """The study that `model` comes from. Raises KeyError for a model that is in none."""
    for study in STUDIES.values():
        if model in study.models:
            return study
    raise KeyError(f"{model!r} is in no study")
