"""The command line of Lookback, from training to reports. The work is in research/.

python run.py --help            the verbs
python run.py train --help      one verb: its flags, examples and exit codes
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from configs.parser import Given, UsageError, overview, read, refuse
from configs.verbs import VERBS
from research.files import refuse_unwritable
from research.parallel.endings import ending, interrupt_on_signals

EXPLORING = (0, 1, 2)
"""The seeds of an ablation that confirms nothing."""


def train(given: Given, command: str) -> None:
    """Train the translator of a config into a run folder."""
    config = _config("train", given)

    from research.training.trainer import train

    with _joined("train", given.flags):
        train(config, given.flags.workdir, command=command, trunk=given.flags.trunk, trackers=given.flags.tracker or ())


def plan(given: Given, command: str) -> None:
    """Say what the training of a config, or of every arm of a question, will need on chips that are not here."""
    flags = given.flags
    if flags.question:
        _plan_question(given, command)
        return
    config = _config("plan", given)

    from research.results.tables import terminal_table
    from research.training.plan import plan
    from research.training.plan_table import plan_table, verdict

    found = plan(config, flags.target, price=flags.price)
    _say_plan(found, terminal_table(plan_table(found)), verdict(found), found.asked.fits, flags.json, command)


def _plan_question(given: Given, command: str) -> None:
    """Say what the trainings of a question will need."""
    import experiments

    flags = given.flags
    if not flags.config:
        refuse("plan", "which config? give --config=FILE, whose models the question names")
    experiment = experiments.load(flags.question)
    if experiment.work != "train":
        refuse("plan", f"{flags.question} times steps and trains nothing: plan one of its configs")
    get_config, changed = _arm_configs("plan", flags.config, given.overrides, experiment.base)
    arms = experiment.configs(get_config, changed, corpus=Path(flags.config).stem)

    from research.results.tables import terminal_table
    from research.training.plan import plan_question
    from research.training.plan_table import question_table, question_verdict

    found = plan_question(arms, flags.target, seeds=len(flags.seeds or EXPLORING), price=flags.price)
    table = terminal_table(question_table(found), fold=[0], align="lrrlrrr")
    _say_plan(found, table, question_verdict(found), found.fits, flags.json, command)


def _say_plan(found: Any, table: Any, verdict: str, fits: bool, file: Path | None, command: str) -> None:
    """Print a plan, and write it to a file if one is named; one that does not fit is an error."""
    from rich.console import Console

    from research.training.plan import write_plans
    from research.training.plan_table import assumptions

    if file:
        write_plans(found, file, command=command)
    Console().print(table)
    print(f"\n{assumptions(found)}")
    if not fits:
        fail(verdict, code=1)
    print(verdict)


def _arm_configs(
    name: str, file: str, overrides: Sequence[str], architecture: str
) -> tuple[Callable[[str], Any], Callable[[Any], Any]]:
    """Return architecture -> its config, and what changes the configs of all arms as a person asks.

    Args:
        name: the verb.
        file: a file of configs/.
        overrides: as they were typed.
        architecture: one of the file, by which they are tried.
    """
    from configs.command_line import load, override

    def get_config(architecture: str) -> Any:
        return load(f"{file}:{architecture}")

    if rest := override(get_config(architecture), overrides)[1]:
        refuse(name, f"unexpected argument {rest[0]!r}")
    return get_config, partial(override, arguments=overrides)


def audit(given: Given, command: str) -> None:
    """Kill a training again and again, and compare it with the unbroken one; or compare ways to spread it."""
    config, flags = _config("audit", given), given.flags

    from rich.console import Console

    from research.results.tables import terminal_table
    from research.training.audit import audit, audit_table

    if flags.devices:
        from research.training.audit_devices import TOLERANCE, audit_devices, layouts_table

        layouts = audit_devices(config, flags.out, devices=flags.devices, command=command)
        Console().print(terminal_table(layouts_table(layouts)))
        if not all(each.agrees for each in layouts):
            fail(f"a loss differs by more than {TOLERANCE:g} nats from that of pmap on one device", code=1)
        print(f"\nDevices: the loss of every step agrees with that of pmap on one device: {flags.out}")
        return
    found = audit(config, flags.out, kills=flags.kills, seed=flags.seed, command=command)
    Console().print(terminal_table(audit_table(found.kills)))
    if not found.passed:
        wrong = sum(not kill.equal for kill in found.kills)
        said = "; ".join(found.differences) or "the finished folders agree"
        fail(f"after {wrong} of {len(found.kills)} kills steps differ from the unbroken training; {said}", code=1)
    print(f"\nKills: {len(found.kills)}; every step is bit for bit that of the unbroken training: {flags.out}")


def _config(name: str, given: Given) -> Any:
    """Return the config that a verb's flags name."""
    from configs.command_line import fields_set, load, override

    flags = given.flags
    if not flags.config and not flags.again:
        refuse(name, "which config? give --config=FILE:NAME, or --from=RUN for that of a run")
    if flags.again:
        from research.results.run_folder import RunFolder

        config = RunFolder.existing(flags.again).config()
    else:
        config = load(flags.config)
    config, rest = override(config, given.overrides)
    if rest:
        refuse(name, f"unexpected argument {rest[0]!r}")

    from research.models.unread import refuse_unread

    refuse_unread(config.model, fields_set(given.overrides, "config.model"))
    return config


