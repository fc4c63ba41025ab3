"""A sweep: one training for each combination of a grid of settings, all on one split. Nothing here imports PyTorch when it is imported."""
