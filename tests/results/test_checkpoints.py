"""Checkpoints: every bit is restored, the best and the last are kept, and damage is reported in one sentence."""

import asyncio
import gc
import math
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from research.results.checkpoints import Checkpoints
from research.results.evaluation_weights import evaluation_params, mean
from research.training.step import TrainState, initial_state

# After a failed read, other threads of Orbax warn that its event loop is closed.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def state(seed=0, averaging=False):
    random = np.random.default_rng(seed)
    params = {
        "layer": {
            "kernel": random.normal(size=(7, 5)).astype(np.float32),
            "bias": random.normal(size=5).astype(np.float32),
        },
        "table": random.normal(size=(31, 3)).astype(np.float32),
    }
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.constant_schedule(0.1)))
    whole = jax.tree.map(np.asarray, initial_state(params, optimiser, averaging=averaging))
    return whole.replace(step=np.int32(seed), averaged=jax.tree.map(lambda x: 2 * x, whole.averaged))


@pytest.fixture
def checkpoints(tmp_path):
    opened = []

    def open_(keep_last=1, folder="checkpoints"):
        opened.append(Checkpoints(tmp_path / folder, keep_last=keep_last))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def biggest_file(folder):
    """Return the file that holds the largest array."""
    return max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("averaging", [False, True])
def test_every_bit_is_restored(averaging, checkpoints):
    """A new object restores them, with types and without, as another process would."""
    saved = state(3, averaging)
    notes = {"cursor": {"next_index": 3}, "seconds": 1.5, "best": float("inf"), "since_best": 0}
    checkpoints().save(3, saved, notes, loss=1.0)
    restored, read = checkpoints().restore(3, like=state(0, averaging))
    assert isinstance(restored, TrainState)
    assert jax.tree.structure(restored) == jax.tree.structure(saved)
    for ours, theirs in zip(jax.tree.leaves(restored), jax.tree.leaves(saved), strict=True):
        assert isinstance(ours, np.ndarray)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()
    assert {name: read[name] for name in notes} == notes
    plain, _ = checkpoints().restore(3)
    jax.tree.map(np.testing.assert_array_equal, plain["params"], saved.params)


@pytest.mark.parametrize("name", ["luong[seed=1]", "[lab]/luong", "a*b", "which?", "**", "[!a-z]/*"])
def test_a_folder_named_like_a_pattern_holds_its_checkpoints(name, checkpoints, tmp_path):
    """Orbax looks for its files by a pattern that begins with the path of the folder."""
    kept = checkpoints(folder=f"{name}/checkpoints")
    for step, loss in [(1, 1.0), (2, 3.0), (3, 2.0)]:
        kept.save(step, state(step), {"seconds": 1.5}, loss=loss)
    again = checkpoints(folder=f"{name}/checkpoints")
    assert (again.steps(), again.best_step()) == ([1, 3], 1)
    restored, notes = again.restore(3, like=state())
    jax.tree.map(np.testing.assert_array_equal, restored, state(3))
    assert notes["seconds"] == 1.5
    again.delete(3)
    assert [each.name for each in (tmp_path / name / "checkpoints").iterdir()] == ["1"]


def test_a_run_moved_below_a_folder_named_like_a_pattern_is_read(checkpoints, tmp_path):
    checkpoints().save(2, state(2), {}, loss=1.0)
    moved = tmp_path / "[lab]" / "checkpoints"
    moved.parent.mkdir()
    (tmp_path / "checkpoints").rename(moved)
    params, steps = evaluation_params(moved, which="best", average_last=1)
    jax.tree.map(np.testing.assert_array_equal, params, state(2).params)
    assert steps == [2]


