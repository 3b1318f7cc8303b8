"""Runs from elsewhere: a verdict is that of the runs themselves, and what is not what it says is refused."""

import json
import shutil

import pytest

from research.ablation.kept_runs import keep, refuse_unkeepable
from research.ablation.locking import confirmable
from research.results import counts
from tests.ablation.pretended import Pretends, confirm


@pytest.fixture
def kept(question, locked, file, tmp_path):
    """The answer, with the evidence of all of its runs, which are gone."""
    answer = confirm(question, locked, file)
    asked = question(seeds=locked.plan.seeds, lock=locked)
    asked.lock = answer.lock
    assert len(keep(asked.asked(), tmp_path / "kept")) == 2 * 2 * 3  # arms, halves and wholes, seeds
    shutil.rmtree(tmp_path / "trained")
    return answer, tmp_path / "kept"


def again(question, locked, file, launcher=None, **options):
    return confirm(question, locked, file, launcher or Pretends(fails=(1, 2)), **options)


def test_evidence_gives_the_same_answer_and_nothing_is_trained(question, locked, file, kept):
    answer, evidence = kept
    launcher = Pretends()
    found = again(question, locked, file, launcher, made_elsewhere=[evidence])
    asked = question(seeds=locked.plan.seeds, lock=locked, made_elsewhere=[evidence])
    assert asked.taken() == sum(len(arm.runs) for arm in answer.arms)
    assert launcher.tasks == []
    for field in ("verdict", "arms", "comparisons", "hypotheses", "curves", "warnings", "seconds"):
        assert getattr(found, field) == getattr(answer, field)


def test_evidence_of_evidence_is_the_same(question, locked, file, kept, tmp_path):
    answer, evidence = kept
    asked = question(seeds=locked.plan.seeds, lock=locked, made_elsewhere=[evidence])
    asked.lock = answer.lock
    for path in keep(asked.asked(), tmp_path / "again"):
        for each in filter(lambda path: path.is_file(), path.rglob("*")):
            assert each.read_bytes() == (evidence / each.relative_to(tmp_path / "again")).read_bytes()


def test_runs_of_two_clusters_are_put_together_and_what_is_missing_is_trained(question, locked, file, kept, tmp_path):
    _, evidence = kept
    (tmp_path / "other").mkdir()
    for path in [path for path in evidence.iterdir() if path.name.endswith(".101")]:
        path.rename(tmp_path / "other" / path.name)
    launcher = Pretends()
    again(question, locked, file, launcher, made_elsewhere=[tmp_path / "other", evidence])
    assert launcher.tasks == []
    shutil.rmtree(tmp_path / "other")
    (tmp_path / "other").mkdir()
    asked = question(seeds=locked.plan.seeds, lock=locked, made_elsewhere=[evidence])
    asked.run(launcher, resume=True, lock=confirmable(asked, locked, file))
    assert {seed for task in launcher.tasks for seed in task.folders} == {101}


def test_a_run_under_the_name_of_another_is_refused(question, locked, file, kept):
    _, evidence = kept
    one, other = sorted(path for path in evidence.iterdir() if path.name.endswith(".100"))[:2]
    shutil.rmtree(other)
    one.rename(other)
    with pytest.raises(ValueError, match=r"\.100 was trained with another config or seed than its name says"):
        again(question, locked, file, made_elsewhere=[evidence])


def test_the_same_seed_with_other_numbers_is_refused(question, locked, file, kept, tmp_path):
    _, evidence = kept
    shutil.copytree(evidence, tmp_path / "other")
    path = sorted((tmp_path / "other").iterdir())[0]
    result = json.loads((path / "result.json").read_text())
    result["splits"]["test"]["perplexity"] += 0.5
    (path / "result.json").write_text(json.dumps(result))
    with pytest.raises(ValueError, match=r"are one run with two results \(perplexity .*\): only one of them can be"):
        again(question, locked, file, made_elsewhere=[evidence, tmp_path / "other"])


def test_a_folder_that_is_not_there_is_an_error(question, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ValueError, match=r"there are no runs in .*, which --evidence names: give the folder that"):
            question(made_elsewhere=[folder])


def test_a_corpus_whose_files_have_no_digests_cannot_be_kept(question, kept):
    _, evidence = kept
    with pytest.raises(ValueError, match=r"the files of this corpus have no digests in data\.sha256, so that nothing"):
        question(override=lambda config: config.data.update({"source": "text"}), made_elsewhere=[evidence])
    asked = question(override=lambda config: config.data.update({"source": "text"}), tuned=False)
    with pytest.raises(ValueError, match="the files of this corpus have no digests"):  # before any run is trained
        refuse_unkeepable(evidence, asked.arms.values())


def test_a_block_is_the_sum_of_its_sentences():
    import numpy as np

    counts_NX = np.arange(2 * 1_003.0).reshape(-1, 2) / 7
    blocks = counts.in_blocks(counts_NX)
    assert blocks.shape == (counts.BLOCKS, 2)
    np.testing.assert_allclose(blocks.sum(axis=0), counts_NX.sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(blocks[0], counts_NX[:10].sum(axis=0), rtol=1e-6)  # 1,003 / 100: ten, or eleven
    np.testing.assert_array_equal(counts.in_blocks(blocks), blocks)
