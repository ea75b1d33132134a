"""The Draw page: draw a digit with mouse or finger, and see what each network reads."""
