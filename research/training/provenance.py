"""The provenance of a run: command, code, versions and devices of every session that trained it."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from research.parallel.devices import Devices
from research.results.run_folder import RunFolder

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "sentencepiece", "sacrebleu", "numpy")


def session_facts(command: str, devices: Devices) -> dict[str, Any]:
    """Return command, commit, versions and devices of this session of training, and when it began."""
    return {
        "command": command,
        "began": now(),
        "commit": commit(),
        "versions": {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        "devices": f"{devices.count} × {devices.kind}",
    }


def record_session(
    folder: RunFolder, facts: dict[str, Any], session: dict[str, Any], *, saved: list[int], steps: int
) -> None:
    """Write a session into provenance.json; a resumed run keeps its first session and lists the later ones.

    Args:
        folder: the run folder.
        facts: what stays the same in all sessions, such as data digests and parameter count.
        session: `session_facts`.
        saved: steps of the checkpoints that exist.
        steps: steps of the whole training; a finished run records no further session.
    """
    if not saved:
        folder.update_provenance({**session, **facts})
    elif saved[-1] < steps:
        others = folder.provenance().get("went_on", [])
        folder.update_provenance({"went_on": [*others, {"from_step": saved[-1], **session}]})


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """Return the git commit of this code, with "+" if files were changed since; "" outside a checkout."""
    head, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return f"{head}+" if head and changed else head


class Committed(NamedTuple):
    """A git commit and when its change was made, as ISO 8601 in UTC."""

    commit: str
    time: str


def commit_of(file: Path) -> Committed | None:
    """Return the last git commit that changed a file of this code; None if there is none."""
    found = _git("log", "-1", "--format=%H %at", "--", str(file.absolute())).split()
    return Committed(found[0], datetime.fromtimestamp(int(found[1]), UTC).isoformat()) if found else None


def _git(*arguments: str) -> str:
    """Return what git prints about the checkout of this code; "" where there is none."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
