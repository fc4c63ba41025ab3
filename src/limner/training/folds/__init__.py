"""A cross-validation: one training for each fold, and what they are worth together. Nothing here imports PyTorch when it is imported."""
