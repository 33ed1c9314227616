"""Speed and quality, measured by commands: `make benchmark`, or `python -m benchmarks quality|search|serving`."""
