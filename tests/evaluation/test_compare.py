"""Run folders made by hand, as `run.py evaluate` leaves them, through everything that `run.py compare` does."""

import json
from functools import partial

import pytest
from rich.console import Console
from scipy import stats

import run
from configs.base import base, recurrent
from research.data.pairs import Pair
from research.data.splits import write_split
from research.evaluation import quality
from research.evaluation.compare import SCORERS as COMPARED
from research.evaluation.compare import compare, write_json
from research.evaluation.comparison_table import terminal
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder

WORDS = ["the", "old", "dog", "sees", "a", "cat", "in", "the", "red", "house", "by", "a", "river"]
PAIRS = [Pair(f"source {n}", " ".join(WORDS[n % 5 : n % 5 + 5 + n % 3])) for n in range(23)]
SCORES = {
    "bleu": partial(quality.bleu, tokenize="13a", lowercase=False),
    "chrf": quality.chrf,
    "ter": quality.ter,
}
DEFAULTS = {
    "split": None, "search": None, "measure": "bleu", "margin": None, "level": 0.95, "resamples": 199, "seed": 0,
}  # fmt: skip


def wrong_in(*sentences):
    """The references, with a word wrong in these sentences."""
    return [
        pair.target.replace("the", "that").replace("a ", "one ") if n in sentences else pair.target
        for n, pair in enumerate(PAIRS)
    ]


GOOD, BAD = wrong_in(2, 7), wrong_in(*range(0, 23, 2), 7)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """`make(name, translations)`: a run folder of that name in the working folder, and its name."""
    monkeypatch.chdir(tmp_path)

    def write(name, translations, *, seed=0, split="test", pairs=PAIRS, searches=("beam1", "beam3"), **fields):
        folder = RunFolder(name)
        config = base(recurrent())
        config.seed = seed
        config.data.languages = ("en", "de")
        for field, value in fields.items():
            config.update_from_flattened_dict({field.replace("__", "."): value})
        folder.write_json("config.json", config_as_json(config))
        for held in (split, "validation"):
            write_split(folder.split_file(held), pairs)
        measured = folder.result().get("splits", {})
        measured[split] = {"searches": {}}
        for search in searches:
            texts = translations if search != "beam1" else BAD[: len(translations)]
            folder.write_text(f"translations/{split}.{search}.txt", "".join(f"{text}\n" for text in texts))
            scores = {kind: score(texts, [pair.target for pair in pairs]) for kind, score in SCORES.items()}
            measured[split]["searches"][search] = {
                kind: {"score": each.score, "signature": each.signature} for kind, each in scores.items()
            }
        folder.write_json("result.json", {"splits": measured})
        return name

    return write


def lines(found):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(terminal(found), soft_wrap=True, highlight=False)
    return captured.get().split("\n")


@pytest.mark.parametrize("measure", COMPARED)
def test_scores_are_those_of_evaluate(measure, make):
    """The only test split, by the widest search; and less TER is better."""
    found = compare([make("a", GOOD)], [make("b", BAD)], **{**DEFAULTS, "measure": measure})
    references = [pair.target for pair in PAIRS]
    good, bad = SCORES[measure](GOOD, references), SCORES[measure](BAD, references)
    assert (found.a.score, found.b.score) == pytest.approx((good.score, bad.score))
    assert found.difference == pytest.approx(good.score - bad.score)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.signature == good.signature
    assert (found.split, found.search, found.sentences) == ("test", "beam3", 23)
    assert found.p_value < 0.05
    assert (found.seed_error, found.freedom) == (0, None)
    assert found.verdict == "A is better"
    assert compare(["b"], ["a"], **{**DEFAULTS, "measure": measure}).verdict == "B is better"


def test_a_system_beside_itself(make):
    make("a", GOOD)
    found = compare(["a"], ["a"], **DEFAULTS)
    assert (found.difference, found.interval, found.verdict, found.p_value) == (0, (0, 0), "identical", None)
    within = compare(["a"], ["a"], **{**DEFAULTS, "margin": 0.5})
    assert (within.verdict, within.equivalence_p_value) == ("identical", None)
    assert "A and B score the same whatever the sentences and seeds: there is nothing to test, and no p" in lines(found)
    assert [line.split() for line in lines(found) if "-" in line] == [["A", "-", "B", "+0.00", "+0.00", "to", "+0.00"]]


def test_another_tokeniser_scores_what_was_scored_with_two(make):
    runs = [make("a", GOOD)], [make("b", BAD, evaluation__tokenize="intl")]
    found = compare(*runs, **DEFAULTS, tokenize="char")
    references = [pair.target for pair in PAIRS]
    good, bad = (quality.bleu(texts, references, tokenize="char", lowercase=False) for texts in (GOOD, BAD))
    assert (found.a.score, found.b.score, found.signature) == (good.score, bad.score, good.signature)
    assert "tok:char" in found.signature


