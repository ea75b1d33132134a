"""The page "Break it": change a digit step by step until the networks misread it."""
