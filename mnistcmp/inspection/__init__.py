"""Inside one network: its structure, and how it processes one image."""
