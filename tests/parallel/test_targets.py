"""Names of hardware, its numbers, and the sentence where its compiler is absent."""

import jax
import pytest

from research.parallel import targets
from research.parallel.targets import CHIPS, target


@pytest.mark.parametrize(
    ("name", "shape", "chips"),
    [("v5e:16x16", (16, 16), 256), ("v5p:2x2x1", (2, 2, 1), 4), ("h100:8x8", (8, 8), 64), ("cpu:8", (8,), 8)],
)
def test_a_name_is_read(name, shape, chips):
    found = target(name)
    assert (found.name, found.shape, found.chips) == (name, shape, chips)


@pytest.mark.parametrize("name", ["", "v5e", "v5e:", "v5e:8", "v5e:0x4", "v5e:2x4x1x1", "h100:64", "cpu:2x4", "cpu:x"])
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match=r"^--target=.*(such as v5e:16x16|choose of)"):
        target(name)


def test_float32_takes_longer_than_bfloat16_and_memory_is_slower_than_neither():
    for chip in CHIPS.values():
        assert chip.float32 < chip.bfloat16
        assert chip.interconnect < chip.bandwidth
        assert chip.memory > 15e9


def test_gpus_of_several_machines_share_their_networks():
    alone, together = target("h100:1x8"), target("h100:8x8")
    assert alone.link == 450e9
    assert together.link == 8 * 50e9
    assert target("h100:8x1").link == 50e9
    assert target("v5e:16x16").link == 200e9


def test_devices_of_this_host():
    assert target("cpu:3").devices() == jax.devices()[:3]
    with pytest.raises(ValueError, match="JAX has started with 8 CPU devices; ask for fewer"):
        target("cpu:9").devices()


@pytest.mark.parametrize(("name", "extra"), [("v5e:2x4", "tpu"), ("h200:1x8", "cuda")])
def test_a_compiler_that_is_not_installed_is_named_with_its_extra(name, extra, monkeypatch):
    monkeypatch.setattr(targets, "find_spec", lambda package: None)
    with pytest.raises(ValueError, match=rf"--target={name} needs the compiler of .*`pip install -e '.\[{extra}\]'`"):
        target(name).devices()
