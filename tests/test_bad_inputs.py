"""Mistakes of what is typed and given: each line of bad_inputs.txt ends in its exact sentence and code.

A line of the table is a command, the one below it the code and the sentence. $NAME is one of `SHORT`, and in a sentence
FOLDER is where the files are that `made` makes, CONFIGS is configs/.
"""

import gzip
import io
import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

import experiments  # noqa: F401 - here, not in a test: what it imports takes hold of the streams that there are
import run
from tests.training.test_trainer import train

ROOT = Path(run.__file__).parent
CONFIGS = ROOT / "configs"
TEXT = {
    "source": "text",
    "root": "corpus",
    "languages": "('en','de')",
    "train": "('train.en','train.de')",
    "validation": "('dev.en','dev.de')",
    "tests": "{'test':('test.en','test.de')}",
    "vocabulary.size": "60",
}
SHORT = {
    "EMBEDDED": f"train --config={CONFIGS}/embedded_tiny.py:luong --workdir=new",
    "TRANSFORMER": f"train --config={CONFIGS}/embedded_tiny.py:transformer --workdir=new",
    "TEXT": "$UNTESTED --config.data.tests.test=\"('test.en','test.de')\"",
    "UNTESTED": f"train --config={CONFIGS}/text.py:luong --workdir=new "
    + " ".join(f'--config.data.{name}="{value}"' for name, value in TEXT.items() if name not in ("source", "tests")),
    "CONFIGS": str(CONFIGS),
}


def table():
    """Return (command, code, sentence) of each row."""
    lines = [line for line in (ROOT / "tests" / "bad_inputs.txt").read_text("utf-8").split("\n") if line]
    rows = zip(lines[::2], lines[1::2], strict=True)
    return [(command, int(said.split()[0]), said.strip().partition(" ")[2]) for command, said in rows]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a corpus, wrong files beside it, a run, and damaged copies of the run."""
    folder = tmp_path_factory.mktemp("made")
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, pairs in (("train", 60), ("dev", 10), ("test", 8)):
        lines = [[f"{side}{(index * step) % 17}" for step in (1, 3, 5)] for index in range(pairs) for side in "w"]
        for language in ("en", "de"):
            (corpus / f"{name}.{language}").write_text("".join(" ".join(line) + "\n" for line in lines))
    text = (corpus / "train.en").read_text()
    (corpus / "utf16.en").write_bytes(text.encode("utf-16"))
    (corpus / "latin1.en").write_bytes("".join(["käse\n", *["w1\n"] * 59]).encode("latin-1"))
    (corpus / "short.de").write_text("w1\n" * 59)
    (corpus / "empty.en").write_bytes(b"")
    (corpus / "long.en").write_text("w1 " * 10_000 + "\n")
    (corpus / "blank.en").write_text("\n" * 60)
    (corpus / "blank.de").write_text("\n" * 60)
    (corpus / "cut.en.gz").write_bytes(gzip.compress(text.encode())[:40])
    (corpus / "folder.en").mkdir()
    mine = {
        "none.py": "def get_config(name=None):\n    return None\n",
        "raises.py": "def get_config(name=None):\n    return 1 / 0\n",
        "nothing.py": "x = 3\n",
        "syntax.py": "def get_config(:\n",
        "imports.py": "import nothing_of_this_name\n",
        "exits.txt": "not Python\n",
        "calibration.py": "CALIBRATION = 3\nfrom configs.embedded_tiny import get_config\n",
    }
    for name, content in mine.items():
        (folder / name).write_text(content)
    ours = train(folder / "run", **{"training.steps": 2, "model.width": 8}).path
    (ours / "result.json").write_text("{}")
    for name, content in {
        "no_fields": ("config.json", "{}"),
        "a_list": ("config.json", "[1]"),
        "no_json": ("config.json", '{"seed": 3,'),
        "one_language": ("config.json", '{"seed": 1, "model": {}, "data": {"languages": ["en"]}}'),
        "no_model_fields": (
            "config.json",
            '{"seed": 1, "model": {}, "data": {"languages": ["en", "de"]}, "training": {}, "evaluation": {}}',
        ),
        "null_result": ("result.json", "null"),
        "split_is_a_number": ("result.json", '{"splits": {"test": 3}}'),
        "provenance_is_a_list": ("provenance.json", "[]"),
        "steps_are_words": ("provenance.json", '{"steps": "five"}'),
        "step_is_a_word": ("metrics.jsonl", '{"step": "five"}\n'),
        "metrics_is_text": ("metrics.jsonl", "loss 3\n"),
        "translations_is_a_file": ("translations", ""),
        "split_is_no_gzip": ("splits/test.jsonl.gz", "text"),
        "vocabulary_is_text": ("vocabulary/source.model", "text"),
    }.items():
        copy = Path(shutil.copytree(ours, folder / "damaged" / name))
        (copy / content[0]).write_text(content[1])
    for name, remove in {
        "no_checkpoints": "checkpoints",
        "no_vocabulary": "vocabulary",
        "no_provenance": "provenance.json",
        "no_splits": "splits",
    }.items():
        path = Path(shutil.copytree(ours, folder / "damaged" / name)) / remove
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "a_file").write_text("")
    (folder / "page").mkdir()
    (folder / "page" / "index.html").write_text("a person's")
    links = {"far": "0-99", "negative": "-1-0", "words": "a-b", "few": "0-0", "empty": "", "digits": "9" * 10 + "-0"}
    for name, link in links.items():
        (folder / f"{name}.gold").write_text(f"{link}\n" * (1 if name == "few" else 7))
    (folder / "answers").mkdir()
    (folder / "answers" / "list.json").write_text("[]")
    (folder / "answers" / "half.json").write_text('{"question": "heads"')
    (folder / "answers" / "fields.json").write_text(json.dumps({"question": "heads", "corpus": "../../escaped"}))
    return folder


@pytest.mark.parametrize(("command", "code", "sentence"), table(), ids=[row[0][:60] for row in table()])
def test_it_ends_in_its_sentence(command, code, sentence, made, monkeypatch, capsys):
    for name, long in SHORT.items():
        command = command.replace(f"${name}", long)
    monkeypatch.chdir(made)
    monkeypatch.delenv("LOOKBACK_DEBUG", raising=False)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"w1\n")))
    with pytest.raises(SystemExit) as left:
        run.main(shlex.split(command))
    said = capsys.readouterr().err.replace(str(made), "FOLDER").replace(str(CONFIGS), "CONFIGS").splitlines()
    assert [line for line in said if line.startswith("error: ")] == [f"error: {sentence}"]
    assert left.value.code == code
    assert not os.path.exists("new")


def test_the_table_is_long():
    assert len(table()) >= 150
    assert len({command for command, *_ in table()}) == len(table())
