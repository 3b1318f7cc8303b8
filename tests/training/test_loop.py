"""The training loop around a step that costs nothing: saving, logging, stopping and resuming."""

import math
import os
import re
import signal
import time
from contextlib import closing
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.parallel.devices import Devices
from research.results.checkpoints import Checkpoints
from research.results.run_folder import RunFolder
from research.training import loop
from research.training.step import TrainState
from research.training.training_run import LoopSchedule, TrainingRun


class Stream:
    """Batches that hold their number and an offset.

    `events` maps a number to a function that is called when that batch is drawn; `each` is called for every batch.
    """

    def __init__(self, events, each):
        self.next, self.offset, self.events, self.each = 0, 0, events, each

    def iterate(self, start):
        self.next = start
        return self

    def get_state(self):
        return {"next_index": self.next}

    def set_state(self, state):
        self.next = state["next_index"]

    def close(self):
        pass

    def __next__(self):
        self.next += 1
        self.events.get(self.next, lambda: None)()
        self.each(self)
        return {"x": np.full((8, 1), self.next + self.offset, np.float32)}


def step(state, batch, seed, axis):
    """Update a number that depends on every batch and on their order; batches from 1000 on count as not finite."""
    x = jax.lax.pmean(batch["x"].mean(), axis)
    skipped = (x >= 1000).astype(jnp.int32)
    metrics = {"loss": x, "nll": x + 1, "tokens": 1.0 + x, "gradient_norm": x, "skipped": skipped}
    return state.replace(step=state.step + 1, params={"w": jnp.sin(state.params["w"] * 1.1 + x)}), metrics


class FakeRun:
    """A run folder that can be trained again and again."""

    def __init__(self, folder):
        self.folder = RunFolder(folder)
        self.folder.path.mkdir(exist_ok=True)
        self.validated = []
        self.each = lambda stream: None
        self.background_saves = False

    def train(self, *, events=None, perplexities=None, count=2, keep_last=1, **schedule):
        fields = {
            "steps": 8,
            "log_every": 2,
            "validate_every": 4,
            "save_every": 3,
            "best_by": "perplexity",
            "patience": 0,
            "keep_last": keep_last,
        }
        fields |= schedule

        def validate(params):
            self.validated.append(float(params["w"]))
            perplexity = float(len(self.validated)) if perplexities is None else perplexities[len(self.validated) - 1]
            return {"perplexity": perplexity, "bleu": 2 * perplexity}

        checkpoints = Checkpoints(self.folder.checkpoints, keep_last=keep_last + 2)
        try:
            run = TrainingRun(
                seed=0,
                state=TrainState(np.int32(0), {"w": np.float32(0.5)}, (), ()),
                batches=Stream(events or {}, self.each),
                checkpoints=checkpoints,
                validate=validate,
                explain=lambda state, step: f"step {step} began at w = {float(state.params['w']):.3g}",
                folder=self.folder,
                schedule=LoopSchedule(**fields),
                background_saves=self.background_saves,
            )
            with closing(run):
                loop.train([run], step, devices=Devices("pmap", jax.devices()[:count]))
            if run.error:
                raise run.error
            return run.progress
        finally:
            self.steps = checkpoints.steps()
            if self.steps:
                self.best, self.state = checkpoints.best_step(), checkpoints.restore(self.steps[-1])[0]
            checkpoints.close()

    @property
    def w(self):
        return float(self.state["params"]["w"])

    def logged(self, name):
        return {record["step"]: record[name] for record in self.folder.metrics() if name in record}


@pytest.fixture
def run(tmp_path):
    return FakeRun(tmp_path / "run")


def expected(steps):
    w = 0.5
    for n in range(1, steps + 1):
        w = math.sin(w * 1.1 + n)
    return w


def kill():
    os.kill(os.getpid(), signal.SIGTERM)


def crash():
    raise SystemError("as if the power had failed")


