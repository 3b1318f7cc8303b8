"""Several seeds of one config: side by side in one program, or one after another, whichever is the faster way here."""

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from research.results.checkpoints import Checkpoints
from research.results.run_folder import RunFolder
from research.training import loop
from research.training.trainer import Recipe, of_seed, prepare, refuse_another_config

MEASURED_STEPS = 7
GAIN = 1.2  # that side by side must bring: what a few steps measure differs by more than a tenth from time to time
WORTH = 5.0  # times as long as to compile a step, that training must take for a second program to be worth a try
Found = dict[int, RunFolder | Exception]


def train_seeds(
    config: ConfigDict,
    workdirs: Mapping[int, Path | str],
    *,
    command: Callable[[int], str],
    together: bool | None = None,
) -> Found:
    """Train `config` under each seed of `workdirs` into its folder, or go on with what is there: as `train` would.

    What stops one seed is found in its place, and the others go on; Ctrl-C and SIGTERM save all that are at work, and
    raise KeyboardInterrupt. command: of a seed, how to train it again by itself.
    together: seeds whose checkpoints stand at the same step are one program (True), or come one after another (False);
    None: as they began, or else a few steps of both ways are timed, and side by side is taken where it is clearly
    faster; a training so short that compiling counts comes one after another. What was measured is printed, and stands
    in provenance.json as "side_by_side".
    """
    prepare()
    found: Found = {}
    with ExitStack() as held:
        folders = {}
        for seed, workdir in workdirs.items():
            with _kept(found, [seed]):
                folder = RunFolder(workdir)
                held.enter_context(folder.alone())
                refuse_another_config(folder, of_seed(config, seed))
                folders[seed] = folder
        if folders:
            with _kept(found, folders):
                recipe = Recipe(config, list(folders.values()))
                recipe.announce([folder.path.name for folder in folders.values()])
                for step, group in _by_step(folders).items():
                    finished = step >= config.training.steps
                    _train(recipe, group, found, command, False if finished else together)
    return {seed: found[seed] for seed in workdirs}


def _train(
    recipe: Recipe,
    folders: Mapping[int, RunFolder],
    found: Found,
    command: Callable[[int], str],
    together: bool | None,
) -> None:
    """Train runs whose checkpoints stand at the same step."""
    seeds = list(folders)
    how: dict[str, Any] = {}
    if len(seeds) > 1:
        how = {"taken": together} if together is not None else _way_before(folders) or _faster_way(recipe, seeds)
    side_by_side = {"side_by_side": {"seeds": seeds, **how}} if how else {}
    for group in [seeds] if how and how["taken"] else [[seed] for seed in seeds]:
        with _kept(found, group), ExitStack() as opened:
            lanes = []
            for seed in group:
                with _kept(found, [seed]):
                    session = {**recipe.session(command(seed)), **side_by_side}
                    lanes.append(opened.enter_context(recipe.lane(seed, folders[seed], session)))
            if lanes:
                loop.train(lanes, recipe.training.step, devices=recipe.devices)
            for lane in lanes:
                found[lane.seed] = lane.error or lane.folder


def _way_before(folders: Mapping[int, RunFolder]) -> dict[str, Any] | None:
    """How these seeds were trained when they began: rounding would show if they went on in another way."""
    ways = [folder.provenance().get("side_by_side") for folder in folders.values()]
    first = ways[0]
    if first is None or first["seeds"] != list(folders) or any(way != first for way in ways):
        return None
    return {name: value for name, value in first.items() if name != "seeds"}


def _faster_way(recipe: Recipe, seeds: Sequence[int]) -> dict[str, Any]:
    """Which way takes fewer seconds a step of all seeds, and how many; printed too."""
    alone, compiling = _seconds_a_step(recipe, seeds[:1])
    together = None
    if len(seeds) * alone * recipe.config.training.steps > WORTH * compiling:
        with suppress(jax.errors.JaxRuntimeError):  # there may be no memory for all at once
            together, _ = _seconds_a_step(recipe, seeds)
        found = "no memory for all" if together is None else f"{together:.3g} s"
    else:
        found = "not worth compiling"
    taken = together is not None and GAIN * together < len(seeds) * alone
    print(
        f"a step of {len(seeds)} seeds takes {len(seeds)} × {alone:.3g} s one after another; side by side: {found}; "
        f"they are trained {'side by side' if taken else 'one after another'}",
        file=sys.stderr,
    )
    return {"taken": taken, "seconds_a_step": together, "seconds_a_step_alone": alone}


def _seconds_a_step(recipe: Recipe, seeds: Sequence[int]) -> tuple[float, float]:
    """Of one program for all `seeds`, on batches of the shape that most of an epoch has; and of compiling it."""
    program = recipe.devices.program(recipe.training.step, len(seeds))
    placed = program.place([recipe.training.initial(seed) for seed in seeds])
    streams = [recipe.batches.of_seed(seed) for seed in seeds]
    batches = [stream[stream.typical_step] for stream in streams]
    taken = []
    for _ in range(1 + MEASURED_STEPS):
        start = time.perf_counter()
        placed, metrics = program.step(placed, batches, seeds)
        program.metrics(metrics)  # when they are there, the step is done
        taken.append(time.perf_counter() - start)
    step = statistics.median(taken[1:])
    return step, taken[0] - step


def _by_step(folders: Mapping[int, RunFolder]) -> dict[int, dict[int, RunFolder]]:
    """The folders by the step of their last checkpoint; 0 without one."""
    groups: dict[int, dict[int, RunFolder]] = {}
    for seed, folder in folders.items():
        step = 0
        if folder.checkpoints.is_dir():
            with closing(Checkpoints(folder.checkpoints)) as checkpoints:
                step = max(checkpoints.steps(), default=0)
        groups.setdefault(step, {})[seed] = folder
    return groups


@contextmanager
def _kept(found: Found, seeds: Iterable[int]) -> Iterator[None]:
    """What fails inside is what is found of those `seeds` of which nothing is known yet."""
    try:
        yield
    except Exception as error:
        for seed in seeds:
            found.setdefault(seed, error)