def test_a_temporary_folder_named_like_a_pattern_is_refused(checkpoints, monkeypatch, tmp_path):
    (tmp_path / "[tmp]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "[tmp]"))
    said = r"set TMPDIR to a folder whose path has no \*, \? or \["
    with pytest.raises(ValueError, match=rf"cannot keep checkpoints in .*\[lab\].*\[tmp\].*: {said}"):
        checkpoints(folder="[lab]")
    assert list((tmp_path / "[tmp]").iterdir()) == []
    checkpoints().save(1, state(1), {})  # which needs none


def test_the_best_and_the_last_are_kept(checkpoints):
    kept = checkpoints(keep_last=2)
    for step, loss in [(1, 5.0), (2, 1.0), (3, None), (4, 2.0), (5, 3.0), (6, None)]:
        kept.save(step, state(step), {}, loss=loss)
        assert kept.steps()[-1] == step
    assert kept.steps() == [2, 5, 6]
    assert kept.best_step() == 2
    assert checkpoints(keep_last=2).best_step() == 2


def test_a_new_best_replaces_the_old_one(checkpoints):
    kept = checkpoints()
    for step, loss in [(1, 3.0), (2, 4.0), (3, 2.0), (4, 2.5)]:
        kept.save(step, state(step), {}, loss=loss)
    assert kept.steps() == [3, 4]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_never_the_best(bad, checkpoints):
    kept = checkpoints()
    for step, loss in [(1, bad), (2, 2.0), (3, bad), (4, 3.0), (5, bad)]:
        kept.save(step, state(step), {}, loss=loss)
    assert kept.best_step() == 2
    assert kept.steps() == [2, 5]


def test_without_a_loss_the_last_is_the_best(checkpoints):
    kept = checkpoints(keep_last=2)
    assert kept.steps() == []
    for step in (1, 2):
        kept.save(step, state(step), {})
    assert kept.best_step() == 2


def test_the_same_step_can_be_saved_again(checkpoints):
    """As a run does that was stopped at step 2 and resumed from an earlier step."""
    kept = checkpoints()
    kept.save(2, state(2), {"seconds": 1.0}, loss=2.0)
    assert kept.restore(2)[1]["seconds"] == 1.0


def sentence(checkpoints, step=2):
    with pytest.raises(ValueError) as error:
        checkpoints().restore(step, like=state())
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("byte", [0, 20_011, -1])
def test_a_flipped_bit_is_found(byte, checkpoints, tmp_path):
    """Orbax does not notice it. The array is random in every bit, so that its bytes are uncompressed in a file."""
    saved, array = state(2), np.random.default_rng(0).bytes(4 * 211 * 53)
    saved.params["table"] = np.frombuffer(array, np.float32).reshape(211, 53)
    checkpoints().save(2, saved, {}, loss=1.0)
    flipped = 0
    for file in filter(Path.is_file, (tmp_path / "checkpoints" / "2" / "state").rglob("*")):
        data = bytearray(file.read_bytes())
        if (place := data.find(array)) >= 0:  # Orbax keeps a copy or two
            data[place + byte % len(array)] ^= 0b100
            file.write_bytes(data)
            flipped += 1
    assert flipped
    said = sentence(checkpoints)
    again = f"remove {tmp_path / 'checkpoints' / '2'} to go on from an earlier checkpoint"
    assert said == f"checkpoint 2 is damaged: params/table is not what was saved; {again}"


def test_arrays_of_another_checkpoint_are_found(checkpoints, tmp_path):
    """Orbax does not notice them: they have the same shapes, and their files are undamaged."""
    checkpoints().save(2, state(2), {}, loss=1.0)
    checkpoints(folder="other").save(2, state(3).replace(step=np.int32(2)), {}, loss=1.0)
    (tmp_path / "checkpoints/2/state").rename(tmp_path / "aside")
    (tmp_path / "other/2/state").rename(tmp_path / "checkpoints/2/state")
    assert sentence(checkpoints).startswith("checkpoint 2 is damaged: params/layer/bias is not what was saved; remove ")


def test_notes_that_were_changed_are_found(checkpoints, tmp_path):
    """One digit of the position in the data: other batches would be drawn, and no array says so."""
    checkpoints().save(2, state(2), {"cursor": {"next_index": 235}, "best": math.inf, "window": [(1, 2.5)]}, loss=1.0)
    file = biggest_file(tmp_path / "checkpoints" / "2" / "notes")
    whole = file.read_text()
    file.write_text(whole.replace('"next_index": 235', '"next_index": 200'))
    assert file.read_text() != whole
    assert sentence(checkpoints).startswith("checkpoint 2 is damaged: its notes are not what was saved; remove ")
    file.write_text(whole)
    assert checkpoints().restore(2)[1]["cursor"] == {"next_index": 235}


def test_notes_that_are_none_are_found(checkpoints, tmp_path):
    checkpoints().save(2, state(2), {}, loss=1.0)
    for other in ("[]", "{}", "3"):
        biggest_file(tmp_path / "checkpoints" / "2" / "notes").write_text(other)
        assert sentence(checkpoints).startswith("checkpoint 2 is damaged: its notes are not what was saved; remove ")


def test_a_checkpoint_of_another_step_is_found(checkpoints, tmp_path):
    """A folder that was renamed or copied would be evaluated under the wrong step, or be trained twice."""
    checkpoints().save(2, state(2), {}, loss=1.0)
    (tmp_path / "checkpoints/2").rename(tmp_path / "checkpoints/4")
    with pytest.raises(ValueError, match="checkpoint 4 is damaged: its state is of step 2; remove "):
        evaluation_params(tmp_path / "checkpoints", which="last", average_last=1)


@pytest.mark.parametrize("other", ['{"loss": 0.5}', '{"loss": "1.0"}', '{"los": 1.0}', "[]", '{"loss": 1.0', ""])
def test_a_loss_that_was_changed_is_found(other, checkpoints, tmp_path):
    """Another checkpoint would be the best, and be evaluated."""
    for step, loss in ((2, 1.0), (4, 2.0)):
        checkpoints(keep_last=2).save(step, state(step), {}, loss=loss)
    file = tmp_path / "checkpoints/2/metrics/metrics"
    assert file.read_text() == '{"loss": 1.0}'
    file.write_text(other)
    with pytest.raises(ValueError, match=f"checkpoint 2 is damaged: {file} is not what was saved; remove "):
        checkpoints()


def test_a_loss_that_is_gone_with_its_checkpoint_is_no_damage(checkpoints, tmp_path):
    """A kill may leave a checkpoint half deleted."""
    for step, loss in ((2, 1.0), (4, 2.0)):
        checkpoints(keep_last=2).save(step, state(step), {}, loss=loss)
    shutil.rmtree(tmp_path / "checkpoints/2/notes")
    checkpoints()
    shutil.rmtree(tmp_path / "checkpoints/2/metrics")
    assert checkpoints().best_step() == 4


@pytest.mark.parametrize("item", ["state", "notes"])
def test_a_truncated_file_is_found(item, checkpoints, tmp_path):
    checkpoints().save(2, state(2), {"cursor": {"next_index": 2}}, loss=1.0)
    file = biggest_file(tmp_path / "checkpoints" / "2" / item)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert sentence(checkpoints).startswith("checkpoint 2 cannot be read (")


def test_a_killed_save_is_not_listed(checkpoints, tmp_path):
    """Orbax writes into a folder with another name and renames it."""
    checkpoints().save(2, state(2), {}, loss=1.0)
    stray = tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp-17"
    (stray / "state").mkdir(parents=True)
    (stray / "state" / "half").write_bytes(b"half")
    again = checkpoints()
    assert again.steps() == [2]
    again.save(3, state(3), {}, loss=0.5)
    assert again.best_step() == 3


def test_evaluation_weights_are_best_last_or_a_mean(checkpoints, tmp_path):
    folder, kept = tmp_path / "checkpoints", checkpoints(keep_last=3)
    for step, loss in [(1, 1.0), (2, 4.0), (3, 3.0), (4, 2.0)]:
        kept.save(step, state(step), {}, loss=loss)

    def same(found, *seeds):
        params, steps = found
        assert steps == [*seeds]
        means = jax.tree.map(
            lambda *leaves: np.mean(leaves, axis=0, dtype=np.float64), *[state(s).params for s in seeds]
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8), params, means)
        assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(params))

    same(evaluation_params(folder, which="best", average_last=1), 1)
    same(evaluation_params(folder, which="last", average_last=1), 4)
    same(evaluation_params(folder, which="best", average_last=3), 2, 3, 4)
    same(evaluation_params(folder, which="best", average_last=5), 1, 2, 3, 4)  # no more are there
    assert kept.steps() == [1, 2, 3, 4]  # reading deletes nothing
    with pytest.raises(ValueError, match=r"evaluation\.checkpoint='first' is unknown; choose best or last"):
        evaluation_params(folder, which="first", average_last=1)


