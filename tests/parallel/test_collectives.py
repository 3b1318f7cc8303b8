"""Collectives read from a program's text: hand-made lines in each of its spellings, and one real program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.parallel.collectives import Collective, collectives

ALL = "replica_groups={{0,1,2,3}}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"%ar = f32[7,5]{{1,0}} all-reduce(%x), {ALL}, to_apply=%add", ("all-reduce", 4, 1, 140)),
        (f"%pmax.6 = s32[]{{:T(128)}} all-reduce(%x), {ALL}, to_apply=%max", ("all-reduce", 4, 1, 4)),
        (
            f"%ar = (f32[7]{{0:T(8,128)S(1)}}, /*index=1*/bf16[5]{{0}}) all-reduce(%x, %y), {ALL}, to_apply=%add",
            ("all-reduce", 4, 1, 38),
        ),
        (f"%ar = f32[7]{{0}} all-reduce-start(%x), {ALL}, to_apply=%add", ("all-reduce", 4, 1, 28)),
        (f"ROOT %ag = pred[8]{{0}} all-gather(%x), {ALL}, dimensions={{0}}", ("all-gather", 4, 1, 8)),
        (f"%ag = (f32[2]{{0}}, f32[8]{{0}}) all-gather-start(%x), {ALL}", ("all-gather", 4, 1, 32)),
        ("%rs = f32[2]{0} reduce-scatter(%x), replica_groups=[2,8]<=[16]", ("reduce-scatter", 8, 1, 64)),
        ("%cp = (f32[3], f32[3], u32[], u32[]) collective-permute-start(%x)", ("collective-permute", 0, 1, 12)),
        (
            "%ag = f32[6]{0} all-gather(%x), replica_groups=mesh['a'=2,'b'=3] {'a','b'}, dimensions={0}",
            ("all-gather", 6, 1, 24),
        ),
        (
            "%ag = f32[6]{0} all-gather(%x), replica_groups=mesh['a'=2,'b'=6] {'b':(1)3}, dimensions={0}",
            ("all-gather", 3, 1, 24),
        ),
        (f"%aa = u8[5,3]{{1,0}} all-to-all(%x), {ALL}", ("all-to-all", 4, 1, 15)),
    ],
)
def test_a_line_is_read(line, found):
    assert collectives(line) == [Collective(*found)]


@pytest.mark.parametrize(
    "line",
    [
        "%done = f32[8]{0} all-gather-done(%ag)",
        "%e = f32[7]{0} get-tuple-element(%all-reduce.17), index=0",
        '%m = f32[7]{0} add(%x, %y), metadata={op_name="jit(f)/all-reduce(x)"}',
    ],
)
def test_what_moves_nothing_is_passed_over(line):
    assert collectives(line) == []


def test_a_loop_counts_as_often_as_it_runs():
    body = "%body (p: (s32[], f32[3])) -> (s32[], f32[3]) {\n  %ar = f32[3]{0} all-reduce(%x), " + ALL + "\n}\n"
    other = "%other (p: f32[3]) -> f32[3] {\n  %ar = f32[3]{0} all-reduce(%x), " + ALL + "\n}\n"
    start = "ENTRY %main (p: f32[3]) -> f32[3] {\n  %w = (s32[], f32[3]) while(%t), condition=%c, body=%body"
    trips = ', backend_config={"known_trip_count":{"n":"5"}}'
    assert collectives(f"{body}{start}{trips}\n}}") == [Collective("all-reduce", 4, 5, 60)]
    assert collectives(f"{body}{start}\n}}") == [Collective("all-reduce", 4, 1, 12)]  # the text does not say
    assert collectives(f"{other}{start.replace('%body', '%gone')}\n}}") == []  # nothing calls it


def test_a_ring_sends_all_but_one_part():
    assert Collective("all-reduce", 4, 1, 80).sent == 2 * 60
    assert Collective("all-gather", 4, 1, 80).sent == Collective("reduce-scatter", 4, 1, 80).sent == 60
    assert Collective("collective-permute", 0, 1, 80).sent == 80
    assert Collective("all-reduce", 1, 1, 80).sent == 0


def test_a_real_program_has_the_sum_that_was_written():
    mesh = Mesh(np.array(jax.devices()), ("data",))
    cut = NamedSharding(mesh, PartitionSpec("data"))
    inputs = jax.ShapeDtypeStruct((8, 11, 7), jnp.float32, sharding=cut)
    program = jax.jit(lambda x: x.sum(axis=0), out_shardings=NamedSharding(mesh, PartitionSpec()))
    assert collectives(program.lower(inputs).compile().as_text()) == [Collective("all-reduce", 8, 1, 4 * 11 * 7)]