def evaluate(given: Given, command: str) -> None:
    """Score a run folder into its result.json."""
    from research.evaluation.added_split import ParallelFiles
    from research.evaluation.evaluate import evaluate

    flags = given.flags
    if flags.tokenizer:
        from research.evaluation.score_again import score_again

        score_again(flags.workdir, flags.tokenizer, split=flags.split, command=command)
        return
    new = flags.source, flags.reference, flags.name
    if any(new) and not all(new[:2]):
        refuse("evaluate", "a new test set has two sides: give both --source and --reference")
    with _joined("evaluate", flags):
        evaluate(
            flags.workdir,
            split=flags.split,
            every_split=flags.all,
            files=ParallelFiles(*new) if any(new) else None,
            beams=flags.beam and (flags.beam,),
            gold=flags.gold,
            interventions=flags.interventions,
            command=command,
        )


def translate(given: Given, command: str) -> None:
    """Translate standard input to standard output, with one run folder or an ensemble of several."""
    how = ("coordinator", "num_processes", "process_id")
    named = {name: value for name, value in vars(given.flags).items() if value is not None and name not in how}
    workdir, *also = named.pop("workdir")
    if also and "attention" in named:
        refuse("translate", "--attention draws what one model reads: give one --workdir")
    if also:
        named["also"] = also
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # whatever the terminal's language
    if "score" in named:
        from research.evaluation.score_text import score_text

        with _joined("translate", given.flags):
            score_text(workdir, sys.stdin.buffer, named.pop("score"), sys.stdout, **named)
        return

    from research.evaluation.translate_text import translate_text
    from research.report import attention_page, attention_png

    with _joined("translate", given.flags):
        translate_text(workdir, sys.stdin.buffer, sys.stdout, **named, draw=attention_png, page=attention_page)


def _joined(name: str, flags: Any) -> AbstractContextManager[None]:
    """Return the context in which a verb works together with the other processes of its command."""
    from research.parallel.processes import joined

    return joined(name, flags.coordinator, flags.num_processes, flags.process_id)


def export(given: Given, command: str) -> None:
    """Write a run, or an ensemble of several, as programs that run without this code."""
    from research.evaluation.export import export

    named = {name: value for name, value in vars(given.flags).items() if value is not None}
    workdir, *also = named.pop("workdir")
    out = export(workdir, named.pop("out"), also=also, **named)
    print(f"Exported: {out}; `python {shlex.quote(str(out / 'translate.py'))} < TEXT` translates")


def compare(given: Given, command: str) -> None:
    """Compare two systems and print the verdict."""
    from rich.console import Console

    from research.evaluation.compare import compare, write_json
    from research.evaluation.comparison_table import terminal

    if given.flags.json:
        refuse_unwritable(given.flags.json.parent)
    named = {name: value for name, value in vars(given.flags).items() if name != "json"}
    found = compare(named.pop("a"), named.pop("b"), **named)
    if given.flags.json:
        write_json(found, given.flags.json, command=command)
    Console().print(terminal(found), soft_wrap=True, highlight=False)


