"""Plans beside what can be reckoned by hand: bytes of the state, of the sums over devices, and the least time."""

import json
import re
from importlib.util import find_spec

import jax
import numpy as np
import pytest

from research.parallel.collectives import Collective
from research.parallel.targets import target
from research.training import plan as planning
from research.training.plan import DAY_SECONDS, JobPlans, MemoryNeed, plan, plan_question, write_plans
from research.training.plan_table import assumptions, plan_table, question_table, question_verdict, verdict
from tests.training.test_trainer import tiny

LENGTH, ROWS, SUMS = 16, 24, 3  # loss, nll and tokens are added over devices, too
SMALL = {
    "model.width": 16,
    "data.vocabulary.size": 64,
    "data.max_tokens": LENGTH,
    "data.batch_tokens": ROWS * LENGTH + 5,
    "training.ema_decay": 0.0,
}


def small(architecture="none", **fields):
    return tiny(architecture, **{**SMALL, **fields})


def by_hand():
    """The parameters of `small`: a bidirectional LSTM of two halves, an LSTM, and tied target tables."""
    tables = 2 * 64 * 16
    encoder = 2 * (16 + 8 + 1) * 4 * 8
    decoder = (16 + 16 + 1) * 4 * 16
    return tables + encoder + decoder


@pytest.mark.parametrize("strategy", ["pmap", "shard_map"])
def test_a_whole_state_on_each_device(strategy):
    found = plan(small(**{"training.strategy": strategy}), "cpu:8").asked
    assert found.parameters == by_hand()
    counters = 3 * 4  # of steps: the state's, Adam's and the schedule's
    batch = 3 * ROWS // 8 * LENGTH * 4
    seed = 4
    assert found.memory.arguments == 3 * 4 * by_hand() + counters + batch + seed
    assert found.memory.aliased == 3 * 4 * by_hand() + counters  # its memory is used again
    assert found.exchanged == [Collective("all-reduce", 8, found.exchanged[0].times, 4 * (by_hand() + SUMS))]
    assert found.memory.total == found.memory.arguments + found.memory.temporaries + (
        found.memory.outputs - found.memory.aliased + found.memory.program
    )
    assert found.fits
    weights = (
        2 * (16 + 8) * 4 * 8 + (16 + 16) * 4 * 16 + 64 * 16
    )  # each is multiplied once a token: of both LSTMs, of V
    assert found.flops == 3 * 2 * weights * (ROWS * LENGTH + 5)
    assert (found.chips, found.rows, found.length) == (8, ROWS, LENGTH)


def test_scanned_layers_have_the_parameters_the_flops_and_the_sums_of_layers_that_are_written_out(monkeypatch):
    deep = {"model.layers": 3, "model.heads": 2}
    found = plan(small("transformer", **deep, **{"model.scan_layers": True}), "cpu:8").asked
    monkeypatch.setattr(planning, "_program", lambda lowered: (None, [], True))
    monkeypatch.setattr(planning.Devices, "lowered", lambda *shapes: None)
    apart = planning.plan_question({"": small("transformer", **deep)}, "cpu:8", seeds=1).arms[""]
    assert (found.parameters, found.flops) == (apart.parameters, apart.flops)
    assert found.exchanged == [Collective("all-reduce", 8, found.exchanged[0].times, 4 * (apart.parameters + SUMS))]


def test_fsdp_cuts_the_state():
    found = plan(small(**{"training.strategy": "mesh", "training.fsdp": 8}), "cpu:8").asked
    counters, batch, seed = 3 * 4, 3 * ROWS // 8 * LENGTH * 4, 4
    assert found.memory.arguments == 3 * 4 * by_hand() // 8 + counters + batch + seed  # 8 divides every array
    assert {each.kind for each in found.exchanged} & {"all-gather"}


