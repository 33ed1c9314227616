"""What can be said to the trainer, one file for each command. Heavy imports are made when a command runs."""
