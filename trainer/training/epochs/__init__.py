"""What runs through the pictures, epoch by epoch: batches, the loop, checkpoints, history, devices."""