def test_every_batch_is_trained_on_once_and_in_order(run):
    progress = run.train()
    assert run.w == pytest.approx(expected(8), abs=1e-5)
    assert run.steps == [4, 8]  # the best and the last
    assert run.validated == [pytest.approx(expected(n), abs=1e-5) for n in (4, 8)]
    assert progress.seconds > 0


def test_metrics_are_means_over_tokens_since_the_last_line(run):
    run.train()
    means = {n: ((n - 1) * n + n * (n + 1)) / (n + n + 1) for n in (2, 4, 6, 8)}
    assert run.logged("train/loss") == pytest.approx(means)
    assert run.logged("train/nll") == pytest.approx({n: mean + 1 for n, mean in means.items()})
    assert run.logged("validation/perplexity") == {4: 1.0, 8: 2.0}
    seconds = list(run.logged("seconds").values())
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    ("event", "error", "saved"),
    [
        (kill, KeyboardInterrupt, 5),
        (crash, SystemError, 4),
        (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt, 5),
    ],
)
def test_a_stopped_and_resumed_run_equals_an_unbroken_one(event, error, saved, background, run, tmp_path):
    """Stopped by SIGTERM or Ctrl-C, which save, or by a power failure, after which the last save counts."""
    run.background_saves = background
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(error) as stopped:
        run.train(events={5: event})
    assert run.steps[-1] == saved
    if error is KeyboardInterrupt:
        assert str(stopped.value) == "stopped at step 5, which is saved; the same command goes on from there"
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    run.train(count=4)
    unbroken = FakeRun(tmp_path / "unbroken")
    unbroken.train()
    assert run.w == unbroken.w
    assert run.steps == unbroken.steps
    for name in ("train/loss", "train/skipped", "train/gradient_norm", "validation/perplexity"):
        assert run.logged(name) == unbroken.logged(name)
    steps = [record["step"] for record in run.folder.metrics() if "train/loss" in record]
    assert steps == [2, 4, 6, 8]


@pytest.fixture
def slow_saves(monkeypatch):
    """A save takes longer than all steps after it; returns what each one did, in order."""
    done, save = [], Checkpoints.save

    def slow(checkpoints, step, *arguments, **options):
        time.sleep(0.5)
        save(checkpoints, step, *arguments, **options)
        done.append(("saved", step))

    monkeypatch.setattr(Checkpoints, "save", slow)
    return done


def test_training_goes_on_while_a_checkpoint_is_written(run, slow_saves):
    """And what is written is the state of its step, with the progress of its step."""
    run.background_saves = True
    run.train(steps=4, keep_last=4, save_every=4, events={n: partial(slow_saves.append, n) for n in range(1, 8)})
    assert slow_saves == [1, 2, 3, 4, ("saved", 4)]  # all is there at the end
    slow_saves.clear()
    with pytest.raises(KeyboardInterrupt):
        run.train(steps=8, keep_last=4, log_every=5, events={7: kill, 6: partial(slow_saves.append, 6)})
    assert slow_saves == [6, ("saved", 6), ("saved", 7)]  # 6 was written while 7 was drawn, and 7 before the end
    checkpoints = Checkpoints(run.folder.checkpoints)
    state, notes = checkpoints.restore(6)
    assert state["params"]["w"] == pytest.approx(expected(6), abs=1e-5)
    assert ([each["loss"] for each in notes["window"]], notes["cursor"]) == ([6.0], {"next_index": 6})
    checkpoints.close()


def test_a_save_in_the_background_that_fails_ends_the_run_at_the_next(run, monkeypatch):
    def fail(checkpoints, step, *arguments, **options):
        raise OSError(f"checkpoint {step} cannot be written")

    run.background_saves, drawn = True, []
    run.each = lambda stream: drawn.append(stream.next)
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", fail)
        with pytest.raises(OSError, match="checkpoint 3 cannot be written"):
            run.train()
    assert drawn == [1, 2, 3, 4]
    run.train()
    assert run.w == pytest.approx(expected(8), abs=1e-5)


