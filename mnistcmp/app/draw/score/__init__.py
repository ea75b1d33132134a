"""Below the readings: the networks' score on a person's own hand, and how many are fooled."""