@pytest.fixture
def compiler(monkeypatch):
    """A compiler that says what `needs` says, in the order of its calls; nothing is compiled."""

    def install(chip, *needs):
        said = iter(needs)

        def program(lowered):
            need = next(said)
            refused = need is None or need > chip.memory
            arguments = 0 if need is None else 20
            return None if need is None else MemoryNeed(arguments, need - 20, 0, 0, 0, need), [], refused

        monkeypatch.setattr(planning.Devices, "lowered", lambda *shapes: None)
        monkeypatch.setattr(planning, "_program", program)
        monkeypatch.setattr(
            planning, "target", lambda name: target("cpu:2")._replace(chip=chip._replace(platform="cpu"))
        )

    return install


def chip(memory=100):
    return target("cpu:2").chip._replace(memory=memory)


def test_what_does_not_fit_is_tried_with_smaller_parts_then_remat_then_both(compiler):
    compiler(chip(), 300, 200, 150, 90)
    found = plan(small("transformer"), "cpu:2")
    assert (found.asked.fits, found.tried) == (False, 3)
    assert found.instead.changes == {"model.remat": True, "training.accumulation": 2}
    assert verdict(found) == (
        "It does not fit: 0.00 MiB of 0.00 MiB a chip; 3 other configs were tried, and this fits: "
        "--config.model.remat=True --config.training.accumulation=2"
    )


def test_a_state_that_fills_a_chip_is_cut_at_once(compiler):
    compiler(chip(19), 40, 18)
    found = plan(small("transformer"), "cpu:2")
    assert found.instead.changes == {"training.strategy": "mesh", "training.fsdp": 2}


def test_a_job_for_which_nothing_helps(compiler):
    compiler(chip(), *[300] * 20)
    found = plan(small(), "cpu:2")
    assert (found.instead, found.tried) == (None, 7)  # in 2, 4, 8 parts; remat; fsdp, and in 4: 24 rows are 2 · 4 · 3
    assert "and none fits: take more chips" in verdict(found)


def test_a_program_that_the_compiler_refuses_has_no_bound(compiler):
    compiler(chip(), None, 90)
    found = plan(small(), "cpu:2", price=1.0)
    assert (found.asked.memory, found.asked.bound, found.asked.cost) == (None, None, None)
    assert "It does not fit: more than" in verdict(found)
    assert plan_table(found).heads == ["", "cpu:2", "instead"]


@pytest.mark.parametrize(
    "said",
    [
        "Ran out of memory in memory space hbm. Used 20.50G of 15.75G hbm. Exceeded hbm capacity by 4.75G.",
        "Ran out of memory on HBM, the total memory required for HLO temporaries (20.50G) exceeds available HBM (16G).",
    ],
)
def test_the_refusal_of_a_compiler_is_read(said):
    class Refusing:
        def compile(self):
            raise jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: {said}")

    memory, _, refused = planning._program(Refusing())
    assert (memory.total, refused) == (round(20.5 * 2**30), True)


def test_the_least_time_is_the_greatest_of_three():
    wanted = target("v5e:2x4")
    memory = MemoryNeed(arguments=819 * 10**6, temporaries=0, outputs=0, aliased=0, program=0, total=819 * 10**6)
    bound = planning._bound(wanted, "bfloat16", 8 * 197e12 * 0.25, memory, [Collective("all-reduce", 8, 3, 8 * 10**9)])
    np.testing.assert_allclose(bound, [0.25, 1e-3, 2 * 7 / 8 * 8e9 / 200e9])
    slower = planning._bound(wanted, "float32", 8 * 197e12 * 0.25, memory, [])
    np.testing.assert_allclose(slower.products, 6 * 0.25)
    assert planning._bound(target("cpu:2"), "float32", 1e9, memory, []) is None


def test_days_and_cost_are_those_of_all_steps(compiler):
    compiler(CHIP := target("v5e:2x4").chip, 10**9)
    found = plan(small(**{"training.steps": 100_000_000}), "cpu:2", price=3.0).asked
    assert CHIP.memory == found.capacity
    np.testing.assert_allclose(found.days, 1e8 * max(found.bound) / DAY_SECONDS)
    assert ["all steps take at least", f"{found.days:.3g} days"] in plan_table(JobPlans(found, None, 0)).rows
    np.testing.assert_allclose(found.cost, found.days * 24 * 2 * 3)


