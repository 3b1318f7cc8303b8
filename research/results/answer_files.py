"""Files of answers, QUESTION.json, written and read here alone; beside one there may be a note, QUESTION.note.toml."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from research.files import json_bytes, write_whole
from research.results.answers import VERDICTS, Answer, FiledAnswer, Note
from research.results.measures import COSTS, MEASURES
from research.results.message import Message
from research.results.schemas import fault


def write_answer(answer: Answer, file: Path) -> None:
    """Write an answer, whole or not at all. A number that is not finite becomes null, which means: not known.

    Raises:
        ValueError: it could not be read back; for instance, its corpus is no plain name.
    """
    content = json_bytes(_without_open_intervals(msgspec.to_builtins(answer)))
    try:
        _decoded(content)
    except ValueError as error:
        raise ValueError(f"{file} cannot be written: {error}") from None
    write_whole(file, content)


def read_answers(paths: Iterable[Path | str]) -> list[FiledAnswer]:
    """Read answers in the order of `paths`, and of names in a folder; one that is named twice is read once.

    Answers to one question on one corpus are its versions, if plans were locked for all of them but the first.

    Args:
        paths: files, or folders of which all .json files are read.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: one is damaged or incomplete (the message names the field), two that are no versions answer one
            question on one corpus, or there is none.
    """
    found: dict[tuple[str, str | None], FiledAnswer] = {}
    for path in dict.fromkeys(file for each in paths for file in _files(Path(each).absolute())):
        answer = read_answer(path)
        version = answer.name, answer.lock.sha256 if answer.lock else None
        if version in found:
            both = f"{found[version].path} and {path}"
            raise ValueError(f"{both} both answer {answer.question} on {answer.corpus}; give one of them")
        found[version] = answer
    if not found:
        raise ValueError("no answer to report: give the .json files that `python run.py ablate` writes")
    return list(found.values())


def newest(answers: Iterable[FiledAnswer]) -> list[FiledAnswer]:
    """Return the last version of each answer, where the first version stood."""
    last: dict[str, FiledAnswer] = {}
    for answer in answers:
        last[answer.name] = max(last.setdefault(answer.name, answer), answer, key=_registered)
    return list(last.values())


def _registered(answer: FiledAnswer) -> str:
    """Return when its plan was; an answer without one comes before all that have one."""
    return answer.lock.registered if answer.lock else ""


def read_answer(path: Path) -> FiledAnswer:
    """Read one answer and the note beside it. Errors: as `read_answers`."""
    try:
        answer = _decoded(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no answer {path}; `python run.py ablate {path.stem}` writes one") from None
    except ValueError as error:
        again = f"remove it, and write it again: python run.py ablate {path.stem}"
        raise ValueError(f"{path} is not an answer: {error}; {again}") from None
    fields = {name: getattr(answer, name) for name in answer.__struct_fields__}
    if answer.lock is None:
        claims = tuple(msgspec.structs.replace(claim, verdict="exploratory") for claim in answer.hypotheses)
        fields |= {"verdict": "exploratory", "hypotheses": claims}
    note = _note(path.with_suffix(".note.toml"))
    return FiledAnswer(**fields, path=path, filed_verdict=answer.verdict, note=note)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _note(file: Path) -> Note:
    if not file.is_file():
        return Note()
    try:
        note = msgspec.toml.decode(file.read_bytes(), type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not a note: {error}") from None
    for name, said in (("found", note.found), ("revised", note.revised)):
        if said and "en" not in said:
            raise ValueError(f"{file} is not a note: [{name}] has no en")
    unwrap = lambda said: {language: " ".join(text.split()) for language, text in said.items()}  # noqa: E731
    return Note(unwrap(note.found), unwrap(note.revised))


def _decoded(content: bytes) -> Answer:
    """Check content against the schema, and what a schema cannot say; ValueError with the field and what is wrong."""
    try:
        answer = msgspec.json.decode(content, type=Answer)
    except msgspec.ValidationError as error:
        raise ValueError(_explained(fault(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is damaged ({error})") from None
    for where, what in _faults(answer):
        raise ValueError(f"{where}: {what}")
    return answer


def _explained(fault: str) -> str:
    where, _, _ = fault.rpartition(": ")
    if "matching regex" in fault:
        return f"{where}: must be a plain name of letters, digits, spaces and _.,+=@-, and begin with a letter or digit"
    return f"{fault}; known are {', '.join(VERDICTS)}" if where.endswith("verdict") else fault


def _faults(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an answer whose fields are as the schema says: where, and what."""
    names = [arm.name for arm in answer.arms]
    for name in {name for name in names if names.count(name) > 1}:
        yield "arms", f"two arms are called {name!r}"
    for index, pair in enumerate(answer.comparisons):
        for name in {pair.a, pair.b} - set(names):
            yield f"comparisons[{index}]", f"there is no arm {name!r}"
    for index, curve in enumerate(answer.curves):
        if curve.arm not in names:
            yield f"curves[{index}].arm", f"there is no arm {curve.arm!r}"
    measures = {"measure": answer.measure, **{f"measures[{i}]": name for i, name in enumerate(answer.measures)}}
    measures |= {f"hypotheses[{i}].measure": each.measure for i, each in enumerate(answer.hypotheses)}
    for where, name in measures.items():
        if name not in MEASURES:
            yield where, f"there is no measure {name!r}; known are {', '.join(MEASURES)}"
    if answer.cost is not None and answer.cost not in COSTS:
        yield "cost", f"there is no cost {answer.cost!r}; known are {', '.join(COSTS)}"
    folders = {f"arms[{i}].runs[{j}].folder": r.folder for i, a in enumerate(answer.arms) for j, r in enumerate(a.runs)}
    for where, folder in {**folders, "look": answer.look or "trained"}.items():
        if Path(folder).is_absolute() or ".." in Path(folder).parts:
            yield where, f"{folder!r} is not a folder below that of the answer"
    for where, message in _messages(answer):
        try:
            str(message)
        except (KeyError, ValueError) as error:
            yield where, f"{message.text!r} cannot be filled by its values ({error!r})"


def _messages(answer: Answer) -> Iterator[tuple[str, Message]]:
    yield from (("asked", answer.asked), ("claim", answer.claim))
    if answer.axis:
        yield "axis.title", answer.axis.title
    for name, messages in (
        ("hypotheses", [each.statement for each in answer.hypotheses]),
        ("warnings", answer.warnings),
        ("findings", answer.findings),
    ):
        yield from ((f"{name}[{index}]", message) for index, message in enumerate(messages))


def _without_open_intervals(value: Any) -> Any:
    """Replace intervals that end in a number that is not finite by None."""
    if isinstance(value, Mapping):
        known = {name: _without_open_intervals(each) for name, each in value.items()}
        ends = known.get("interval")
        return known if ends is None or all(map(math.isfinite, ends)) else known | {"interval": None}
    return [_without_open_intervals(each) for each in value] if isinstance(value, list | tuple) else value
