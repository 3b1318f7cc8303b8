"""One run, from a config to a run folder: what `python run.py train` starts. For several seeds see seeds.py."""

import math
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from research import data, models
from research.data.batches import Batches
from research.data.pairs import Split
from research.data.splits import write_split
from research.data.vocabulary import PAD, Vocabularies
from research.data.word_counts import count_words, read_counts, write_counts
from research.evaluation import quality
from research.evaluation.evaluate import refuse_impossible
from research.evaluation.trained import PENALTIES
from research.evaluation.validation import validator
from research.models import attends
from research.models.flops import training_flops_per_token
from research.models.translator import Translator
from research.parallel import host
from research.parallel.devices import Devices, Step
from research.results.checkpoints import Checkpoints
from research.results.identity import config_as_json, differing_fields
from research.results.run_folder import RunFolder
from research.training import loop
from research.training.lane import Lane, Schedule, Validate
from research.training.loss import Sums, cross_entropy
from research.training.optimiser import make_optimiser, make_schedule
from research.training.step import Objective, State, initial_state, make_step

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "sentencepiece", "sacrebleu", "numpy")
PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


@dataclass(frozen=True)
class Training:
    """A translator, its state before the first step as a function of the seed, and the pure step that trains it."""

    translator: Translator
    initial: Callable[[int], State]
    step: Step

    @property
    def parameters(self) -> int:
        """Numbers that training learns; nothing is allocated."""
        params = jax.eval_shape(lambda: self.initial(0)).params
        return sum(math.prod(x.shape) for x in jax.tree.leaves(params))


def make_training(config: ConfigDict, *, source_vocabulary: int, target_vocabulary: int) -> Training:
    """What `config.model` and `config.training` describe, for vocabularies of so many pieces."""
    settings = config.training
    translator = models.build(config.model, source_vocabulary=source_vocabulary, target_vocabulary=target_vocabulary)
    schedule = make_schedule(
        settings.schedule, peak=settings.learning_rate, warmup_steps=settings.warmup_steps, steps=settings.steps
    )
    optimiser = make_optimiser(
        settings.optimizer,
        schedule,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
    )
    step = make_step(
        make_objective(translator, smoothing=settings.label_smoothing, precision=settings.precision),
        optimiser,
        parts=settings.accumulation,
        ema_decay=settings.ema_decay,
    )
    ids_BT = np.full((1, 2), PAD + 1, np.int32)
    init = jax.jit(translator.init)

    def initial(seed: int) -> State:
        params = init(jax.random.key(seed), ids_BT, ids_BT)["params"]
        return initial_state(params, optimiser, averaging=settings.ema_decay > 0)

    return Training(translator, initial, step)


