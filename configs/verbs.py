"""The verbs of the command line as data: their flags, help and examples."""

from configs.flags import Verb, count, flag, looks, new_file, numbers, path

TOKENIZER = "BLEU of the translations that are there with another tokeniser of sacreBLEU, such as char or ko-mecab"

GOLD = flag(
    "--gold",
    "gold alignment of the split in the Pharaoh format, words counted from 0, source first: 0-1 is sure, 0?1 or 0p1 "
    "possible (default: the corpus's own, if it has one)",
    type=path,
    metavar="FILE",
)

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
    ),
    overrides=("config",),
)

AUDIT = Verb(
    summary="kill a training again and again, and see that it is bit for bit the unbroken one",
    usage="--config=FILE[:NAME] | --from=RUN --out=FOLDER [--kills=N | --devices=N] [--config.FIELD=...]",
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
                "kill nothing: train the first steps by pmap and shard_map, on one device and on N (CPUs are cut into "
                "N), without dropout, and compare the losses",
                type=count,
                metavar="N",
            ),
        ),
        flag("--seed", "of the moments (default: 0)", type=int, default=0, metavar="N"),
    ),
    overrides=("config",),
)

EVALUATE = Verb(
    summary="score a run folder on its test splits: perplexity, BLEU, chrF, TER, alignment error",
    usage="--workdir=FOLDER [--all | --split=NAME | --source=FILE --reference=FILE] [flags]",
    description="Score a run folder on its test splits, overall and by source length, word frequency and reordering.\n"
    "Writes result.json, result.md (its tables) and translations/ into the folder.",
    examples=(
        "evaluate --workdir=runs/luong",
        "evaluate --workdir=runs/luong --all",
        "evaluate --workdir=runs/luong --split=test_2016_flickr --beam=5",
        "evaluate --workdir=runs/luong --source=news.en --reference=news.de",
        "evaluate --workdir=runs/luong --tokenizer=char",
    ),
    flags=(
        flag("--workdir", "the run folder", required=True, type=path, metavar="FOLDER"),
        (
            flag("--all", "every split, validation too; prints the tables of all", action="store_true"),
            flag("--split", "one split of the run folder (default: every test split)", metavar="NAME"),
        ),
        flag(
            "--source",
            "a new test set, one sentence a line, which becomes a test split of the run folder like the others",
            type=path,
            metavar="FILE",
        ),
        flag("--reference", "for --source: its translation, line for line", type=path, metavar="FILE"),
        flag("--name", "for --source: of the split (default: the file's name up to its first dot)", metavar="NAME"),
        flag("--beam", "hypotheses kept; 1 is greedy (default: both 1 and the config's)", type=count, metavar="N"),
        GOLD,
        flag(
            "--interventions",
            "also measure what it costs to read by uniform, hard or permuted weights, and without each head; takes "
            "one greedy search for each",
            action="store_true",
        ),
        flag("--tokenizer", f"do not translate: add {TOKENIZER}", metavar="NAME"),
    ),
    excludes={
        "source": ("all", "split"),
        "tokenizer": ("all", "beam", "gold", "interventions", "source", "reference", "name"),
    },
)

TRANSLATE = Verb(
    summary="translate standard input, line by line, or score a translation; write attention maps",
    usage="--workdir=FOLDER [--n_best=N | --sample=N | --score=FILE] [flags] < TEXT",
    description="Translate standard input, UTF-8 with one sentence a line, to standard output, line for line: many\n"
    "lines of a file at a time, and one that is typed at once.\n\n"
    "--n_best and --sample write `line ||| translation ||| score`, like Moses, lines counted from 0. The score is\n"
    "the one that the search ranks by (see evaluation.length_penalty); for a sample it is log p. --score writes\n"
    "log p of a given translation, a tab, and the mean log p of a token. It cuts the text into subwords anew: the\n"
    "score of the system's own output may differ from the one that it was ranked by.",
    examples=(
        "translate --workdir=runs/luong < text.en > text.de",
        "translate --workdir=runs/luong --attention=maps/ < text.en > text.de",
        "translate --workdir=runs/a --workdir=runs/b --beam=8 < text.en > text.de",
        "translate --workdir=runs/luong --last=3 --n_best=5 < text.en > text.nbest",
        "translate --workdir=runs/luong --sample=10 --top_p=0.9 --seed=1 < text.en > text.samples",
        "translate --workdir=runs/luong --score=text.de < text.en > text.scores",
    ),
    flags=(
        flag(
            "--workdir",
            "the run folder; given again, another run that translates with it: their probabilities are averaged",
            required=True,
            action="append",
            type=path,
            metavar="FOLDER",
        ),
        flag("--last", "average the probabilities of the last K checkpoints, too", type=count, metavar="K"),
        flag("--beam", "hypotheses kept; 1 is greedy (default: the config's)", type=count, metavar="N"),
        flag("--n_best", "write the N best of each line, with scores", type=count, metavar="N"),
        flag("--sample", "draw N translations of each line, with log p", type=count, metavar="N"),
        flag("--temperature", "for --sample: below 1 makes likely tokens likelier", type=float, metavar="X"),
        flag("--top_k", "for --sample: draw from the K likeliest tokens only", type=count, metavar="K"),
        flag("--top_p", "for --sample: draw from the likeliest tokens of mass P", type=float, metavar="P"),
        flag("--seed", "for --sample (default: the config's)", type=int, metavar="N"),
        flag("--score", "do not translate: score this translation, line for line", type=path, metavar="FILE"),
        flag(
            "--attention",
            "write the attention weights there: index.html, a page that shows them by layer and head, and for each "
            "line a picture and its weights, 0001.png and 0001.npz for line 1 (arrays: source, target, source_tokens, "
            "target_tokens, weights_LHTS of every layer and head, weights: their mean)",
            type=path,
            metavar="FOLDER",
        ),
    ),
    excludes={
        "score": ("beam", "n_best", "sample", "attention"),
        "sample": ("beam", "n_best", "attention"),
        "attention": ("last",),
    },
    requires={"sample": ("temperature", "top_k", "top_p", "seed")},
)

