"""Inside one network: how it is built, and what becomes of one image in it."""
