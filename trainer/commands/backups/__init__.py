"""An artifacts folder backed up, verified and restored."""
