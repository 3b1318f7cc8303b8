"""The needs of a job before it is launched: its own training step, compiled for hardware that is not here.

No corpus is read. The batch is the widest that a step can have: sentences of data.max_tokens on both sides. The
vocabularies have data.vocabulary.size subwords, the most that SentencePiece makes.
"""

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from research.data.batches import rows_of
from research.data.buckets import Cap
from research.files import json_bytes, write_whole
from research.models.flops import training_flops_per_token
from research.parallel.collectives import Collective, collectives
from research.parallel.devices import Devices
from research.parallel.targets import Target, target
from research.results.ranges import refuse_out_of_range
from research.training.translator_training import make_training

ASSUMED_EFFICIENCY = 1.0
"""Share of each peak of a chip that a step is taken to reach. No step does, so that its time is a bound from below."""

DAY_SECONDS = 86_400.0
MOST_PARTS = 8  # of a batch, in what is tried if a job does not fit
NO_ROOM = re.compile(r"(?:Used |HLO temporaries \()([\d.]+)([KMG])")  # of libtpu, which refuses what does not fit


class MemoryNeed(NamedTuple):
    """The bytes that a step needs on each chip.

    Attributes:
        arguments: the state and the batch.
        temporaries: all that is computed on the way.
        outputs: the new state and the metrics.
        aliased: outputs that take the place of arguments.
        program: the code itself, which lies in a TPU's memory too.
        total: the bytes needed at once.
    """

    arguments: int
    temporaries: int
    outputs: int
    aliased: int
    program: int
    total: int


class StepBound(NamedTuple):
    """Seconds that a step takes at the least, if each chip reached its peaks: the greatest of three.

    Attributes:
        products: for the matrix products.
        memory: for reading the arguments, writing the outputs, and both for the temporaries.
        exchange: for sending what the collectives send, as rings do.
    """

    products: float
    memory: float
    exchange: float


class JobPlan(NamedTuple):
    """A config on a target.

    Attributes:
        changes: fields that differ from the config that was asked for.
        target: the chips, such as "v5e:2x4".
        chips: how many there are.
        strategy, precision: of config.training.
        parameters: the number of trained parameters.
        pairs: sentence pairs of the batch.
        rows: the same and rows of padding, so that each chip has as many.
        length: subwords of each side.
        memory: bytes a chip; None if the compiler refused the program and did not say.
        capacity: the memory of a chip.
        fits: True if it needs no more.
        flops: of the matrix products of a step, forward and backward, on all chips.
        exchanged: the collectives of a step.
        compile_seconds: time that compiling took here.
        bound: the least time of a step; None where the speed of the chips is not known.
        days: training.steps times the bound.
        cost: of these days, in the unit of --price; None without one.
    """

    changes: dict[str, Any]
    target: str
    chips: int
    strategy: str
    precision: str
    parameters: int
    pairs: int
    rows: int
    length: int
    memory: MemoryNeed | None
    capacity: int
    fits: bool
    flops: float
    exchanged: list[Collective]
    compile_seconds: float
    bound: StepBound | None
    days: float | None
    cost: float | None


class JobPlans(NamedTuple):
    """The plan that was asked for and, where it does not fit, the first of the others tried that does.

    Attributes:
        asked: the config as it was given.
        instead: the config with the fewest changes that fits; None if none was needed or found.
        tried: other configs that were compiled.
    """

    asked: JobPlan
    instead: JobPlan | None
    tried: int


class QuestionPlan(NamedTuple):
    """The arms of a question on a target, as they are configured.

    Attributes:
        arms: arm -> its plan.
        seeds: runs of each arm.
    """

    arms: dict[str, JobPlan]
    seeds: int

    @property
    def fits(self) -> bool:
        """Tell whether every arm fits."""
        return all(each.fits for each in self.arms.values())

    @property
    def days(self) -> float | None:
        """The least time of all runs, one after another, in days; None if that of an arm is not known."""
        return _of_all([each.days for each in self.arms.values()], self.seeds)

    @property
    def cost(self) -> float | None:
        """The cost of these days; None without a price, or if that of an arm is not known."""
        return _of_all([each.cost for each in self.arms.values()], self.seeds)


def plan(config: ConfigDict, name: str, *, price: float | None = None) -> JobPlans:
    """Compile a config's training step for a target, and others until one fits.

    Args:
        config: the config of a run.
        name: the target; see `research.parallel.targets`.
        price: what an hour of a chip costs.

    Raises:
        ValueError: no such target, no compiler for it, or a config that cannot be trained on it.
    """
    refuse_out_of_range(config)
    wanted = target(name)
    devices = wanted.devices()
    asked = _compiled(config, {}, wanted, devices, price, called="as configured")
    tried = 0
    if not asked.fits:
        for changes in _changes(config, asked):
            tried += 1
            called = ", ".join(f"{field}={value}" for field, value in changes.items())
            other = _compiled(config, changes, wanted, devices, price, called=called)
            if other.fits:
                return JobPlans(asked, other, tried)
    return JobPlans(asked, None, tried)


def plan_question(arms: Mapping[str, ConfigDict], name: str, *, seeds: int, price: float | None = None) -> QuestionPlan:
    """Compile the training step of every arm for a target, as it is configured.

    Args:
        arms: arm -> its config.
        name: the target; see `research.parallel.targets`.
        seeds: runs of each arm.
        price: what an hour of a chip costs.

    Raises:
        ValueError: see `plan`.
    """
    wanted = target(name)
    devices = wanted.devices()
    found = {}
    for number, (arm, config) in enumerate(arms.items(), start=1):
        refuse_out_of_range(config)
        found[arm] = _compiled(config, {}, wanted, devices, price, called=f"{arm} ({number} of {len(arms)})")
    return QuestionPlan(found, seeds)


