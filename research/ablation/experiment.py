"""What a file of experiments/ holds: a question, its arms, and how its verdict is reached; said before its runs, and
where it was changed after them, that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research.ablation.arms import ARCHITECTURE, Arms, Fields, build, name_of
from research.ablation.measures import MEASURES
from research.models.unread import refuse_unread
from research.statistics.hypotheses import Hypothesis
from research.words import Words

WORKS = ("train", "time")


class Axis(NamedTuple):
    """The field along which arms are drawn, and over which a trend runs. log: doublings are equal steps."""

    field: str
    words: Words
    log: bool = False


class Published(NamedTuple):
    """The literature's numbers for some arms, by their names. measure: of what, with its unit."""

    source: str
    measure: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Experiment:
    """One question. `arms` change fields of `base`, an architecture that every config file knows.

    fields: of all arms. embedded: of all arms on the embedded corpus alone, whose knobs are set so that arms can
    differ. also: further measures for the table. watched: measures over steps for the figure. cost: what the figure
    draws scores over as well, a name of flags.SPENT. match: what all arms spend alike (see matching.py). rates: of
    learning, that every arm tries under its first seed; the best on validation is taken. work: "train", or "time" for
    seconds alone. notes: by the config file's stem, what a look at the reason found, once there was an answer. revised:
    what was changed in this file after results had been seen, as every answer says.
    """

    question: Words
    claim: Words
    source: str
    base: str
    arms: Arms
    measure: str
    verdict: tuple[Hypothesis, ...]
    fields: Fields = field(default_factory=dict)
    embedded: Fields = field(default_factory=dict)
    axis: Axis | None = None
    also: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    literature: tuple[Published, ...] = ()
    cost: str | None = None
    match: str = "steps"
    rates: tuple[float, ...] = ()
    work: str = "train"
    notes: Mapping[str, Words] = field(default_factory=dict)
    revised: Words | None = None

    def __post_init__(self) -> None:
        for name in (self.measure, *self.also):
            if name not in MEASURES:
                raise ValueError(f"no measure {name!r}; choose one of {', '.join(MEASURES)}")
        if self.work not in WORKS:
            raise ValueError(f"work={self.work!r} is unknown; choose one of {', '.join(WORKS)}")
        named = {arm for hypothesis in self.verdict for arm in hypothesis.arms} | {
            arm for published in self.literature for arm in published.values
        }
        if unknown := sorted(named - self.arms.keys()):
            raise ValueError(f"no arm {unknown[0]!r}; there are {', '.join(self.arms)}")
        if not self.verdict:
            raise ValueError("an experiment declares its verdict before it runs")

    @property
    def factors(self) -> list[str]:
        """The fields that arms may differ in."""
        return list(dict.fromkeys(name for fields in self.arms.values() for name in fields))

    def configs(
        self, get_config: Callable[[str], ConfigDict], override: Callable[[ConfigDict], object] = lambda config: None
    ) -> dict[str, ConfigDict]:
        """The config of every arm. override: what a person changes in all of them, before the arm's own fields."""

        def base(architecture: str) -> ConfigDict:
            config = get_config(architecture)
            knobs = self.embedded if config.data.source == "embedded" else {}
            config = build(lambda _: config, architecture, self.fields, knobs)
            override(config)
            return config

        arms = {name: build(base, self.base, fields) for name, fields in self.arms.items()}
        for name, config in arms.items():
            refuse_unread(config.model, _model_fields(self.arms[name]))
        turned = [field for field in self.factors if field.startswith("data.embedded.")]
        if turned and any(config.data.source != "embedded" for config in arms.values()):
            raise ValueError(
                f"arms differ in {turned[0]}, a knob of the embedded corpus: ask it of a config that has it"
            )
        return arms

    def place(self, arm: str) -> tuple[float | None, str]:
        """Where an arm stands on the axis, and the line of the figure that it is on."""
        fields = self.arms[arm]
        if self.axis is None or self.axis.field not in fields:
            return None, ""
        x = fields[self.axis.field]
        return float(x), ", ".join(part for part in arm.split(", ") if part != name_of(self.axis.field, x))


def _model_fields(fields: Fields) -> list[str]:
    return [name.removeprefix("model.") for name in fields if name.startswith("model.")]


def architecture_of(experiment: Experiment, arm: str) -> str:
    """The model that an arm begins from."""
    fields: Mapping[str, Any] = experiment.arms[arm]
    return str(fields.get(ARCHITECTURE, experiment.base))
