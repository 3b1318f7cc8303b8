"""Answers: what `ablate` found out about a question on a corpus.

The classes are the schema of `answer_files`: a file has their fields under their names, nothing more and nothing less.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from research.results.measures import MEASURES
from research.results.message import Message

Verdict = Literal[
    "supported",
    "refuted",
    "not measured",
    "not tested here",
    "not calibrated",
    "not trained",
    "saturated",
    "no difference",
    "underpowered",
    "open",
    "exploratory",
    "inconclusive",
    "not enough seeds",
]
"""The words of an answer. The last two are of answers from before there were locks."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

Interval = tuple[float, float]
Name = Annotated[str, Meta(pattern=r"^\w[\w .,+=@-]*\Z")]
"""A plain name: it becomes part of a file's name, so it has no slash and does not begin with a dot."""


class TrainedRun(Struct, frozen=True, forbid_unknown_fields=True):
    """One finished run of an arm.

    Attributes:
        folder: its run folder, from the folder of the answer.
        scores: measure -> score; None where the run lacks it.
    """

    seed: int
    folder: str
    scores: dict[str, float | None]


class FailedRun(Struct, frozen=True, forbid_unknown_fields=True):
    """One run that failed: the last lines of its log, and where the log lies."""

    seed: int
    last_lines: tuple[str, ...]
    log: str


class ArmDoubling(Struct, frozen=True, forbid_unknown_fields=True):
    """The gain of an arm from the last doubling of its steps, in the unit of the question's measure.

    Attributes:
        gain: the mean over seeds; above 0 is better.
        at_most: the upper end of its one-sided 95 % interval; None of a single seed.
        lags: the seeds that are far behind the others.
        trained: whether the arm had done learning.
    """

    gain: float
    at_most: float | None
    lags: tuple[int, ...]
    trained: bool


class ArmResult(Struct, frozen=True, forbid_unknown_fields=True):
    """One arm of a question.

    Attributes:
        fields: the fields of the config that it changes, and their values.
        x: where it stands on the axis, if it does.
        group: the line of the figure that it is on.
        score: the mean over runs of the question's measure.
        interval: of the score, at the answer's level; None of a single run.
        means: measure -> the mean over runs.
        costs: a name of `COSTS` -> what a run cost, the mean over runs.
        learning_rate: the rate that the runs were trained with; None if nothing was trained.
        doubling: what the last doubling of its steps gained; None where no plan is confirmed.
    """

    name: str
    fields: dict[str, Any]
    x: float | None
    group: str
    runs: tuple[TrainedRun, ...]
    failed: tuple[FailedRun, ...]
    score: float | None
    interval: Interval | None
    means: dict[str, float | None]
    costs: dict[str, float | None]
    learning_rate: float | None
    doubling: ArmDoubling | None = None


class AnswerAxis(Struct, frozen=True, forbid_unknown_fields=True):
    """The axis that arms have an x on. log: doublings are equal steps."""

    title: Message
    log: bool


class ArmComparison(Struct, frozen=True, forbid_unknown_fields=True):
    """Two arms: the score of `a` less that of `b`.

    Attributes:
        p_value: two-sided p of no difference; None where nothing varies.
        p_holm: the same, corrected for all comparisons of the question.
    """

    a: str
    b: str
    difference: float | None
    interval: Interval | None
    p_value: float | None
    p_holm: float | None


