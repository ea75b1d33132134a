"""The page "Inside a model": how networks are built and how they process one image."""
