"""The training of one run, from a config to a run folder: what `python run.py train` starts. For several: seeds.py."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from research import data
from research.data.vocabulary import Vocabularies
from research.evaluation import quality
from research.evaluation.evaluate import refuse_impossible
from research.evaluation.validation import validator
from research.models import attends
from research.models.flops import training_flops_per_token
from research.parallel import host, processes
from research.parallel.devices import Devices
from research.results.checkpoints import Checkpoints
from research.results.ranges import refuse_out_of_range
from research.results.run_folder import RunFolder
from research.training import loop
from research.training.folder_setup import other_data, refuse_another_config, set_up_folder
from research.training.not_finite import explain_not_finite
from research.training.provenance import record_session, session_facts
from research.training.tracked_run import refuse_absent
from research.training.training_run import LoopSchedule, TrainingRun, Validate
from research.training.translator_training import make_training
from research.training.trunk import begin_with_trunk, trunk_step


def train(
    config: ConfigDict,
    workdir: Path | str,
    *,
    command: str,
    trunk: Path | None = None,
    watch: loop.Watch | None = None,
    trackers: Sequence[str] = (),
) -> RunFolder:
    """Train one run into a run folder, or resume the run that is there. Prints its size before the progress bar.

    Args:
        config: the config of the run.
        workdir: the run folder, which may exist.
        command: the command that does this again, for provenance.json.
        trunk: the folder of a shorter run to begin with; see `training.trunk`.
        watch: is called after each step; see `training.loop`.
        trackers: further places that its metrics go to; see `training.metrics`.

    Returns:
        The run folder.
    """
    prepare()
    folder = RunFolder(workdir)
    with ExitStack() as opened:
        with processes.in_turn():  # the first makes vocabularies and files, which the others find
            if processes.is_first():
                refuse_absent(trackers)
            opened.enter_context(folder.alone())
            if trunk is not None:
                begin_with_trunk(folder, config, trunk, command=command)
            refuse_another_config(folder, config)
            trainer = Trainer(config, [folder])
            trainer.announce([folder.path.name])
            run = opened.enter_context(trainer.open_run(config.seed, folder, trainer.session(command), trackers))
        trainer.train([run], watch)
    if run.error is not None:
        raise run.error
    return folder


def prepare() -> None:
    """Make the settings of this process, and meet the others that train with it. Call before anything is built."""
    host.prepare()
    processes.meet()


def training_devices(training: ConfigDict) -> Devices:
    """Return the devices that a run trains on, spread as config.training says."""
    return Devices(training.strategy, host.training_devices(), fsdp=training.fsdp, tensor=training.tensor)


class Trainer:
    """A trainer of runs that differ in their seed alone. They share corpus, vocabularies, model, step and devices.

    Every error in the config is found here, before anything is written.

    Args:
        config: the config of the runs; its seed is replaced by that of each run.
        folders: the folders of the runs. If one holds a run of the same data, its vocabularies are used; else new
            ones are trained.
    """

    def __init__(self, config: ConfigDict, folders: Sequence[RunFolder]):
        refuse_out_of_range(config)
        refuse_impossible(config.evaluation, attends=attends(config.model))
        self.config = config
        self.devices = training_devices(config.training)
        self.corpus = data.build(config.data)
        begun = [folder for folder in folders if folder.config_file.exists() and not other_data(folder, self.corpus)]
        self.vocabularies = (
            Vocabularies.load(begun[0].vocabulary) if begun else data.build_vocabularies(config.data, self.corpus.train)
        )
        self.batches = data.training_batches(config.data, self.corpus.train, self.vocabularies, seed=config.seed)
        self.training = make_training(
            config, source_vocabulary=len(self.vocabularies.source), target_vocabulary=len(self.vocabularies.target)
        )
        self.schedule = LoopSchedule(
            steps=config.training.steps,
            log_every=config.training.log_every_steps,
            validate_every=config.training.validate_every_steps,
            save_every=config.training.save_every_steps,
            best_by=config.training.keep_best_by,
            patience=config.training.patience,
            # One more than asked for, to go on from if the last one is damaged.
            keep_last=max(config.training.keep_last, config.training.average_last) + 1,
            trunk=trunk_step(config.training) if config.training.keep_trunk else 0,
        )
        self._validate = self._validator()

    @contextmanager
    def open_run(
        self, seed: int, folder: RunFolder, session: dict[str, Any], trackers: Sequence[str] = ()
    ) -> Iterator[TrainingRun]:
        """Yield the run of `seed`, ready to be trained into `folder`.

        Args:
            seed: the seed of the run.
            folder: its folder, in which everything but checkpoints and metrics is written here.
            session: the facts of `session`, for provenance.json.
            trackers: further places that its metrics go to; see `training.metrics`.
        """
        config = with_seed(self.config, seed)
        set_up_folder(folder, config, self.corpus, self.vocabularies)
        # Two more than the run keeps: that of a stop, and the next one, before the run deletes what it no longer needs.
        with closing(Checkpoints(folder.checkpoints, keep_last=self.schedule.keep_last + 2)) as checkpoints:
            facts = {"name": folder.path.name, **self._facts}
            record_session(folder, facts, session, saved=checkpoints.steps(), steps=self.schedule.steps)
            batches = self.batches.of_seed(seed)
            run = TrainingRun(
                seed=seed,
                state=self.devices.made(self.training.initial, seed),
                batches=batches,
                checkpoints=checkpoints,
                validate=self._validate,
                explain=partial(
                    explain_not_finite,
                    training=self.training,
                    batches=batches,
                    seed=seed,
                    parts=config.training.accumulation,
                    devices=self.devices.dropout_keys,
                    folder=folder,
                ),
                folder=folder,
                schedule=self.schedule,
                trackers=trackers,
                background_saves=config.training.background_saves,
            )
            with closing(run):
                yield run

    def train(self, runs: Sequence[TrainingRun], watch: loop.Watch | None = None) -> None:
        """Train the runs of `open_run` to their end, several of them side by side in one program."""
        loop.train(runs, self.training.step, devices=self.devices, watch=watch)

    def session(self, command: str) -> dict[str, Any]:
        """Return command, code, versions and devices of today's session, for provenance.json."""
        return session_facts(command, self.devices)

    def announce(self, names: Sequence[str]) -> None:
        """Print notes on the data and the size of the runs, whose names are given, to stderr."""
        for note in self.corpus.notes:
            print(note, file=sys.stderr)
        if empty := self.batches.empty:
            print(f"{empty:,} training pairs have an empty side and are left out", file=sys.stderr)
        if skipped := self.batches.skipped:
            print(f"{skipped:,} training pairs are longer than data.max_tokens and are left out", file=sys.stderr)
        print(
            f"{', '.join(names)}: {self._facts['parameters']:,} parameters, {self.batches.pairs:,} pairs, "
            f"{self.batches.batches_per_epoch:,} steps an epoch in {len(self.batches.shapes)} shapes, "
            f"{self.batches.fill:.0%} of the positions filled, {self.devices.count} × {self.devices.kind}",
            file=sys.stderr,
        )
        if advice := self.batches.advice:
            print(f"most of a batch is padding: {advice}", file=sys.stderr)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """The facts of provenance.json that are the same for every seed: data, size and FLOPs."""
        batches = self.batches
        return {
            "digests": self.corpus.digests,
            "training_pairs": batches.pairs,
            "skipped_pairs": {"empty": self.corpus.empty + batches.empty, "too_long": batches.skipped},
            "parameters": self.training.parameters,
            "flops_per_token": training_flops_per_token(self.training.translator, *batches.mean_lengths),
        }

    def _validator(self) -> Validate:
        """Return the validation of the schedule; ValueError for settings that would stop the first one."""
        config = self.config
        if config.training.keep_best_by == "bleu" and not config.training.bleu_sentences:
            raise ValueError(
                "training.keep_best_by='bleu' needs sentences to translate: set training.bleu_sentences above 0"
            )
        return validator(
            self.training.translator,
            self.vocabularies,
            self.corpus.splits["validation"],
            devices=self.devices,
            bleu_sentences=config.training.bleu_sentences,
            attention_sentences=config.training.attention_sentences,
            tokenize=quality.tokenizer(config.evaluation.tokenize, config.data.languages[1]),
            batch_sentences=config.evaluation.batch_sentences,
            extra_tokens=config.evaluation.extra_tokens,
            max_tokens=config.data.max_tokens,
        )


def with_seed(config: ConfigDict, seed: int) -> ConfigDict:
    """Return a copy of `config` with another seed."""
    changed = config.copy_and_resolve_references()
    changed.seed = seed
    return changed