class JudgedClaim(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that must be true for a hypothesis to be, and what the runs say of it.

    Attributes:
        statement: the claim as a sentence.
        measure: a name of `MEASURES`.
        effect: a difference, a slope, or the score of one arm; None where nothing could be estimated.
        interval: of the effect, at `level`.
        p_supports, p_refutes: None where nothing varies; p_refutes is corrected for the number of claims (Holm).
        against: the number that the effect is seen against, 0 of a difference.
        margin: about `against`; None of a level.
        power: the chance to support it if the truth lies one margin beyond its bound; None where no margin says so.
        detectable: how far beyond the bound the truth would have to lie for a power of 0.8.
        seeds_needed: seeds an arm for a power of 0.8 at one margin; None where no number gives it.
        probe: True if it stands beside the claim, and decides nothing on it.
    """

    statement: Message
    measure: str
    verdict: Verdict
    effect: float | None
    interval: Interval | None
    level: float
    p_supports: float | None
    p_refutes: float | None
    against: float
    margin: float | None
    power: float | None = None
    detectable: float | None = None
    seeds_needed: int | None = None
    probe: bool = False


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of the literature, by the name of the arm that is most like theirs. measure: of what, with its unit."""

    source: str
    measure: str
    values: dict[str, float]


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """A measure of one run over the steps of its training, as (step, value)."""

    arm: str
    seed: int
    measure: str
    points: tuple[tuple[float, float], ...]


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """How the question was asked: another answer may replace this one only if it was asked alike.

    Attributes:
        search: such as "beam1", which is greedy.
        arms: arm -> the identity of its runs but for their seed.
        seeds: None in answers from before they were kept.
        rates: learning rates that were tried under the first seed, in answers from before they had seeds of their own.
    """

    search: str
    arms: dict[str, str]
    seeds: tuple[int, ...] | None = None
    rates: tuple[float, ...] | None = None


class AnswerLock(Struct, frozen=True, forbid_unknown_fields=True):
    """The plan that an answer confirms: its file in experiments/locks/, digest, git commit and time of registration."""

    file: str
    sha256: str
    commit: str
    registered: str


class AnswerCalibration(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The number that the baseline of the corpus has to reach, and what it came to.

    Attributes:
        baseline: an architecture of the corpus's config.
        measure: a name of `MEASURES`.
        number, tolerance: what it has to reach, and how far it may fall short.
        found: the mean over its kept runs; None without any.
        seeds: how many there are.
        differs: fields of the corpus that the question changes in all arms, so that it is another corpus.
    """

    baseline: str
    measure: str
    number: float
    tolerance: float
    found: float | None
    seeds: int
    differs: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """True if it came to the number on this corpus, or fell short of it by no more than the tolerance."""
        better = MEASURES[self.measure].better
        return not self.differs and self.found is not None and better * (self.found - self.number) >= -self.tolerance


class Answer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that `ablate` found out about a question on a corpus.

    Attributes:
        question, corpus: a name of experiments/ and the stem of a config file.
        asked, claim, source: the question as a sentence, what is claimed, and who claims it.
        command, commit, finished: how, by which code and when the answer was made.
        level: 1 - α of intervals and verdicts.
        measure: what the question is answered by; `measures`: all that are shown. Names of `MEASURES`.
        factors: the fields of the config that arms may differ in.
        cost: what scores are drawn over as well, a name of `COSTS`.
        warnings: what a careful reader should know before the verdict is believed.
        findings: what was computed beside the verdict.
        seconds: of training, of all runs together.
        look: the run folder whose attention is shown.
        missing: runs that are not finished.
        lock: of the plan that it confirms; None in answers that explore, and in those from before there were locks.
        calibration: of the corpus; None where its config declares none.
        widths: of the models of the arms, smallest first.
    """

    question: Name
    corpus: Name
    asked: Message
    claim: Message
    source: str
    command: str
    commit: str
    finished: str
    level: float
    measure: str
    measures: tuple[str, ...]
    split: str
    search: str
    factors: tuple[str, ...]
    arms: tuple[ArmResult, ...]
    axis: AnswerAxis | None
    cost: str | None
    comparisons: tuple[ArmComparison, ...]
    hypotheses: tuple[JudgedClaim, ...]
    verdict: Verdict
    warnings: tuple[Message, ...]
    findings: tuple[Message, ...]
    literature: tuple[Published, ...]
    curves: tuple[Curve, ...]
    seconds: float
    look: str | None
    missing: int
    request: Request
    lock: AnswerLock | None = None
    calibration: AnswerCalibration | None = None
    widths: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The name that files made of it have."""
        return f"{self.corpus}.{self.question}"

    @property
    def seeds(self) -> str:
        """How many runs an arm has: `3`, or `2–3` where arms differ."""
        counts = [len(arm.runs) for arm in self.arms] or [0]
        return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """Findings of a person once there was an answer, by language.

    Attributes:
        found: what a look at the reason found.
        revised: what was changed in the question after results had been seen.
    """

    found: dict[str, str] = {}
    revised: dict[str, str] = {}


class FiledAnswer(Answer, frozen=True, kw_only=True):
    """An answer as it was read from a file, with the note that lies beside it.

    Attributes:
        filed_verdict: the verdict that the file gives. Without a lock `verdict` is "exploratory", and so is that of
            each claim, whatever was called a verdict before there were locks.
    """

    path: Path
    filed_verdict: Verdict
    note: Note = Note()

    def is_gone(self, run: TrainedRun) -> bool:
        """Return whether the folder of a run is not there any more."""
        return not (self.path.parent / run.folder).is_dir()
