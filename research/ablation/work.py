"""Do one job: train and evaluate the seeds that an arm lacks. Started again, it goes on where it stopped.

python -m research.ablation.work JOB.json [--coordinator=HOST:PORT --num_processes=N --process_id=N]
"""

import json
import shlex
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from research.parallel.endings import ending, interrupt_on_signals
from research.results.identity import config_from_json
from research.results.run_folder import RunFolder


@dataclass(frozen=True)
class Task:
    """The content of a job file.

    Attributes:
        work: "train" or "time".
        config: of the arm; its seed is replaced.
        folders: seed -> run folder.
        split, search: what is evaluated.
        command: how a person makes such a run again; for training, without its seed and folder.
        trunks: seed -> the folder of a shorter run to begin with.
        gold: the file of the split's alignments; "": those of the corpus, if it has any.
    """

    work: str
    config: dict[str, Any]
    folders: dict[int, str]
    split: str
    search: str
    command: str
    trunks: dict[int, str] = field(default_factory=dict)
    gold: str = ""

    @classmethod
    def read(cls, file: Path | str) -> "Task":
        held = json.loads(Path(file).read_text("utf-8"))
        by_seed = {
            name: {int(seed): folder for seed, folder in held.get(name, {}).items()} for name in ("folders", "trunks")
        }
        return cls(**{**held, **by_seed})

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


def work(task: Task) -> dict[int, Exception]:
    """Train what is missing, then evaluate it; return the exception that stopped each failed seed."""
    from research.evaluation.gold import gold_digest

    config, gold = config_from_json(task.config), Path(task.gold) if task.gold else None
    digest = gold_digest(gold) if gold else ""
    folders = {
        seed: Path(folder)
        for seed, folder in task.folders.items()
        if not RunFolder(folder).is_evaluated(task.split, task.search, digest)
    }
    if task.work == "time":
        from research.ablation.stopwatch import time_steps

        for seed, folder in folders.items():
            time_steps(config, folder, seed=seed, command=task.command)
        return {}

    from research.evaluation.evaluate import evaluate
    from research.training.seeds import train_seeds

    beam = int(task.search.removeprefix("beam"))

    def evaluate_it(folder: RunFolder) -> None:
        if folder.is_evaluated(task.split, task.search, digest):
            return  # by another process, which was waited for
        command = f"python run.py evaluate --workdir={folder.path} --split={task.split} --beam={beam}"
        command += f" --gold={shlex.quote(str(gold))}" if gold else ""
        evaluate(folder.path, split=task.split, beams=(beam,), command=command, gold=gold)

    outcomes = train_seeds(
        config, folders, command=lambda seed: _train_command(task, seed), trunks=task.trunks, then=evaluate_it
    )
    return {seed: found for seed, found in outcomes.items() if isinstance(found, Exception)}


def _train_command(task: Task, seed: int) -> str:
    trunk = f" --trunk={task.trunks[seed]}" if seed in task.trunks else ""
    return f"{task.command} --config.seed={seed} --workdir={task.folders[seed]}{trunk}"


def main(arguments: list[str]) -> int:
    interrupt_on_signals("the job")
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("job", type=Path)
    parser.add_argument("--coordinator")
    for name in ("--num_processes", "--process_id"):
        parser.add_argument(name, type=int)
    given = parser.parse_args(arguments)
    try:
        from research.parallel.processes import joined

        with joined("the job", given.coordinator, given.num_processes, given.process_id):
            failed = work(Task.read(given.job))
    except (Exception, KeyboardInterrupt) as error:
        last = ending(error, "the job")
        print(last.sentence, file=sys.stderr)
        return last.code
    for said, seeds in _by_what_was_said(failed).items():
        print(f"seed {', '.join(map(str, seeds))}: {said}", file=sys.stderr)
    return 1 if failed else 0


def _by_what_was_said(failed: dict[int, Exception]) -> dict[str, list[int]]:
    said: dict[str, list[int]] = {}
    for seed, error in failed.items():
        said.setdefault(ending(error, "the job").sentence, []).append(seed)
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
