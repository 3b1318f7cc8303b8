"""The files that a run folder has before training starts, and the checks that a resumed run is still the same run."""

from ml_collections import ConfigDict

from research import data
from research.data.splits import write_split
from research.data.vocabulary import Vocabularies
from research.data.word_counts import read_counts, write_counts
from research.evaluation.loaded_run import PENALTIES
from research.results.identity import config_as_json, differing_fields
from research.results.run_folder import RunFolder
from research.training.optimiser import decay_steps


def set_up_folder(folder: RunFolder, config: ConfigDict, corpus: data.Corpus, vocabularies: Vocabularies) -> None:
    """Write vocabularies, validation and test splits, word counts and config; keep those of a run that is resumed.

    Raises:
        ValueError: when the run in the folder began with other data or another vocabulary.
    """
    refuse_other_data(folder, corpus)
    begun = folder.config_file.exists()
    if not begun:
        for name, split in corpus.splits.items():
            if name != "train":
                write_split(folder.split_file(name), split)
        vocabularies.save(folder.vocabulary)
    if read_counts(folder.vocabulary) is None:  # older versions did not write them
        write_counts(folder.vocabulary, data.count_target_words(corpus.train, vocabularies))
    if begun:
        folder.refuse_changed_files()
        _refuse_another_vocabulary(folder, vocabularies)
    else:
        folder.record_files()
    folder.write_json("config.json", config_as_json(config))  # last: a folder with a config has all of the above


def refuse_another_config(folder: RunFolder, config: ConfigDict) -> None:
    """Raise ValueError when the folder holds a run that this config would not continue."""
    if not folder.config_file.exists():
        return
    may_change = {"model.scan_layers", *(f"evaluation.{name}" for name in ("checkpoint", *PENALTIES))}
    begun_with = folder.read_json("config.json")
    if may_end_elsewhere(config.training, begun_with["training"]["steps"], folder.provenance().get("steps", 0)):
        may_change |= {"training.steps"}
    differ = differing_fields(begun_with, config_as_json(config), besides=may_change)
    for name, (held, asked) in differ.items():
        more = f" ({len(differ)} fields differ)" if len(differ) > 1 else ""
        raise ValueError(
            f"{folder.path} holds a run with {name}={held!r}, not {asked!r}{more}: "
            "choose another --workdir or remove it"
        )


def may_end_elsewhere(training: ConfigDict, end: int, done: int) -> bool:
    """Tell whether the `done` steps of a run that was to end at `end` are those of one that ends at its `steps`."""
    if training.schedule == "cosine":  # each learning rate depends on where it ends
        return False
    if training.schedule == "wsd":  # the same, once it falls
        return all(done <= steps - decay_steps(steps, training.decay_share) for steps in (end, training.steps))
    return True


def refuse_other_data(folder: RunFolder, corpus: data.Corpus) -> None:
    """Raise ValueError when the run in the folder began with other data."""
    if differ := other_data(folder, corpus):
        raise ValueError(
            f"{differ[0]} is not the data that the run in {folder.path} began with: restore it, or choose another "
            "--workdir"
        )


def other_data(folder: RunFolder, corpus: data.Corpus) -> list[str]:
    """Return the names of data whose digests are not those that the run in the folder began with."""
    known = folder.provenance().get("digests", corpus.digests)
    return [name for name in sorted(known | corpus.digests) if known.get(name) != corpus.digests.get(name)]


def _refuse_another_vocabulary(folder: RunFolder, vocabularies: Vocabularies) -> None:
    held = Vocabularies.load(folder.vocabulary)
    if [side.model for side in held] != [side.model for side in vocabularies]:
        raise ValueError(
            f"{folder.path} has another vocabulary than the other seeds: train it by itself, with the command in its "
            "provenance.json"
        )