def test_a_signal_during_the_last_step_stops_later_work(run):
    """The run is finished, but another seed or an evaluation must not start."""
    with pytest.raises(KeyboardInterrupt, match="stopped at step 8"):
        run.train(events={8: kill})
    assert run.steps == [4, 8]


SAVES_ONLY = {"steps": 20, "validate_every": 10, "save_every": 5}


def killed_before_deleting(run, monkeypatch, events, keep_last=4):
    """Train until a checkpoint is to be deleted, and no further."""

    def killed(*arguments):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "delete", killed)
        with pytest.raises(SystemExit):
            run.train(keep_last=keep_last, events=events, **SAVES_ONLY)


@pytest.mark.parametrize("events", [{}, {13: kill}])
def test_a_kill_between_saving_and_deleting_leaves_no_checkpoint_of_a_stop(events, run, tmp_path, monkeypatch):
    """An average of the last few checkpoints must not depend on whether the run was stopped.

    events: those of the run that resumes from step 12 and is killed after its first save, at step 15 or at a stop.
    """
    with pytest.raises(KeyboardInterrupt):
        run.train(keep_last=4, events={12: kill}, **SAVES_ONLY)
    killed_before_deleting(run, monkeypatch, events)
    assert run.steps == [5, 10, 12, 13 if events else 15]
    run.train(keep_last=4, **SAVES_ONLY)
    unbroken = FakeRun(tmp_path / "unbroken")
    unbroken.train(keep_last=4, **SAVES_ONLY)
    assert run.steps == unbroken.steps == [5, 10, 15, 20]
    assert run.w == unbroken.w


def test_a_finished_run_that_was_killed_before_deleting_deletes_later(run, tmp_path, monkeypatch):
    """A stop near the end takes no earlier checkpoint's place, nor does a kill leave one too many."""
    unbroken = FakeRun(tmp_path / "unbroken")
    unbroken.train(keep_last=2, **SAVES_ONLY)
    with pytest.raises(KeyboardInterrupt):
        run.train(keep_last=2, events={17: kill}, **SAVES_ONLY)
    assert run.steps == [10, 15, 17]
    killed_before_deleting(run, monkeypatch, {}, keep_last=2)
    assert run.steps == [10, 15, 17, 20]
    run.train(keep_last=2, **SAVES_ONLY)
    assert run.steps == unbroken.steps == [10, 15, 20]  # 10 is the best


def test_the_checkpoint_of_a_stop_is_kept_until_a_later_one_exists(run):
    for stop in (2, 3, 7):
        with pytest.raises(KeyboardInterrupt):
            run.train(keep_last=4, events={stop: kill}, **SAVES_ONLY)
        assert run.steps[-1] == stop
    assert run.steps == [5, 7]


@pytest.mark.parametrize(("later", "kept"), [(2.0, [12, 20]), (0.5, [20])])
def test_the_end_of_a_shorter_schedule_is_kept_while_it_is_the_best(later, kept, run):
    """It was validated, although the longer schedule does not save at its step."""
    perplexities = [3.0, 1.0, later]  # at steps 10, 12 and 20
    run.train(perplexities=perplexities, **SAVES_ONLY | {"steps": 12})
    assert (run.steps, run.best) == ([12], 12)
    run.train(perplexities=perplexities, **SAVES_ONLY)
    assert (run.steps, run.best) == (kept, kept[0])
    run.train(perplexities=perplexities, **SAVES_ONLY)
    assert run.steps == kept


@pytest.mark.parametrize("step", [6, 7])
def test_resuming_deletes_the_files_of_a_killed_save(step, run):
    run.train()
    half = run.folder.checkpoints / f"{step}.orbax-checkpoint-tmp" / "state"
    half.mkdir(parents=True)
    (half / "half").write_bytes(b"half")
    run.train()
    assert sorted(each.name for each in run.folder.checkpoints.iterdir()) == ["4", "8"]


