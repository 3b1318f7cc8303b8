"""The command line: what each verb calls, what help says, and how mistakes are answered."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import experiments  # here, not in a test: what it imports takes hold of the streams that there are
import run
from research.results.tables import TextTable

ROOT = Path(run.__file__).parent
EMBEDDED = "--config=configs/embedded.py:luong"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    """As a person starts it, with no wish to debug."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("LOOKBACK_DEBUG", raising=False)


def recorder(calls, result=None, error=None):
    """Return a function that keeps its arguments in `calls`, and then raises or returns what is given."""

    def record(*arguments, **named):
        calls.append((arguments, named))
        if error is not None:
            raise error
        return result

    return record


@pytest.fixture
def action(monkeypatch):
    """Puts a recorder in the place of what a verb calls; returns the list of its calls."""

    def replace(module, function, result=None, error=None):
        calls = []
        fake = ModuleType(module)
        setattr(fake, function, recorder(calls, result, error))
        monkeypatch.setitem(sys.modules, module, fake)
        return calls

    return replace


@pytest.fixture
def train(action):
    return action("research.training.trainer", "train")


@pytest.fixture
def audit(action):
    found = SimpleNamespace(kills=[SimpleNamespace(equal=True)], differences=[], passed=True)
    calls = action("research.training.audit", "audit", result=found)
    sys.modules["research.training.audit"].audit_table = lambda kills: TextTable(["killed at"], [["a validation"]])
    calls.append(found)
    return calls


@pytest.fixture
def audit_devices(action):
    layout = SimpleNamespace(agrees=True)
    calls = action("research.training.audit_devices", "audit_devices", result=[layout])
    module = sys.modules["research.training.audit_devices"]
    module.TOLERANCE, module.layouts_table = 1e-5, lambda layouts: TextTable(["strategy"], [["pmap"]])
    calls.append(layout)
    return calls


@pytest.fixture
def plan(action):
    asked = SimpleNamespace(fits=True)
    found = SimpleNamespace(asked=asked)
    calls = action("research.training.plan", "plan", result=found)
    sys.modules["research.training.plan"].write_plans = lambda *written, **named: calls.append((written, named))
    sys.modules["research.training.plan"].plan_question = recorder(calls, SimpleNamespace(fits=True))
    action("research.training.plan_table", "plan_table", result=TextTable(["", "cpu:8"], [["chips", "8"]]))
    table = sys.modules["research.training.plan_table"]
    table.question_table = lambda plans: TextTable(["arm"] * 7, [])
    table.assumptions = lambda plans: "a bound"
    table.verdict = table.question_verdict = lambda plans: "fits or not"
    calls.append(found)
    return calls


@pytest.fixture
def report(action):
    calls = action("research.report", "write_report", result=Path("out/index.html"))
    sys.modules["research.report"].terminal_table = lambda runs: f"the table of {len(runs)} runs"
    sys.modules["research.report"].answers_terminal = lambda answers: f"the verdicts of {len(answers)} answers"
    sys.modules["research.report"].attention_png = lambda source, target, weights: b""
    sys.modules["research.report"].attention_page = lambda files, name, languages: ""
    action("research.results.evidence", "keep", result=[Path("docs/evidence/a")])
    return calls


@pytest.fixture
def compare(action):
    calls = action("research.evaluation.compare", "compare", result="found")
    action("research.evaluation.comparison_table", "terminal", result="what was found\nA is better")
    sys.modules["research.evaluation.compare"].write_json = lambda *written, **named: calls.append((written, named))
    return calls


@pytest.fixture
def ablate(action, report, monkeypatch, tmp_path):
    """The calls of `Ablation`, none of which launches anything."""
    made = SimpleNamespace(
        run=lambda launcher, resume, lock: SimpleNamespace(arms=()),
        launches=lambda: [[]],
        file=Path("out/heads.json"),
        tuning_file=Path("out/tuning/heads.json"),
        out=Path("out"),
    )
    action("research.ablation.tuning", "tune", result="what was tried")
    sys.modules["research.ablation.tuning"].tuning_table = lambda tuned: f"the table of {tuned}"
    action("research.ablation.locking", "register", result=SimpleNamespace(sha256="5ea1"))
    sys.modules["research.ablation.locking"].with_fresh_seeds = lambda ask, *_: ask(seeds=(100, 101))
    sys.modules["research.ablation.locking"].confirmable = lambda asked, lock, file: f"as in {file.name}"
    action("research.ablation.power_of_plan", "power_table", result="what seeds would show")
    monkeypatch.setattr(experiments, "LOCKS", tmp_path)
    monkeypatch.setattr(experiments, "OWN", tmp_path / "own")
    lock = SimpleNamespace(plan=SimpleNamespace(seeds=(103,)))
    monkeypatch.setattr("research.results.locks.read_lock", lambda file: lock)
    sys.modules["research.ablation.tuning"].first_launches = lambda asked: [[]]
    return action("research.ablation.ablate", "Ablation", result=made)


