"""The pretend estate: the same interface as `hosts/`, mechanisms only, and its own ground truth."""