def test_stopping_does_not_reset_the_count_of_steps_that_are_not_finite(run):
    run.each = lambda stream: setattr(stream, "offset", 1000 if stream.next >= 6 else 0)
    with pytest.raises(KeyboardInterrupt):
        run.train(steps=30, events={15: kill})
    with pytest.raises(FloatingPointError, match="for 20 steps up to step 25"):
        run.train(steps=30)


def test_a_second_signal_stops_at_once(run, monkeypatch):
    """Python's own handler is back after the first signal."""
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)  # a shell may have it ignored
    monkeypatch.setattr(loop, "SAME_REQUEST_SECONDS", 0.1)
    sent = lambda: signal.raise_signal(signal.SIGINT)  # noqa: E731
    with pytest.raises(KeyboardInterrupt) as stopped:
        run.train(events={5: lambda: (sent(), time.sleep(0.2), sent())})
    assert str(stopped.value) == ""
    assert run.steps[-1] == 4


def test_two_signals_at_once_are_one_request(run):
    """A process group and the end of a parent both send SIGTERM: the step is finished and saved all the same."""
    sent = lambda: signal.raise_signal(signal.SIGTERM)  # noqa: E731
    with pytest.raises(KeyboardInterrupt, match="stopped at step"):
        run.train(events={5: lambda: (sent(), sent())})
    assert run.steps[-1] > 4


def test_a_finished_run_trains_no_further(run):
    first = run.train()
    again = run.train()
    assert (again.seconds, len(run.validated)) == (first.seconds, 2)
    assert run.steps == [4, 8]
    run.train(steps=10)  # more was asked for
    assert run.w == pytest.approx(expected(10), abs=1e-5)


def test_patience_stops_a_run_for_good(run):
    """After two validations without improvement; the same command given again trains no further."""
    progress = run.train(steps=40, patience=2, perplexities=[5.0, 4.0, 4.5, 4.2, 3.0, 2.0])
    assert progress.since_best == 2
    assert progress.best == 4.0
    assert len(run.validated) == 4
    assert run.steps == [8, 16]
    assert run.best == 8
    run.train(steps=40, patience=2, perplexities=[5.0, 4.0, 4.5, 4.2, 3.0, 2.0])
    assert len(run.validated) == 4
    assert run.steps == [8, 16]


def test_patience_counts_validations_from_before_a_stop(run):
    perplexities = [5.0, 6.0, 7.0, 1.0]
    with pytest.raises(KeyboardInterrupt):
        run.train(steps=40, patience=2, perplexities=perplexities, events={10: kill})
    run.train(steps=40, patience=2, perplexities=perplexities)
    assert run.steps[-1] == 12


@pytest.mark.parametrize(("best_by", "best"), [("perplexity", 8), ("bleu", 4)])
def test_the_best_has_low_perplexity_or_high_bleu(best_by, best, run):
    run.train(steps=12, best_by=best_by, perplexities=[9.0, 3.0, 5.0])
    assert run.best == best


@pytest.mark.parametrize("bad", [19, 20])
def test_twenty_steps_in_a_row_that_are_not_finite_are_an_error(bad, run):
    def poison(stream):
        stream.offset = 1000 if 6 <= stream.next < 6 + bad else 0

    run.each = poison
    if bad < 20:
        run.train(steps=30)
        assert sum(run.logged("train/skipped").values()) == bad
        losses = run.logged("train/loss")  # steps 6 to 24 have none
        assert losses.keys() == {2, 4, 6, 26, 28, 30}
        assert losses[6] == 5
        return
    with pytest.raises(FloatingPointError) as error:
        run.train(steps=30)
    said = r"the gradient was not finite for 20 steps up to step 25: step 25 began at w = \S+; lower training.learning_"
    assert re.match(said, str(error.value))
    assert "\n" not in str(error.value)
    assert run.steps[-1] == 24