def ablate(given: Given, command: str) -> None:
    """Answer a question of experiments/, or list the questions."""
    import experiments
    from configs.command_line import calibration, override
    from configs.launchers import launcher
    from research.results.ranges import refuse_out_of_range

    flags = given.flags
    corpus = Path(flags.config).stem
    if not flags.question and (flags.vary or not flags.list):
        refuse("ablate", "which question? --list names them; with --vary, any name will do, such as my_depth")
    launcher_fields, ours = override(launcher(flags.launcher), given.overrides, prefix="launcher")
    refuse_out_of_range(launcher_fields, "launcher")
    named_before = flags.question in experiments.names()
    with _only_if_right(_write_own_question(flags) if flags.vary else None, named_before):
        asked = {name: experiments.load(name) for name in ([flags.question] if flags.question else experiments.names())}
        if flags.architecture:
            asked = {name: replace(experiment, base=flags.architecture) for name, experiment in asked.items()}
        get_config, changed = _arm_configs("ablate", flags.config, ours, next(iter(asked.values())).base)
        if flags.vary:
            asked[flags.question].configs(get_config, changed, corpus=corpus)
    if flags.list:
        from rich.console import Console

        from research.ablation.listing import listing

        Console().print(
            listing(asked, get_config, override=changed, corpus=corpus, seeds=len(flags.seeds or EXPLORING))
        )
        return
    experiment = asked[flags.question]
    if (flags.match or experiment.match) == "seconds" and flags.launcher != "local":
        refuse(
            "ablate", "--match=seconds times steps here, and another machine trains: match by flops, or launch local"
        )

    from experiments import EVIDENCE, LOCKS
    from research.ablation.ablate import Ablation
    from research.ablation.launching import LAUNCHERS
    from research.ablation.launching.printed import Printed

    ask = partial(
        Ablation,
        flags.question,
        experiment,
        get_config,
        override=changed,
        config_file=flags.config,
        command=command,
        out=flags.out or Path("runs/ablation") / corpus,
        search=f"beam{flags.beam}",
        by=flags.match,
        only=flags.arms,
        made_elsewhere=flags.evidence or (),
        calibration=calibration(flags.config),
        gold=flags.gold,
    )
    launching = LAUNCHERS[flags.launcher](**launcher_fields)
    if isinstance(launching, Printed) and not (flags.dry_run or flags.register or flags.power):
        launching.launch([])  # it refuses: before anything is written
    lock_file = LOCKS / f"{flags.question}.{corpus}.json"
    if flags.register:
        _register(partial(ask, looks=flags.looks or ()), lock_file, flags, EVIDENCE / corpus)
    elif flags.tune:
        _tune(ask(seeds=EXPLORING, tuned=False), launching, dry_run=flags.dry_run)
    elif flags.power:
        _power(ask, flags.seeds, flags.looks or ())
    elif flags.confirm:
        _confirm(ask, lock_file, launching, flags)
    else:
        _answer(ask(seeds=flags.seeds or EXPLORING), launching, flags)


def _write_own_question(flags: Any) -> Path:
    """Write the experiment file that --vary stands for."""
    import experiments
    from research.ablation.own_question import factor, own_question

    text = own_question(
        flags.architecture or "luong",
        [factor(each) for each in flags.vary],
        [factor(each) for each in flags.cross or ()],
        flags.measure or "bleu",
        flags.equivalent,
    )
    file = experiments.write_own(flags.question, text)
    print(f"Question: {file}")
    return file


@contextmanager
def _only_if_right(file: Path | None, was_there: bool) -> Iterator[None]:
    """Remove the file of a question in which a field or a value is wrong, so that its name is free again."""
    try:
        yield
    except ValueError:
        if file and not was_there:
            file.unlink()
        raise


def _tune(ablation: Any, launching: Any, *, dry_run: bool) -> None:
    """Find the learning rate and the steps of each arm, and print them."""
    from rich.console import Console

    from research.ablation.tuning import first_launches, tune, tuning_table

    if dry_run:
        _print_launches(first_launches(ablation), launching)
        return
    Console().print(tuning_table(tune(ablation, launching)))
    print(f"\nTuned: {ablation.tuning_file}; the same command without --tune trains by it")


def _power(ask: Callable, seeds: Sequence[int] | None, looks: Sequence[int]) -> None:
    """Print what a plan with so many seeds would show."""
    from rich.console import Console

    from research.ablation.power_of_plan import power_table

    Console().print(power_table(ask, seeds, looks))


def _register(ask: Callable, lock_file: Path, flags: Any, kept: Path) -> None:
    """Write the plan of a question, to be committed."""
    from research.ablation.locking import register, with_fresh_seeds
    from research.results.locks import read_lock

    before = read_lock(lock_file)
    asked = ask(seeds=flags.seeds) if flags.seeds else with_fresh_seeds(ask, before, flags.looks or (), kept)
    lock = register(asked, lock_file, before, kept)
    print(
        f"Plan: {lock_file}, SHA-256 {lock.sha256[:12]}; commit it, then --confirm it, with no other --seeds or --looks"
    )


def _confirm(ask: Callable, lock_file: Path, launching: Any, flags: Any) -> None:
    """Give the verdict on the plan that was registered."""
    from research.ablation.locking import confirmable
    from research.results.locks import read_lock

    if (lock := read_lock(lock_file)) is None:
        raise ValueError(f"there is no {lock_file}: --register writes it, with the same flags; commit it first")
    ablation = ask(seeds=lock.plan.seeds, lock=lock)
    _answer(ablation, launching, flags, confirmable(ablation, lock, lock_file))