def test_rows_are_rounded_up_to_the_devices(compiler, monkeypatch):
    compiler(chip(), 90)
    monkeypatch.setattr(planning, "target", lambda name: target("cpu:3"))
    found = plan(small(**{"data.batch_tokens": 9 * LENGTH}), "cpu:3")
    assert (found.asked.pairs, found.asked.rows) == (8, 9)
    assert ["rows of padding", "1"] in plan_table(found).rows


def test_the_file_has_every_number_by_name(compiler, tmp_path):
    compiler(chip(), 90)
    found = plan(small(), "cpu:2")
    write_plans(found, tmp_path / "plan.json", command="python run.py plan")
    kept = json.loads((tmp_path / "plan.json").read_text())
    assert kept["asked"]["memory"]["total"] == 90
    assert (kept["command"], kept["instead"], kept["tried"]) == ("python run.py plan", None, 0)
    assert "not forecasts" in assumptions(found)
    assert verdict(found).startswith("It fits: ")


def test_the_runs_of_a_question_are_added_up(compiler, tmp_path):
    """Twice the steps take twice the time; three seeds of both take nine times that of the shorter run."""
    compiler(chip()._replace(bandwidth=1e3, interconnect=1e3, float32=1e12), 90, 90)
    shorter, longer = small(), small()
    longer.training.steps = 2 * shorter.training.steps
    found = plan_question({"shorter": shorter, "longer": longer}, "cpu:2", seeds=3, price=2.0)
    one, two = (each.days for each in found.arms.values())
    assert one == pytest.approx(shorter.training.steps * max(found.arms["shorter"].bound) / DAY_SECONDS)
    assert two == pytest.approx(2 * one)
    assert found.days == pytest.approx(9 * one)
    assert found.cost == pytest.approx(9 * one * 24 * 2 * 2.0)
    rows = {row[0]: row[1:] for row in question_table(found).rows}
    assert list(rows) == ["shorter", "longer", "all, 3 seeds each"]
    assert rows["all, 3 seeds each"][-1] == f"{found.cost:,.2f}"
    assert question_verdict(found) == "All fit: 6 runs, one after another"
    write_plans(found, tmp_path / "plan.json", command="python run.py plan")
    kept = json.loads((tmp_path / "plan.json").read_text())
    assert (kept["arms"]["longer"]["days"], kept["seeds"]) == (two, 3)


def test_an_arm_that_does_not_fit_is_named(compiler):
    compiler(chip(), 90, 101)
    found = plan_question({"narrow": small(), "wide": small()}, "cpu:2", seeds=3)
    assert (found.fits, found.days, found.cost) == (False, None, None)  # the speed of a host's devices is not known
    assert question_verdict(found).startswith("1 of 2 arms do not fit, such as 'wide': plan its config alone")
    assert "NO" in question_table(found).rows[1]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("libtpu") is None, reason="libtpu, of the extra [tpu], is not installed")
def test_a_tpu_gets_its_own_program(monkeypatch):
    """Its layouts are tiled, and the loss is cut into the chunks of an accelerator."""
    text = []
    read = planning.collectives
    monkeypatch.setattr(planning, "collectives", lambda program: text.append(program) or read(program))
    fields = {"data.batch_tokens": 128 * 128, "data.max_tokens": 128}
    found = plan(small(**fields), "v5e:2x4").asked
    assert re.search(r"\{1,0:T\(8,128\)", text[0])
    assert re.search(r"f32\[2048,64\]", text[0])
    assert not re.search(r"f32\[256,64\]", text[0])
    gradient = sum(each.moved for each in found.exchanged if each.kind == "all-reduce")
    assert gradient == pytest.approx(4 * (by_hand() + SUMS), abs=8)  # and whether a process was asked to stop
    assert found.bound.products > 0