def test_greedy_by_name(make):
    found = compare([make("a", GOOD)], [make("b", BAD)], **{**DEFAULTS, "search": "beam1"})
    assert found.difference == 0  # both have the same greedy translations
    assert lines(found)[0].startswith("test, greedy, 23 sentences")


def test_the_widest_search_that_all_have(make):
    found = compare(
        [make("a", GOOD, searches=("beam1", "beam3", "beam5"))],
        [make("b", BAD, searches=("beam10", "beam3", "beam1"))],
        **DEFAULTS,
    )
    assert found.search == "beam3"


def test_several_seeds(make):
    a = [make(f"a{seed}", wrong_in(2, seed), seed=seed, data__root=f"/{seed}") for seed in (3, 5, 8)]
    b = [make("b0", BAD, seed=0), make("b1", wrong_in(*range(0, 23, 2)), seed=1)]
    found = compare(a, b, **{**DEFAULTS, "margin": 1.5})
    references = [pair.target for pair in PAIRS]
    scores = [SCORES["bleu"](wrong_in(2, seed), references).score for seed in (3, 5, 8)]
    assert found.a.runs == a
    assert found.a.seeds == [3, 5, 8]
    assert found.a.scores == pytest.approx(scores)
    assert found.a.score == pytest.approx(sum(scores) / 3)
    welch = stats.ttest_ind(found.a.scores, found.b.scores, equal_var=False)
    over_seeds = welch.confidence_interval(0.95)
    assert found.freedom == pytest.approx(welch.df)
    assert found.interval[0] < over_seeds.low < found.difference < over_seeds.high < found.interval[1]
    assert found.p_value > welch.pvalue
    assert found.equivalence_p_value > 0.5
    printed = "\n".join(lines(found))
    assert "mean of 3 seeds" in printed
    assert "from sentences (199 paired resamples)" in printed
    assert f"from seeds ({welch.df:.1f} degrees of freedom)" in printed
    assert "equivalence within ±1.5: p of TOST = " in printed


def test_one_seed_is_said_to_be_one(make):
    a, b = make("a", GOOD), [make("b0", BAD), make("b1", BAD, seed=1)]
    assert "note: one seed of A and B: how much seeds vary is not in the interval" in lines(
        compare([a], b[:1], **DEFAULTS)
    )
    found = compare([a], b, **DEFAULTS)
    assert "note: one seed of A: how much seeds vary is not in the interval" in lines(found)


def test_the_last_line_is_the_verdict(make):
    printed = lines(compare([make("a", GOOD)], [make("b", BAD)], **{**DEFAULTS, "margin": 0.5}))
    assert printed[-2:] == ["A is better", ""]
    assert any(line.startswith("equivalence within ±0.5: p of TOST = ") for line in printed)
    assert any("; the 90 % interval +" in line for line in printed)
    assert SCORES["bleu"](GOOD, BAD).signature in printed


def test_json_has_everything_and_how_to_find_it_again(make, tmp_path):
    found = compare([make("a", GOOD)], [make("b", BAD)], **DEFAULTS)
    write_json(found, tmp_path / "new" / "found.json", command="python run.py compare again")
    held = json.loads((tmp_path / "new" / "found.json").read_text("utf-8"))
    assert held.pop("command") == "python run.py compare again"
    assert held.pop("interval") == list(found.interval)
    assert held.keys() == found._asdict().keys() - {"interval"}
    assert held["b"] == {
        "runs": ["b"], "seeds": [0], "scores": found.b.scores, "score": found.b.score, "interval": [*found.b.interval]
    }  # fmt: skip


@pytest.mark.parametrize("measure", COMPARED)
def test_from_the_command_line(measure, make, tmp_path, capsys):
    make("a", GOOD)
    make("b", BAD)
    flags = [f"--measure={measure}", "--resamples=199", "--json=found.json", "--seed=3"]
    assert run.main(["compare", "a", "--with", "b", *flags]) == 0
    assert capsys.readouterr().out.endswith("\nA is better\n")
    held = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert held["command"] == f"python run.py compare a --with b {' '.join(flags)}"
    assert (held["measure"], held["resamples"], held["seed"], held["level"]) == (measure, 199, 3, 0.95)


def test_not_evaluated(make, capsys):
    make("a", GOOD)
    make("b", BAD, searches=())
    with pytest.raises(SystemExit) as left:
        run.main(["compare", "a", "--with", "b", "--json=found.json"])
    assert left.value.code == 1
    command = "`python run.py evaluate --workdir=b --split=test`"
    assert capsys.readouterr().err == f"error: b was not evaluated on test; do it with {command}\n"
    assert not RunFolder("found.json").path.exists()


