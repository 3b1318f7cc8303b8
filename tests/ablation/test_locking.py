"""From a plan that was registered to a verdict, and every reason why there is none."""

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from scipy import stats

from research.ablation import locking
from research.ablation.locking import confirmable, register, with_fresh_seeds
from research.ablation.tuning import tune
from research.data.pairs import Pair
from research.results.answer_files import read_answer
from research.results.identity import config_as_json
from research.results.locks import read_lock
from research.results.run_folder import RunFolder
from research.statistics.hypotheses import Equivalence, Level, Superiority, Trend
from research.training.provenance import Committed, commit_of
from tests.ablation.pretended import BEFORE, QUESTION, Learner, Pretends, confirm, leave_a_run

PAIRS = [Pair("a", "b"), Pair("c", "d")]


def near(run, config, seed):
    """Leave a run whose perplexity is 8 / layers, times 0.99, 1 or 1.01, under whatever seed."""
    leave_a_run(run, config, (seed - 110) % 3)
    run.write_json("config.json", {**config_as_json(config), "seed": seed})


AFTER = "2026-11-30T09:00:00+00:00"


def test_what_was_registered_is_confirmed(question, locked, file):
    found = confirm(question, locked, file)
    assert found.verdict == "supported"
    assert [claim.verdict for claim in found.hypotheses] == ["supported"]
    assert {run.seed for arm in found.arms for run in arm.runs} == {100, 101, 102}
    assert (found.lock.file, found.lock.sha256, found.lock.commit, found.lock.registered) == (
        "which.embedded_tiny.json", locked.sha256, "10c4", locked.registered)  # fmt: skip
    again = confirm(question, locked, file)
    assert (again.verdict, again.missing) == ("supported", 0)


def test_each_run_goes_on_from_the_trunk_of_one_of_half_its_steps(question, locked, file):
    launcher = Pretends(leave=Learner())
    found = confirm(question, locked, file, launcher)
    halves, whole = launcher.tasks[:2], launcher.tasks[2:]
    assert [task.config["training"]["steps"] for task in launcher.tasks] == [400, 400, 800, 800]
    assert [task.config["training"]["keep_trunk"] for task in launcher.tasks] == [True, True, False, False]
    assert [task.trunks for task in whole] == [task.folders for task in halves]
    assert [task.trunks for task in halves] == [{}, {}]
    assert [arm.doubling.trained for arm in found.arms] == [True, True]
    assert found.seconds == 2.0 * (6 + 6 + 18)  # wholes, halves and trials


def test_a_dry_run_shows_halves_and_then_the_whole(question, locked):
    asked = question(seeds=locked.plan.seeds, lock=locked)
    assert [len(together) for together in asked.launches()] == [2, 2]


def worse(layers, steps, by, seeds=(100, 101, 102)):
    """Perplexity is higher `by` so much for an arm after so many steps, under these seeds."""

    def after(run, config, seed):
        if (config.model.layers, config.training.steps) == (layers, steps) and seed in seeds:
            path = run.counts_file("test")
            arrays = dict(np.load(path))
            nats = arrays["nll"].sum() / arrays["tokens"].sum()
            np.savez(path, **arrays | {"nll": arrays["nll"] * np.log(np.exp(nats) + by) / nats})

    return Learner(after=after)


@pytest.mark.parametrize(
    ("left", "verdict", "sentence"),
    [
        (worse(1, 400, 0.24), "supported", None),  # by a little less than half of the margin of 0.5
        (worse(1, 400, 0.26), "not trained",
         "layers=1 had not done learning: its last doubling of steps gained 0.26 perplexity, 0.26 at most, "
         "where less than 0.25 would do"),
        (worse(2, 800, 3.0, [101]), "not trained", "layers=2 has seeds that are far behind the others: 101"),
    ],
)  # fmt: skip
def test_an_arm_that_had_not_done_learning_is_not_judged(question, locked, file, left, verdict, sentence):
    found = confirm(question, locked, file, Pretends(leave=left))
    assert found.verdict == verdict
    assert [claim.verdict for claim in found.hypotheses] == [verdict]
    warnings = [str(warning) for warning in found.warnings]
    assert sentence is None or sentence in warnings
    assert any("done learning:" in warning or "behind" in warning for warning in warnings) == (sentence is not None)