def make_objective(translator: Translator, *, smoothing: float, precision: str) -> Objective:
    """The summed label-smoothed loss of a translator, dropout on, computed in `precision`."""
    if precision not in PRECISIONS:
        raise ValueError(f"training.precision={precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
    training = translator.clone(deterministic=False)
    dtype = PRECISIONS[precision]

    def objective(params: Any, batch: dict[str, jax.Array], key: jax.Array) -> Sums:
        states_BTD, table_VD = training.apply(
            {"params": jax.tree.map(lambda weight: weight.astype(dtype), params)},
            batch["source_BS"],
            batch["target_in_BT"],
            rngs={"dropout": key},
            method="outputs",
        )
        return cross_entropy(states_BTD, table_VD, batch["target_out_BT"], smoothing=smoothing, pad=PAD)

    return objective


def train(config: ConfigDict, workdir: Path | str, *, command: str) -> RunFolder:
    """Train what `config` describes into the run folder `workdir`, or go on with what is there.

    command: how to do it again, for provenance.json. Prints what a person should know before the progress bar starts.
    """
    prepare()
    folder = RunFolder(workdir)
    with folder.alone():
        refuse_another_config(folder, config)
        recipe = Recipe(config, [folder])
        recipe.announce([folder.path.name])
        with recipe.lane(config.seed, folder, recipe.session(command)) as lane:
            loop.train([lane], recipe.training.step, devices=recipe.devices)
    if lane.error is not None:
        raise lane.error
    return folder


def prepare() -> None:
    """Call before anything is built; ValueError where a run cannot be."""
    host.prepare()
    if jax.process_count() > 1:
        raise ValueError(f"a run is one process with all its local devices, and this is one of {jax.process_count()}")


class Recipe:
    """What runs share that differ in their seed alone: corpus, vocabularies, model, step, devices, validation.

    folders: of the runs; where one has begun, its vocabularies are taken, else they are built. All that may be wrong
    with the config is found here, before anything is written.
    """

    def __init__(self, config: ConfigDict, folders: Sequence[RunFolder]):
        refuse_impossible(config.evaluation, attends=attends(config.model))
        self.config = config
        self.corpus = data.build(config.data)
        begun = [folder for folder in folders if folder.config_file.exists() and not _other_data(folder, self.corpus)]
        self.vocabularies = (
            Vocabularies.load(begun[0].vocabulary)
            if begun
            else data.build_vocabularies(config.data, self.corpus.splits["train"])
        )
        self.batches = Batches(
            data.encode_training(self.corpus.splits["train"], self.vocabularies),
            batch_tokens=config.data.batch_tokens,
            buckets=config.data.buckets,
            max_tokens=config.data.max_tokens,
            seed=config.seed,
        )
        self.training = make_training(
            config, source_vocabulary=len(self.vocabularies.source), target_vocabulary=len(self.vocabularies.target)
        )
        self.devices = Devices(config.training.strategy, host.training_devices())
        self.schedule = Schedule(
            steps=config.training.steps,
            log_every=config.training.log_every_steps,
            validate_every=config.training.validate_every_steps,
            save_every=config.training.save_every_steps,
            best_by=config.training.keep_best_by,
            patience=config.training.patience,
        )
        validation = self.corpus.splits["validation"]
        self._validate = _validator(config, self.training.translator, self.vocabularies, validation, self.devices)

    @contextmanager
    def lane(self, seed: int, folder: RunFolder, session: dict[str, Any]) -> Iterator[Lane]:
        """The run of `seed`, ready to be trained into `folder`, which has all but checkpoints and metrics then."""
        config = of_seed(self.config, seed)
        _refuse_other_data(folder, self.corpus)
        if folder.config_file.exists():
            _refuse_another_vocabulary(folder, self.vocabularies)
        else:
            for name, split in self.corpus.splits.items():
                if name != "train":
                    write_split(folder.split_file(name), split)
            self.vocabularies.save(folder.vocabulary)
        if read_counts(folder.vocabulary) is None:  # a run may have begun before they were kept
            write_counts(folder.vocabulary, count_words(pair.target for pair in self.corpus.splits["train"]))
        folder.write_json("config.json", config_as_json(config))  # last: a folder with a config has all of the above
        # One more than is asked for: the checkpoint of a stop, until the next of the schedule replaces it.
        kept = max(config.training.keep_last, config.training.average_last) + 1
        with closing(Checkpoints(folder.checkpoints, keep_last=kept)) as checkpoints:
            facts = {"name": folder.path.name, **self._facts}
            _record(folder, facts, session, checkpoints.steps(), self.schedule.steps)
            yield Lane(
                seed=seed,
                state=self.training.initial(seed),
                batches=self.batches.of_seed(seed),
                checkpoints=checkpoints,
                validate=self._validate,
                folder=folder,
                schedule=self.schedule,
            )

    def session(self, command: str) -> dict[str, Any]:
        """By what code, and on what, a run is trained now; another day it may go on elsewhere."""
        return {
            "command": command,
            "commit": commit(),
            "versions": {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
            "devices": f"{self.devices.count} × {self.devices.kind}",
        }

    def announce(self, names: Sequence[str]) -> None:
        """Say what a person should know of the runs that begin."""
        for note in self.corpus.notes:
            print(note, file=sys.stderr)
        if skipped := self.batches.skipped:
            print(f"{skipped:,} training pairs are longer than data.max_tokens and are left out", file=sys.stderr)
        print(
            f"{', '.join(names)}: {self._facts['parameters']:,} parameters, {self.batches.pairs:,} pairs, "
            f"{self.batches.batches_per_epoch:,} steps an epoch in {len(self.batches.shapes)} shapes, "
            f"{self.devices.count} × {self.devices.kind}",
            file=sys.stderr,
        )

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """What a run is of, and what it costs but for the seconds."""
        batches, pairs = self.batches, self.batches.pairs
        source, target = batches.sources.lengths.sum() / pairs + 1, batches.targets.lengths.sum() / pairs + 1
        return {
            "digests": self.corpus.digests,
            "training_pairs": pairs,
            "skipped_pairs": {"empty": self.corpus.empty, "too_long": batches.skipped},
            "parameters": self.training.parameters,
            "flops_per_token": training_flops_per_token(self.training.translator, float(source), float(target)),
        }


def of_seed(config: ConfigDict, seed: int) -> ConfigDict:
    """`config` with another seed."""
    changed = config.copy_and_resolve_references()
    changed.seed = seed
    return changed


def refuse_another_config(folder: RunFolder, config: ConfigDict) -> None:
    """Raise when the folder holds a run that this config would not continue."""
    if not folder.config_file.exists():
        return
    may_change = {f"evaluation.{name}" for name in ("checkpoint", *PENALTIES)}
    if config.training.schedule != "cosine":  # whose learning rates depend on where it ends
        may_change |= {"training.steps"}
    differ = differing_fields(folder.read_json("config.json"), config_as_json(config), besides=may_change)
    for name, (held, asked) in differ.items():
        more = f" ({len(differ)} fields differ)" if len(differ) > 1 else ""
        raise ValueError(
            f"{folder.path} holds a run with {name}={held!r}, not {asked!r}{more}: "
            "choose another --workdir or remove it"
        )


def _other_data(folder: RunFolder, corpus: data.Corpus) -> list[str]:
    """What of the corpus is not what the run in the folder began with."""
    known = folder.provenance().get("digests", corpus.digests)
    return [name for name in sorted(known | corpus.digests) if known.get(name) != corpus.digests.get(name)]


def _refuse_other_data(folder: RunFolder, corpus: data.Corpus) -> None:
    if differ := _other_data(folder, corpus):
        raise ValueError(
            f"{differ[0]} is not what the run in {folder.path} began with: restore it, or choose another --workdir"
        )


def _refuse_another_vocabulary(folder: RunFolder, vocabularies: Vocabularies) -> None:
    """Raise when the run in the folder began with other pieces than the runs it is trained with."""
    held = Vocabularies.load(folder.vocabulary)
    if [side.model for side in held] != [side.model for side in vocabularies]:
        raise ValueError(f"{folder.path} has another vocabulary than the other seeds: go on with it by itself")


def _validator(
    config: ConfigDict, translator: Translator, vocabularies: Vocabularies, split: Split, devices: Devices
) -> Validate:
    """What is measured on a schedule; ValueError for settings that would stop the first validation."""
    if config.training.keep_best_by == "bleu" and not config.training.bleu_sentences:
        raise ValueError(
            "training.keep_best_by='bleu' needs sentences to translate: set training.bleu_sentences above 0"
        )
    for field in ("bleu_sentences", "attention_sentences"):
        if config.training[field] < 0:
            raise ValueError(f"training.{field}={config.training[field]} must be at least 0")
    return validator(
        translator,
        vocabularies,
        split,
        devices=devices,
        bleu_sentences=config.training.bleu_sentences,
        attention_sentences=config.training.attention_sentences,
        tokenize=quality.tokenizer(config.evaluation.tokenize, config.data.languages[1]),
        batch_sentences=config.evaluation.batch_sentences,
        extra_tokens=config.evaluation.extra_tokens,
        max_tokens=config.data.max_tokens,
    )


def _record(folder: RunFolder, facts: dict[str, Any], session: dict[str, Any], saved: list[int], steps: int) -> None:
    """provenance.json. A run that goes on keeps the session that it began with, and lists the others."""
    if not saved:
        folder.update_provenance({**session, **facts})
    elif saved[-1] < steps:
        others = folder.provenance().get("went_on", [])
        folder.update_provenance({"went_on": [*others, {"from_step": saved[-1], **session}]})


def commit() -> str:
    """The commit that this code is at, with "+" where files differ from it; "" outside a checkout."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
