"""Training: batches, augmentation, schedule, checkpoints, and the run that ties them together."""