def _answer(ablation: Any, launching: Any, flags: Any, lock: Any = None) -> None:
    """Launch the runs that are missing, and print the answer: exploratory, unless a plan is confirmed."""
    from rich.console import Console

    from research.report import answers_terminal

    if flags.dry_run:
        _print_launches(ablation.launches(), launching)
        return
    if flags.keep:
        from research.ablation.kept_runs import keep, refuse_unkeepable

        refuse_unkeepable(flags.keep, ablation.arms.values())
    answer = ablation.run(launching, resume=flags.resume, lock=lock)
    Console().print(answers_terminal([ablation.file]))
    print(f"\nAnswer: {ablation.file}; `python run.py report {ablation.out} --out=report/` makes a page of it")
    if flags.evidence:
        print(f"Runs made elsewhere: {ablation.taken()}, of {', '.join(map(str, flags.evidence))}")
    if flags.keep:
        kept = keep(ablation.asked(), flags.keep)
        print(f"Evidence: {len(kept)} runs in {flags.keep}")
    if any(arm.failed for arm in answer.arms):
        fail("some arms failed; the last lines of each are above", code=1)


def _print_launches(groups: Sequence[Any], launching: Any) -> None:
    if not groups:
        print("# nothing: the plan says by itself that nothing is tested here")
        return
    first, *later = groups
    print(launching.dry_run(first))
    if later:
        print(f"# and {len(later)} more like it, each when the one before it has ended")


def report(given: Given, command: str) -> None:
    """Write a page of run folders, answers or both."""
    from rich.console import Console

    from experiments import answers
    from research.report import answers_terminal, terminal_table, write_report
    from research.results.evidence import keep

    if given.flags.keep:
        refuse_unwritable(given.flags.keep)
    found = {path: answers(path) for path in given.flags.runs}
    runs = [path for path, answered in found.items() if not answered]
    asked = [answer for answered in found.values() for answer in answered]
    page = write_report(runs, given.flags.out, asked)
    kept = keep(runs, given.flags.keep) if given.flags.keep else []
    if runs:
        Console().print(terminal_table(runs))
    if asked:
        Console().print(answers_terminal(asked))
    print(f"\nReport: {page}")
    for folder in kept:
        print(f"Evidence: {folder}")


ACTIONS: dict[str, Callable[[Given, str], None]] = {
    "train": train,
    "plan": plan,
    "audit": audit,
    "evaluate": evaluate,
    "translate": translate,
    "export": export,
    "compare": compare,
    "ablate": ablate,
    "report": report,
}


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    name = arguments[0] if arguments else ""
    try:
        interrupt_on_signals(name)
        _refuse_other_encodings(arguments)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a sign that a terminal has no letter for is no reason to fail
        try:
            return _do(name, arguments[1:])
        finally:
            sys.stdout.flush()  # a full disk is an error here, and no complaint at exit
    except BrokenPipeError:  # the reader of our output has left, such as `head`
        _say_no_more()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        last = ending(error, name)
        fail(last.sentence, code=last.code)


def _refuse_other_encodings(arguments: Sequence[str]) -> None:
    """Refuse an argument that is not UTF-8, which no JSON and no page could hold: better now than after training."""
    for argument in arguments:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{argument} is not UTF-8: rename it, or name another") from None


def _do(name: str, arguments: Sequence[str]) -> int:
    """Do what a verb says and return the exit code."""
    if name in ("", "-h", "--help", "help"):
        print(overview(), end="", file=sys.stdout if name else sys.stderr)
        return 0 if name else 2
    if name not in VERBS:
        from configs.command_line import nearest

        hint = nearest(name, list(VERBS)) or f"; choose one of {', '.join(VERBS)}"
        raise UsageError(f"no verb {name!r}{hint}")
    # The command as a person would type it again; --resume is left out: without it, everything is missing anew.
    command = shlex.join(["python", "run.py", name, *(each for each in arguments if each != "--resume")])
    ACTIONS[name](read(name, arguments), command)
    return 0


def fail(message: str, *, code: int) -> NoReturn:
    """Print one sentence on stderr and exit."""
    print(f"error: {message}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _say_no_more()
    sys.exit(code)


def _say_no_more() -> None:
    """Send what is still to be printed nowhere, so that nothing complains at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_what_is_closed() -> None:
    """Open streams that the caller has closed (`<&-`, `>&-`) on nothing, before another file gets their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, open to the end


if __name__ == "__main__":
    _open_what_is_closed()
    sys.exit(main(sys.argv[1:]))