def test_a_lock_holds_what_the_verdict_depends_on(locked, file):
    plan = read_lock(file).plan
    assert plan.hypotheses == (
        {"type": "Superiority", "better": "layers=2", "than": "layers=1", "margin": 0.5, "measure": ""},
    )
    assert [(arm.fields, arm.steps, arm.learning_rate) for arm in plan.arms.values()] == [
        ({"model.layers": 1}, 800, 0.02),
        ({"model.layers": 2}, 800, 0.04),  # as tuned
    ]
    assert [len(arm.trials) for arm in plan.tuning.arms] == [3, 4]
    assert (plan.seeds, plan.measure, plan.level) == ((100, 101, 102), "perplexity", 0.95)


def test_learning_rates_come_from_the_lock_on_another_machine(question, locked, file):
    question().tuning_file.unlink()
    assert confirm(question, locked, file).verdict == "supported"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"override": lambda config: config.training.update({"steps": 7})}, r"layers=1 was tuned with other fields"),
        ({"search": "beam5"}, r"locks search='beam1', and now it is 'beam5'"),
        ({"seeds": (100, 101)}, r"locks seeds=.*100, 101, 102.*, and now it is .*100, 101"),
        ({"only": "*=2"}, r"locks arms\.layers=1\.fields"),
    ],
)
def test_another_plan_is_refused(question, locked, file, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        confirm(question, locked, file, **options)


def test_another_margin_is_refused(question, locked, file):
    asked = question(seeds=locked.plan.seeds, lock=locked)
    asked.experiment = replace(asked.experiment, verdict=(replace(asked.experiment.verdict[0], margin=0.1),))
    with pytest.raises(
        ValueError, match=r"locks hypotheses.*'margin': 0\.5.*ask as it was registered .*--register anew"
    ):
        confirmable(asked, locked, file)


@pytest.mark.parametrize(("here", "of_lock"), [("c0de+", Committed("10c4", BEFORE)), ("c0de", None)])
def test_what_is_not_committed_is_refused(question, locked, file, monkeypatch, here, of_lock):
    monkeypatch.setattr(locking, "commit", lambda: here)
    monkeypatch.setattr(locking, "commit_of", lambda file: of_lock)
    with pytest.raises(ValueError, match="is not committed, or other files have changed since the last commit"):
        confirm(question, locked, file)


@pytest.mark.parametrize("steps", [400, 800])
def test_a_run_from_before_the_lock_was_committed_is_refused(question, locked, file, monkeypatch, steps):
    """A run of half of the steps as well."""
    asked = question(seeds=locked.plan.seeds, lock=locked)
    configs = {400: asked.halves, 800: asked.arms}[steps]
    list(asked.runs.train(Pretends(leave=Learner()), configs.items(), asked.seeds, "test"))
    with monkeypatch.context() as patched:
        patched.setattr(locking, "commit_of", lambda file: Committed("10c4", AFTER))
        with pytest.raises(ValueError, match=r"\.100 began before .*json was committed: .* --register anew"):
            confirm(question, locked, file)
    assert confirm(question, locked, file).verdict == "supported"  # committed before them, it takes them


def test_a_run_that_does_not_say_when_it_began_is_refused(question, locked, file):
    asked = question(seeds=(100, 101, 102))
    asked.run(Pretends(leave=Learner()), resume=False)
    run = RunFolder(asked.asked().folders["layers=1"][101])
    facts = run.provenance()
    run.write_json("provenance.json", {name: value for name, value in facts.items() if name != "began"})
    with pytest.raises(ValueError, match=r"\.101 began before"):
        confirm(question, locked, file)


def test_a_seed_of_the_tuning_cannot_be_registered(question, file, committed):
    tune(question(tuned=False), Pretends(leave=Learner()))
    with pytest.raises(ValueError, match="seed 10 was used to tune"):
        register(question(seeds=(10, 100)), file, None)


def test_a_question_that_was_not_tuned_cannot_be_registered(question, file):
    with pytest.raises(ValueError, match="the learning rates of which were not tuned: --tune first"):
        register(question(seeds=(100, 101)), file, None)
    assert not file.exists()


def test_a_new_plan_needs_new_seeds(question, locked, file):
    with pytest.raises(ValueError, match="has this plan already: commit it, then --confirm"):
        register(question(seeds=(100, 101, 102)), file, locked)
    with pytest.raises(ValueError, match="an earlier plan has used seed 102: a new plan needs seeds that none"):
        register(question(seeds=(102, 103, 104)), file, locked)
    second = register(question(seeds=(103, 104, 105)), file, locked)
    assert (second.plan.seeds, second.plan.earlier_seeds) == ((103, 104, 105), (100, 101, 102))
    with pytest.raises(ValueError, match="an earlier plan has used seed 100"):  # nor those of the plan before that
        register(question(seeds=(100, 101, 102)), file, second)
    confirm(question, second, file)


def test_seeds_whose_evidence_is_kept_are_not_fresh(question, locked, file, tmp_path):
    """Another answer had that run: it may be gone here, and was looked at."""
    asked = question(seeds=(106, 107, 108))
    folder = asked.runs.folder("layers=2", asked.arms["layers=2"], 107)
    (tmp_path / "kept" / folder.name).mkdir(parents=True)
    with pytest.raises(ValueError, match=rf"{folder.name} is there already, and may have been looked at"):
        register(asked, file, locked, tmp_path / "kept")
    assert with_fresh_seeds(question, locked, kept=tmp_path / "kept").seeds == [110, 111, 112, 113, 114]


def test_fresh_seeds_have_no_runs(question, locked, file):
    assert with_fresh_seeds(question, None).seeds == [100, 101, 102, 103, 104]
    assert with_fresh_seeds(question, locked).seeds == [105, 106, 107, 108, 109]
    question(seeds=(111,)).run(Pretends(leave=Learner()), resume=False)  # explored
    second = register(with_fresh_seeds(question, locked), file, locked)
    assert with_fresh_seeds(question, second).seeds == [115, 116, 117, 118, 119]
    with pytest.raises(ValueError, match=r"\.111 is there already, and may have been looked at"):
        register(question(seeds=(110, 111, 112)), file, second)


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [((100, 101), "a verdict needs 3 seeds at least"), ((0, 1, 2), "seed 0 is one to explore with")],
)
def test_seeds_that_cannot_be_registered(question, locked, file, seeds, sentence):
    with pytest.raises(ValueError, match=sentence):
        register(question(seeds=seeds), file, None)


