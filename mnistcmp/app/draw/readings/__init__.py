"""The readings beside the canvas: one component that draws them all from one dict."""
