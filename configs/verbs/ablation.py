"""The verb ablate: its flags, help and examples."""

from configs.flags import Verb, count, flag, looks, numbers, path
from configs.verbs.gold import GOLD

ABLATE = Verb(
    summary="answer a question of experiments/: train the runs that it needs, and give a verdict",
    usage="QUESTION [--tune | --power | --register | --confirm] [--config=FILE] [flags]",
    description="Answer a question of experiments/: train and evaluate every arm under every seed, and compare them. "
    "Runs\ngo to OUT/trained/, the answer to OUT/QUESTION.json; a run that is there already is used again,\n"
    "whichever question it was trained for.\n\n"
    "Such an answer explores, and has no verdict. For one, --tune the learning rates, --register the plan,\n"
    "commit it, and --confirm: is the claim supported, refuted or open under fresh seeds?",
    examples=(
        "ablate --list",
        "ablate recurrent_depth",
        "ablate heads --config=configs/multi30k.py --seeds=0,1,2 --launcher.jobs_at_once=2",
        "ablate data_size --resume",
        "ablate speed_or_accuracy --match=seconds",
        "ablate recurrent_depth --tune",
        "ablate recurrent_depth --power --seeds=100,101,102",
        "ablate recurrent_depth --register",
        "ablate recurrent_depth --confirm",
        "ablate heads --launcher=slurm --launcher.partition=gpu --dry_run",
        "ablate my_depth --vary=model.layers=1,2,4 --cross=model.width=32,64 --measure=nats",
    ),
    flags=(
        flag("question", "a file of experiments/; --list names them", nargs="?", metavar="QUESTION"),
        flag("--list", "the questions, their arms, and the estimated time on this machine", action="store_true"),
        flag(
            "--config",
            "the config that all arms are based on: a file of configs/ (default: %(default)s); the question names its "
            "models",
            default="configs/embedded_tiny.py",
            metavar="FILE",
        ),
        flag(
            "--architecture",
            "the model of the config that arms begin from (default: the question's; of one's own question, luong)",
            metavar="NAME",
        ),
        flag(
            "--vary",
            "a question of your own, written to experiments/own/QUESTION.py: a field and the values that are compared, "
            "such as model.layers=1,2,4; given again, every combination of the values",
            action="append",
            metavar="FIELD=X,X,...",
        ),
        flag(
            "--cross",
            "for --vary: a field and the values at each of which it is asked, such as data.subset=1000,9000",
            action="append",
            metavar="FIELD=X,X,...",
        ),
        flag("--measure", "for --vary: what decides (default: bleu)", metavar="NAME"),
        flag(
            "--equivalent",
            "for --vary: the largest difference that you would call none (default: 1 BLEU, 0.02 nats a token, ...)",
            type=float,
            metavar="X",
        ),
        flag(
            "--arms",
            "only arms whose name matches, as in a shell, with | between patterns, such as 'heads=?|heads=??'",
            default="*",
            metavar="PATTERN",
        ),
        flag(
            "--seeds",
            "random seeds of each arm (default: 0,1,2; for --register five from 100 that no plan has used)",
            type=numbers,
            metavar="N,N,N",
        ),
        flag(
            "--out",
            "the folder of runs and answer (default: runs/ablation/ and the config's name)",
            type=path,
            metavar="FOLDER",
        ),
        flag(
            "--evidence",
            "a folder of runs that were made elsewhere, or of their evidence, which are taken before any is trained; "
            "may be given again",
            action="append",
            type=path,
            metavar="FOLDER",
        ),
        flag(
            "--keep",
            "also write the evidence of every run of the answer below FOLDER: about 20 kB each, without weights and "
            "texts, from which --evidence gives the same answer",
            type=path,
            metavar="FOLDER",
        ),
        GOLD,
        flag("--beam", "beam width; 1 is greedy (default: 1)", type=count, default=1, metavar="N"),
        flag("--resume", "go on with an unfinished answer, which is refused without this", action="store_true"),
        flag(
            "--match",
            "give every arm as many steps, flops, seconds or parameters as the first (default: the question's, mostly "
            "steps)",
            choices=("steps", "flops", "seconds", "parameters"),
        ),
        (
            flag(
                "--tune",
                "find the learning rate and the steps of each arm, and give no answer: rates a factor of two apart "
                "around the config's, until the best is neither the lowest nor the highest, and then more steps, until "
                "a doubling gains little; by validation under seeds 10 and 11. Later calls train by what was found",
                action="store_true",
            ),
            flag(
                "--power",
                "say, by the runs of --tune, what --seeds would show of each claim, and how many seeds it needs "
                "(default: of 5 seeds)",
                action="store_true",
            ),
            flag(
                "--register",
                "write down the arms, hypotheses, learning rates and seeds in experiments/locks/, to be committed "
                "before anything is confirmed",
                action="store_true",
            ),
            flag(
                "--confirm",
                "give the verdict on the plan that was registered, by its seeds; what differs from it is refused",
                action="store_true",
            ),
        ),
        flag(
            "--looks",
            "of --register: after how many seeds the verdict may be given, such as 5,10,20. The plan stops at the "
            "first look that supports or refutes the claim; all looks spend 5 %%, little at first (O'Brien & Fleming). "
            "--power is then that of the last look",
            type=looks,
            metavar="N,N,N",
        ),
        flag(
            "--launcher",
            "where jobs run: local or slurm; jobset and tpu_vm print, with --dry_run, what to submit to Kubernetes or "
            "a Cloud TPU; --launcher.FIELD=VALUE sets what configs/launchers.py lists",
            default="local",
            metavar="NAME",
        ),
        flag("--dry_run", "print what would be launched, and launch nothing", action="store_true"),
    ),
    excludes={
        "confirm": ("seeds",),
        "tune": ("seeds", "evidence", "keep"),
        "register": ("dry_run", "keep"),
        "power": ("evidence", "keep", "dry_run"),
        "dry_run": ("keep",),
    },
    requires={"cross": ("vary",), "measure": ("vary",), "equivalent": ("vary",), "looks": ("register", "power")},
    overrides=("config", "launcher"),
)
