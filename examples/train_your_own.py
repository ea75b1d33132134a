"""Train a network of your own, and compare it with one of ours: python examples/train_your_own.py

It takes about a minute on one core, and downloads MNIST (11 MB) into data/ the first time.
"""

from torch import nn

from mnistcmp import api
from mnistcmp.records import home


def main(epochs: int = 3) -> None:
    """Train, evaluate and compare."""
    digits = api.load_dataset("mnist", home() / "data")
    mine = nn.Sequential(
        *(nn.Conv2d(1, 12, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(12, 24, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(384, 10)),
    )
    print(f"{sum(weights.numel() for weights in mine.parameters()):,} parameters")
    trained = api.train(mine, digits, epochs=epochs)
    images, labels = digits.test_images, digits.test_labels
    print(f"test accuracy {api.evaluate(trained, images, labels).accuracy:.2%}")
    gap = api.compare(trained, api.load("cnn", "tuned"), images, labels)
    print(
        f"{gap.points:+.2f} percentage points against cnn, 95 % interval {gap.low:+.2f} to "
        f"{gap.high:+.2f}, on {gap.images:,} images"
    )


if __name__ == "__main__":
    main()
