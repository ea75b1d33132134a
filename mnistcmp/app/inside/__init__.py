"""The page "Inside a model": how networks are built, and what one image becomes in them."""
