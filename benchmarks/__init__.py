"""Our speed beside a plain PyTorch implementation of the same shapes, in one run: `python -m benchmarks`."""