@pytest.fixture
def counted_flops(monkeypatch):
    """FLOPs that need no tracing of every arm's model: seconds, in a list of all questions."""
    monkeypatch.setattr("research.ablation.listing.training_flops_per_token", lambda *_: 1e6)


def leave(*arguments):
    """The exit code of a command that leaves by itself."""
    with pytest.raises(SystemExit) as left:
        run.main(arguments)
    return left.value.code


def test_help_lists_every_verb(capsys):
    assert run.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {verb} " in text for verb in run.VERBS)
    assert "exit codes" in text


def test_no_verb_shows_the_help_and_fails(capsys):
    assert run.main([]) == 2
    assert "verbs:" in capsys.readouterr().err


@pytest.mark.parametrize("verb", run.VERBS)
def test_verb_help_has_flags_examples_and_exit_codes(verb, capsys):
    assert leave(verb, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: python run.py {verb}")
    for part in ("options:", "examples:", f"python run.py {verb} ", "exit codes:"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("verb", run.VERBS)
def test_the_examples_in_the_help_are_accepted(
    verb, action, train, plan, audit, audit_devices, compare, report, ablate, counted_flops, capsys
):
    action("research.evaluation.evaluate", "evaluate")
    action("research.evaluation.score_again", "score_again")
    action("research.evaluation.translate_text", "translate_text")
    action("research.evaluation.score_text", "score_text")
    action("research.evaluation.export", "export", result=Path("out"))
    leave(verb, "--help")
    text = capsys.readouterr().out.partition("examples:\n")[2].partition("\n\n")[0]
    examples = [line.partition("run.py ")[2].partition(" < ")[0] for line in text.splitlines()]
    assert examples
    for example in examples:
        assert run.main(shlex.split(example)) == 0, example


@pytest.mark.parametrize("verb", ["", *run.VERBS])
def test_help_imports_nothing_heavy(verb):
    """So that it answers at once."""
    program = (
        "import sys, run\n"
        f"try: run.main({[*verb.split(), '--help']})\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join({'jax', 'flax', 'numpy', 'altair', 'vl_convert', 'grain'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_an_audit_that_sees_a_difference_is_an_error(audit, capsys):
    found = audit[0]
    assert run.main(["audit", EMBEDDED, "--out=o", "--kills=3", "--config.training.steps=7"]) == 0
    (config, out), named = audit[1]
    assert (config.training.steps, out, named["kills"], named["seed"]) == (7, Path("o"), 3, 0)
    assert "Kills: 1; every step is bit for bit that of the unbroken training: o" in capsys.readouterr().out
    found.passed, found.kills[0].equal, found.differences = False, False, ["killed.1: metrics.jsonl differs"]
    assert leave("audit", EMBEDDED, "--out=o") == 1
    said = capsys.readouterr().err
    assert said == (
        "error: after 1 of 1 kills steps differ from the unbroken training; killed.1: metrics.jsonl differs\n"
    )


def test_an_audit_of_devices_that_do_not_agree_is_an_error(audit, audit_devices, capsys):
    layout = audit_devices[0]
    assert run.main(["audit", EMBEDDED, "--out=o", "--devices=4"]) == 0
    (_, out), named = audit_devices[1]
    assert (out, named["devices"], len(audit)) == (Path("o"), 4, 1)  # nothing is killed
    assert "the loss of every step agrees with that of pmap on one device: o" in capsys.readouterr().out
    layout.agrees = False
    assert leave("audit", EMBEDDED, "--out=o", "--devices=4") == 1
    assert capsys.readouterr().err == (
        "error: a loss differs by more than 1e-05 nats from that of pmap on one device\n"
    )
    assert leave("audit", EMBEDDED, "--out=o", "--devices=4", "--kills=3") == 2


def test_a_plan_that_does_not_fit_is_an_error(plan, capsys):
    found = plan[0]
    assert run.main(["plan", EMBEDDED, "--target=cpu:8", "--price=2.5", "--json=p.json"]) == 0
    (config, target), named = plan[1]
    assert (config.model.reader, target, named) == ("luong", "cpu:8", {"price": 2.5})
    (written, file), named = plan[2]
    assert (written, file) == (found, Path("p.json"))
    assert named == {"command": f"python run.py plan {EMBEDDED} --target=cpu:8 --price=2.5 --json=p.json"}
    assert "a bound\nfits or not\n" in capsys.readouterr().out
    found.asked.fits = False
    assert leave("plan", EMBEDDED, "--target=cpu:8") == 1
    assert capsys.readouterr().err == "error: fits or not\n"


def test_plan_takes_the_arms_of_a_question(plan, capsys):
    arguments = ["plan", "--question=heads", "--config=configs/embedded_tiny.py", "--target=v5e:2x4"]
    assert run.main([*arguments, "--seeds=0,1", "--config.model.layers=3", "--json=p.json"]) == 0
    (arms, target), named = plan[1]
    assert (target, named) == ("v5e:2x4", {"seeds": 2, "price": None})
    assert (arms["heads=16"].model.heads, arms["heads=16"].model.layers) == (16, 3)
    (written, file), _ = plan[2]
    assert file == Path("p.json")
    assert "a bound\nfits or not\n" in capsys.readouterr().out
    written.fits = False
    assert leave(*arguments) == 1
    assert plan[3][1] == {"seeds": 3, "price": None}
    assert capsys.readouterr().err == "error: fits or not\n"


def test_a_sign_that_the_terminal_cannot_show_is_a_question_mark(report, monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", shown)
    sys.modules["research.report"].terminal_table = lambda runs: "supported ✕ \uac00 über"
    assert run.main(["report", "runs/a", "--out=o"]) == 0
    shown.flush()
    assert "supported ? ? über".encode("latin-1") in shown.buffer.getvalue()


def test_train_gets_the_config_the_folder_and_the_command(train):
    assert run.main(["train", EMBEDDED, "--workdir=runs/a b", "--config.training.steps=7"]) == 0
    [((config, workdir), named)] = train
    assert config.model.reader == "luong"
    assert config.training.steps == 7
    assert config.is_locked
    assert workdir == Path("runs/a b")
    command = f"python run.py train {EMBEDDED} '--workdir=runs/a b' --config.training.steps=7"
    assert named == {"command": command, "trunk": None, "trackers": ()}
    assert run.main(["train", EMBEDDED, "--workdir=runs/b", "--trunk=runs/a"]) == 0
    assert train[1][1]["trunk"] == Path("runs/a")
    assert run.main(["train", EMBEDDED, "--workdir=runs/c", "--tracker=wandb,mlflow"]) == 0
    assert [named["trackers"] for _, named in train] == [(), (), ("wandb", "mlflow")]


def test_evaluate_takes_every_test_split_and_both_searches_unless_told(action):
    calls = action("research.evaluation.evaluate", "evaluate")
    assert run.main(["evaluate", "--workdir=w"]) == 0
    assert run.main(["evaluate", "--workdir", "w", "--split=test", "--beam=3", "--gold=g.talp"]) == 0
    assert run.main(["evaluate", "--workdir=w", "--all"]) == 0
    assert run.main(["evaluate", "--workdir=w", "--source=n.en", "--reference=n.de"]) == 0
    command = "python run.py evaluate --workdir"
    default = {"split": None, "every_split": False, "beams": None, "gold": None, "command": f"{command}=w"}
    default |= {"interventions": False, "files": None}
    told = {"split": "test", "beams": (3,), "gold": Path("g.talp")}
    assert calls == [
        ((Path("w"),), default),
        ((Path("w"),), {**default, **told, "command": f"{command} w --split=test --beam=3 --gold=g.talp"}),
        ((Path("w"),), {**default, "every_split": True, "command": f"{command}=w --all"}),
        (
            (Path("w"),),
            {
                **default,
                "files": (Path("n.en"), Path("n.de"), None),
                "command": f"{command}=w --source=n.en --reference=n.de",
            },
        ),
    ]


def test_evaluate_scores_again_with_another_tokeniser_and_translates_nothing(action):
    evaluated, calls = (
        action("research.evaluation.evaluate", "evaluate"),
        action("research.evaluation.score_again", "score_again"),
    )
    assert run.main(["evaluate", "--workdir=w", "--tokenizer=char", "--split=test"]) == 0
    command = "python run.py evaluate --workdir=w --tokenizer=char --split=test"
    assert (calls, evaluated) == ([((Path("w"), "char"), {"split": "test", "command": command})], [])


def test_translate_reads_and_writes_the_standard_streams(action):
    calls = action("research.evaluation.translate_text", "translate_text")
    assert run.main(["translate", "--workdir=w", "--attention=maps", "--beam=3"]) == 0
    [((workdir, *streams), named)] = calls
    assert workdir == Path("w")
    assert streams == [sys.stdin.buffer, sys.stdout]
    report = sys.modules["research.report"]
    drawn = {"draw": report.attention_png, "page": report.attention_page}
    assert named == {"beam": 3, "attention": Path("maps"), **drawn}


def test_compare_takes_two_systems_and_ends_in_the_verdict(compare, capsys):
    assert run.main(["compare", "a", "--with", "b"]) == 0
    defaults = {"split": None, "search": None, "measure": "bleu", "margin": None}
    defaults |= {"level": 0.95, "resamples": 2_000, "seed": 0, "tokenize": None}
    assert compare == [(([Path("a")], [Path("b")]), defaults)]
    assert capsys.readouterr().out == "what was found\nA is better\n"


def test_a_place_that_cannot_be_written_is_refused_before_the_work(compare, report, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert leave("compare", "a", "--with", "b", f"--json={tmp_path}") == 2
    assert leave("report", "a", "--out=o", f"--keep={tmp_path / 'file'}") == 1
    assert f"cannot write {tmp_path / 'file'}: not a directory" in capsys.readouterr().err
    assert compare == report == []


def test_compare_writes_json_with_the_command(compare):
    flags = ["--split=test", "--search=beam1", "--measure=ter", "--margin=0.5", "--level=0.9", "--resamples=99"]
    flags.append("--tokenizer=char")
    assert run.main(["compare", "a0", "a1", "--with", "b0", "b1", *flags, "--seed=7", "--json=c.json"]) == 0
    named = {"split": "test", "search": "beam1", "measure": "ter", "margin": 0.5}
    named |= {"level": 0.9, "resamples": 99, "seed": 7, "tokenize": "char"}
    command = f"python run.py compare a0 a1 --with b0 b1 {' '.join(flags)} --seed=7 --json=c.json"
    assert compare == [
        (([Path("a0"), Path("a1")], [Path("b0"), Path("b1")]), named),
        (("found", Path("c.json")), {"command": command}),
    ]


def test_translate_passes_on_what_was_given_and_nothing_else(action):
    calls = action("research.evaluation.translate_text", "translate_text")
    sampling = ["--sample=3", "--temperature=0.5", "--top_k=7", "--top_p=0.9", "--seed=0"]
    assert run.main(["translate", "--workdir=w", "--workdir=v", "--last=2", *sampling]) == 0
    [((workdir, *_), named)] = calls
    assert workdir == Path("w")
    del named["draw"], named["page"]
    sampling = {"sample": 3, "temperature": 0.5, "top_k": 7, "top_p": 0.9, "seed": 0}
    assert named == {"also": [Path("v")], "last": 2, **sampling}


def test_export_takes_one_run_or_an_ensemble_and_says_how_to_translate(action, capsys):
    calls = action("research.evaluation.export", "export", result=Path("my out"))
    assert run.main(["export", "--workdir=w", "--out=my out"]) == 0
    assert capsys.readouterr().out == "Exported: my out; `python 'my out/translate.py' < TEXT` translates\n"
    assert (
        run.main(["export", "--workdir=w", "--workdir=v", "--out=o", "--beam=1", "--platforms=cuda", "--last=2"]) == 0
    )
    assert calls == [
        ((Path("w"), Path("my out")), {"also": [], "platforms": ("cpu", "cuda", "tpu")}),
        ((Path("w"), Path("o")), {"also": [Path("v")], "platforms": ("cuda",), "beam": 1, "last": 2}),
    ]


def test_translate_scores_instead(action):
    calls = action("research.evaluation.score_text", "score_text")
    assert run.main(["translate", "--workdir=w", "--score=text.de"]) == 0
    assert calls == [((Path("w"), sys.stdin.buffer, Path("text.de"), sys.stdout), {})]


def test_report_takes_many_folders_and_ends_in_a_table_and_a_path(report, capsys):
    assert run.main(["report", "a", "b", "--out=out"]) == 0
    assert report == [(([Path("a"), Path("b")], Path("out"), []), {})]
    assert capsys.readouterr().out == "the table of 2 runs\n\nReport: out/index.html\n"


def test_report_keeps_evidence_of_runs_where_asked(report, action, capsys):
    kept = action("research.results.evidence", "keep", result=[Path("docs/evidence/a")])
    assert run.main(["report", "a", "--out=out", "--keep=docs/evidence"]) == 0
    assert kept == [(([Path("a")], Path("docs/evidence")), {})]
    assert capsys.readouterr().out == "the table of 1 runs\n\nReport: out/index.html\nEvidence: docs/evidence/a\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("trian", "no verb 'trian'; did you mean train?"),
        ("xyz", "no verb 'xyz'; choose one of train, plan, audit, evaluate, translate, export, "),
        (f"train {EMBEDDED} --workdir=w --config.model.layrs=3", '"model.layrs"; did you mean model.layers?'),
        (f"train {EMBEDDED} --workdir=w --config.layers=3", '"layers"; did you mean model.layers?'),
        (f"train {EMBEDDED} --workdir=w --config.model.layers=x", "config.model.layers=x is refused"),
        (f"train {EMBEDDED} --workdir=w --config.model=3", "config.model is a section"),
        (f"train {EMBEDDED} --workdir=w --config.data.train=1", "config.data.train=(1,) is refused"),
        (f"train {EMBEDDED} --workdir=w --config.model.layers", "--config.model.layers needs a value"),
        (f"train {EMBEDDED} --workdri=w", "no flag --workdri; did you mean --workdir?"),
        (f"train {EMBEDDED} --workdir=w extra", "unexpected argument 'extra'"),
        (f"train {EMBEDDED}", "required: --workdir"),
        ("train --config=configs/embeded.py --workdir=w", "no config file 'configs/embeded.py'; did you mean"),
        ("train --config=configs/embedded.py:lung --workdir=w", "no architecture 'lung'; choose one of none, luong"),
        ("train --config=configs/base.py --workdir=w", "does not define get_config()"),
        ("evaluate --workdir=w --beam=0", "'0' is not a whole number of at least 1"),
        ("evaluate --workdir=w --all --split=test", "argument --split: not allowed with argument --all"),
        ("evaluate --workdir=w --config.seed=1", "no flag --config.seed"),
        ("compare a", "required: --with"),
        ("compare --with b", "required: A"),
        ("compare a --with b --measure=meteor", "invalid choice: 'meteor'"),
        ("compare a --with b --resamples=x", "--resamples: invalid int value: 'x'"),
        ("compare a --with b --margn=1", "no flag --margn; did you mean --margin?"),
        ("translate --workdir=w --beam=0", "'0' is not a whole number of at least 1"),
        ("translate --workdir=w --sample=2 --n_best=3", "--sample and --n_best do not go together: leave one out"),
        ("translate --workdir=w --score=f --beam=3", "--score and --beam do not go together: leave one out"),
        ("translate --workdir=w --last=2 --attention=a", "--attention and --last do not go together: leave one out"),
        ("translate --workdir=w --workdir=v --attention=a", "--attention draws what one model reads: give"),
        ("translate --workdir=w --top_p=0.9", "--top_p means something only with --sample: give both, or leave it out"),
        ("report --out=o", "required: RUN"),
        (f"train {EMBEDDED} --workdir=", "'' is no file or folder: name one, and for the one you are in, ."),
        ("report w --out=''", "'' is no file or folder"),
        ("evaluate --workdir=~nobody-of-this-name/w", "begins with a home folder that is not known: write it out"),
        ("ablate heads --register --looks=0", "'0': expected growing numbers of seeds, 3 at least, e.g. 5,10,20"),
        ("ablate heads --register --looks=5,5", "'5,5': expected growing numbers of seeds"),
        ("ablate heads --looks=5,10", "--looks means something only with --register or --power"),
    ],
)  # fmt: skip
def test_a_mistyped_command_is_answered(command, answer, train, capsys):
    assert leave(*shlex.split(command)) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert answer in printed.err
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert train == []


def test_a_tilde_is_the_home_folder_in_every_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for line, name in (
        (f"train {EMBEDDED} --workdir=~/w", "workdir"),
        ("evaluate --workdir=~/w --gold=~/g", "gold"),
        ("ablate heads --out=~/w", "out"),
        ("report ~/w --out=~/o", "out"),
        ("compare a --with b --json=~/j", "json"),
    ):
        verb, *arguments = shlex.split(line)
        assert getattr(run.read(verb, arguments).flags, name).parent == tmp_path
    assert run.read("report", ["~/w", "--out=o"]).flags.runs == [tmp_path / "w"]


def test_a_file_is_not_to_be_written_where_there_is_no_folder(compare, capsys, tmp_path):
    assert leave("compare", "a", "--with", "b", f"--json={tmp_path / 'nowhere' / 'x.json'}") == 2
    assert f"there is no folder {tmp_path / 'nowhere'}: make it" in capsys.readouterr().err
    assert not compare


@pytest.mark.parametrize(
    "error", [kind("what is wrong") for kind in (ValueError, FileNotFoundError, FloatingPointError)]
)
def test_an_expected_failure_is_one_sentence(error, action, capsys):
    action("research.evaluation.evaluate", "evaluate", error=error)
    assert leave("evaluate", "--workdir=w") == 1
    assert capsys.readouterr().err == "error: what is wrong\n"


def test_debugging_shows_where_it_came_from(action, monkeypatch):
    monkeypatch.setenv("LOOKBACK_DEBUG", "1")
    action("research.evaluation.evaluate", "evaluate", error=ValueError("what is wrong"))
    with pytest.raises(ValueError, match="what is wrong"):
        run.main(["evaluate", "--workdir=w"])


def test_what_nobody_foresaw_is_a_sentence_and_its_traceback_is_kept(action, capsys):
    action("research.evaluation.evaluate", "evaluate", error=KeyError("step"))
    assert leave("evaluate", "--workdir=w") == 1
    said = re.fullmatch(
        r"error: evaluate met what it does not know, KeyError: 'step': (\S+\.txt) says where, .*\n",
        capsys.readouterr().err,
    )
    kept = Path(said[1])
    assert "in record\n" in kept.read_text()
    kept.unlink()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 745. GiB for an array"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 80000000000000000 bytes."),
        RuntimeError("XLA:TPU compile permanent error. Ran out of memory in memory space hbm. Used 20.0G of 15.7G hbm"),
    ],
)
def test_too_little_memory_names_the_fields_to_lower(error, action, capsys):
    action("research.training.trainer", "train", error=error)
    assert leave("train", EMBEDDED, "--workdir=w") == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: there is too little memory ({type(error).__name__}: {error}): lower data.batch_tokens"
    )
    assert said.count("\n") == 1


