"""What can be said to the trainer. Heavy imports are made when a command runs."""
