"""What people read as a data set's name, for pages that import no torch."""

TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR-10",
    # JPEG loses detail, so figures of this copy are not those of CIFAR-10.
    "cifar10-jpeg": "CIFAR-10 (JPEG copy)",
}


# Where the README says to put a data set that is a folder.
FOLDERS = {"cifar10-jpeg": "data/cifar10-jpeg"}


def title(dataset: str) -> str:
    """The title of the data set that records call `dataset`; of one's own data, the name itself."""
    return TITLES.get(dataset, dataset)


def argument(dataset: str) -> str:
    """What follows `--dataset` on the command line for what records call `dataset`."""
    if dataset in FOLDERS:
        return FOLDERS[dataset]
    return dataset if dataset in TITLES else f"PATH/OF/{dataset}"
