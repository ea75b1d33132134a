"""Tables of the networks, studies, recipes and data sets. They need no torch."""