@pytest.mark.parametrize(
    ("b", "answer"),
    [
        ({"pairs": PAIRS[:-1], "translations": BAD[:-1]}, "test has 23 sentences in a and 22 in b"),
        (
            {"pairs": [*PAIRS[:5], PAIRS[5]._replace(source="other"), *PAIRS[6:]]},
            "test is not the same in a and b: they differ from sentence 6 on",
        ),
        ({"split": "test2"}, "b has no split 'test'; it has: test2, validation"),
        ({"searches": ("beam5",)}, r"no search was run by all on test \(a: beam1, beam3; b: beam5\)"),
        ({"evaluation__tokenize": "char"}, "a is scored with tok:13a and b with tok:char"),
    ],
)
def test_runs_that_do_not_compare(b, answer, make):
    make("a", GOOD)
    make("b", **{"translations": BAD, **b})
    with pytest.raises(ValueError, match=answer):
        compare(["a"], ["b"], **DEFAULTS)


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        ({"seed": 0}, "a and b both have seed 0"),
        (
            {"seed": 1, "model__width": 7},
            "a and b are not seeds of the same system: their configs differ in model.embedding, model.width",
        ),
    ],
)
def test_a_system_is_one_config_under_several_seeds(other, answer, make):
    make("a", GOOD)
    make("b", BAD, **other)
    with pytest.raises(ValueError, match=answer):
        compare(["a", "b"], ["a"], **DEFAULTS)
    with pytest.raises(ValueError, match=answer):
        compare(["a"], ["a", "b"], **DEFAULTS)
    with pytest.raises(ValueError, match="a and a both have seed 0"):
        compare(["a", "a"], ["b"], **DEFAULTS)


def test_a_name_in_brackets_is_shown_as_it_is(make):
    found = compare([make("[b]", GOOD)], [make("b", BAD)], **DEFAULTS)
    assert lines(found)[3].split()[:2] == ["A", "[b]"]


def test_a_search_that_one_run_lacks(make):
    with pytest.raises(ValueError, match=r"b has no beam3 of test, only beam1; make it with .* --beam=3`"):
        compare([make("a", GOOD)], [make("b", BAD, searches=("beam1",))], **{**DEFAULTS, "search": "beam3"})


def test_several_test_splits_need_a_name(make):
    make("a", BAD)
    make("a", GOOD, split="test2")
    with pytest.raises(ValueError, match=r"a holds 2 test splits \(test, test2\); name one with --split"):
        compare(["a"], ["a"], **DEFAULTS)
    assert compare(["a"], ["a"], **{**DEFAULTS, "split": "test2"}).a.score > 90


def test_translations_that_are_not_those_of_the_result(make):
    make("a", GOOD)
    file = RunFolder("a").path / "translations" / "test.beam3.txt"
    file.write_text(file.read_text().replace("dog", "cat"))
    with pytest.raises(ValueError, match=r"a: its translations of test by beam3 score .* evaluate it again"):
        compare(["a"], ["a"], **DEFAULTS)
    file.write_text("".join(f"{text}\n" for text in GOOD[:-1]))
    with pytest.raises(ValueError, match=r"test\.beam3\.txt has 22 lines for the 23 sentences of test"):
        compare(["a"], ["a"], **DEFAULTS)
    file.unlink()
    with pytest.raises(FileNotFoundError, match="is missing, though the run was evaluated"):
        compare(["a"], ["a"], **DEFAULTS)


def test_an_empty_line_is_a_translation(make):
    found = compare([make("a", [*GOOD[:-1], ""])], [make("b", BAD)], **DEFAULTS)
    assert found.sentences == 23


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({"measure": "meteor"}, "cannot be compared by 'meteor'; choose one of bleu, chrf, ter"),
        ({"margin": 0.0}, "margin 0: must be positive, such as 0.5"),
        ({"margin": float("nan")}, "margin nan: must be positive"),
        ({"level": 95.0}, "level 95: must be between 0.5 and 1, such as 0.95"),
        ({"seed": -1}, "seed -1: the seed of the resamples must be a whole number from 0 up"),
        ({"resamples": 99}, "resamples 99: too few for a standard error; take 100 or more"),
    ],
)
def test_what_cannot_be_asked(wrong, answer):
    with pytest.raises(ValueError, match=answer):
        compare(["a"], ["b"], **{**DEFAULTS, **wrong})


def test_no_run_folder(make, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a run folder"):
        compare([make("a", GOOD)], ["nowhere"], **DEFAULTS)
