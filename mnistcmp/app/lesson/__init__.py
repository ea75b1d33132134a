"""The page "Lesson": four steps from pixels to what breaks a network, with a question each."""
