"""Answers as the report reads them: `OUT/<question>.json` of `ablate`, checked field by field."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from research.report.numbers import COSTS
from research.report.record import Interval, Record, finite
from research.report.words import VERDICTS
from research.words import Words


@dataclass(frozen=True)
class Trained:
    """One run of an arm. gone: its folder is not there any more."""

    seed: int
    folder: str
    scores: dict[str, float | None]
    gone: bool


@dataclass(frozen=True)
class Failure:
    """One run that did not end, and what it said last."""

    seed: int
    last_lines: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class Arm:
    """score, interval: of the question's measure over seeds. x: where it stands on the axis. group: on which line.
    learning_rate: that its runs were trained with, None where that is not known."""

    name: str
    fields: dict[str, Any]
    x: float | None
    group: str
    runs: tuple[Trained, ...]
    failed: tuple[Failure, ...]
    score: float | None
    interval: Interval
    means: dict[str, float | None]
    costs: dict[str, float | None]
    learning_rate: float | None


@dataclass(frozen=True)
class Measure:
    """better: 1 where higher is, -1 where lower is, 0 where neither."""

    name: str
    better: int
    unit: str
    words: Words


@dataclass(frozen=True)
class Axis:
    """Of the arms' x."""

    words: Words
    log: bool


@dataclass(frozen=True)
class Comparison:
    """a - b, and how likely so much would be by chance, for itself and among all comparisons of the question."""

    a: str
    b: str
    difference: float | None
    interval: Interval
    p_value: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Hypothesis:
    """What was to be shown. p_refutes: corrected for the number of hypotheses.

    against: what the effect is seen against, 0 of a difference; margin: about it, None of a level. measure: its own,
    None where it is the answer's. level: of the interval.
    """

    words: Words
    verdict: str
    effect: float | None
    interval: Interval
    p_supports: float | None
    p_refutes: float | None
    against: float
    margin: float | None
    measure: Measure | None
    level: float | None


@dataclass(frozen=True)
class Literature:
    """Published numbers, by the name of the arm that is most like theirs."""

    source: str
    measure: str
    values: dict[str, float]


@dataclass(frozen=True)
class Curve:
    """A measure of one run over steps."""

    arm: str
    seed: int
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Answer:
    """All that `ablate` found out about a question on a corpus.

    measures: by name, those that say what people call them. level: of the intervals, None where it is not said. cost:
    what scores are drawn over as well, one of COSTS. findings: computed; note: what a person found out.
    """

    path: Path
    question: str
    corpus: str
    asked: Words
    claim: Words
    source: str
    command: str
    commit: str
    finished: str
    measure: Measure
    measures: dict[str, Measure]
    split: str
    search: str
    level: float | None
    factors: tuple[str, ...]
    arms: tuple[Arm, ...]
    axis: Axis | None
    cost: str | None
    comparisons: tuple[Comparison, ...]
    hypotheses: tuple[Hypothesis, ...]
    verdict: str
    flags: tuple[Words, ...]
    findings: tuple[Words, ...]
    note: Words
    literature: tuple[Literature, ...]
    curves: tuple[Curve, ...]
    seconds: float
    look: str | None

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.corpus}.{self.question}"

    @property
    def called(self) -> dict[str, Words]:
        """Measures as this answer calls them."""
        return {name: each.words for name, each in self.measures.items()} | {self.measure.name: self.measure.words}

    @property
    def seeds(self) -> str:
        """How many runs an arm has: `3`, or `2–3` where arms differ."""
        counts = [len(arm.runs) for arm in self.arms] or [0]
        return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"


def read_answers(paths: Iterable[Path | str]) -> list[Answer]:
    """The answers in the order of `paths`, and of names in a folder; one named twice is read once.

    Raises FileNotFoundError for a file that is not there; ValueError for one that is damaged or incomplete, for two
    answers to one question on one corpus, and when there is none.
    """
    found: dict[str, Answer] = {}
    for path in dict.fromkeys(file for each in paths for file in _files(Path(each).absolute())):
        answer = _read(path)
        if answer.name in found:
            both = f"{found[answer.name].path} and {path}"
            raise ValueError(f"{both} both answer {answer.question} on {answer.corpus}; give one of them")
        found[answer.name] = answer
    if not found:
        raise ValueError("no answer to report: give the .json files that `python run.py ablate` writes")
    return list(found.values())


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _read(path: Path) -> Answer:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no answer {path}; `python run.py ablate {path.stem}` writes one") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        again = f"python run.py ablate {path.stem}"
        raise ValueError(f"{path} is damaged ({error}); to write it again: {again}") from None
    record = Record(path, "", value)
    axis = record.get("axis", dict, type(None)) and Record(path, "axis", record.value["axis"])
    measures = record.records("measures") if "measures" in record.value else []
    arms = tuple(map(_arm, record.records("arms")))
    answer = Answer(
        path=path,
        question=record.text("question"),
        corpus=record.text("corpus"),
        asked=_words(record, "question"),
        claim=_words(record, "claim"),
        source=record.text("source"),
        command=record.text("command"),
        commit=str(record.value.get("commit") or ""),
        finished=record.text("finished"),
        measure=_measure(Record(path, "measure", record.get("measure", dict))),
        measures={each.name: each for each in map(_measure, measures)},
        split=record.text("split"),
        search=str(record.value.get("search") or ""),
        level=finite(record.value.get("level")),
        factors=tuple(map(str, record.get("factors", list))),
        arms=arms,
        axis=Axis(axis.words(), bool(axis.value.get("log"))) if axis else None,
        cost=_cost(record),
        comparisons=tuple(_comparison(each) for each in record.records("comparisons")),
        hypotheses=tuple(_hypothesis(each) for each in record.records("hypotheses")),
        verdict=_verdict(record),
        flags=tuple(each.words() for each in record.records("flags")),
        findings=tuple(each.words() for each in record.records("findings")) if "findings" in record.value else (),
        note=record.words("note"),
        literature=tuple(_literature(each) for each in record.records("literature")),
        curves=tuple(_curve(each) for each in record.records("curves")),
        seconds=record.number("seconds") or 0.0,
        look=record.get("look", str, type(None)),
    )
    _are_arms(record, answer)
    return answer


