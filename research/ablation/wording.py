"""The sentences of a hypothesis, in English and Korean."""

from collections.abc import Callable

from research.statistics.hypotheses import Crossing, Equivalence, Hypothesis, Level, Superiority, Trend
from research.words import Words


def statements(hypothesis: Hypothesis, unit: str) -> list[Words]:
    """Say what must all be true for the hypothesis to be: a sentence for each of its requirements, in their order.

    Args:
        hypothesis: one of the classes in `WORDING`.
        unit: the unit of its measure.
    """
    return WORDING[type(hypothesis)](hypothesis, unit)


def superiority(claimed: Superiority, unit: str) -> list[Words]:
    """Say that one arm beats another."""
    return [
        Words(
            "{better} is better than {than} by more than {margin:g} {unit}",
            "{better}: {than}보다 {margin:g} {unit} 넘게 낫다",
        ).of(better=claimed.better, than=claimed.than, margin=claimed.margin, unit=unit)
    ]


def equivalence(claimed: Equivalence, unit: str) -> list[Words]:
    """Say of each arm that it scores like the last."""
    words = Words("{arm} is within ±{margin:g} {unit} of {to}", "{arm}: {to}에서 ±{margin:g} {unit} 안에 있다")
    return [words.of(arm=arm, to=claimed.to, margin=claimed.margin, unit=unit) for arm in claimed.same]


def level(claimed: Level, unit: str) -> list[Words]:
    """Say that an arm scores more or less than a bound."""
    en, ko = ("more", "크다") if claimed.more else ("less", "작다")
    words = Words("{arm} is {en} than {bound:g} {unit}", "{arm}: {bound:g} {unit}보다 {ko}")
    return [words.of(arm=claimed.arm, bound=claimed.bound, unit=unit, en=en, ko=ko)]


def trend(claimed: Trend, unit: str) -> list[Words]:
    """Say that the measure gets better or worse along the arms."""
    en, ko = ("better", "좋아진다") if claimed.improves else ("worse", "나빠진다")
    return [
        Words(
            "From {first} to {last} it gets {en} by more than {margin:g} {unit} a {per}",
            "{first}에서 {last}까지 {per}마다 {margin:g} {unit} 넘게 {ko}",
        ).of(
            first=claimed.over[0],
            last=claimed.over[-1],
            margin=claimed.margin,
            unit=unit,
            per=Words("doubling", "두 배") if claimed.log else Words("step", "한 단계"),
            en=en,
            ko=ko,
        )
    ]


def crossing(claimed: Crossing, unit: str) -> list[Words]:
    """Say which line is better at the near end and at the far end."""
    return [words for end in claimed.ends for words in superiority(end, unit)]


WORDING: dict[type, Callable[..., list[Words]]] = {
    Superiority: superiority,
    Equivalence: equivalence,
    Level: level,
    Trend: trend,
    Crossing: crossing,
}
