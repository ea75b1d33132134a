"""Drawings: the canvas, its formats and inputs, and the pixels that networks read."""

from mnistcmp.drawing.preprocess import Stages, stages, to_pixels

__all__ = ["Stages", "stages", "to_pixels"]
