"""A repaired copy of a source: what is done to each pair, and the copy itself."""
