"""The data sets: their titles, file formats and class names."""

from dataclasses import dataclass
from typing import Literal

DIGITS = tuple("0123456789")

# The writers of UCI 81 whose pen digits are used only for testing: every sixth of the thirty, in
# numerical order. Chosen before any training.
HELD_OUT_WRITERS = (6, 12, 18, 24, 30)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set.

    name: the name in records and on the command line; for a folder, the last part of its path.
    title: the name shown to readers.
    format: `idx`, the files of MNIST and similar data sets, grey images of 28×28 px; `cifar10`,
        torchvision's archive; `folder`, a folder of images. All but `idx` are trained like photos.
    mirror: whether a mirrored image keeps its class, so that training may mirror it.
    class_names: the name of each label, in label order; for a folder, its subfolders.
    torchvision: the class in `torchvision.datasets`, which knows where to download the files.
    copy_of: the data set whose published figures may be shown beside ours.
    folder: the path that README gives for a data set that is a folder.
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
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
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
            # JPEG loses detail, so results on this copy are not results on CIFAR-10.
            "CIFAR-10 (JPEG copy)",
            mirror=True,
            copy_of="cifar10",
            folder="data/cifar10-jpeg",
        ),
    )
}


def find(name: str) -> DatasetSpec:
    """The data set with this name in the records; an unlisted name is a user's own folder."""
    return DATASETS.get(name) or DatasetSpec(name, name)


def downloadable() -> list[str]:
    """The names of the data sets that are downloaded if they are missing."""
    return [spec.name for spec in DATASETS.values() if spec.format != "folder"]


def title(name: str) -> str:
    """The title of the data set with this name in the records; for a user's own, the name."""
    return find(name).title


def argument(name: str) -> str:
    """The `--dataset` argument for the data set with this name in the records."""
    spec = find(name)
    if spec.format != "folder":
        return name
    return spec.folder or f"PATH/OF/{name}"
