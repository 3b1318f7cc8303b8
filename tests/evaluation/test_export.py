"""An exported run translates as `run.py translate` does, in a process that never imports Lookback."""

import io
import json
import subprocess
import sys

import jax
import numpy as np
import pytest

from research.evaluation import export as module
from research.evaluation.export import export
from research.evaluation.translate_text import translate_text
from research.results.run_folder import RunFolder
from tests.evaluation.test_translate_text import run_folder

pytest.importorskip("flatbuffers", reason="exported programs are flatbuffers: install what requirements.lock names")

TEXT = (
    "\ufeffthe dog runs\r\n\n  a Cat\u00a0\t\n▁two old dogs run\nthe\x0bdog \x07 runs\u2028a cat\n"
    + "two old dogs run a cat the dog runs " * 4  # beyond data.max_tokens
    + "\nnothing of this: ßж\n \t \nruns"
).encode()
ALONE = (
    "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__'); "
    "sys.exit('research' in {name.partition('.')[0] for name in sys.modules})"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder that was never trained, of lower-case text, with sources padded to 16 or 32."""
    path = run_folder(tmp_path_factory.mktemp("runs") / "a", (1,))
    config = json.loads((path / "config.json").read_text())
    config["data"] |= {"lowercase": True, "max_tokens": 27}
    RunFolder(path).write_json("config.json", config)
    return path


@pytest.fixture(scope="module")
def exported(run):
    (run.parent / "out").mkdir()  # an empty folder is filled
    return export(run, run.parent / "out", platforms=("cpu", "tpu"))


@pytest.mark.parametrize(("arguments", "beam"), [([], None), (["greedy"], 1)])
def test_the_example_translates_as_the_verb_does(run, exported, arguments, beam):
    command = [sys.executable, "-I", "-c", ALONE, exported / "translate.py", *arguments]
    done = subprocess.run(command, input=TEXT, capture_output=True, cwd=exported)
    assert done.returncode == 0, done.stderr.decode()
    output = io.StringIO()
    translate_text(run, io.BytesIO(TEXT), output, beam=beam)
    assert done.stdout.decode() == output.getvalue()
    assert output.getvalue().count("\n") == 9
    assert len(set(output.getvalue().split("\n"))) > 4


def test_the_folder_says_what_a_caller_must_know(run, exported):
    facts = json.loads((exported / "export.json").read_text())
    assert facts["searches"] == ["beam3", "greedy"]
    assert facts["batches"] == [{"length": 16, "sentences": 5}, {"length": 32, "sentences": 5}]
    assert (facts["max_tokens"], facts["extra_tokens"], facts["lowercase"], facts["step"]) == (27, 1, True, 1)
    assert facts["languages"] == list(RunFolder(run).config().data.languages)
    assert (facts["runs"][0]["name"], facts["jax"]) == ("a", jax.__version__)
    program = jax.export.deserialize(bytearray((exported / "beam3.16.stablehlo").read_bytes()))
    assert (program.platforms, program.nr_devices) == (("cpu", "tpu"), 1)
    assert program.calling_convention_version == facts["calling_convention"]
    with np.load(exported / "weights.npz") as stored:
        shapes = {name: weights.shape for name, weights in stored.items()}
    taken, _ = program.in_tree.unflatten(program.in_avals)[0]
    assert shapes == {name: weights.shape for name, weights in taken.items()}
    assert str(run) not in (exported / "export.json").read_text()


def test_it_is_written_whole_or_not_at_all(run, exported, tmp_path, monkeypatch):
    before = sorted(exported.iterdir())
    with pytest.raises(ValueError, match="is not empty: name a new folder"):
        export(run, exported, platforms=("cpu",), beam=1)
    assert sorted(exported.iterdir()) == before

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    with pytest.raises(OSError, match="new: no space left on device; make room"):
        export(run, tmp_path / "deep" / "new", platforms=("cpu",), beam=1)
    assert not list((tmp_path / "deep").iterdir())