@pytest.mark.parametrize(
    "hypothesis",
    [
        Equivalence(("layers=2",), "layers=1", 9.0),
        Trend(("layers=1", "layers=2"), (1.0, 2.0), 0.1),
        Level("layers=2", 99.0, more=False),
    ],
)
def test_every_kind_of_hypothesis_is_confirmed(question, locked, file, hypothesis, monkeypatch):
    """A lock is compared as it was read from its file."""
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, verdict=(*QUESTION.verdict, hypothesis)))
    register(question(seeds=(110, 111, 112)), file, None)
    assert confirm(question, read_lock(file), file).verdict == "supported"


def test_a_probe_has_a_verdict_and_decides_nothing_on_the_claim(question, locked, file, monkeypatch):
    false = Level("layers=2", 99.0, more=True)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, probes=(false,)))
    register(question(seeds=(110, 111, 112)), file, None)
    found = confirm(question, read_lock(file), file)
    assert [claim.verdict for claim in found.hypotheses] == ["supported", "refuted"]
    assert str(found.hypotheses[1].statement) == "beside the claim: layers=2 is more than 99 perplexity"
    assert found.verdict == "supported"


def test_p_of_the_claim_is_not_corrected_for_probes(question, monkeypatch):
    """Perplexity is 4 ± 1 %, so that a claim of less than 3.97 is hardly false."""
    p_refutes = []
    for probes in ((), (Level("layers=1", 99.0, more=False),) * 3):
        asked = replace(QUESTION, verdict=(Level("layers=2", 3.97, more=False),), probes=probes)
        monkeypatch.setattr("tests.ablation.conftest.QUESTION", asked)
        p_refutes.append(question().run(Pretends(), resume=False).hypotheses[0].p_refutes)
    assert 0.1 < p_refutes[0] < 0.5
    assert p_refutes[0] == p_refutes[1]


def test_a_plan_without_probes_has_the_digest_of_before_there_were_any(locked):
    """Computed by the rule that was in force until then: all fields of the plan, in order, as JSON."""
    fields = msgspec.to_builtins(locked.plan)
    assert "probes" not in fields
    plain = json.dumps(fields, sort_keys=True, ensure_ascii=False)
    assert locked.sha256 == hashlib.sha256(plain.encode()).hexdigest()


def test_a_plan_of_some_arms_can_still_be_judged(question, locked, file, monkeypatch):
    both = (*QUESTION.verdict, Level("layers=2", 99.0, more=False))
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, verdict=both))
    register(question(seeds=(110, 111, 112), only="*=2"), file, None)
    found = confirm(question, read_lock(file), file, only="*=2")
    assert [claim.verdict for claim in found.hypotheses] == ["supported"]
    assert found.verdict == "not measured"  # the other half of the claim


