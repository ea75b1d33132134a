"""The data sets: what people read as their names, and how their files are made."""

from dataclasses import dataclass
from typing import Literal

DIGITS = tuple("0123456789")

# The writers of UCI 81 whose pen digits measure and never train: every sixth of the thirty in
# numerical order, fixed before anything was trained.
HELD_OUT_WRITERS = (6, 12, 18, 24, 30)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set.

    name: what records and the command line call it; of a folder, its last part.
    title: what people read.
    format: `idx`, the files of MNIST and of the sets made like it, grey images of 28×28 px;
        `cifar10`, torchvision's archive; `folder`, a folder of images. What is not `idx` is trained
        as photos are.
    mirror: whether a mirrored image is still one of its class, so that training may mirror it.
    class_names: what the labels stand for, in their order; of a folder, its sub-folders.
    torchvision: the class in `torchvision.datasets`, which knows where the files are.
    copy_of: the data set whose published figures may be shown beside ours.
    folder: where README says to put a data set that is a folder.
    """

    name: str
    title: str
    format: Literal["idx", "cifar10", "folder"] = "folder"
    mirror: bool = False
    class_names: tuple[str, ...] = ()
    torchvision: str | None = None
    copy_of: str | None = None
    folder: str | None = None


DATASETS = {
    spec.name: spec
    for spec in (
        DatasetSpec("mnist", "MNIST", "idx", class_names=DIGITS, torchvision="MNIST"),
        DatasetSpec(
            "fashion_mnist",
            "Fashion-MNIST",
            "idx",
            class_names=(
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
            torchvision="FashionMNIST",
        ),
        DatasetSpec(
            "kmnist",
            "KMNIST",
            "idx",
            class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            torchvision="KMNIST",
        ),
        DatasetSpec("cifar10", "CIFAR-10", "cifar10", mirror=True, torchvision="CIFAR10"),
        DatasetSpec(
            "cifar10-jpeg",
            # JPEG loses detail, so figures of this copy are not those of CIFAR-10.
            "CIFAR-10 (JPEG copy)",
            mirror=True,
            copy_of="cifar10",
            folder="data/cifar10-jpeg",
        ),
    )
}


def find(name: str) -> DatasetSpec:
    """The data set that records call `name`; what is not listed is a folder of one's own."""
    return DATASETS.get(name) or DatasetSpec(name, name)


def downloadable() -> list[str]:
    """The names of the data sets that are fetched where they are missing."""
    return [spec.name for spec in DATASETS.values() if spec.format != "folder"]


def title(name: str) -> str:
    """The title of the data set that records call `name`; of one's own data, the name itself."""
    return find(name).title


def argument(name: str) -> str:
    """What follows `--dataset` on the command line for what records call `name`."""
    spec = find(name)
    if spec.format != "folder":
        return name
    return spec.folder or f"PATH/OF/{name}"
