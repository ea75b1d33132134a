"""One training run: augment the images, train a network, evaluate it."""
