"""One entry per network. Classes are named by strings, so that this module needs no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mnistcmp.catalogue.settings import WEIGHT_DECAY, Affine

LIGHT = Affine()
MEDIUM = Affine(rotate_degrees=10, shift_px=1.5, scale=0.08, shear=0.15)


@dataclass(frozen=True)
class Tuning:
    """The settings of the recipe `tuned` for one network; `learning_rate` is the maximum.

    The best of about three learning rates, with and without augmentation, and for three networks
    of several batch sizes, on 5,000 held-out training images, with one to three seeds. Every trial
    is a row of checkpoints/results/recipe_search.csv. The networks of studies 5 to 10 were not
    tuned: they use the settings of the most similar network among the others.
    """

    learning_rate: float
    batch_size: int = 64
    augmentation: Affine | None = LIGHT
    weight_decay: float = 0.0


@dataclass(frozen=True)
class ModelSpec:
    """One network.

    architecture: "file.Class" in `mnistcmp.models`; the file is its family.
    title: its name on the pages, at most 22 characters; tables, links and files use `name`.
    settings: the keyword arguments of the class, besides image shape and number of classes.
    params: trainable parameters for (1, 28, 28) images and 10 classes; checked by tests.
    caption: one line that describes the network to a reader.
    convolutions: the number of consecutive convolutions, if a study compares it; the 1×1
        convolutions of shortcuts do not count.
    """

    name: str
    architecture: str
    title: str
    params: int
    caption: str
    tuning: Tuning
    settings: Mapping[str, object] = field(default_factory=dict)
    convolutions: int | None = None

    @property
    def family(self) -> str:
        """The file in `mnistcmp.models` that contains its class."""
        return self.architecture.partition(".")[0]


def by_name(specs: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    """The entries by name. Raises ValueError if two have the same name."""
    table: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in table:
            raise ValueError(f"two networks have the name {spec.name!r}: rename one")
        table[spec.name] = spec
    return table


MODELS = by_name(
    (
        ModelSpec(
            "mlp",
            "perceptrons.Perceptron",
            title="Perceptron 32",
            settings={"hidden": (32,)},
            params=25_450,
            caption="Perceptron with one hidden layer of 32 units",
            tuning=Tuning(6e-3),
        ),
        ModelSpec(
            "mlp_100",
            "perceptrons.Perceptron",
            title="Perceptron 100",
            settings={"hidden": (100,)},
            params=79_510,
            caption="Perceptron with one hidden layer of 100 units",
            tuning=Tuning(3e-3),
        ),
        ModelSpec(
            "fcn",
            "perceptrons.Perceptron",
            title="Perceptron 512–256–128",
            settings={"hidden": (512, 256, 128)},
            params=567_434,
            caption="Perceptron with three hidden layers: 512, 256 and 128 units",
            tuning=Tuning(3e-3),
        ),
        ModelSpec(
            "tiny_cnn",
            "convnets.PlainCNN",
            title="Tiny CNN",
            settings={"channels": (4, 8)},
            params=4_266,
            caption="Two small convolutions and one linear layer: the smallest network here",
            tuning=Tuning(1e-2, batch_size=32),
        ),
        ModelSpec(
            "cnn",
            "convnets.PlainCNN",
            title="Small CNN",
            settings={"channels": (8, 16), "hidden": (32,)},
            params=26_698,
            caption="Two convolutions and two linear layers, the size of the small perceptron",
            tuning=Tuning(5e-3, batch_size=32),
        ),
        ModelSpec(
            "strong_cnn",
            "convnets.StrongCNN",
            title="Strong CNN",
            params=467_818,
            caption="Four convolutions with dropout and two linear layers",
            tuning=Tuning(3e-3),
        ),
        ModelSpec(
            "conv_maxpool",
            "convnets.PlainCNN",
            title="3 conv., max pooling",
            settings={"channels": (32, 64, 100)},
            params=85_526,
            caption="Three convolutions, each followed by max pooling",
            tuning=Tuning(5e-3, augmentation=MEDIUM),
        ),
        ModelSpec(
            "conv_batchnorm",
            "convnets.ConvBatchNorm",
            title="3 conv., batch norm",
            params=77_918,
            caption="Three strided convolutions, each followed by batch normalisation",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "conv1_fc1",
            "convnets.PlainCNN",
            title="1 conv., 1 linear",
            settings={"channels": (16,)},
            params=31_530,
            caption="One convolution and one linear layer",
            tuning=Tuning(1e-2),
            convolutions=1,
        ),
        ModelSpec(
            "conv1_fc2",
            "convnets.PlainCNN",
            title="1 conv., 2 linear",
            settings={"channels": (16,), "hidden": (64,)},
            params=201_578,
            caption="One convolution and two linear layers",
            tuning=Tuning(5e-3),
            convolutions=1,
        ),
        ModelSpec(
            "conv2_fc1",
            "convnets.PlainCNN",
            title="2 conv., 1 linear",
            settings={"channels": (16, 32)},
            params=20_490,
            caption="Two convolutions and one linear layer",
            tuning=Tuning(5e-3),
            convolutions=2,
        ),
        ModelSpec(
            "conv2_fc2",
            "convnets.PlainCNN",
            title="2 conv., 2 linear",
            settings={"channels": (16, 32), "hidden": (64,)},
            params=105_866,
            caption="Two convolutions and two linear layers",
            tuning=Tuning(5e-3),
            convolutions=2,
        ),
        ModelSpec(
            "conv3_fc2",
            "convnets.PlainCNN",
            title="3 conv., 2 linear",
            settings={"channels": (16, 32, 64), "hidden": (64,)},
            params=60_874,
            caption="Three convolutions and two linear layers",
            tuning=Tuning(5e-3),
            convolutions=3,
        ),
        ModelSpec(
            "simple_cnn",
            "convnets.PlainCNN",
            title="Wide CNN",
            settings={"channels": (32, 64), "hidden": (128,)},
            params=421_642,
            caption="Two wide convolutions and two linear layers",
            tuning=Tuning(2e-3),
        ),
        ModelSpec(
            "residual_cnn",
            "residual.ResidualCNN",
            title="Residual CNN",
            params=513_994,
            caption="simple_cnn with a residual block after each of its convolutions",
            tuning=Tuning(2e-3, augmentation=MEDIUM),
        ),
        ModelSpec(
            "residual_cnn_reg",
            "residual.RegularisedResidualCNN",
            title="Residual, regularised",
            params=514_282,
            caption="residual_cnn with batch normalisation and dropout",
            tuning=Tuning(3e-3, augmentation=MEDIUM, weight_decay=WEIGHT_DECAY),
        ),
        ModelSpec(
            "res_basic",
            "residual.BlockResNet",
            title="Basic blocks",
            settings={"inner": (64,), "kernels": (3, 3)},
            params=223_306,
            caption="Three residual blocks of two 3×3 convolutions",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "res_bottleneck",
            "residual.BlockResNet",
            title="Bottleneck blocks",
            settings={"inner": (70, 70), "kernels": (1, 3, 1)},
            params=161_758,
            caption="Three residual blocks of 1×1, 3×3 and 1×1 convolutions",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "res_wide",
            "residual.BlockResNet",
            title="Wide blocks",
            settings={"inner": (128,), "kernels": (3, 3)},
            params=444_874,
            caption="Three residual blocks of two 3×3 convolutions, twice as wide inside",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "kernel_3",
            "kernels.KernelCNN",
            title="Kernel 3×3",
            settings={"kernel": 3, "channels": (48, 96)},
            params=1_249_242,
            caption="Two 3×3 convolutions with a receptive field of 8×8 px",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "kernel_5",
            "kernels.KernelCNN",
            title="Kernel 5×5",
            settings={"kernel": 5, "channels": (17, 96)},
            params=1_248_501,
            caption="Two 5×5 convolutions with a receptive field of 14×14 px and fewer channels",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "kernel_7",
            "kernels.KernelCNN",
            title="Kernel 7×7",
            settings={"kernel": 7, "channels": (9, 96)},
            params=1_250_037,
            caption="Two 7×7 convolutions with a receptive field of 20×20 px, fewest channels",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "kernel_1_3",
            "kernels.KernelCNN",
            title="Kernels 1×1 and 3×3",
            settings={"kernel": 3, "channels": (40, 96), "squeeze": (16, 40)},
            params=1_249_370,
            caption="1×1, then 3×3 convolution, twice, with a receptive field of 8×8 px",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "depth_2",
            "depth.DepthCNN",
            title="2 layers deep",
            settings={"channels": (32, 64), "convolutions": 1, "hidden": 192},
            params=623_050,
            caption="Two convolutions and two linear layers",
            tuning=Tuning(2e-3),
            convolutions=2,
        ),
        ModelSpec(
            "depth_4",
            "depth.DepthCNN",
            title="4 layers deep",
            settings={"channels": (32, 64), "convolutions": 2, "hidden": 256},
            params=870_634,
            caption="Four convolutions, in two stages, and two linear layers",
            tuning=Tuning(2e-3),
            convolutions=4,
        ),
        ModelSpec(
            "depth_6",
            "depth.DepthCNN",
            title="6 layers deep",
            settings={"channels": (32, 64, 128), "convolutions": 2, "hidden": 512},
            params=881_898,
            caption="Six convolutions, in three stages, and two linear layers",
            tuning=Tuning(2e-3),
            convolutions=6,
        ),
        ModelSpec(
            "resnet_6",
            "depth.DepthCNN",
            title="6 deep, shortcuts",
            settings={
                "channels": (32, 64, 128),
                "convolutions": 2,
                "hidden": 512,
                "shortcuts": True,
            },
            params=892_170,
            caption="depth_6 with a shortcut around each pair of convolutions",
            tuning=Tuning(2e-3),
            convolutions=6,
        ),
        ModelSpec(
            "base_cnn",
            "layer_swaps.BaseCNN",
            title="Baseline",
            params=119_530,
            caption="The baseline of studies 8 and 10: convolution, ReLU and max pooling, twice",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "custom_conv",
            "layer_swaps.BaseCNN",
            title="Gated convolution",
            settings={"convolution": "gated"},
            params=119_722,
            caption="base_cnn with a learned scale and gate for each channel",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "attention_cnn",
            "layer_swaps.BaseCNN",
            title="Channel attention",
            settings={"attention": "channel"},
            params=120_272,
            caption="base_cnn with channel attention (squeeze and excitation)",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "swish_cnn",
            "layer_swaps.BaseCNN",
            title="Swish",
            settings={"activation": "swish"},
            params=119_530,
            caption="base_cnn with Swish instead of ReLU",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "custom_act_cnn",
            "layer_swaps.BaseCNN",
            title="Learned leak",
            settings={"activation": "fading_leak"},
            params=119_626,
            caption="base_cnn with a ReLU that leaks below 0, by an amount that it learns",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "lp_pool_cnn",
            "layer_swaps.BaseCNN",
            title="Learned pooling",
            settings={"pooling": "lp"},
            params=119_532,
            caption="base_cnn with a pooling that learns how close it is to max pooling",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "avg_pool_cnn",
            "layer_swaps.BaseCNN",
            title="Average pooling",
            settings={"pooling": "average"},
            params=119_530,
            caption="base_cnn with average pooling instead of max pooling",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "base_norm",
            "layer_swaps.BaseCNN",
            title="Batch norm",
            settings={"norm": "batch"},
            params=119_722,
            caption="base_cnn with batch normalisation after each convolution",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "base_pooled",
            "layer_swaps.BaseCNN",
            title="Pooled head",
            settings={"head": "pooled"},
            params=21_226,
            caption="base_cnn with a head that sees only the mean of each channel",
            tuning=Tuning(5e-3),
        ),
        ModelSpec(
            "base_pooled_norm",
            "layer_swaps.BaseCNN",
            title="Pooled, batch norm",
            settings={"norm": "batch", "head": "pooled"},
            params=21_418,
            caption="base_pooled with batch normalisation after each convolution",
            tuning=Tuning(5e-3),
        ),
    )
)


FAMILY_TITLES = {
    "perceptrons": "Perceptrons",
    "convnets": "Plain CNNs",
    "residual": "Residual networks",
    "kernels": "Kernel sizes",
    "depth": "Depths",
    "layer_swaps": "One layer changed",
}


def families() -> dict[str, list[str]]:
    """Each family with its networks, ordered by first network."""
    found: dict[str, list[str]] = {}
    for spec in MODELS.values():
        found.setdefault(spec.family, []).append(spec.name)
    return found
