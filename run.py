"""The door to Lookback: train, evaluate, translate, compare, ablate, report. Flags only; the work is in research/.

python run.py --help            the verbs
python run.py train --help      one verb: its flags, examples and exit codes
"""

import os
import shlex
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

EPILOG = """\
exit codes: 0 done · 1 could not be done · 2 the command line is wrong · 130 interrupted
One sentence on stderr says why; LOOKBACK_DEBUG=1 shows where it came from."""

OVERVIEW = f"""\
usage: python run.py VERB [flags]

Lookback answers questions about attention in neural machine translation by experiment.

verbs:
  train      train the translator that a config names, into a run folder
  evaluate   score a run folder on its test splits: perplexity, BLEU, chrF, TER, alignment error
  translate  translate standard input, line by line, or score a translation; draw what was read
  compare    two systems, each one or more seeds: is one better, are they equivalent, or is it open
  ablate     a question of experiments/: launch the runs that it needs, and answer it with a verdict
  report     run folders side by side: one page with tables, figures and attention maps

A run folder holds all that evaluate, translate, compare and report need: move it where you like.
`python run.py VERB --help` has the verb's flags and examples.

{EPILOG}
"""


class Parser(ArgumentParser):
    """A verb's flags. Mistakes are one sentence, with the nearest flag where one was mistyped; exit code 2."""

    def __init__(self, verb: str, usage: str, description: str, examples: str):
        super().__init__(
            prog=f"python run.py {verb}",
            usage=f"python run.py {verb} {usage}",
            description=description,
            epilog=f"examples:\n{examples}\n\n{EPILOG}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and leave."""
        fail(f"{message}\n{self.prog} --help lists what it takes", code=2)

    def read(self, arguments: Sequence[str], overrides: Sequence[str] = ()) -> tuple[Namespace, list[str]]:
        """The flags, and the overrides of the configs of these names, such as "config"; nothing else may be there."""
        from configs.command_line import nearest, override_of

        # Before argparse, which would speak of a missing flag where one was mistyped.
        for argument in arguments:
            flag = argument.partition("=")[0]
            known = flag in self._option_string_actions or any(override_of(x).fullmatch(argument) for x in overrides)
            if flag.startswith("--") and not known:
                self.error(f"no flag {flag}{nearest(flag, list(self._option_string_actions))}")
        flags, others = self.parse_known_args(arguments)
        if others and not overrides:
            self.error(f"unexpected argument {others[0]!r}")
        return flags, others


def train(arguments: Sequence[str]) -> None:
    """A config, and overrides of its fields, to a run folder."""
    parser = Parser(
        "train",
        "--config=FILE[:NAME] --workdir=FOLDER [--config.FIELD=VALUE ...]",
        "Train a translator into a run folder; the same command again goes on from its last checkpoint.",
        "  python run.py train --config=configs/embedded.py:luong --workdir=runs/luong\n"
        "  python run.py train --config=configs/multi30k.py:luong --workdir=runs/deep --config.model.layers=3",
    )
    parser.add_argument(
        "--config",
        required=True,
        metavar="FILE[:NAME]",
        help="a file of configs/, and the architecture in it (none, luong, bahdanau, transformer, ...); "
        "--config.FIELD=VALUE overrides a field, and configs/base.py explains every one",
    )
    parser.add_argument("--workdir", required=True, type=Path, metavar="FOLDER", help="the run folder, made if absent")
    flags, others = parser.read(arguments, overrides=["config"])

    from configs.command_line import ConfigError, load, override

    try:
        config, rest = override(load(flags.config), others)
    except ConfigError as error:
        fail(str(error), code=2, cause=error)
    if rest:
        parser.error(f"unexpected argument {rest[0]!r}")

    from research.training.trainer import train

    train(config, flags.workdir, command=in_full("train", arguments))


def evaluate(arguments: Sequence[str]) -> None:
    """A run folder to its result.json."""
    parser = Parser(
        "evaluate",
        "--workdir=FOLDER [--all | --split=NAME] [--beam=N] [flags]",
        "Score a run folder on its test splits, overall and by source length, word frequency and reordering.\n"
        "Writes result.json, result.md (its tables) and translations/ into the folder.",
        "  python run.py evaluate --workdir=runs/luong\n"
        "  python run.py evaluate --workdir=runs/luong --all\n"
        "  python run.py evaluate --workdir=runs/luong --split=test_2016_flickr --beam=5",
    )
    add_workdir(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every split, validation too; prints the tables of all")
    which.add_argument("--split", metavar="NAME", help="one split of the run folder (default: every test split)")
    parser.add_argument(
        "--beam", type=count, metavar="N", help="hypotheses kept; 1 is greedy (default: both 1 and the config's)"
    )
    parser.add_argument(
        "--gold",
        type=Path,
        metavar="FILE",
        help="gold alignment of the split in the Pharaoh format, words counted from 0, source first: 0-1 is sure, "
        "0?1 or 0p1 possible (default: what the corpus brings)",
    )
    parser.add_argument(
        "--interventions",
        action="store_true",
        help="also: read by uniform, hard and permuted weights, and without each head there is, and say what each "
        "costs; as long as so many greedy searches",
    )
    flags, _ = parser.read(arguments)

    from research.evaluation.evaluate import evaluate

    evaluate(
        flags.workdir,
        split=flags.split,
        every_split=flags.all,
        beams=flags.beam and (flags.beam,),
        gold=flags.gold,
        interventions=flags.interventions,
        command=in_full("evaluate", arguments),
    )


def translate(arguments: Sequence[str]) -> None:
    """Standard input to standard output, by a run folder, or by several as an ensemble."""
    parser = Parser(
        "translate",
        "--workdir=FOLDER [--n_best=N | --sample=N | --score=FILE] [flags] < TEXT",
        "Translate standard input, UTF-8 with one sentence a line, to standard output, line for line.\n\n"
        "--n_best and --sample write `line ||| translation ||| score`, like Moses, lines counted from 0. The score\n"
        "is what the search ranked by (see evaluation.length_penalty); of a sample it is log p. --score writes log p\n"
        "of a given translation, a tab, and log p of a token in the mean.",
        "  python run.py translate --workdir=runs/luong < text.en > text.de\n"
        "  python run.py translate --workdir=runs/luong --attention=maps/ < text.en > text.de\n"
        "  python run.py translate --workdir=runs/a --workdir=runs/b --beam=8 < text.en > text.de\n"
        "  python run.py translate --workdir=runs/luong --last=3 --n_best=5 < text.en > text.nbest\n"
        "  python run.py translate --workdir=runs/luong --sample=10 --top_p=0.9 --seed=1 < text.en > text.samples\n"
        "  python run.py translate --workdir=runs/luong --score=text.de < text.en > text.scores",
    )
    parser.add_argument(
        "--workdir",
        required=True,
        action="append",
        type=Path,
        metavar="FOLDER",
        help="the run folder; given again, another one that translates with it: their probabilities are averaged",
    )
    parser.add_argument("--last", type=count, metavar="K", help="average the last K checkpoints' probabilities, too")
    parser.add_argument("--beam", type=count, metavar="N", help="hypotheses kept; 1 is greedy (default: the config's)")
    parser.add_argument("--n_best", type=count, metavar="N", help="write the N best of each line, with scores")
    parser.add_argument("--sample", type=count, metavar="N", help="draw N translations of each line, with log p")
    parser.add_argument("--temperature", type=float, metavar="X", help="of --sample: below 1 the likely are likelier")
    parser.add_argument("--top_k", type=count, metavar="K", help="of --sample: from the K likeliest tokens only")
    parser.add_argument("--top_p", type=float, metavar="P", help="of --sample: from the likeliest that have mass P")
    parser.add_argument("--seed", type=int, metavar="N", help="of --sample (default: the config's)")
    parser.add_argument(
        "--score", type=Path, metavar="FILE", help="do not translate: score this translation, line for line"
    )
    parser.add_argument(
        "--attention",
        type=Path,
        metavar="FOLDER",
        help="write what was read there: index.html, a page to point at words in, by layer and head; and a sentence's "
        "picture and weights, 0001.png and 0001.npz for line 1 (arrays: source, target, source_tokens, target_tokens, "
        "weights_LHTS of every layer and head, weights: their mean)",
    )
    flags, _ = parser.read(arguments)
    given = {name: value for name, value in vars(flags).items() if value is not None}
    refuse_contradictions(parser, given)
    workdir, *also = given.pop("workdir")
    if also:
        given["also"] = also

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # whatever the terminal's language
    if "score" in given:
        from research.evaluation.score_text import score_text

        score_text(workdir, sys.stdin.buffer, given.pop("score"), sys.stdout, **given)
        return

    from research.evaluation.translate_text import translate_text
    from research.report import attention_page, attention_png

    translate_text(workdir, sys.stdin.buffer, sys.stdout, **given, draw=attention_png, page=attention_page)


def refuse_contradictions(parser: Parser, given: Mapping[str, Any]) -> None:
    """Flags of `translate` of which one leaves the other nothing to say."""
    sampling = ("temperature", "top_k", "top_p", "seed")
    together = {
        "score": ("beam", "n_best", "sample", "attention"),
        "sample": ("beam", "n_best", "attention"),
        "attention": ("last",),
    }
    for flag, others in together.items():
        for other in others:
            if flag in given and other in given:
                parser.error(f"--{flag} and --{other} do not go together: leave one out")
    if "attention" in given and len(given["workdir"]) > 1:
        parser.error("--attention draws what one model reads: give one --workdir")
    for flag in sampling:
        if flag in given and "sample" not in given:
            parser.error(f"--{flag} says how to sample: give --sample=N with it, or leave it out")


def compare(arguments: Sequence[str]) -> None:
    """Run folders of two systems to a verdict."""
    parser = Parser(
        "compare",
        "A [A ...] --with B [B ...] [flags]",
        "Is system A better than system B, or equivalent to it? Each is one run folder, or several that differ in\n"
        "their seed, evaluated on the same sentences. Sentences are resampled, and seeds with them where there are\n"
        "several. The last line is the verdict: A is better, B is better, equivalent within ±MARGIN, inconclusive.",
        "  python run.py compare runs/luong --with runs/none\n"
        "  python run.py compare runs/deep-? --with runs/flat-? --measure=chrf --margin=0.5 --json=deep-or-flat.json",
    )
    parser.add_argument("a", nargs="+", type=Path, metavar="A", help="run folders of system A, one a seed")
    parser.add_argument(
        "--with", required=True, nargs="+", type=Path, metavar="B", dest="b", help="run folders of system B, one a seed"
    )
    parser.add_argument("--split", metavar="NAME", help="what was translated (default: the only test split)")
    parser.add_argument(
        "--search", metavar="NAME", help="how: beam1 is greedy (default: the widest that all were evaluated with)"
    )
    parser.add_argument(
        "--measure", default="bleu", choices=("bleu", "chrf", "ter"), help="by what (default: %(default)s)"
    )
    parser.add_argument(
        "--margin", type=float, metavar="POINTS", help="a difference that would not matter (default: none is stated)"
    )
    parser.add_argument(
        "--level", type=float, default=0.95, metavar="SHARE", help="of the intervals (default: %(default)s)"
    )
    parser.add_argument("--resamples", type=int, default=2_000, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the resamples: the same gives the same (default: 0)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was found there as well")
    flags, _ = parser.read(arguments)

    from rich.console import Console

    from research.evaluation.compare import compare, write_json
    from research.evaluation.comparison_table import terminal

    named = {name: value for name, value in vars(flags).items() if name != "json"}
    found = compare(named.pop("a"), named.pop("b"), **named)
    if flags.json:
        write_json(found, flags.json, command=in_full("compare", arguments))
    Console().print(terminal(found), soft_wrap=True, highlight=False)


def ablate(arguments: Sequence[str]) -> None:
    """A question to its verdict."""
    parser = Parser(
        "ablate",
        "QUESTION [--config=FILE] [--config.FIELD=VALUE ...] [flags]",
        "Answer a question of experiments/: train and evaluate every arm under every seed, compare them, and say\n"
        "whether the claim is supported, refuted or open. Runs go to OUT/trained/, the answer to OUT/QUESTION.json;\n"
        "runs that are there are not made again, whichever question made them.",
        "  python run.py ablate --list\n"
        "  python run.py ablate recurrent_depth\n"
        "  python run.py ablate heads --config=configs/multi30k.py --seeds=0,1,2 --launcher.jobs_at_once=2\n"
        "  python run.py ablate data_size --resume\n"
        "  python run.py ablate speed_or_accuracy --match=seconds --learning_rates=1e-3,3e-3\n"
        "  python run.py ablate heads --launcher=slurm --launcher.partition=gpu --dry_run",
    )
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="a file of experiments/; --list names them")
    parser.add_argument("--list", action="store_true", help="the questions, their arms, and what they cost here")
    parser.add_argument(
        "--config",
        default="configs/embedded_tiny.py",
        metavar="FILE",
        help="what all arms are based on: a file of configs/ (default: %(default)s); the question names its models",
    )
    parser.add_argument("--arms", default="*", metavar="PATTERN", help="only these, such as 'heads=?|heads=??'")
    parser.add_argument("--seeds", type=seeds, default=(0, 1, 2), metavar="N,N,N", help="default: 0,1,2, the fewest")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: runs/ablation/ and the config's name")
    parser.add_argument("--beam", type=count, default=1, metavar="N", help="hypotheses kept (default: 1, greedy)")
    parser.add_argument("--resume", action="store_true", help="go on with a question that was stopped")
    parser.add_argument(
        "--match",
        choices=("steps", "flops", "seconds", "parameters"),
        help="what all arms spend alike, measured by the first (default: what the question says, mostly steps)",
    )
    parser.add_argument(
        "--learning_rates",
        type=rates,
        default=(),
        metavar="X,X,...",
        help="rates that every arm tries under the first seed; the best on validation is taken (default: what the "
        "question says, mostly the config's)",
    )
    parser.add_argument(
        "--launcher",
        default="local",
        metavar="NAME",
        help="where jobs run: local or slurm; --launcher.FIELD=VALUE sets what configs/launchers.py lists",
    )
    parser.add_argument("--dry_run", action="store_true", help="print what would be launched, and launch nothing")
    flags, others = parser.read(arguments, overrides=["config", "launcher"])

    from rich.console import Console

    import experiments
    from configs.command_line import ConfigError, load, override
    from configs.launchers import launcher

    def get_config(architecture: str) -> Any:
        return load(f"{flags.config}:{architecture}")

    if flags.question is None and not flags.list:
        parser.error("which question? --list names them")

    from research.ablation.ablate import Ablation
    from research.ablation.launching import LAUNCHERS
    from research.ablation.listing import listing
    from research.report import answers_terminal

    try:
        where, ours = override(launcher(flags.launcher), others, prefix="launcher")
        names = [flags.question] if flags.question else experiments.QUESTIONS
        asked = {name: experiments.load(name) for name in names}
        base = next(iter(asked.values())).base
        if rest := override(get_config(base), ours)[1]:
            parser.error(f"unexpected argument {rest[0]!r}")
        changed = partial(override, arguments=ours)
        if flags.list:
            Console().print(listing(asked, get_config, override=changed, seeds=len(flags.seeds)))
            return
        experiment = asked[flags.question]
        if (flags.match or experiment.match) == "seconds" and flags.launcher != "local":
            parser.error(
                "--match=seconds times steps here, and another machine trains: match by flops, or launch local"
            )
        ablation = Ablation(
            flags.question,
            experiment,
            get_config,
            override=changed,
            config_file=flags.config,
            command=in_full("ablate", [each for each in arguments if each != "--resume"]),  # anew it is all missing
            seeds=flags.seeds,
            out=flags.out or Path("runs/ablation") / Path(flags.config).stem,
            search=f"beam{flags.beam}",
            by=flags.match,
            rates=flags.learning_rates,
            only=flags.arms,
        )
    except ConfigError as error:
        fail(str(error), code=2, cause=error)
    launching = LAUNCHERS[flags.launcher](**where)
    if flags.dry_run:
        first, *later = ablation.launches()
        print(launching.dry_run(first))
        if later:
            print(f"# and {len(later)} more like it, each when the one before it has ended")
        return
    answer = ablation.run(launching, resume=flags.resume)
    Console().print(answers_terminal([ablation.file]))
    print(f"\nAnswer: {ablation.file}; `python run.py report {ablation.out} --out=report/` makes a page of it")
    if any(arm["failed"] for arm in answer["arms"]):
        fail("some arms failed; what they said last is above", code=1)


def report(arguments: Sequence[str]) -> None:
    """Run folders to a page."""
    parser = Parser(
        "report",
        "RUN [RUN ...] --out=FOLDER",
        "Show run folders side by side, or the answers of `ablate` with their verdicts: one self-contained HTML page,\n"
        "its figures as PNG and its tables as CSV.",
        "  python run.py report runs/* --out=report/\n"
        "  python run.py report runs/ablation/* --out=report/\n"
        "  python run.py report runs/ablation/multi30k/heads.json --out=report/",
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="run folders, evaluated; or answers, or folders of answers"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="where the report goes, made if absent"
    )
    flags, _ = parser.read(arguments)

    from rich.console import Console

    from experiments import answers
    from research.report import answers_terminal, terminal_table, write_answers, write_report

    if asked := [answer for path in flags.runs for answer in answers(path)]:
        page, shown = write_answers(asked, flags.out), answers_terminal(asked)
    else:
        page, shown = write_report(flags.runs, flags.out), terminal_table(flags.runs)
    Console().print(shown)
    print(f"\nReport: {page}")


VERBS = {
    "train": train,
    "evaluate": evaluate,
    "translate": translate,
    "compare": compare,
    "ablate": ablate,
    "report": report,
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(OVERVIEW, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    verb, *rest = arguments
    if verb not in VERBS:
        from configs.command_line import nearest

        hint = nearest(verb, list(VERBS)) or f"; choose one of {', '.join(VERBS)}"
        fail(f"no verb {verb!r}{hint}", code=2)
    try:
        VERBS[verb](rest)
    except BrokenPipeError:  # whoever read our output has left, such as `head`; let nothing complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        here = Path(__file__).resolve().parent
        hint = f"use {here / '.venv/bin/python'}, which `make environment` prepares, or `pip install -e {here}`"
        fail(f"this Python has no package {error.name!r}: {hint}", code=1, cause=error)
    except (ValueError, OSError, FloatingPointError) as error:
        fail(str(error), code=1, cause=error)
    except KeyboardInterrupt as interrupt:
        fail(str(interrupt) or f"{verb} was interrupted before it was done", code=130, cause=interrupt)
    return 0


def add_workdir(parser: Parser) -> None:
    """The flag of every verb that works on a run folder."""
    parser.add_argument("--workdir", required=True, type=Path, metavar="FOLDER", help="the run folder")


def in_full(verb: str, arguments: Sequence[str]) -> str:
    """The command that this process was started by, as a person would type it again."""
    return shlex.join(["python", "run.py", verb, *arguments])


def count(text: str) -> int:
    """A number of something, at least one."""
    if not text.isdecimal() or int(text) < 1:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def seeds(text: str) -> tuple[int, ...]:
    """Seeds, such as 0,1,2."""
    return _numbers(text, _natural, "whole numbers, such as 0,1,2")


def rates(text: str) -> tuple[float, ...]:
    """Learning rates, such as 1e-3,3e-3."""
    return _numbers(text, float, "numbers, such as 1e-3,3e-3")


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)


def _numbers(text: str, kind: Callable[[str], Any], such: str) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} are no {such}") from None


def fail(message: str, *, code: int, cause: BaseException | None = None) -> NoReturn:
    """Say on stderr what went wrong, without a traceback unless LOOKBACK_DEBUG asks for it, and leave."""
    if cause is not None and os.environ.get("LOOKBACK_DEBUG"):
        raise cause
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
