"""Results that a run and an answer leave on disk: run folder, checkpoints, identity."""
