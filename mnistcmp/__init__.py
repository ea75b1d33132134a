"""Compare neural network architectures on handwritten digits."""
