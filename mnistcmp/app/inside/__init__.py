"""The page "Inside a network": how networks are built and how they process one image."""
