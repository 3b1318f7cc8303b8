"""Write requirements.lock: the newest versions that pyproject.toml allows, for each version of Python that is named.

    python .ci/lock.py FOLDER PYTHON...

A package has one line where all of them take the same version, else a line with a marker for each version.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


def interpreters(pythons: list[str]) -> dict[str, str]:
    """Return the interpreters by their versions, such as 3.12.

    Args:
        pythons: the names or paths of interpreters.

    Raises:
        ValueError: one of them does not start, or two are of one version.
    """
    found: dict[str, str] = {}
    for python in pythons:
        ask = [python, "-c", "import sys; print(sys.version_info.major, sys.version_info.minor, sep='.')"]
        try:
            answer = subprocess.run(ask, capture_output=True, check=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ValueError(
                f"{python} does not start; install it, or name one that does: make lock PYTHONS='python3.11 ...'"
            ) from error
        version = answer.stdout.strip()
        if version in found:
            raise ValueError(f"{found[version]} and {python} are both Python {version}; name one of them")
        found[version] = python
    return found


def resolved(python: str, environment: Path) -> dict[str, str]:
    """Return the version of each package that pip would install for development.

    Args:
        python: the interpreter.
        environment: where to make an environment that is thrown away.
    """
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    report = environment / "report.json"
    subprocess.run([*pip, "--dry-run", "--ignore-installed", "--report", report, f"{ROOT}[dev]"], check=True)
    installed = [each for each in json.loads(report.read_text("utf-8"))["install"] if not each["requested"]]
    return {each["metadata"]["name"]: each["metadata"]["version"] for each in installed}


def lines(versions: dict[str, dict[str, str]]) -> list[str]:
    """Return the lines of the lock, given the versions that each Python takes, by the names of packages."""
    pythons = sorted(versions, key=lambda python: [int(part) for part in python.split(".")])
    written = []
    for name in sorted(set().union(*versions.values()), key=lambda name: f"{name}==".lower()):
        taken = [versions[python].get(name) for python in pythons]
        for version in dict.fromkeys(filter(None, taken)):
            marker = _marker([each == version for each in taken], pythons)
            written.append(f"{name}=={version}{marker}")
    return written


def _marker(holds: list[bool], pythons: list[str]) -> str:
    """Return the shortest marker of the Pythons for which a line holds, which are all given oldest first."""
    first, count = holds.index(True), sum(holds)
    if count == len(holds):
        return ""
    if all(holds[:count]):
        return f"; python_version < '{pythons[count]}'"
    if all(holds[-count:]):
        return f"; python_version >= '{pythons[first]}'"
    each = [f"python_version == '{python}'" for python, held in zip(pythons, holds, strict=True) if held]
    return f"; {' or '.join(each)}"


if __name__ == "__main__":
    folder, *named = sys.argv[1:]
    try:
        pythons = interpreters(named)
    except ValueError as error:
        sys.exit(str(error))
    taken = {version: resolved(python, Path(folder) / version) for version, python in pythons.items()}
    LOCK.write_text("".join(f"{line}\n" for line in lines(taken)))
