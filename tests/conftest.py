"""The conditions that every test runs under, and the real data that some ask for.

Eight CPU devices, so that spreading a step over devices is what is tested everywhere; no implicit
rank promotion, so that a missing axis is an error; warnings are errors (pyproject.toml).
"""

import gc
import os
from importlib.metadata import version
from pathlib import Path

import pytest

# Before JAX: it closes the handlers of logging that there are, and with them the streams that pytest reads.
import submitit  # noqa: F401
from hypothesis import settings

# Tracing makes millions of objects that live as long as their program: looking through them for garbage as often as
# Python does by default is a tenth of the time of all tests.
gc.set_threshold(100_000, 50, 100)

ROOT = Path(__file__).resolve().parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

# Before the first import of JAX, and in the environment, so that processes that tests start live by them too.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
XLA_FLAGS = {
    "xla_force_host_platform_device_count": 8,
    # Eight devices that wait for one another on two busy cores may wait long: XLA would abort the process after 40 s.
    "xla_cpu_collective_call_terminate_timeout_seconds": 600,
    # Most of a test's time is compiling programs that run once, and most of that is making machine code: XLA's passes
    # stay as they are for a user, but the code is as LLVM first writes it.
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": "true",
}
if version("jaxlib").startswith("0.10."):  # the last for Python 3.11; newer ones abort at a flag that they do not know
    # For the same reason: each fusion is written by the plain emitter, not the one that goes through MLIR.
    XLA_FLAGS["xla_cpu_use_fusion_emitters"] = "false"
for name, value in XLA_FLAGS.items():
    if name not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --{name}={value}".strip()
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
# A folder for each worker: JAX's cache files are not written atomically.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax" / WORKER))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("LOOKBACK_CACHE", str(ROOT / ".pytest_cache" / "lookback" / WORKER))
os.environ.setdefault("MPLBACKEND", "agg")

# No deadline: the first example of a property compiles. The same examples every time: a red run can be repeated.
settings.register_profile("lookback", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("lookback")


@pytest.fixture(scope="module", autouse=True)
def forget_compiled_programs():
    """After each module: a process that keeps them all comes to gigabytes, and near the kernel's limit of mappings."""
    yield
    import jax  # not before the environment stands

    jax.clear_caches()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def multi30k() -> Path:
    """The folder of Multi30k's published files; skips the test where there is none."""
    folder = Path(os.environ.get("LOOKBACK_DATA", ROOT.parent / "shared" / "data")) / "multi30k"
    if not (folder / "train.en.gz").exists():
        pytest.skip(f"no Multi30k in {folder}; put its files there, or name the folder above it in LOOKBACK_DATA")
    return folder
