"""An experiment: a question, its arms, and how its verdict is reached.

Each file of experiments/ declares one before it runs.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research import models
from research.ablation.arms import ARCHITECTURE, BUDGET, Arms, Fields, build, name_of
from research.models.unread import refuse_unread
from research.results.answers import Published
from research.results.calibration import Calibration
from research.results.identity import config_as_json, flat
from research.results.measures import COSTS, MEASURES
from research.results.message import Message
from research.results.ranges import refuse_out_of_range
from research.statistics.hypotheses import Hypothesis

WORKS = ("train", "time")


class Axis(NamedTuple):
    """A field of the config along which arms are drawn. log: doublings are equal steps."""

    field: str
    title: Message
    log: bool = False


@dataclass(frozen=True)
class Experiment:
    """One question.

    Attributes:
        question, claim, source: the question as a sentence, what is claimed, and who claims it.
        base: the architecture that arms begin from; every config file knows it.
        arms: arm -> the fields that it changes.
        measure: what decides, a name of `MEASURES`.
        verdict: the hypotheses, all of which the claim needs.
        probes: hypotheses of ours beside the claim, each with a verdict of its own; none of them decides on the claim.
        fields: changed in all arms.
        per_corpus: the stem of a config file -> what is changed in all arms on that corpus alone.
        calibration: the stem of a config file -> the baseline of the corpus that `per_corpus` makes of its own; without
            it, that of the config file is asked.
        axis: where arms stand in the figure.
        also: further measures for the table.
        watched: measures over steps for the figure.
        literature: published scores of some of the arms.
        cost: what the figure draws scores over as well, a name of `COSTS`.
        match: what all arms spend alike; see `matching`.
        work: "train", or "time" for seconds alone.
        at_least: fields of the config, and the smallest values at which the claim is about an arm.
        accelerator: whether the claim is about accelerators alone.
    """

    question: Message
    claim: Message
    source: str
    base: str
    arms: Arms
    measure: str
    verdict: tuple[Hypothesis, ...]
    probes: tuple[Hypothesis, ...] = ()
    fields: Fields = field(default_factory=dict)
    per_corpus: Mapping[str, Fields] = field(default_factory=dict)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    axis: Axis | None = None
    also: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    literature: tuple[Published, ...] = ()
    cost: str | None = None
    match: str = "steps"
    work: str = "train"
    at_least: Mapping[str, float] = field(default_factory=dict)
    accelerator: bool = False

    def __post_init__(self) -> None:
        for name in (self.measure, *self.also):
            if name not in MEASURES:
                raise ValueError(f"no measure {name!r}; choose one of {', '.join(MEASURES)}")
        if self.cost is not None and self.cost not in COSTS:
            raise ValueError(f"no cost {self.cost!r}; choose one of {', '.join(COSTS)}")
        if self.work not in WORKS:
            raise ValueError(f"work={self.work!r} is unknown; choose one of {', '.join(WORKS)}")
        named = {arm for hypothesis in self.hypotheses for arm in hypothesis.arms} | {
            arm for published in self.literature for arm in published.values
        }
        if unknown := sorted(named - self.arms.keys()):
            raise ValueError(f"no arm {unknown[0]!r}; there are {', '.join(self.arms)}")
        for fields in (self.fields, *self.per_corpus.values()):
            if BUDGET in fields:
                raise ValueError("a budget is an arm's own: vary it, instead of giving all arms one")
        for name, fields in self.arms.items():
            budget = fields.get(BUDGET, 1)
            if not isinstance(budget, int | float) or not 0 < budget < math.inf:
                raise ValueError(f"{name}: a budget is a number above 0, such as 0.25 or 4, not {budget!r}")
        if others := sorted(self.calibration.keys() - self.per_corpus.keys()):
            raise ValueError(f"calibration of {others[0]}: per_corpus makes no other corpus of it")
        if not self.verdict:
            raise ValueError("an experiment declares its verdict before it runs")

    @property
    def measures(self) -> list[str]:
        """All that is measured: what decides, what is shown beside it, and what single hypotheses are about."""
        asked = [hypothesis.measure for hypothesis in self.hypotheses if hypothesis.measure]
        return list(dict.fromkeys([self.measure, *self.also, *asked]))

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The hypotheses of the claim, and the probes beside it."""
        return (*self.verdict, *self.probes)

    @property
    def verdict_arms(self) -> list[str]:
        """The arms that the claim is about."""
        return list(dict.fromkeys(arm for hypothesis in self.verdict for arm in hypothesis.arms))

    @property
    def budgets(self) -> dict[str, float]:
        """The budgets of the arms that have one."""
        return {name: float(fields[BUDGET]) for name, fields in self.arms.items() if BUDGET in fields}

    @property
    def factors(self) -> list[str]:
        """The fields that arms may differ in."""
        return list(dict.fromkeys(name for fields in self.arms.values() for name in fields))

    def common(self, get_config: Callable[[str], ConfigDict], architecture: str, *, corpus: str) -> ConfigDict:
        """Return the config of an architecture with what is changed in all arms. `corpus`: the stem of its file."""
        return build(get_config, architecture, self.fields, self.per_corpus.get(corpus, {}))

    def configs(
        self,
        get_config: Callable[[str], ConfigDict],
        override: Callable[[ConfigDict], object] = lambda config: None,
        *,
        corpus: str = "",
    ) -> dict[str, ConfigDict]:
        """Return the config of every arm.

        Args:
            get_config: architecture -> its config.
            override: what a person changes in all arms, before the arm's own fields.
            corpus: the stem of the config file.

        Raises:
            ValueError: an arm changes a field that the config does not define, or a knob of another corpus, or has a
                number out of its range.
        """

        def base(architecture: str) -> ConfigDict:
            config = self.common(get_config, architecture, corpus=corpus)
            override(config)
            return config

        arms = {name: build(base, self.base, fields) for name, fields in self.arms.items()}
        for name, budget in self.budgets.items():
            arms[name].training.steps = max(1, round(budget * arms[name].training.steps))
        for name in self.at_least:
            if any(name not in flat(config.to_dict()) for config in arms.values()):
                raise ValueError(f"at_least names {name}, which not every arm has")
        for name, config in arms.items():
            refuse_unread(config.model, _model_fields(self.arms[name]))
        turned = [field for field in self.factors if field.startswith("data.embedded.")]
        if turned and any(config.data.source != "embedded" for config in arms.values()):
            raise ValueError(
                f"arms differ in {turned[0]}, a knob of the embedded corpus: ask it of a config that has it"
            )
        for config in arms.values():
            refuse_out_of_range(config)
            models.build(config.model, source_vocabulary=1, target_vocabulary=1)  # or a job would be the first to see
        return arms

    def too_small(self, arms: Mapping[str, ConfigDict]) -> Iterator[Message]:
        """Say in which fields the arms of the claim are smaller than what it is about."""
        sizes = [flat(config_as_json(arms[arm])) for arm in self.verdict_arms if arm in arms]
        for name, least in self.at_least.items():
            if sizes and (found := min(of[name] for of in sizes)) < least:
                said = Message("the claim is about {field} of {least:g} and more, and here it is {found:g}")
                yield said.of(field=name, least=least, found=found)

    def place(self, arm: str) -> tuple[float | None, str]:
        """Return where an arm stands on the axis (None if it does not), and the line of the figure that it is on."""
        fields = self.arms[arm]
        if self.axis is None or self.axis.field not in fields:
            return None, ""
        x = fields[self.axis.field]
        return float(x), ", ".join(part for part in arm.split(", ") if part != name_of(self.axis.field, x))


def _model_fields(fields: Fields) -> list[str]:
    return [name.removeprefix("model.") for name in fields if name.startswith("model.")]


def architecture_of(experiment: Experiment, arm: str) -> str:
    """Return the name of the architecture that an arm begins from."""
    fields: Mapping[str, Any] = experiment.arms[arm]
    return str(fields.get(ARCHITECTURE, experiment.base))
