"""The shapes of the JSON in a run folder: a file of another shape is refused by the name of the file and of the field.

Fields that a version of Lookback added later may be missing, and unknown ones are let pass: a run folder outlives the
code that wrote it. JSON has one kind of number, and some tools write 5 as 5.0: it is read as the kind that is declared.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Required, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from research.results.config_schema import Data, Evaluation, Model, Training

Number = float | None
"""JSON has no number that is not finite: null stands for it."""


class Config(TypedDict, total=False):
    """config.json: the sections that every config has."""

    seed: int
    model: Model
    data: Data
    training: Training
    evaluation: Evaluation


class WholeConfig(TypedDict):
    """A config that a model can be made of."""

    seed: int
    model: Model
    data: Data
    training: Training
    evaluation: Evaluation


class Provenance(TypedDict, total=False):
    """provenance.json, from the first session of a training on."""

    name: str
    steps: int
    seconds: float
    tokens: float
    parameters: int
    flops_per_token: float
    command: str
    began: str
    commit: str
    devices: str
    versions: dict[str, str]
    digests: dict[str, str]
    files: dict[str, str]
    added: dict[str, dict[str, str]]
    training_pairs: int
    skipped_pairs: dict[str, int]
    went_on: list[dict[str, Any]]
    trunk: dict[str, Any]
    side_by_side: dict[str, Any]


class Costs(TypedDict):
    """A provenance whose run can be evaluated: the cost is known."""

    name: str
    steps: int
    seconds: float
    parameters: int
    flops_per_token: float


class ScoreResult(TypedDict, total=False):
    score: Required[Number]
    signature: str


class Bin(TypedDict):
    words: str
    sentences: int
    bleu: Number


class SearchResult(TypedDict, total=False):
    """How a split was translated by one search, and its scores."""

    bleu: ScoreResult
    bleu_lowercased: ScoreResult
    chrf: ScoreResult
    ter: ScoreResult
    bleu_by_tokenizer: dict[str, ScoreResult]
    command: str
    seconds: float
    sentences_per_second: Number
    truncated_sources: int
    cut_off: int
    by: dict[str, list[Any]]
    bleu_by_length: list[Bin]


class AlignmentResult(TypedDict, total=False):
    error: Number
    entropy: Number
    layer: str
    gold_sentences: int
    head_distance: Number
    by_head: dict[str, Any]


class Sample(TypedDict, total=False):
    source: Required[str]


class AttentionResult(TypedDict, total=False):
    """An attention map."""

    source_tokens: Required[list[str]]
    target_tokens: Required[list[str]]
    weights: Required[list[list[float]]]
    layer: str


SearchName = Annotated[str, msgspec.Meta(pattern="^beam[1-9][0-9]*$")]
"""The name of a search, such as beam5; beam1 is greedy."""


class SplitMeasured(TypedDict, total=False):
    """The measurements of a split."""

    sentences: int
    digest: str
    step: int
    perplexity: Number
    word_perplexity: Number
    token_accuracy: Number
    searches: dict[SearchName, SearchResult]
    alignment: AlignmentResult | None
    interventions: list[Any] | dict[str, Any]
    samples: list[Sample]
    attention: list[AttentionResult] | None


class Result(TypedDict, total=False):
    """result.json."""

    name: str
    steps: int
    seconds: float
    parameters: int
    flops_per_token: Number
    splits: dict[str, SplitMeasured]
    timing: dict[str, Any]


class Metrics(TypedDict, total=False):
    """A line of metrics.jsonl; its other fields are numbers."""

    step: Required[int]


SCHEMAS: dict[str, Any] = {"config.json": Config, "provenance.json": Provenance, "result.json": Result}
AGAIN = "restore it, or make the run again"
EXACT = 2**53
"""Every whole number below this is exact as a float."""


def refuse_another_shape(value: Any, schema: Any, where: str, *, advice: str = AGAIN) -> None:
    """Raise ValueError, with the field, when a value out of JSON has not the shape that it should have.

    Args:
        value: what the file holds.
        schema: a type, such as those above.
        where: the file, and the line where there are several, for the message.
        advice: what to do.
    """
    try:
        msgspec.convert(value, schema)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where} is damaged: {fault(error)}; {advice}") from None


def with_declared_numbers(value: Any, schema: Any) -> Any:
    """Return a value out of JSON with the kinds of number that its schema declares: 5.0 as 5 for an int, 1 as 1.0.

    The value is otherwise left as it is: what cannot be so read, such as 5.5 for an int, is for `refuse_another_shape`.

    Args:
        value: what the file holds.
        schema: a type, such as those above.
    """
    if schema is int and isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    if schema is float and type(value) is int and abs(value) < EXACT:  # 1 and 1.0 would give a config two digests
        return float(value)
    inside = get_args(schema)
    if isinstance(value, list) and get_origin(schema) is list and inside != (float,):  # 0 begins bins of shares
        return [with_declared_numbers(item, inside[0]) for item in value]
    if not isinstance(value, dict):
        return value
    if get_origin(schema) is dict:
        return {name: with_declared_numbers(item, inside[1]) for name, item in value.items()}
    kind = next(filter(is_typeddict, (schema, *inside)), None)  # it may be X | None
    kinds = get_type_hints(kind) if kind else {}
    return {name: with_declared_numbers(item, kinds.get(name)) for name, item in value.items()}


def checked_record(record: Any, file: Path, number: int) -> dict[str, float]:
    """Return a line of metrics.jsonl with the kinds of number it declares; ValueError if it is no step with numbers."""
    where, advice = f"{file}, line {number},", "remove that line"
    record = with_declared_numbers(record, Metrics)
    refuse_another_shape(record, Metrics, where, advice=advice)
    refuse_another_shape(record, Mapping[str, Number], where, advice=advice)
    return record  # type: ignore[no-any-return]


def fault(error: msgspec.ValidationError) -> str:
    """Return the field and what is wrong with it, such as "splits.test: expected `object`, got `int`"."""
    what, _, path = str(error).partition(" - at `$")
    field, what = path.removeprefix(".").removesuffix("`"), what[0].lower() + what[1:]
    return f"{field}: {what}" if field else what