def test_between_two_looks_there_is_no_verdict(question, locked, file, monkeypatch):
    """The runs of the first look would show at the second's level what they did not show at their own."""
    claim = (Superiority("layers=2", "layers=1", 3.7),)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, verdict=claim))
    lock = register(question(seeds=tuple(range(110, 122)), looks=(3, 12)), file, locked)
    asked = question(seeds=lock.plan.seeds, lock=lock)
    with pytest.raises(KeyboardInterrupt):  # halves and wholes of both arms are done, and the second look begins
        confirm(question, lock, file, Pretends(leave=Learner(leave=near), stops_after=4))
    found = read_answer(asked.file)
    assert {len(arm.runs) for arm in found.arms} == {3}
    assert (found.verdict, found.hypotheses[0].verdict) == ("not measured", "not measured")
    whole = question(seeds=lock.plan.seeds, lock=lock)
    again = whole.run(Pretends(leave=Learner(leave=near)), resume=True, lock=confirmable(whole, lock, file))
    assert (again.verdict, again.missing) == ("supported", 0)
    written = []
    monkeypatch.setattr("research.ablation.ablate.write_answer", lambda answer, file: written.append(answer))
    whole.run(Pretends(), resume=True, lock=confirmable(whole, lock, file))
    assert [each.verdict for each in written] == ["supported"]  # and not first what the first look came to


def test_a_failure_that_the_next_look_mends_is_forgotten(question, locked, file, monkeypatch):
    claim = (Superiority("layers=2", "layers=1", 3.9),)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, verdict=claim))
    lock = register(question(seeds=tuple(range(110, 122)), looks=(3, 12)), file, locked)
    launcher = Pretends(leave=Learner(leave=near), fails=(2,))

    class Mends:
        """Two layers fail until the second look."""

        def launch(self, jobs):
            launcher.fails = (2,) if len(launcher.tasks) < 4 else ()
            yield from launcher.launch(jobs)

    found = confirm(question, lock, file, Mends())
    assert {len(arm.runs) for arm in found.arms} == {12}
    assert (found.missing, [arm.failed for arm in found.arms]) == (0, [(), ()])


def test_what_a_claim_is_about_is_locked(question, committed, file, monkeypatch):
    """A plan that needed no tuning, as its models are too small, can't become one that is judged."""
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, at_least={"model.width": 512}))
    lock = register(question(seeds=(100, 101, 102)), file, None)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", QUESTION)
    with pytest.raises(ValueError, match=r"locks at_least\.model\.width=512"):
        confirm(question, lock, file)


def test_an_effect_beside_the_claim_that_turned_says_nothing_of_the_claim(question, locked, file, monkeypatch):
    """After half of the steps two layers were worse than 3.5, and are better in the end."""
    turned = Level("layers=2", 3.5, more=True)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, probes=(turned,)))
    monkeypatch.setattr("research.ablation.last_doubling._turned", lambda now, before, least: len(now.arms) == 1)
    register(question(seeds=(110, 111, 112)), file, locked)
    found = confirm(question, read_lock(file), file)
    assert [each.verdict for each in found.hypotheses] == ["supported", "not trained"]
    assert found.verdict == "supported"


def test_a_probe_whose_arm_is_missing_does_not_take_the_others_along(question, locked, file, monkeypatch):
    probes = (Level("layers=2", 99.0, more=False), Level("layers=1", 1.0, more=True, measure="aer"))
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, probes=probes))
    register(question(seeds=(110, 111, 112)), file, locked)
    found = confirm(question, read_lock(file), file)
    assert [(each.probe, each.verdict) for each in found.hypotheses] == [(False, "supported"), (True, "supported")]
    assert "not measured: beside the claim: layers=1 is more than 1 AER" in map(str, found.warnings)


def test_a_plan_that_cannot_be_calibrated_does_not_look_again(question, locked, file):
    lock = register(question(seeds=tuple(range(110, 122)), looks=(3, 12), calibration=None), file, locked)
    found = confirm(question, lock, file, calibration=None)
    assert (found.verdict, {len(arm.runs) for arm in found.arms}) == ("not calibrated", {3})


def test_a_plan_of_many_seeds_has_names_of_files_that_are_short_enough(question, locked, file):
    lock = register(question(seeds=tuple(range(110, 310)), looks=(100, 200)), file, locked)
    assert confirm(question, lock, file, Pretends(leave=Learner(leave=near))).verdict == "supported"


