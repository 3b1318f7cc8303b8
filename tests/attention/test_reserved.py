"""Reading a cache that is not full: all filled entries, few others, and the same result as reading everything."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.reserved import read_filled, sizes


@pytest.mark.parametrize(
    ("reserved", "unit", "expected"),
    [(5, 1, [5]), (8, 1, [8]), (9, 1, [8, 9]), (44, 1, [8, 16, 24, 32, 44]), (220, 5, [40, 80, 120, 160, 220])],
)
def test_sizes(reserved, unit, expected):
    assert sizes(reserved, unit) == expected


def test_at_most_half_of_what_is_read_is_empty():
    found = sizes(1_000)
    assert len(found) < 15
    assert all(larger <= 2 * smaller for smaller, larger in pairwise(found))


@pytest.mark.parametrize(("reserved", "unit"), [(7, 1), (37, 1), (57, 3)])
def test_the_smallest_size_that_holds_all_filled_entries_is_read(reserved, unit):
    compiled = jax.jit(lambda filled: read_filled(lambda entries: jnp.int32(entries), filled, reserved, unit))
    for filled in range(unit, reserved + 1, unit):
        assert compiled(filled) == min(size for size in sizes(reserved, unit) if size >= filled)


@pytest.mark.parametrize(("platform", "sizes_read"), [("cpu", [8, 16, 24, 32, 37]), ("cuda", [37]), ("tpu", [37])])
def test_a_program_for_an_accelerator_reads_all_whatever_machine_compiles_it(platform, sizes_read):
    def program(x_S, filled):
        return read_filled(lambda n: jax.lax.sort(x_S[:n]).sum(), filled, 37)

    traced = jax.jit(program).trace(jnp.zeros(37), jnp.int32(1))
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert [n for n in range(1, 38) if f"(tensor<{n}xf32>) -> tensor<{n}xf32>" in text] == sizes_read


def test_a_sum_over_the_filled_entries():
    x_S = np.arange(1.0, 38.0, dtype=np.float32)
    filled_S = x_S * (np.arange(37) < 19)
    assert jax.jit(lambda filled: read_filled(lambda n: jnp.asarray(filled_S)[:n].sum(), filled, 37))(19) == 190
