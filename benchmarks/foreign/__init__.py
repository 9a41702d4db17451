"""Models that nobody here wrote: where they come from, which are asked for, and what they really compute."""
