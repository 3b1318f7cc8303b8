"""The verbs evaluate, translate, export and compare: their flags, help and examples."""

from configs.flags import PLATFORMS, Verb, count, flag, new_file, path, platforms
from configs.verbs.gold import GOLD
from configs.verbs.together import TOGETHER

TOKENIZER = "BLEU of the translations that are there with another tokeniser of sacreBLEU, such as char or ko-mecab"

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
        *TOGETHER,
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
    "lines of a file at a time, and one that is typed at once. A line that is not UTF-8 ends the command by its\n"
    "number, and those before it may have been translated.\n\n"
    "--n_best and --sample write `line ||| translation ||| score`, like Moses, lines counted from 0; ||| in a\n"
    "translation is written &#124;&#124;&#124;, so that a line has three fields. The score is the one that the\n"
    "search ranks by (see evaluation.length_penalty); for a sample it is log p. --score writes log p of a given\n"
    "translation, a tab, and the mean log p of a token. It cuts the text into subwords anew: the score of the\n"
    "system's own output may differ from the one that it was ranked by.",
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
        *TOGETHER,
    ),
    excludes={
        "score": ("beam", "n_best", "sample", "attention"),
        "sample": ("beam", "n_best", "attention"),
        "attention": ("last",),
    },
    requires=dict.fromkeys(("temperature", "top_k", "top_p", "seed"), ("sample",)),
)


EXPORT = Verb(
    summary="write a run as StableHLO programs that JAX runs without Lookback, with an example",
    usage="--workdir=FOLDER --out=FOLDER [flags]",
    description="Write the search of a run as StableHLO programs, with its weights and vocabularies and an example,\n"
    "translate.py, that translates standard input as the verb translate does, by jax, numpy, sentencepiece and\n"
    "flatbuffers alone: `python OUT/translate.py < TEXT`, or `python OUT/translate.py greedy < TEXT`.\n\n"
    "A program takes any number of sentences. There is one for each length that sources are padded to, up to\n"
    "data.max_tokens; of a longer line the beginning is translated. OUT/export.json says what a caller must know.",
    examples=(
        "export --workdir=runs/luong --out=exported/luong",
        "export --workdir=runs/luong --out=exported/greedy --beam=1 --platforms=cuda",
        "export --workdir=runs/a --workdir=runs/b --out=exported/both",
    ),
    flags=(
        flag(
            "--workdir",
            "the run folder; given again, another run that translates with it, as in translate",
            required=True,
            action="append",
            type=path,
            metavar="FOLDER",
        ),
        flag("--out", "a new folder, or an empty one; it is written whole", required=True, type=path, metavar="FOLDER"),
        flag("--last", "average the probabilities of the last K checkpoints, too", type=count, metavar="K"),
        flag(
            "--beam",
            "hypotheses kept, beside greedy search; 1 exports greedy alone (default: the config's)",
            type=count,
            metavar="N",
        ),
        flag(
            "--platforms",
            f"comma-separated, of {', '.join(PLATFORMS)} (default: cpu,cuda,tpu)",
            default=("cpu", "cuda", "tpu"),
            type=platforms,
            metavar="NAMES",
        ),
    ),
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
