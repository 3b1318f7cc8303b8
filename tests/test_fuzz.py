"""Random inputs: what is read is read right, and what is refused is one sentence that names the file or the field.

make test tries some of each. `FUZZ_MINUTES=10 pytest -s tests/test_fuzz.py -k TARGET` tries others for ten minutes,
and says how many; an input that fails is printed, and belongs to `FOUND`.
"""

import gzip
import io
import json
import os
import shutil
import tempfile
import time
import unicodedata
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.command_line import fields_set, load, override, paths
from research.data.line_stream import line_chunks
from research.data.pairs import Pair
from research.data.text import GZIP_MARK, UTF8_MARK, UTF16_MARKS, read_lines
from research.data.vocabulary import RESERVED, Vocabulary
from research.evaluation.evaluate import refuse_impossible
from research.evaluation.gold import read_gold
from research.models import attends
from research.models.unread import refuse_unread
from research.parallel.endings import ending
from research.report.run_tables import csv_file, markdown
from research.report.runs import read_runs
from research.results.ranges import refuse_out_of_range
from research.training.translator_training import make_training

ROOT = Path(__file__).resolve().parent.parent
MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
EXAMPLES = 200
UNWRITTEN = ("Cc", "Zl", "Zp")  # Unicode's categories of control characters and of separators of lines and paragraphs
PAIRS = [Pair("a b c", "x y"), Pair("a", "x y z w"), Pair("", "")]


def refused(error, names):
    """Assert that an exception ends in one sentence that says where the mistake is, by one of `names`."""
    last = ending(error, "this")
    assert "met what it does not know" not in last.sentence
    assert "\n" not in last.sentence
    assert any(name in last.sentence for name in names), last.sentence


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


CONTENT = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.text(max_size=100).map(lambda text: (UTF8_MARK + text).encode()),
    st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.binary(max_size=100).map(lambda data: gzip.compress(data, mtime=0)),
    st.tuples(st.binary(max_size=100), st.integers(0, 60)).map(lambda x: gzip.compress(x[0], mtime=0)[: x[1]]),
    st.binary(max_size=20).map(lambda data: GZIP_MARK + data),
)


def text(folder, content):
    """Read a file as lines, and as a stream."""
    file = folder / "text.en"
    file.write_bytes(content)
    try:
        lines = read_lines(file)
    except (ValueError, OSError) as error:
        refused(error, [str(file)])
        return
    plain = gzip.decompress(content) if content.startswith(GZIP_MARK) else content
    assert not plain.startswith(UTF16_MARKS)
    assert len(lines) == plain.count(b"\n") + bool(plain.rpartition(b"\n")[2])
    assert "\n".join(lines) == plain.decode().removeprefix(UTF8_MARK).replace("\r\n", "\n").removesuffix("\n") or (
        "\r" in plain.decode()
    )
    for most in (1, 3):
        assert b"".join(line_chunks(io.BytesIO(plain), most=most)).removesuffix(b"\n") == plain.removesuffix(b"\n")


LINES = st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=30), max_size=12)
VOCABULARY = st.tuples(
    LINES, st.sampled_from(["bpe", "unigram"]), st.integers(5, 400), st.floats(0.98, 1), st.booleans()
)


def vocabulary(folder, arguments):
    """Train a vocabulary on lines that nobody has looked at, save it, and read the lines by it."""
    lines, kind, size, coverage, byte_fallback = arguments
    try:
        trained = Vocabulary.train(
            lines, kind=kind, size=size, character_coverage=coverage, byte_fallback=byte_fallback
        )
    except ValueError as error:
        refused(error, ["data.vocabulary", "every training line is empty", "training text"])
        return
    trained.save(folder / "source.model")
    again = Vocabulary.load(folder / "source.model")
    for line in lines:
        ids = again.encode(line)
        assert ids == trained.encode(line)
        decoded = again.decode(ids)
        assert not any(unicodedata.category(each) in UNWRITTEN for each in decoded)
        if coverage == 1 and RESERVED not in line and not any(unicodedata.category(each) in UNWRITTEN for each in line):
            assert decoded == " ".join(line.replace("▁", "_").split())


CONFIGS = {name: load(f"configs/embedded_tiny.py:{name}") for name in ("none", "luong", "bahdanau", "transformer")}
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "nan", "inf", "1e999", "None", "()", "(1,", "(1,'a')", "[]", "{}", "'x'", "true", "{0}", "%s"]
    ),
    st.integers(-3, 40).map(str),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=12),
)
OVERRIDES = st.tuples(
    st.sampled_from(sorted(CONFIGS)),
    st.lists(st.tuples(st.sampled_from(sorted(set(paths(CONFIGS["luong"])))), VALUES), min_size=1, max_size=2),
)


