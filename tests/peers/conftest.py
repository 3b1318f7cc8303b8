"""One thread for PyTorch: two pools of threads on one machine wait for each other."""

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
    torch.set_num_threads(1)
