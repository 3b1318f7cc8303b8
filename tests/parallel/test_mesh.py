"""A step over a mesh: what each device holds, that it is the step of one device, and which meshes there are."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research import models
from research.parallel.devices import Devices
from research.training.loss import Sums
from research.training.step import initial_state, make_step
from research.training.translator_training import make_objective
from tests.models import variants

ROWS, S, T = 16, 5, 7
VOCABULARY = 24  # which every mesh divides, so that the output layer and its loss are cut, too
FAMILIES = {
    "none": ("none-lstm-bi", {}),
    "luong": ("luong-general-lstm-bi-2", {"encoder_layers": 1}),
    "bahdanau": ("bahdanau-concat-gru-bi", {}),
    "transformer": ("transformer-pre-all", {"heads": 2, "ffn": 16}),
    "scanned": ("transformer-pre-all", {"heads": 2, "ffn": 16, "layers": 2, "scan_layers": True}),
    "transformer_recurrent": ("mixed-transformer-luong", {"heads": 2, "ffn": 16}),
    "recurrent_transformer": ("mixed-bi-transformer", {"heads": 2, "ffn": 16}),
}
SLOW_MESHES = [(1, 1), (4, 1), (8, 1), (1, 8), (2, 4)]  # (fsdp, tensor) of eight devices


def arrays(seed=0):
    """Return a batch of sentences of very different lengths."""
    random = np.random.default_rng(seed)

    def ids(length):
        words = random.integers(1, VOCABULARY, (ROWS, length))
        return (words * (np.arange(length) < random.integers(1, length + 1, (ROWS, 1)))).astype(np.int32)

    target = ids(T)
    return {"source_BS": ids(S), "target_in_BT": target, "target_out_BT": target}


def a_training(name, *, parts=1, ema_decay=0.0, optimiser=None, **fields):
    """Return a step with dropout, and the state before it."""
    variant, own = FAMILIES[name]
    model = variants.config(variant, width=8, **own, **fields)
    translator = models.build(model, source_vocabulary=VOCABULARY, target_vocabulary=VOCABULARY)
    optimiser = optimiser or optax.sgd(0.5)
    objective = make_objective(translator, smoothing=0.1, precision="float32")
    step = make_step(objective, optimiser, parts=parts, ema_decay=ema_decay)
    first = arrays()
    params = jax.jit(translator.init)(jax.random.key(1), first["source_BS"][:1], first["target_in_BT"][:1])["params"]
    return step, jax.tree.map(np.array, initial_state(params, optimiser, averaging=ema_decay > 0))


def trained(devices, step, state, steps=3):
    """Return the state after some steps, and the metrics of each."""
    placed, spread, metrics = devices.place(jax.tree.map(np.array, state)), devices.spread(step), []
    for seed in range(steps):
        placed, found = spread(placed, arrays(seed), seed)
        metrics.append({name: float(value) for name, value in found.items()})
    return devices.unreplicate(placed), metrics


def assert_equals_one_device(devices, step, state):
    """With dropout: its masks are those of one device. With SGD: Adam would hide a wrong factor."""
    alone, found = trained(Devices("pmap", jax.devices()[:1]), step, state)
    spread, also_found = trained(devices, step, state)
    for one, other in zip(found, also_found, strict=True):
        assert other == pytest.approx(one, rel=2e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), spread, alone)
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), alone.params, state.params)
    assert max(jax.tree.leaves(moved)) > 0.01


@pytest.mark.parametrize(
    ("family", "mesh"),
    [("luong", (2, 2)), ("transformer", (2, 2))]
    + [
        pytest.param(family, (2, 2), marks=pytest.mark.slow)
        for family in sorted(FAMILIES.keys() - {"luong", "transformer"})
    ]
    + [pytest.param(family, mesh, marks=pytest.mark.slow) for family in FAMILIES for mesh in SLOW_MESHES],
)
def test_training_on_a_mesh_is_that_of_one_device(family, mesh):
    assert_equals_one_device(Devices("mesh", fsdp=mesh[0], tensor=mesh[1]), *a_training(family))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transformer-grouped-rotary", "transformer-relative-local_p", "transformer-sparse"])
def test_heads_that_a_mesh_does_not_divide_are_computed_all_the_same(name, monkeypatch):
    monkeypatch.setitem(FAMILIES, "other", (name, {}))
    fields = {} if name == "transformer-grouped-rotary" else {"heads": 4}
    assert_equals_one_device(Devices("mesh", fsdp=1, tensor=4), *a_training("other", **fields))


def test_accumulation_on_a_mesh_is_that_of_one_device():
    assert_equals_one_device(Devices("mesh", fsdp=4), *a_training("transformer", parts=2))


def test_parts_that_the_devices_do_not_divide_have_rows_of_padding():
    """Sixteen rows in three parts over eight devices; without dropout, as other rows are then in a part."""
    assert_equals_one_device(Devices("mesh", fsdp=4), *a_training("luong", parts=3, dropout=0.0))


def numbers_per_device(state):
    """Return how many numbers each device holds."""
    held = {}
    for leaf in jax.tree.leaves(state):
        for shard in leaf.addressable_shards:
            held[shard.device] = held.get(shard.device, 0) + shard.data.size
    assert len(held) == 8
    [number] = set(held.values())
    return number


def made_up():
    """Return a state with Adam's moments and an average: four copies of each parameter, the step and a count."""
    params = {
        "embeddings": {"target": jnp.ones((16, 8))},
        "encoder": {"layer_0": {"position_wise": {"inner": {"kernel": jnp.ones((8, 32)), "bias": jnp.ones(32)}}}},
        "odd": jnp.ones(7),
    }
    return initial_state(params, optax.adam(0.1), averaging=True)


