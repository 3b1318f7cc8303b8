"""Weights & Biases, MLflow and Trackio, each as the few calls that a training makes of it.

A client has `begin(folder, id, config)`, which returns the id under which the run goes on another time, `add` and
`close`. Where the runs go is said as each tracker says it: by its own environment variables and settings.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

PROJECT = "lookback"
MLFLOW_BATCH = 100  # parameters that a server takes at once
WANDB_PATIENCE_SECONDS = 60.0  # to send what is left, after the training
ENVIRONMENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""MLflow's patience with a server, unless it is set: by its own, a training waits for minutes at each record."""


class Client(Protocol):
    """A tracker's library. Any exception means that it cannot be reached."""

    def begin(self, folder: Path, id: str, config: dict[str, Any]) -> str:
        """Open a run.

        Args:
            folder: the run folder, whose name is the name of the run.
            id: what an earlier call returned for this run; "" for a new one.
            config: the fields of the config, by names such as "model.width".

        Returns:
            The id under which the run can be opened again.
        """
        ...

    def add(self, step: int, values: dict[str, float]) -> None:
        """Send values, which are finite."""
        ...

    def close(self, *, complete: bool) -> None:
        """End the session; see `research.training.metrics.Tracker`."""
        ...


class WeightsAndBiases:
    """A run of Weights & Biases, under $WANDB_PROJECT or "lookback".

    W&B wants steps that increase, also over its sessions, and drops a record whose step is not above the last one's. A
    training step may have two records, and a kill may fall between them. So W&B's own step is 2 · step, plus 1 for
    validation; ours is the value "step", by which W&B draws all others.
    """

    def begin(self, folder: Path, id: str, config: dict[str, Any]) -> str:
        import wandb

        id = id or uuid4().hex
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=folder.name,
            id=id,
            resume="allow",
            dir=str(folder),
            config=config,
            allow_val_change=True,
            settings=wandb.Settings(console="off", finish_timeout=WANDB_PATIENCE_SECONDS, finish_timeout_raises=True),
        )
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")
        return id

    def add(self, step: int, values: dict[str, float]) -> None:
        validates = any(name.startswith("validation/") for name in values)
        self._run.log({"step": step, **values}, step=2 * step + validates)

    def close(self, *, complete: bool) -> None:
        self._run.finish(exit_code=0 if complete else 1)


class MLflow:
    """A run of MLflow, in the experiment $MLFLOW_EXPERIMENT_NAME or "lookback" of $MLFLOW_TRACKING_URI."""

    def begin(self, folder: Path, id: str, config: dict[str, Any]) -> str:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self._client = MlflowClient()
        if id:
            self._client.update_run(id, status="RUNNING")
        else:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
            experiment = self._client.get_experiment_by_name(name)
            number = experiment.experiment_id if experiment else self._client.create_experiment(name)
            id = self._client.create_run(number, run_name=folder.name).info.run_id
            fields = [Param(field, str(value)) for field, value in config.items()]
            for first in range(0, len(fields), MLFLOW_BATCH):
                self._client.log_batch(id, params=fields[first : first + MLFLOW_BATCH])
        self._id = id
        return id

    def add(self, step: int, values: dict[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._id, metrics=[Metric(name, value, now, step) for name, value in values.items()])

    def close(self, *, complete: bool) -> None:
        self._client.set_terminated(self._id, status="FINISHED" if complete else "KILLED")


class Trackio:
    """A run of Trackio, in the project "lookback". Trackio finds a run by its name, so the name has the id in it."""

    def begin(self, folder: Path, id: str, config: dict[str, Any]) -> str:
        import trackio

        id = id or f"{folder.name}-{uuid4().hex[:8]}"
        self._run = trackio.init(
            project=PROJECT, name=id, config=config, resume="allow", embed=False, auto_log_gpu=False, auto_log_cpu=False
        )
        return id

    def add(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def close(self, *, complete: bool) -> None:
        self._run.finish()


TRACKERS: dict[str, Callable[[], Client]] = {"wandb": WeightsAndBiases, "mlflow": MLflow, "trackio": Trackio}
"""Trackers by name, which is also that of their package and of the extra in pyproject.toml."""
