"""The verbs train and audit: their flags, help and examples."""

from configs.flags import Verb, count, flag, path, trackers
from configs.verbs.together import TOGETHER

CONFIG = flag(
    "--config",
    "a file of configs/, and the architecture in it (none, luong, bahdanau, transformer, ...); text.py and "
    "tfds.py take a corpus size before it (text.py:10k:luong); --config.FIELD=VALUE overrides a field, and "
    "configs/base.py explains every one",
    metavar="FILE[:NAME]",
)

AGAIN = flag(
    "--from",
    "instead of --config: the config of this run, or of its evidence, to train it again; fields are overridden in the "
    "same way",
    type=path,
    metavar="RUN",
    dest="again",
)

TRAIN = Verb(
    summary="train the translator that a config names, into a run folder",
    usage="--config=FILE[:NAME] | --from=RUN --workdir=FOLDER [--config.FIELD=VALUE ...]",
    description="Train a translator into a run folder; the same command again goes on from its last checkpoint.",
    examples=(
        "train --config=configs/embedded.py:luong --workdir=runs/luong",
        "train --config=configs/multi30k.py:luong --workdir=runs/deep --config.model.layers=3",
        "train --from=docs/evidence/multi30k/luong.1 --workdir=runs/again --config.data.root=multi30k",
    ),
    flags=(
        (CONFIG, AGAIN),
        flag("--workdir", "the run folder, made if absent", required=True, type=path, metavar="FOLDER"),
        flag(
            "--trunk",
            "begin with the trunk of a shorter run, which differs in training.steps alone and was trained with "
            "--config.training.keep_trunk=True: only what comes after it is trained",
            type=path,
            metavar="FOLDER",
        ),
        flag(
            "--tracker",
            "send the metrics to wandb, mlflow or trackio, too, which pip install '.[NAME]' installs; a resumed run "
            "goes on in the same run there (default: metrics.jsonl and TensorBoard in the run folder alone)",
            type=trackers,
            metavar="NAME,...",
        ),
        *TOGETHER,
    ),
    overrides=("config",),
)


AUDIT = Verb(
    summary="kill a training again and again, and see that it is bit for bit the unbroken one",
    usage="--config=FILE[:NAME] | --from=RUN --out=FOLDER [--kills=N | --devices=N] [flags]",
    description="Train a config once unbroken, and once more while its process is killed: at random, in its first\n"
    "files, in a save, before its last rename, in a deletion, in a validation, and by SIGTERM and SIGINT. Each\n"
    "time the same command goes on. Every step is compared: parameters, optimiser, randomness, batches, and the\n"
    "place in the data; at the end checkpoints and metrics too. Run it where you will train, with your\n"
    "config and some hundred steps. --devices compares ways to spread a training instead. The exit code is 1 if\n"
    "anything differs.",
    examples=(
        "audit --config=configs/embedded_tiny.py:luong --out=runs/audit --config.training.steps=200",
        "audit --config=configs/multi30k.py:tiny --out=runs/a --kills=40 --config.training.steps=60",
        "audit --config=configs/embedded_tiny.py:luong --out=runs/devices --devices=4",
    ),
    flags=(
        (CONFIG, AGAIN),
        flag("--out", "a new folder, for the runs that are compared", required=True, type=path, metavar="FOLDER"),
        (
            flag("--kills", "how many times the process is killed (default: 20)", type=count, default=20, metavar="N"),
            flag(
                "--devices",
                "kill nothing: train the first steps by pmap, by shard_map and over meshes, on one device and on N "
                "(CPUs are cut into N, which 2 and 4 processes share too), without dropout, and compare the losses",
                type=count,
                metavar="N",
            ),
        ),
        flag("--seed", "of the moments (default: 0)", type=int, default=0, metavar="N"),
    ),
    overrides=("config",),
)