def test_the_exponential_average_is_evaluated_if_there_is_one(checkpoints, tmp_path):
    saved = state(1, averaging=True)
    checkpoints().save(1, saved, {}, loss=1.0)
    params, _ = evaluation_params(tmp_path / "checkpoints", which="best", average_last=1)
    jax.tree.map(np.testing.assert_array_equal, params, saved.averaged)
    assert not np.array_equal(params["table"], saved.params["table"])


def test_a_run_without_checkpoints_is_an_error_in_one_sentence(tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(
            FileNotFoundError, match=r"no checkpoints (at|in) .*; train the run first with `python run.py train`"
        ):
            evaluation_params(folder, which="best", average_last=1)
    assert not (tmp_path / "none").exists()


def test_mean_is_taken_in_double_precision():
    trees = [{"x": np.float32([1e8, 1])}, {"x": np.float32([1, 2])}, {"x": np.float32([-1e8, 3])}]
    np.testing.assert_array_equal(mean(trees)["x"], np.float32([1 / 3, 2]))


def test_a_checkpoint_that_cannot_be_written_leaves_the_others(checkpoints, monkeypatch):
    held = checkpoints()
    held.save(1, state(1), {})

    def full(*arguments, **options):
        raise RuntimeError("RESOURCE_EXHAUSTED: No space left on device\nand more")

    monkeypatch.setattr(held._manager, "save", full)
    with pytest.raises(OSError, match=r"checkpoint 2 cannot be written .*no space left on device.*make room") as error:
        held.save(2, state(2), {})
    assert "and more" not in str(error.value)
    assert held.steps() == [1]


def not_written(checkpoints, step=2):
    with pytest.raises(OSError, match=rf"^checkpoint {step} was not written to .*: it cannot be read back \(") as error:
        checkpoints.save(step, state(step), {}, loss=0.5)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; earlier ones stay, and the same command goes on from the last")
    assert (checkpoints.steps(), checkpoints.best_step()) == ([1], 1)
    assert [file.name for file in checkpoints.folder.iterdir()] == ["1"]


@pytest.mark.parametrize("lost", ["state", "state/manifest.ocdbt", "state/_METADATA", "notes", "notes/metadata"])
def test_a_checkpoint_that_cannot_be_read_back_was_not_written(lost, checkpoints, monkeypatch):
    """Orbax reports a save, but a part of it is missing."""
    held = checkpoints(keep_last=2)
    held.save(1, state(1), {}, loss=1.0)

    save = held._manager.save

    def losing(step, **options):
        save(step, **options)
        file = held.folder / str(step) / lost
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    monkeypatch.setattr(held._manager, "save", losing)
    not_written(held)


def test_a_checkpoint_without_one_of_its_arrays_was_not_written(checkpoints, monkeypatch):
    held = checkpoints(keep_last=2)
    held.save(1, state(1), {}, loss=1.0)
    save = held._manager.save

    def forgetful(step, args, **options):
        del args["state"].item.params["table"]
        return save(step, args=args, **options)

    monkeypatch.setattr(held._manager, "save", forgetful)
    not_written(held)


def test_a_save_leaves_nothing_in_memory(checkpoints):
    """TensorStore 0.1.86 keeps eight lists and dicts for ever of each array that Orbax has it describe."""
    held, objects = checkpoints(), []
    for step in range(1, 14):
        held.save(step, state(step), {}, loss=1.0)
        gc.collect()
        objects.append(len(gc.get_objects()))
    assert objects[-1] - objects[2] < 10 * len(jax.tree.leaves(state(1)))


def test_a_checkpoint_that_orbax_loses_was_not_written(checkpoints, monkeypatch):
    """Without the symbolic link, Orbax saves no array under such a path, and raises no error."""
    monkeypatch.setattr("research.results.checkpoints._is_pattern", lambda path: False)
    with pytest.raises(OSError, match=r"^checkpoint 1 was not written to .*: it cannot be read back \(ValueError: "):
        checkpoints(folder="luong[seed=1]").save(1, state(1), {}, loss=1.0)


def test_a_failed_save_leaves_no_files(checkpoints, monkeypatch):
    """Its files would keep a full disk full."""
    held = checkpoints()
    held.save(1, state(1), {})

    def full(*arguments, **options):
        (held.folder / "2.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(held._manager, "save", full)
    with pytest.raises(OSError, match="no space left on device"):
        held.save(2, state(2), {})
    assert [file.name for file in held.folder.iterdir()] == ["1"]


def test_files_of_threads_that_go_on_with_a_failed_save_are_removed_too(checkpoints, monkeypatch):
    held = checkpoints()

    def go_on():
        for part in range(12):
            with suppress(FileNotFoundError):  # it is being removed
                (held.folder / "2.orbax-checkpoint-tmp" / f"part{part}").mkdir(parents=True, exist_ok=True)
            time.sleep(0.05)

    other = threading.Thread(target=go_on)

    def full(*arguments, **options):
        other.start()
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(held._manager, "save", full)
    with pytest.raises(OSError, match="no space left on device"):
        held.save(2, state(2), {})
    other.join()
    assert list(held.folder.iterdir()) == []


@pytest.mark.parametrize(("file", "said"), [("checkpoints/2.orbax-checkpoint-tmp/state", 0), ("another", 1)])
def test_asyncio_says_nothing_of_an_array_that_a_failed_save_left_unwritten(file, said, checkpoints, caplog):
    async def write():
        raise ValueError(f"{file}: No space left on device")

    async def save():
        task = asyncio.create_task(write())
        while not task.done():
            await asyncio.sleep(0)

    checkpoints()
    asyncio.run(save())
    gc.collect()  # then it logs what nobody has asked for
    assert ["never retrieved" in record.getMessage() for record in caplog.records] == [True] * said


def test_reading_checkpoints_does_not_disturb_a_save(checkpoints, tmp_path):
    """A run may be evaluated during its training."""
    checkpoints().save(1, state(1), {})
    half = tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp"
    half.mkdir()
    evaluation_params(tmp_path / "checkpoints", which="last", average_last=1)
    assert half.is_dir()
