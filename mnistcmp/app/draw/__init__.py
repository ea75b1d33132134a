"""The Draw page: a digit drawn with mouse or finger, and what every network reads."""
