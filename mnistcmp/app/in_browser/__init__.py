"""What the parts of pages that run in the browser share."""