COMPARE = Verb(
    summary="compare two systems, over one or more seeds: better, equivalent or inconclusive",
    usage="A [A ...] --with B [B ...] [flags]",
    description="Is system A better than system B, or equivalent to it? Each is one run folder, or several that differ "
    "in\ntheir seed, evaluated on the same sentences. The interval is over sentences, and over seeds where there are\n"
    "several; it is never narrower than a t test over the seeds alone. The last line is the verdict: A is better,\n"
    "B is better, equivalent within ±MARGIN, inconclusive, or identical.",
    examples=(
        "compare runs/luong --with runs/none",
        "compare runs/deep-? --with runs/flat-? --measure=chrf --margin=0.5 --json=deep-or-flat.json",
    ),
    flags=(
        flag("a", "run folders of system A, one a seed", nargs="+", type=path, metavar="A"),
        flag(
            "--with", "run folders of system B, one a seed", required=True, nargs="+", type=path, metavar="B", dest="b"
        ),
        flag("--split", "the split that was translated (default: the only test split)", metavar="NAME"),
        flag(
            "--search",
            "beam1 is greedy, beam5 a beam of 5 (default: the widest that all were evaluated with)",
            metavar="NAME",
        ),
        flag(
            "--measure", "the score to compare (default: %(default)s)", default="bleu", choices=("bleu", "chrf", "ter")
        ),
        flag(
            "--margin",
            "the largest difference that you would call negligible (default: none)",
            type=float,
            metavar="POINTS",
        ),
        flag("--tokenizer", f"take {TOKENIZER}", metavar="NAME", dest="tokenize"),
        flag("--level", "of the intervals (default: %(default)s)", type=float, default=0.95, metavar="SHARE"),
        flag("--resamples", "of the sentences (default: %(default)s)", type=int, default=2_000, metavar="N"),
        flag(
            "--seed",
            "of the resamples: the same seed gives the same interval (default: 0)",
            type=int,
            default=0,
            metavar="N",
        ),
        flag("--json", "also write everything that was found there", type=new_file, metavar="FILE"),
    ),
)

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
            "first look that supports or refutes the claim; all looks spend 5 %%, little at first (O'Brien & Fleming)",
            type=looks,
            metavar="N,N,N",
        ),
        flag(
            "--launcher",
            "where jobs run: local or slurm; --launcher.FIELD=VALUE sets what configs/launchers.py lists",
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
    requires={"vary": ("cross", "measure", "equivalent"), "register": ("looks",)},
    overrides=("config", "launcher"),
)

REPORT = Verb(
    summary="show run folders side by side: one page with tables, figures and attention maps",
    usage="RUN [RUN ...] --out=FOLDER",
    description="Show run folders side by side, the answers of `ablate` with their verdicts, or both: one\n"
    "self-contained HTML page, its figures as PNG and its tables as CSV. Of many runs\n"
    "all are in the tables, and 15 in the figures: those of each architecture with the best BLEU.",
    examples=(
        "report runs/* --out=report/",
        "report runs/ablation/* --out=report/",
        "report runs/ablation/multi30k/heads.json --out=report/",
        "report runs/* --out=report/ --keep=docs/evidence",
    ),
    flags=(
        flag("runs", "run folders, evaluated; or answers, or folders of answers", nargs="+", type=path, metavar="RUN"),
        flag("--out", "where the report goes, made if absent", required=True, type=path, metavar="FOLDER"),
        flag(
            "--keep",
            "also write the evidence of each run below FOLDER: a run folder of about 20 kB, without weights and texts, "
            "that report reads like the run itself",
            type=path,
            metavar="FOLDER",
        ),
    ),
)

VERBS = {
    "train": TRAIN,
    "audit": AUDIT,
    "evaluate": EVALUATE,
    "translate": TRANSLATE,
    "compare": COMPARE,
    "ablate": ABLATE,
    "report": REPORT,
}