def test_a_full_disk_is_not_too_little_memory(action, capsys):
    """TensorStore says RESOURCE_EXHAUSTED of both."""
    said = "checkpoint 40 cannot be written to runs/x (ValueError: RESOURCE_EXHAUSTED: No space left): make room"
    action("research.training.trainer", "train", error=OSError(said))
    assert leave("train", EMBEDDED, "--workdir=w") == 1
    assert capsys.readouterr().err == f"error: {said}\n"


def test_an_error_of_the_system_names_the_file_and_what_to_do(action, capsys):
    action("research.evaluation.evaluate", "evaluate", error=OSError(28, "No space left on device", "runs/x"))
    assert leave("evaluate", "--workdir=w") == 1
    assert capsys.readouterr().err == (
        "error: runs/x: no space left on device; make room, and give the same command again\n"
    )


@pytest.mark.parametrize(
    "arguments", [["train", "--workdir=r\udce9sum"], ["report", "a", "\udcff", "--out=o"], ["\udcff"]]
)
def test_a_name_that_is_not_utf_8_is_refused_before_anything_is_done(arguments, capsys, tmp_path, monkeypatch):
    """Python reads such bytes of the command line as lone surrogates, which it cannot write into a file."""
    monkeypatch.chdir(tmp_path)
    assert leave(*arguments) == 2
    assert re.fullmatch(
        r"error: (--workdir=r\\udce9sum|\\udcff) is not UTF-8: rename it, .*\n", capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "said"),
    [
        ("<&-", "--help", 0, b""),
        (">&-", "--help", 0, b""),
        (">&-", "ablate --list", 0, b""),
        ("<&- >&-", "trian", 2, b"error: no verb 'trian'"),
        ("2>&-", "trian", 2, b""),
    ],
)
def test_a_stream_that_is_closed_is_no_fault(closed, arguments, code, said):
    command = f"{shlex.quote(sys.executable)} run.py {arguments} {closed}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True)
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert bool(said) == bool(done.stderr)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["ablate", "--list"]])
def test_output_that_cannot_be_written_is_one_sentence(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "run.py", *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.decode() == "error: no space left on device; make room, and give the same command again\n"


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("where", ["{}", "def get_config(): {}"], ids=["imports", "works"])
def test_a_signal_before_the_first_step_ends_with_a_sentence(where, number, tmp_path):
    """A config file sends it to the process that reads it."""
    config = tmp_path / "mine.py"
    signals = where.format(f"os.kill(os.getpid(), signal.{number}); time.sleep(9)")
    config.write_text(f"import os, signal, time\n{signals}")
    command = [sys.executable, "run.py", "train", f"--config={config}", f"--workdir={tmp_path / 'run'}"]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (
        130,
        "error: train was interrupted before it was done; the same command goes on\n",
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("interrupt", "answer"),
    [
        (KeyboardInterrupt(), "train was interrupted before it was done; the same command goes on"),
        (KeyboardInterrupt("saved at step 7; the same command goes on"), "saved at step 7; the same command goes on"),
    ],
)
def test_an_interruption_says_what_became_of_the_work(interrupt, answer, action, capsys):
    action("research.training.trainer", "train", error=interrupt)
    assert leave("train", EMBEDDED, "--workdir=w") == 130
    assert capsys.readouterr().err == f"error: {answer}\n"


def test_errors_reach_the_shell():
    done = subprocess.run([sys.executable, "run.py", "trian"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: no verb 'trian'; did you mean train?\n"


def test_report_shows_answers_in_the_order_of_the_lecture(report, tmp_path, capsys):
    for name in ("heads", "bottleneck", "not_a_question"):
        (tmp_path / f"{name}.json").write_text("{}")
    assert run.main(["report", str(tmp_path), f"--out={tmp_path / 'report'}"]) == 0
    assert report == [(([], tmp_path / "report", [tmp_path / "bottleneck.json", tmp_path / "heads.json"]), {})]
    assert "the verdicts of 2 answers" in capsys.readouterr().out


def test_report_shows_runs_and_answers_together(report, tmp_path, capsys):
    (tmp_path / "heads.json").write_text("{}")
    assert run.main(["report", "a", str(tmp_path), "--out=out"]) == 0
    assert report == [(([Path("a")], Path("out"), [tmp_path / "heads.json"]), {})]
    printed = capsys.readouterr().out
    assert "the table of 1 runs" in printed
    assert "the verdicts of 1 answers" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "which question? --list names them"),
        (["head"], 1, "no question 'head'; did you mean heads"),
        (["heads", "--seeds=a,b"], 2, "'a,b': expected comma-separated whole numbers, e.g. 0,1,2"),
        (["heads", "--seeds=0,0"], 1, "give each once"),
        (["heads", "--arms=depth*"], 1, "no arm of heads is like 'depth*'; there are heads=1"),
        (["heads", "--launcher=slrum"], 2, "no launcher 'slrum'"),
        (["heads", "--launcher.minuts=3", "--launcher=slurm"], 2, "did you mean minutes"),
        (["heads", "--config.model.layerz=2"], 2, "did you mean model.layers"),
        (["heads", "--list", "--config.model.layerz=2"], 2, "did you mean model.layers"),
        (["heads", "--config=configs/nowhere.py"], 2, "no config file"),
        (["heads", "--match=luck"], 2, "invalid choice"),
        (["heads", "--match=seconds", "--launcher=slurm"], 2, "times steps here, and another machine trains"),
        (["heads", "--resum"], 2, "did you mean --resume"),
        (
            ["heads", "--confirm", "--config=configs/embedded.py"],
            1,
            "heads.embedded.json: --register writes it, with the same flags",
        ),
        (
            ["recurrent_cell", "--register", "--config=configs/embedded.py"],
            1,
            "the learning rates of recurrent_cell were not tuned: --tune first",
        ),
        (["recurrent_depth", "--match=flops", "--config.model.width=0"], 1, "model.width=0 must be at least 1"),
        (["recurrent_cell", "--seeds=0,4294967296"], 1, "seed 4294967296 must be at least 0 and below 4294967296"),
        (["heads", "--power"], 1, "heads was not tuned: --tune first, with the same flags"),
        (["heads", "--evidence=nowhere"], 1, "there are no runs in nowhere, which --evidence names"),
        (["heads", "--tune", "--keep=x"], 2, "--tune and --keep do not go together"),
        (["heads", "--confirm", "--seeds=0"], 2, "--confirm and --seeds do not go together"),
        (["heads", "--confirm", "--tune"], 2, "not allowed with argument"),
        (["parallelism", "--tune"], 1, "trains nothing: there is no learning rate to tune"),
    ],
)
def test_mistakes_of_ablate_are_answered(arguments, code, sentence, capsys, tmp_path):
    assert leave("ablate", *arguments, f"--out={tmp_path / 'out'}") == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ablate_says_what_it_would_launch_and_launches_nothing(tmp_path, capsys):
    out = tmp_path / "out"
    assert run.main(["ablate", "recurrent_cell", "--dry_run", "--config.training.steps=7", f"--out={out}"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("research.ablation.work") == 3
    assert not (out / "trained").exists()
    assert not list(out.glob("*.json"))


def test_what_is_timed_is_launched_one_at_a_time(tmp_path, capsys):
    assert run.main(["ablate", "parallelism", "--dry_run", f"--out={tmp_path}", "--arms=*=8|*=32"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("research.ablation.work") == 1
    assert "# and 7 more like it" in printed


def test_a_list_says_what_a_corpus_cannot_be_asked(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert run.main(["ablate", "word_order", "--list", "--config=configs/multi30k_small.py"]) == 0
    assert "a knob of the embedded corpus" in capsys.readouterr().out


def test_ablate_lists_every_question(counted_flops, capsys):
    assert run.main(["ablate", "--list"]) == 0
    printed = capsys.readouterr().out
    for word in (*experiments.QUESTIONS, "hours in all"):
        assert word in printed


def test_ablate_gets_the_question_the_config_and_how(ablate, capsys):
    arguments = [
        "heads",
        "--config=configs/multi30k.py",
        "--seeds=3,4,5",
        "--beam=5",
        "--match=flops",
        "--config.model.width=8",
    ]
    assert run.main(["ablate", *arguments, "--launcher.jobs_at_once=2"]) == 0
    [((name, experiment, get_config), named)] = ablate
    assert (name, experiment.base) == ("heads", "transformer")
    config = get_config("transformer")
    named["override"](config)
    assert (config.data.source, config.model.width) == ("text", 8)
    assert (named["seeds"], named["search"], named["by"], "tuned" in named) == ((3, 4, 5), "beam5", "flops", False)
    assert named["out"] == Path("runs/ablation/multi30k")
    assert named["command"] == shlex.join(["python", "run.py", "ablate", *arguments, "--launcher.jobs_at_once=2"])
    assert "Answer: out/heads.json" in capsys.readouterr().out


def test_ablate_tunes_and_gives_no_answer(ablate, capsys):
    assert run.main(["ablate", "heads", "--tune"]) == 0
    [(_, named)] = ablate
    assert named["tuned"] is False  # the rates of the configs, whatever was tuned before
    printed = capsys.readouterr().out
    assert "the table of what was tried" in printed
    assert "Tuned: out/tuning/heads.json" in printed
    assert "Answer" not in printed


def test_ablate_registers_a_plan_with_fresh_seeds(ablate, tmp_path, capsys):
    assert run.main(["ablate", "heads", "--register"]) == 0
    [(_, named)] = ablate
    assert (named["seeds"], "lock" in named) == ((100, 101), False)
    assert f"Plan: {tmp_path / 'heads.embedded_tiny.json'}, SHA-256 5ea1" in capsys.readouterr().out


def test_ablate_says_what_seeds_would_show(ablate, capsys):
    assert run.main(["ablate", "heads", "--power", "--seeds=100,101"]) == 0
    assert "what seeds would show" in capsys.readouterr().out


def test_ablate_confirms_by_the_seeds_of_the_lock(ablate, capsys):
    assert run.main(["ablate", "heads", "--confirm"]) == 0
    [(_, named)] = ablate
    assert (named["seeds"], named["lock"].plan.seeds) == ((103,), (103,))
    assert "Answer: out/heads.json" in capsys.readouterr().out


def test_ablate_asks_a_question_of_ones_own(ablate, tmp_path, capsys):
    asks = ["ablate", "my_depth", "--vary=model.layers=1,2", "--measure=nats", "--architecture=none"]
    assert run.main(asks) == 0
    [((name, experiment, _), _)] = ablate
    assert (name, experiment.base, list(experiment.arms)) == ("my_depth", "none", ["layers=1", "layers=2"])
    assert f"Question: {tmp_path / 'own' / 'my_depth.py'}" in capsys.readouterr().out
    assert run.main(["ablate", "my_depth", "--dry_run"]) == 0  # it has a name now
    assert run.main(asks) == 0  # the same again
    assert leave("ablate", "my_depth", "--vary=model.layers=1,3") == 1
    assert "asks something else already: choose another name" in capsys.readouterr().err
    right = "--vary=model.layers=1,2"
    for wrong in (
        ["--vary=budget=0,1"], ["--vary=model.layerz=1,2"], ["--vary=model.width=0,4"], ["--vary=model.layers=1,×inf"],
        [right, "--architecture=nope"], [right, "--config=configs/nope.py"], [right, "--config.model.nope=3"],
    ):  # fmt: skip
        assert leave("ablate", "my_budget", *wrong) in (1, 2)
        assert not (tmp_path / "own" / "my_budget.py").exists()  # its name is free again
    capsys.readouterr()
    assert leave("ablate", "heads", "--vary=model.layers=1,3") == 1
    assert (
        "'heads' cannot name a question of your own: choose another name, such as my_question"
        in capsys.readouterr().err
    )
    assert leave("ablate", "typed", "--vary=model.layerz=1,3") == 1
    assert "did you mean model.layers?" in capsys.readouterr().err
    assert not (tmp_path / "own" / "typed.py").exists()  # the name is free again
    assert leave("ablate", "_x", "--vary=model.layers=1,3") == 1
    assert "'_x' cannot name a question" in capsys.readouterr().err
    assert leave("ablate", "--list", "--vary=model.layers=1,3") == 2
    assert leave("ablate", "--vary=model.layers=1,3") == 2
    assert "which question? --list names them; with --vary, any name will do" in capsys.readouterr().err


def test_ablate_asks_of_another_architecture(ablate):
    assert run.main(["ablate", "heads", "--architecture=transformer_recurrent"]) == 0
    [((_, experiment, _), _)] = ablate
    assert experiment.base == "transformer_recurrent"
