"""The tables of plans for the terminal, and the sentences that say whether jobs fit."""

from collections.abc import Sequence

from research.results.tables import NOTHING, TextTable
from research.training.plan import ASSUMED_EFFICIENCY, DAY_SECONDS, JobPlan, JobPlans, QuestionPlan

GiB = 2**30


def plan_table(found: JobPlans) -> TextTable:
    """Return what a job needs, and beside it what the config that fits needs."""
    plans = [found.asked, *([found.instead] if found.instead else [])]
    columns = [_lines(each) for each in plans]
    heads = ["", found.asked.target, *(["instead"] if found.instead else [])]
    return TextTable(heads, [[name, *(column[name] for column in columns)] for name in columns[0]])


def question_table(found: QuestionPlan) -> TextTable:
    """Return a row for each arm, and one for all their runs."""
    rows = [
        [
            arm,
            f"{each.parameters:,}",
            _gib(each.memory.total) if each.memory else NOTHING,
            "yes" if each.fits else "NO",
            f"{1e3 * max(each.bound):.3g} ms" if each.bound else NOTHING,
            *_time_and_cost(each),
        ]
        for arm, each in found.arms.items()
    ]
    total = [f"all, {found.seeds} seeds each", "", "", "yes" if found.fits else "NO", "", *_time_and_cost(found)]
    heads = ["arm", "parameters", "memory\na chip", "fits", "a step,\nat least", "a run,\nat least", "cost,\nat least"]
    return TextTable(heads, [*rows, total])


def question_verdict(found: QuestionPlan) -> str:
    """Return one sentence: whether all arms fit, and what to ask of those that do not."""
    if found.fits:
        return f"All fit: {len(found.arms) * found.seeds:,} runs, one after another"
    wrong = [arm for arm, each in found.arms.items() if not each.fits]
    return (
        f"{len(wrong)} of {len(found.arms)} arms do not fit, such as {wrong[0]!r}: plan its config alone, which tries "
        "what to change"
    )


def verdict(found: JobPlans) -> str:
    """Return one sentence: whether the job fits, and what to change if it does not."""
    asked = found.asked
    says = f"{_memory(asked)} a chip"
    if asked.fits:
        return f"It fits: {says}"
    if found.instead:
        flags = " ".join(f"--config.{field}={value}" for field, value in found.instead.changes.items())
        return f"It does not fit: {says}; {_tried(found.tried)}, and this fits: {flags}"
    return f"It does not fit: {says}; {_tried(found.tried)}, and none fits: take more chips, or a smaller model"


def assumptions(found: JobPlans | QuestionPlan) -> str:
    """Return what the numbers of the table rest on."""
    first = found.asked if isinstance(found, JobPlans) else next(iter(found.arms.values()))
    return (
        f"Sentences of {first.length} subwords a side, every position a word. Time, days and cost are bounds, "
        f"not forecasts: at {ASSUMED_EFFICIENCY:.0%} of the peaks of the chips, which no real step reaches."
    )


def _tried(number: int) -> str:
    return f"{number} other config{' was' if number == 1 else 's were'} tried"


def _lines(each: JobPlan) -> dict[str, str]:
    memory, bound = each.memory, each.bound
    known = memory is not None and memory.arguments > 0
    parts = {
        "changed": ", ".join(f"{field}={value}" for field, value in each.changes.items()) or NOTHING,
        "chips": f"{each.chips:,}",
        "strategy, precision": f"{each.strategy}, {each.precision}",
        "parameters": f"{each.parameters:,}",
        "batch": f"{each.pairs:,} pairs of {each.length:,} subwords a side",
        "rows of padding": f"{each.rows - each.pairs:,}",
        "memory a chip": _memory(each),
        "  arguments": _gib(memory.arguments) if memory and known else NOTHING,
        "  temporaries": _gib(memory.temporaries) if memory and known else NOTHING,
        "  outputs less aliased": _gib(memory.outputs - memory.aliased) if memory and known else NOTHING,
        "  program": _gib(memory.program) if memory and known else NOTHING,
        "fits": "yes" if each.fits else "NO",
        "FLOPs a step": f"{each.flops:.3g}",
        "collectives a step": _exchanged([(c.kind, c.times, c.moved) for c in each.exchanged]),
        "compiled in": f"{each.compile_seconds:.0f} s",
        "a step takes at least": f"{1e3 * max(bound):.3g} ms" if bound else NOTHING,
    }
    for name in ("products", "memory", "exchange"):
        parts[f"  for {name}"] = f"{1e3 * getattr(bound, name):.3g} ms" if bound else NOTHING
    parts["all steps take at least"], parts["and cost at least"] = _time_and_cost(each)
    return parts


def _time_and_cost(each: JobPlan | QuestionPlan) -> tuple[str, str]:
    """Return the least time and the least cost of all steps."""
    return (
        NOTHING if each.days is None else _time(each.days),
        NOTHING if each.cost is None else f"{each.cost:,.2f}",
    )


def _memory(each: JobPlan) -> str:
    capacity = _gib(each.capacity)
    return f"{_gib(each.memory.total)} of {capacity}" if each.memory else f"more than {capacity}"


def _exchanged(found: Sequence[tuple[str, int, int]]) -> str:
    return "\n".join(f"{count:,} {kind}, {_gib(moved)}" for kind, count, moved in found) or NOTHING


def _time(days: float) -> str:
    for unit, seconds in (("days", DAY_SECONDS), ("hours", 3_600.0)):
        if days * DAY_SECONDS >= seconds:
            return f"{days * DAY_SECONDS / seconds:.3g} {unit}"
    return f"{days * DAY_SECONDS:.3g} seconds"


def _gib(size: int) -> str:
    return f"{size / GiB:.2f} GiB" if size >= GiB / 10 else f"{size / 2**20:.2f} MiB"