def test_a_plan_names_the_alignments_that_attention_is_compared_with(question, locked, file, tmp_path, monkeypatch):
    gold = tmp_path / "gold"
    gold.write_text("0-0\n")
    monkeypatch.setattr("research.ablation.ablate.build_corpus", lambda data: SimpleNamespace(splits={"test": PAIRS}))
    with pytest.raises(ValueError, match="has 1 lines and the split has 2 pairs"):
        question(gold=gold)
    with pytest.raises(ValueError, match="there is no file nowhere, which --gold names"):
        question(gold=Path("nowhere"))
    monkeypatch.setattr(
        "research.ablation.ablate.build_corpus", lambda data: SimpleNamespace(splits={"test": PAIRS[:1]})
    )
    lock = register(question(seeds=(110, 111, 112), gold=gold), file, locked)
    assert lock.plan.gold == hashlib.sha256(b"0-0\n").hexdigest()
    launcher = Pretends(leave=Learner())
    assert confirm(question, lock, file, launcher, gold=gold).verdict == "supported"
    assert {task.gold for task in launcher.tasks} == {str(gold)}
    gold.write_text("0?0\n")
    with pytest.raises(ValueError, match="locks gold="):
        confirm(question, lock, file, gold=gold)


def test_a_plan_with_looks_stops_at_the_first_that_gives_a_verdict(question, locked, file):
    """Two layers are far better, which the first look shows at a hundredth of 5 %."""
    looks = (3, 12)
    lock = register(with_fresh_seeds(partial(question, looks=looks), locked, looks), file, locked)
    assert lock.plan.looks == looks
    assert lock.plan.seeds == tuple(range(105, 117))
    found = confirm(question, lock, file)
    assert found.verdict == "supported"
    assert {len(arm.runs) for arm in found.arms} == {3}
    assert found.missing == 0
    share = 2 * stats.norm.sf(stats.norm.ppf(0.975) / 0.5)
    assert found.level == found.hypotheses[0].level == pytest.approx(1 - share)
    assert str(found.findings[0]).startswith("the plan looks after 3, 12 seeds an arm, and stops once it has a verdict")


def test_a_plan_with_looks_goes_on_where_the_first_shows_nothing(question, locked, file, monkeypatch):
    """The difference is 4 ± 0.09: more than 3.9, which three seeds do not show."""
    claim = (Superiority("layers=2", "layers=1", 3.9),)
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, verdict=claim))
    seeds = tuple(range(110, 122))
    register(question(seeds=seeds, looks=(3, 12)), file, locked)

    found = confirm(question, read_lock(file), file, Pretends(leave=Learner(leave=near)))
    assert found.verdict == "supported"
    assert {len(arm.runs) for arm in found.arms} == {12}
    assert found.level == pytest.approx(0.95, abs=2e-3)


@pytest.mark.parametrize("looks", [(6, 3), (3, 5), (2, 6), (3, 3, 6)])
def test_looks_that_cannot_be_registered(question, locked, file, looks):
    with pytest.raises(ValueError, match=r"let them grow and end with all seeds|a verdict needs 3 seeds at least"):
        register(question(seeds=range(110, 116), looks=looks), file, locked)


def test_arms_that_tuning_made_alike_are_refused(question, file, committed, monkeypatch):
    arms = {"fast": {"training.label_smoothing": 0.1}, "slow": {"training.label_smoothing": 0.1}}
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, arms=arms, verdict=(
        Superiority("fast", "slow", 0.5),), axis=None))  # fmt: skip
    tune(question(tuned=False), Pretends(leave=Learner()))
    with pytest.raises(ValueError, match="fast is the same as another arm once it is tuned"):
        register(question(seeds=(110, 111, 112)), file, None)


def test_exploring_never_replaces_what_was_confirmed(question, locked, file):
    question().run(Pretends(leave=Learner()), resume=False)
    assert confirm(question, locked, file).verdict == "supported"  # what was explored may be replaced
    with pytest.raises(ValueError, match=r"which\.json answers which asked in another way \(another plan"):
        question().run(Pretends(leave=Learner()), resume=False)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda text: text.replace("0.5", "0.1"), "was edited after it was registered: take it from git again"),
        (lambda text: text[:-9], "is damaged .*: take it from git again"),
    ],
)
def test_an_edited_lock_is_refused(locked, file, edit, sentence):
    file.write_text(edit(file.read_text()))
    with pytest.raises(ValueError, match=sentence):
        read_lock(file)


def test_the_digest_is_of_the_plan_and_not_of_its_layout(locked, file):
    file.write_text(json.dumps(json.loads(file.read_text())))
    assert read_lock(file).sha256 == locked.sha256


def test_git_knows_which_commit_a_file_is_of(tmp_path):
    found = commit_of(Path("pyproject.toml"))
    assert found is None or (len(found.commit) == 40 and found.time.startswith("20"))  # None outside a checkout
    assert commit_of(tmp_path / "nothing.json") is None