def overrides(folder, arguments):
    """Set fields of a config to anything, and build what it describes."""
    architecture, fields = arguments
    given_ = [f"--config.{field}={value}" for field, value in fields]
    try:
        config, rest = override(CONFIGS[architecture].copy_and_resolve_references().lock(), given_)
        assert rest == []
        refuse_unread(config.model, fields_set(given_, "config.model"))
        refuse_out_of_range(config)
        refuse_impossible(config.evaluation, attends=attends(config.model))
        make_training(config, source_vocabulary=8, target_vocabulary=8)
    except (ValueError, OSError) as error:
        refused(error, [field.rpartition(".")[2] for field, _ in fields])


LINKS = st.lists(st.text(alphabet="012-?p xa²٣\t\r", max_size=12), min_size=3, max_size=3).map("\n".join)


def alignments(folder, content):
    """Read a file of links."""
    file = folder / "gold"
    file.write_text(content, "utf-8", newline="")
    try:
        gold = read_gold(file, PAIRS).alignments
    except ValueError as error:
        refused(error, [str(file)])
        return
    for pair, of in zip(PAIRS, gold, strict=True):
        words = len(pair.source.split()), len(pair.target.split())
        assert of.sure <= of.possible
        assert all(0 <= source < words[0] and 0 <= target < words[1] for source, target in of.possible)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
RUN = ROOT / "docs" / "evidence" / "embedded" / "luong"
CHANGE = st.tuples(
    st.sampled_from(["config.json", "provenance.json", "result.json", "metrics.jsonl"]),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from(["replace", "delete", "cut"]),
    JSON,
)


def run_folder(folder, change):
    """Read a run folder of which one JSON file has another value, lacks one, or is cut short."""
    name, places, how, value = change
    copy = folder / "run"
    if not copy.exists():
        shutil.copytree(RUN, copy)
    original = (RUN / name).read_text("utf-8")
    lines = original.splitlines() if name.endswith(".jsonl") else [original]
    held = json.loads(lines[0])
    at, key = held, None
    for place in places:
        inner = at if key is None else at[key]
        if not isinstance(inner, dict | list) or not inner:
            break
        at, key = inner, (sorted(inner) if isinstance(inner, dict) else range(len(inner)))[place % len(inner)]
    if key is None:
        held = value
    elif how == "delete":
        del at[key]
    else:
        at[key] = value
    said = json.dumps(held)
    lines[0] = said[: len(said) * (places[0] if places else 7) // 61] if how == "cut" else said
    (copy / name).write_text("\n".join(lines) + "\n", "utf-8")
    try:
        runs, others = read_runs([copy])
        markdown(runs, others)
        csv_file(runs)
    except (ValueError, OSError) as error:
        refused(error, [str(copy)])
    finally:
        shutil.copyfile(RUN / name, copy / name)


TARGETS = {
    "text": (CONTENT, text),
    "vocabulary": (VOCABULARY, vocabulary),
    "overrides": (OVERRIDES, overrides),
    "alignments": (LINKS, alignments),
    "run_folder": (CHANGE, run_folder),
}
FOUND = {
    "overrides": [
        ("luong", [("data", "x"), ("data.subset", "1")]),
        ("luong", [("data", "{}")]),
        ("luong", [("data.batch_tokens", "\n")]),
        ("luong", [("data.embedded.ambiguity", "\x1b[31m")]),
    ],
    "vocabulary": [(["<pad>"], "bpe", 12, 1.0, False), (["a <s>b</s>"], "unigram", 20, 1.0, False)],
    "run_folder": [
        ("config.json", [47, 0], "replace", None),
        ("result.json", [46, 0, 48, 1, 1, 0], "replace", {}),
    ],
}
"""target -> inputs that once failed."""


@pytest.mark.parametrize(("name", "number"), [(name, i) for name, inputs in FOUND.items() for i in range(len(inputs))])
def test_an_input_that_failed_once_does_not_fail_again(name, number, folder):
    TARGETS[name][1](folder, FOUND[name][number])


@pytest.mark.parametrize("name", TARGETS)
def test_what_cannot_be_read_is_one_sentence(name, folder):
    strategy, check = TARGETS[name]
    end, tried, seed = time.monotonic() + 60 * MINUTES, 0, 0

    def counted(input_):
        nonlocal tried
        tried += 1
        check(folder, input_)

    while True:
        once = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=False)(
            given(strategy)(counted)
        )
        hypothesis.seed(seed)(once)()
        seed += 1
        if time.monotonic() >= end:
            break
    print(f"{name}: {tried:,} inputs, seeds 0 to {seed - 1}")
