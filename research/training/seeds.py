"""Training of several seeds of one config: side by side in one program where that is faster, else one by one."""

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from research.parallel import processes
from research.results.checkpoints import Checkpoints
from research.results.run_folder import RunFolder
from research.training.folder_setup import refuse_another_config
from research.training.trainer import Trainer, prepare, with_seed
from research.training.trunk import begin_with_trunk

MEASURED_STEPS = 7
LEAST_GAIN = 1.2  # side by side must be so much faster: measurements of a few steps differ by more than a tenth
LEAST_TRAINING = 60.0  # training must take so many times as long as compiling a step, else trying both ways is no gain
Outcomes = dict[int, RunFolder | Exception]  # seed -> its run folder, or the exception that ended it


def train_seeds(
    config: ConfigDict,
    workdirs: Mapping[int, Path | str],
    *,
    command: Callable[[int], str],
    then: Callable[[RunFolder], object] = lambda folder: None,
    together: bool | None = None,
    trunks: Mapping[int, Path | str] | None = None,
) -> Outcomes:
    """Train `config` under each seed into a folder of its own, or resume the runs that are there.

    An exception in one seed is returned in its place, and the other seeds continue. A folder that another process
    trains into is waited for.

    Args:
        config: the config of the runs; its seed is replaced by that of each run.
        workdirs: seed -> run folder.
        command: seed -> the command that trains this seed by itself, for provenance.json.
        then: is called with each trained run while its folder is still locked, such as to evaluate it.
        together: True trains seeds whose checkpoints stand at the same step side by side, as one program. False trains
            them one by one. None does what these runs did before; new runs time a few steps both ways, and are trained
            side by side if that is clearly faster. A training so short that trying both ways costs too much is done one
            by one, and so are runs that training.fsdp or training.tensor cut over devices, whatever is asked for. The
            choice is printed, and kept in provenance.json as "side_by_side".
        trunks: seed -> the folder of a shorter run to begin with; see `training.trunk`.

    Returns:
        For each seed its run folder, or the exception that ended it.

    Raises:
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after all runs in training were saved.
    """
    prepare()
    if processes.count() > 1:
        together = False  # a program of several runs is of one process
    outcomes: Outcomes = {}
    with ExitStack() as held:
        folders = {}
        for seed, workdir in sorted(workdirs.items()):  # in one order, so that no two processes wait for each other
            with _errors_kept(outcomes, [seed]):
                folder = RunFolder(workdir)
                held.enter_context(folder.alone(wait=True))
                if trunks and seed in trunks:
                    begin_with_trunk(folder, with_seed(config, seed), trunks[seed], command=command(seed))
                refuse_another_config(folder, with_seed(config, seed))
                folders[seed] = folder
        if folders:
            with _errors_kept(outcomes, folders):
                trainer = Trainer(config, list(folders.values()))
                trainer.announce([folder.path.name for folder in folders.values()])
                for step, group in _by_last_step(folders).items():
                    finished = step >= config.training.steps
                    _train_group(trainer, group, outcomes, command, False if finished else together)
        for seed, found in outcomes.items():
            if isinstance(found, RunFolder):
                try:
                    then(found)
                except Exception as error:
                    outcomes[seed] = error
    return {seed: outcomes[seed] for seed in workdirs}


def _train_group(
    trainer: Trainer,
    folders: Mapping[int, RunFolder],
    outcomes: Outcomes,
    command: Callable[[int], str],
    together: bool | None,
) -> None:
    """Train runs whose checkpoints stand at the same step."""
    seeds = list(folders)
    choice: dict[str, Any] = {}
    if len(seeds) > 1:
        if trainer.devices.cuts_state:  # a run that is cut over devices is not whole on one
            together = False
        choice = {"taken": together} if together is not None else _earlier_choice(folders) or _choose(trainer, seeds)
    side_by_side = {"side_by_side": {"seeds": seeds, **choice}} if choice else {}
    for group in [seeds] if choice and choice["taken"] else [[seed] for seed in seeds]:
        with _errors_kept(outcomes, group), ExitStack() as opened:
            runs = []
            for seed in group:
                with _errors_kept(outcomes, [seed]):
                    session = {**trainer.session(command(seed)), **side_by_side}
                    runs.append(opened.enter_context(trainer.open_run(seed, folders[seed], session)))
            if runs:
                trainer.train(runs)
            for run in runs:
                outcomes[run.seed] = run.error or run.folder


def _earlier_choice(folders: Mapping[int, RunFolder]) -> dict[str, Any] | None:
    """Return how these seeds were trained before, or None. Resuming in another way would change the rounding."""
    choices = [folder.provenance().get("side_by_side") for folder in folders.values()]
    first = choices[0]
    if first is None or first["seeds"] != list(folders) or any(choice != first for choice in choices):
        return None
    return {name: value for name, value in first.items() if name != "seeds"}


def _choose(trainer: Trainer, seeds: Sequence[int]) -> dict[str, Any]:
    """Time a step side by side and one by one; print and return which way is taken, and the seconds."""
    alone, compiling = _seconds_per_step(trainer, seeds[:1])
    together = None
    if len(seeds) * alone * trainer.config.training.steps > LEAST_TRAINING * compiling:
        with suppress(jax.errors.JaxRuntimeError):  # there may be too little memory for all at once
            together, _ = _seconds_per_step(trainer, seeds)
        found = "too little memory" if together is None else f"{together:.3g} s"
    else:
        found = "not worth compiling"
    taken = together is not None and LEAST_GAIN * together < len(seeds) * alone
    print(
        f"a step of {len(seeds)} seeds takes {len(seeds)} × {alone:.3g} s one by one; side by side: {found}; "
        f"they are trained {'side by side' if taken else 'one by one'}",
        file=sys.stderr,
    )
    return {"taken": taken, "seconds_a_step": together, "seconds_a_step_alone": alone}


def _seconds_per_step(trainer: Trainer, seeds: Sequence[int]) -> tuple[float, float]:
    """Return the seconds of a step of all `seeds` as one program, on the commonest batch shape, and of compiling it."""
    program = trainer.devices.program(trainer.training.step, len(seeds))
    placed = program.place([trainer.training.initial(seed) for seed in seeds])
    streams = [trainer.batches.of_seed(seed) for seed in seeds]
    batches = [stream[stream.typical_step] for stream in streams]
    seconds = []
    for _ in range(1 + MEASURED_STEPS):
        start = time.perf_counter()
        placed, metrics = program.step(placed, batches, seeds)
        program.metrics(metrics)  # waits for the step
        seconds.append(time.perf_counter() - start)
    step = statistics.median(seconds[1:])
    return step, seconds[0] - step


def _by_last_step(folders: Mapping[int, RunFolder]) -> dict[int, dict[int, RunFolder]]:
    """Group the folders by the step of their last checkpoint; 0 without one."""
    groups: dict[int, dict[int, RunFolder]] = {}
    for seed, folder in folders.items():
        step = 0
        if folder.checkpoints.is_dir():
            with closing(Checkpoints(folder.checkpoints)) as checkpoints:
                step = max(checkpoints.steps(), default=0)
        groups.setdefault(step, {})[seed] = folder
    return groups


@contextmanager
def _errors_kept(outcomes: Outcomes, seeds: Iterable[int]) -> Iterator[None]:
    """Catch an exception, and keep it as the outcome of those `seeds` that have none yet."""
    try:
        yield
    except Exception as error:
        for seed in seeds:
            outcomes.setdefault(seed, error)
