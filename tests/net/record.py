"""Record what the code computes today as what the net expects. Only for a change of numbers that is meant.

    python -m tests.net.record --overwrite [NAME ...]     # families of measure.py, or "batches"; default: all

Say in the commit which numbers changed, and why. A moved or renamed thing changes none: see adapter.py.
"""

import json
import sys
import tempfile
from pathlib import Path

import tests.conftest  # noqa: F401  the flags that the tests run under, before JAX


def main(arguments: list[str]) -> int:
    """Write tests/net/NAME.json; refuse without --overwrite."""
    if "--overwrite" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    from tests.net.measure import FAMILIES, HERE, batches, everything

    for name in [name for name in arguments if name != "--overwrite"] or ["batches", *FAMILIES]:
        with tempfile.TemporaryDirectory() as folder:
            values = batches() if name == "batches" else everything(name, Path(folder) / name)
        (HERE / f"{name}.json").write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
