"""An answer's numbers in rows: arms with what they scored and cost, comparisons, and all of them as CSV."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from research.report.numbers import COSTS, NOTHING, chance, decimals, exact, interval, plain, signed, size
from research.report.words import SAID
from research.results.answers import ArmResult, FiledAnswer, JudgedClaim
from research.results.measures import title
from research.results.message import Message

Numbers = Sequence[float | None]


class Table(NamedTuple):
    """heads: a column each, the first one's cells name the row. Rows are text, in the order of the arms or pairs.

    durations: the column that holds them, which have words in them.
    """

    heads: list[Message]
    rows: list[list[str]]
    durations: int | None = None


class Seed(NamedTuple):
    """One run's score as text, None where it failed."""

    seed: int
    text: str | None


def score_decimals(answer: FiledAnswer) -> int:
    """Of every score of the answer: the table is aligned."""
    return decimals((_width(arm.interval) for arm in answer.arms), (arm.score for arm in answer.arms))


def arms_table(answer: FiledAnswer) -> Table:
    """arm, score, interval, the costs and the learning rates that are known. The seeds are `seeds_of`."""
    places = score_decimals(answer)
    costs = [name for name in COSTS if any(arm.costs.get(name) is not None for arm in answer.arms)]
    rows = []
    for arm in answer.arms:
        shown = [COSTS[name](arm.costs.get(name)) for name in costs]
        rows.append([arm.name, plain(arm.score, places), interval(arm.interval, places), *shown])
    heads = [SAID["arm"], title(answer.measure), SAID["interval"], *(SAID[name] for name in costs)]
    if any(arm.learning_rate is not None for arm in answer.arms):
        heads.append(SAID["learning_rate"])
        for arm, row in zip(answer.arms, rows, strict=True):
            row.append(_chosen(arm.learning_rate))
    return Table(heads, rows, heads.index(SAID["seconds"]) if "seconds" in costs else None)


def seeds_of(answer: FiledAnswer, arm: ArmResult) -> list[Seed]:
    """Every seed in its order, those that failed too."""
    places = score_decimals(answer)
    found = [Seed(run.seed, plain(run.scores.get(answer.measure), places)) for run in arm.runs]
    return sorted(found + [Seed(failure.seed, None) for failure in arm.failed])


def changed(arm: ArmResult) -> list[str]:
    """The fields of an arm where its name does not say their values: `model.reader luong`."""
    if {str(value) for value in arm.fields.values()} <= set(re.split(r"[^\w.]+", arm.name)):
        return []
    return [f"{field} {value}" for field, value in arm.fields.items()]


def others_table(answer: FiledAnswer) -> Table:
    """arm, every other measure's mean over seeds, and what the literature says; no rows when there is neither."""
    known = {name for arm in answer.arms for name, value in arm.means.items() if value is not None}
    names = [name for name in dict.fromkeys(name for arm in answer.arms for name in arm.means) if name in known]
    names = [name for name in names if name != answer.measure]
    columns = [[arm.means.get(name) for arm in answer.arms] for name in names]
    shown = [_column(values) for values in columns]
    shown += [[_chosen(each.values.get(arm.name)) for arm in answer.arms] for each in answer.literature]
    heads = [SAID["arm"], *(title(name) for name in names)]
    heads += [Message("{source}: {measure}", source=each.source, measure=each.measure) for each in answer.literature]
    if len(heads) == 1:
        return Table(heads, [])
    rows = [[arm.name, *(column[place] for column in shown)] for place, arm in enumerate(answer.arms)]
    ours = {arm.name for arm in answer.arms}
    for name in dict.fromkeys(name for each in answer.literature for name in each.values if name not in ours):
        rows.append([name, *[NOTHING] * len(names), *(_chosen(each.values.get(name)) for each in answer.literature)])
    return Table(heads, rows)