@pytest.mark.parametrize(
    ("sizes", "numbers"),
    [
        ((1, 1), 4 * (16 * 8 + 8 * 32 + 32 + 7) + 2),
        ((8, 1), 4 * (16 + 32 + 4 + 7) + 2),  # 7 is whole on each
        ((1, 2), 4 * (64 + 128 + 16 + 7) + 2),
        ((2, 4), 4 * (16 + 32 + 8 + 7) + 2),  # the bias has one axis, which tensor has cut
    ],
)
def test_a_device_holds_its_part_of_parameters_and_optimiser(sizes, numbers):
    devices = Devices("mesh", fsdp=sizes[0], tensor=sizes[1])
    assert numbers_per_device(devices.place(made_up())) == numbers


def test_after_a_step_the_state_lies_as_before():
    """Else the next step would be another program, or a device would hold more and more."""

    def objective(params, batch, key):
        inner = params["encoder"]["layer_0"]["position_wise"]["inner"]
        hidden = params["embeddings"]["target"][batch["source_BS"]] @ inner["kernel"] + inner["bias"][None, None]
        return Sums((hidden**2).sum() + (params["odd"] ** 2).sum(), jnp.float32(0), jnp.float32(ROWS))

    devices = Devices("mesh", fsdp=4, tensor=2)
    step, state = make_step(objective, optax.adam(0.1), parts=1, ema_decay=0.9), made_up()
    before = devices.place(jax.device_get(state))
    cut = jax.tree.map(lambda x: x.sharding, before)
    held = numbers_per_device(before)
    after, _ = devices.spread(step)(before, arrays(), 0)
    assert jax.tree.map(lambda x: x.sharding, after) == cut
    assert numbers_per_device(after) == held == 4 * (16 + 32 + 16 + 7) + 2
    assert not np.allclose(np.asarray(after.params["odd"]), 1)


@pytest.mark.parametrize("sizes", [(1, 1), (8, 1), (2, 2)])
def test_a_state_goes_from_any_layout_to_any_other_bit_for_bit(sizes):
    state = jax.tree.map(
        lambda x: np.random.default_rng(x.size).normal(size=x.shape).astype(x.dtype), jax.device_get(made_up())
    )
    mesh, alone = Devices("mesh", fsdp=sizes[0], tensor=sizes[1]), Devices("pmap", jax.devices()[:1])
    for devices in (mesh, alone, mesh, Devices("shard_map"), mesh):
        back = devices.unreplicate(devices.place(state))
        jax.tree.map(np.testing.assert_array_equal, back, state)
        assert all(isinstance(leaf, np.ndarray) and leaf.flags.owndata for leaf in jax.tree.leaves(back))
        state = back


def test_a_state_is_made_in_its_parts():
    """No device has to hold it whole, and its numbers are those of one that is made whole."""

    def initial(seed):
        key = jax.random.key(seed)
        table = jax.jit(normal, static_argnums=1)(key, (16, 8))
        return initial_state({"embeddings": {"target": table}}, optax.adam(0.1), averaging=False)

    normal = jax.nn.initializers.normal(0.3)
    devices = Devices("mesh", fsdp=4, tensor=2)
    made = devices.made(initial, 2**32 - 5)
    assert numbers_per_device(made) == 3 * 16 + 2
    jax.tree.map(np.testing.assert_array_equal, devices.unreplicate(made), jax.device_get(initial(2**32 - 5)))
    assert Devices("mesh").made(lambda seed: seed, 3) == 3


def test_a_step_that_is_not_finite_changes_nothing():
    devices = Devices("mesh", fsdp=2, tensor=2)
    step, state = a_training("transformer", optimiser=optax.adam(0.1), ema_decay=0.5)
    state.params["embeddings"]["target"][1, 2] = np.nan
    after, [metrics] = trained(devices, step, state, steps=1)
    assert (metrics["skipped"], after.step) == (1, 1)
    jax.tree.map(np.testing.assert_array_equal, after.replace(step=state.step), state)


def test_a_mesh_has_one_dropout_key_and_other_strategies_one_a_device():
    """By them the step that was not finite is computed again."""
    keys = [Devices(strategy).dropout_keys for strategy in ("pmap", "shard_map", "mesh")]
    assert keys == [8, 8, 1]


def test_an_impossible_mesh_is_refused():
    with pytest.raises(ValueError, match=r"training.fsdp=3 times training.tensor=1 does not divide .* 8: make their"):
        Devices("mesh", fsdp=3)
    with pytest.raises(ValueError, match=r"training.fsdp=1 and training.tensor=2 need training.strategy='mesh'"):
        Devices("shard_map", tensor=2)


def test_runs_side_by_side_are_refused_where_a_run_is_cut():
    with pytest.raises(ValueError, match=r"side by side are each whole on one device.*: train them one by one"):
        Devices("mesh", fsdp=2).program(lambda *_: None, 2)