def _of_all(each: Sequence[float | None], seeds: int) -> float | None:
    known = [value for value in each if value is not None]
    return seeds * sum(known) if len(known) == len(each) else None


def write_plans(found: JobPlans | QuestionPlan, file: Path, *, command: str) -> None:
    """Write all that was found, and the command that finds it again, whole or not at all."""
    value = {"command": command, "efficiency": ASSUMED_EFFICIENCY, **_by_name(found)}
    write_whole(file, json_bytes(value))


def _by_name(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _by_name(each) for name, each in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _by_name(each) for name, each in value.items()}
    return [_by_name(each) for each in value] if isinstance(value, list) else value


def _compiled(
    config: ConfigDict,
    changes: dict[str, Any],
    wanted: Target,
    devices: list[jax.Device],
    price: float | None,
    *,
    called: str,
) -> JobPlan:
    """Return the plan of a config with some fields changed; `called` is what a person reads meanwhile."""
    config = config.copy_and_resolve_references()
    config.update_from_flattened_dict(changes)
    settings = config.training
    spread = Devices(settings.strategy, devices, fsdp=settings.fsdp, tensor=settings.tensor)
    subwords, length = config.data.vocabulary.size, config.data.max_tokens
    training = make_training(config, source_vocabulary=subwords, target_vocabulary=subwords)
    rows = rows_of(Cap(length, length), config.data.batch_tokens)
    sides = ("source_BS", "target_in_BT", "target_out_BT")
    batch = {side: jax.ShapeDtypeStruct((rows, length), jnp.int32) for side in sides}
    state = jax.eval_shape(lambda: training.initial(0))

    print(f"compiling for {wanted.name}, {called}", file=sys.stderr)
    started = time.perf_counter()
    memory, exchanged, refused = _program(spread.lowered(training.step, state, batch))
    seconds = time.perf_counter() - started

    tokens = max(config.data.batch_tokens, rows * length)
    flops = training_flops_per_token(training.translator, length, length) * tokens
    bound = None if refused or memory is None else _bound(wanted, settings.precision, flops, memory, exchanged)
    days = settings.steps * max(bound) / DAY_SECONDS if bound else None
    return JobPlan(
        changes=changes,
        target=wanted.name,
        chips=wanted.chips,
        strategy=settings.strategy,
        precision=settings.precision,
        parameters=training.parameters,
        pairs=rows,
        rows=rows + -rows % (wanted.chips // settings.tensor),
        length=length,
        memory=memory,
        capacity=wanted.chip.memory,
        fits=memory is not None and not refused and memory.total <= wanted.chip.memory,
        flops=flops,
        exchanged=exchanged,
        compile_seconds=seconds,
        bound=bound,
        days=days,
        cost=None if price is None or days is None else days * 24 * wanted.chips * price,
    )


def _program(lowered: jax.stages.Lowered) -> tuple[MemoryNeed | None, list[Collective], bool]:
    """Return the memory of a program, its collectives, and True if the compiler refuses it since it does not fit."""
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        used = NO_ROOM.search(str(error))
        total = round(float(used[1]) * 1024 ** " KMG".index(used[2])) if used else 0
        return MemoryNeed(0, 0, 0, 0, 0, total) if used else None, [], True
    stats = compiled.memory_analysis()
    parts = ("argument", "temp", "output", "alias", "generated_code")
    arguments, temporaries, outputs, aliased, program = (int(getattr(stats, f"{each}_size_in_bytes")) for each in parts)
    total = arguments + temporaries + outputs - aliased + program
    text = compiled.as_text() or ""
    return MemoryNeed(arguments, temporaries, outputs, aliased, program, total), collectives(text), False


def _bound(
    wanted: Target, precision: str, flops: float, memory: MemoryNeed, exchanged: list[Collective]
) -> StepBound | None:
    """Return the least time of a step; None if the speed of a chip is not known."""
    chip = wanted.chip
    peak = chip.bfloat16 if precision == "bfloat16" else chip.float32
    if not peak:
        return None
    traffic = memory.arguments + memory.outputs + 2 * memory.temporaries
    sent = sum(each.sent for each in exchanged)
    seconds = (flops / wanted.chips / peak, traffic / chip.bandwidth, sent / wanted.link)
    return StepBound(*(each / ASSUMED_EFFICIENCY for each in seconds))


def _changes(config: ConfigDict, asked: JobPlan) -> Iterator[dict[str, Any]]:
    """Yield what to try so that a job fits, the smallest change of its training first.

    Accumulation and remat make the temporaries smaller, and cost time alone; fsdp makes the state smaller.
    """
    settings = config.training
    rows_each = asked.rows * settings.tensor // asked.chips
    parts = [n * settings.accumulation for n in (2, 4, 8) if n * settings.accumulation <= min(rows_each, MOST_PARTS)]
    remat: dict[str, Any] = {} if config.model.remat else {"model.remat": True}
    arguments = asked.memory.arguments if asked.memory else 0
    if arguments < asked.capacity:
        yield from ({"training.accumulation": n} for n in parts[:1])
        if remat:
            yield remat
            yield from ({**remat, "training.accumulation": n} for n in parts[:1])
        yield from ({**remat, "training.accumulation": n} for n in parts[1:])
    free = asked.chips // settings.tensor
    for fsdp in sorted({min(free, 8), free}):
        if fsdp <= settings.fsdp or free % fsdp:
            continue
        cut = {"training.strategy": "mesh", "training.fsdp": fsdp}
        yield cut
        whole = [n for n in parts if asked.rows % (n * free) == 0]  # every device needs a row of every part
        if remat or whole:
            yield {**cut, **remat, **({"training.accumulation": whole[-1]} if whole else {})}
