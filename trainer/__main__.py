"""`python -m trainer`."""

from trainer.cli import main

if __name__ == "__main__":  # the pottery's worker processes import this module, too
    main()