def comparisons_table(answer: FiledAnswer) -> Table:
    """pair, difference, interval, p, and p after Holm."""
    found = answer.comparisons
    places = decimals((_width(each.interval) for each in found), (each.difference for each in found))
    heads = [SAID["pair"], SAID["difference"], SAID["interval"], Message("p"), SAID["holm"]]
    rows = []
    for each in found:
        numbers = [signed(each.difference, places), interval(each.interval, places)]
        rows.append([f"{each.a} − {each.b}", *numbers, chance(each.p_value), chance(each.p_holm)])
    return Table(heads, rows)


def effect(hypothesis: JudgedClaim) -> str:
    """+12.3 [10.0, 14.6], of a level without its sign; – where nothing could be estimated."""
    if hypothesis.effect is None:
        return NOTHING
    places = decimals([_width(hypothesis.interval)], [hypothesis.effect])
    ends = f" {interval(hypothesis.interval, places)}" if hypothesis.interval else ""
    show = plain if hypothesis.margin is None else signed
    return show(hypothesis.effect, places) + ends


def csv_files(answers: Sequence[FiledAnswer]) -> dict[str, str]:
    """arms, runs, comparisons and hypotheses of all answers, a row each, in full; nothing where there is no number."""
    means = list(dict.fromkeys(name for a in answers for arm in a.arms for name in arm.means))
    scores = list(dict.fromkeys(name for a in answers for arm in a.arms for run in arm.runs for name in run.scores))
    spent = [*COSTS, "learning_rate"]
    arms: list[list[object]] = [["corpus", "question", "arm", "group", "x", "fields", "measure", "score", "low", "high",
                                 "seeds", "failed", *spent, *(f"mean_{name}" for name in means)]]  # fmt: skip
    runs: list[list[object]] = [["corpus", "question", "arm", "seed", "status", "folder", *scores]]
    comparisons: list[list[object]] = [["corpus", "question", "a", "b", "difference", "low", "high", "p", "p_holm"]]
    hypotheses: list[list[object]] = [["corpus", "question", "hypothesis", "verdict", "effect", "low", "high", "margin",
                                       "p_supports", "p_refutes"]]  # fmt: skip
    for answer in answers:
        which = [answer.corpus, answer.question]
        for arm in answer.arms:
            what = [json.dumps(arm.fields, sort_keys=True), answer.measure, arm.score, *_ends(arm.interval)]
            count = [len(arm.runs), len(arm.failed)]
            costs = [*(arm.costs.get(name) for name in COSTS), arm.learning_rate]
            arms.append([*which, arm.name, arm.group, arm.x, *what, *count, *costs, *map(arm.means.get, means)])
            for run in arm.runs:
                status = "folder gone" if answer.is_gone(run) else "done"
                runs.append([*which, arm.name, run.seed, status, run.folder, *map(run.scores.get, scores)])
            for failure in arm.failed:
                runs.append([*which, arm.name, failure.seed, "failed", failure.log, *[None] * len(scores)])
        for pair in answer.comparisons:
            chances = (pair.p_value, pair.p_holm)
            comparisons.append([*which, pair.a, pair.b, pair.difference, *_ends(pair.interval), *chances])
        for each in answer.hypotheses:
            effects = [each.verdict, each.effect, *_ends(each.interval), each.margin]
            hypotheses.append([*which, str(each.statement), *effects, each.p_supports, each.p_refutes])
    tables = {"arms": arms, "runs": runs, "comparisons": comparisons, "hypotheses": hypotheses}
    return {f"{name}.csv": _comma_separated(rows) for name, rows in tables.items()}


def _comma_separated(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return out.getvalue()


def _column(values: Numbers) -> list[str]:
    """Measures without an interval: four digits of the largest, and as many decimals for all; millions have letters."""
    if max((value for value in values if value is not None), default=0.0) >= 1e6:
        return [size(value) for value in values]
    places = decimals((), values)
    return [plain(value, places) for value in values]


def _chosen(value: float | None) -> str:
    """A number of which every digit was meant."""
    return NOTHING if value is None else exact(value)


def _ends(ends: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return ends or (None, None)


def _width(ends: tuple[float, float] | None) -> float | None:
    return None if ends is None else ends[1] - ends[0]