def _arm(record: Record) -> Arm:
    runs = []
    for each in record.records("runs"):
        folder = each.text("folder")
        gone = not (record.file.parent / folder).is_dir()
        runs.append(Trained(each.get("seed", int), folder, each.numbers("scores"), gone))
    failed = [
        Failure(each.get("seed", int), tuple(map(str, each.get("last_lines", list))), str(each.value.get("log") or ""))
        for each in record.records("failed")
    ]
    return Arm(
        name=record.text("name"),
        fields=record.get("fields", dict),
        x=record.number("x"),
        group=record.text("group"),
        runs=tuple(runs),
        failed=tuple(failed),
        score=record.number("score"),
        interval=record.interval("interval"),
        means=record.numbers("means"),
        costs=record.numbers("costs"),
        learning_rate=finite(record.value.get("learning_rate")),
    )


def _words(record: Record, name: str) -> Words:
    """The question or the claim: both languages lie beside each other, one above them."""
    english = record.get("words", dict)
    said = {code: str(each.get(name) or "") for code, each in english.items() if isinstance(each, dict)}
    if not said.get("en"):
        record.refuse(f"words.en.{name}", "is missing")
    return Words(said["en"], said.get("ko", ""))


def _measure(record: Record) -> Measure:
    better = record.get("better", int)
    return Measure(record.text("name"), better, str(record.value.get("unit") or ""), record.words())


def _comparison(record: Record) -> Comparison:
    numbers = (record.number("difference"), record.interval("interval"))
    return Comparison(record.text("a"), record.text("b"), *numbers, record.number("p_value"), record.number("p_holm"))


def _hypothesis(record: Record) -> Hypothesis:
    numbers = (record.number("effect"), record.interval("interval"))
    chances = (record.number("p_supports"), record.number("p_refutes"))
    own = record.value.get("measure")
    measure = _measure(Record(record.file, f"{record.where}.measure", own)) if own else None
    level = finite(record.value.get("level"))
    bounds = (finite(record.value.get("against")) or 0.0, record.number("margin"))
    return Hypothesis(record.words(), _verdict(record), *numbers, *chances, *bounds, measure, level)


def _literature(record: Record) -> Literature:
    values = {arm: value for arm, value in record.numbers("values").items() if value is not None}
    return Literature(record.text("source"), record.text("measure"), values)


def _cost(record: Record) -> str | None:
    cost: str | None = record.get("cost", str, type(None))
    if cost is not None and cost not in COSTS:
        record.refuse("cost", f"is {cost!r}, which is none of: {', '.join(COSTS)}")
    return cost


def _curve(record: Record) -> Curve:
    points = []
    for point in record.get("points", list):
        if not isinstance(point, list) or len(point) != 2:
            record.refuse("points", "should be pairs of a step and a value")
        if None not in (finite(point[0]), finite(point[1])):
            points.append((float(point[0]), float(point[1])))
    return Curve(record.text("arm"), record.get("seed", int), record.text("name"), tuple(points))


def _verdict(record: Record) -> str:
    verdict = record.text("verdict")
    if verdict not in VERDICTS:
        record.refuse("verdict", f"is {verdict!r}, which is none of: {', '.join(VERDICTS)}")
    return verdict


def _are_arms(record: Record, answer: Answer) -> None:
    """A file whose comparisons and curves are of arms that it has, each once."""
    names = [arm.name for arm in answer.arms]
    if len(set(names)) < len(names):
        record.refuse("arms", "has two arms of one name")
    for each in (
        *(c.a for c in answer.comparisons),
        *(c.b for c in answer.comparisons),
        *(c.arm for c in answer.curves),
    ):
        if each not in names:
            record.refuse("arms", f"has no arm {each!r}, which is compared or drawn below it")
