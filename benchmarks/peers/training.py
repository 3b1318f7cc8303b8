"""The peer's training step: label smoothing, clipping, fused Adam; padding is cut before the costly parts."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PAD = 0
Batch = dict[str, Tensor]


def trimmed(batch: Batch) -> Batch:
    """Cut rows and columns of padding alone: PyTorch needs no fixed shapes."""
    rows = (batch["source_BS"] != PAD).any(1)
    kept = {name: ids[rows] for name, ids in batch.items()}
    return {name: ids[:, : int((ids != PAD).sum(1).max())] for name, ids in kept.items()}


def make_step(
    model: nn.Module,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    label_smoothing: float,
    clip_norm: float,
) -> Callable[[Batch], Tensor]:
    """Return a function that trains `model` on one batch and returns the loss a target token."""
    optimiser = torch.optim.Adam(model.parameters(), learning_rate, (beta1, beta2), epsilon, fused=True)
    model.train()

    def step(batch: Batch) -> Tensor:
        words = batch["target_out_BT"] != PAD
        states = model(batch["source_BS"], batch["target_in_BT"])[words]  # the vocabulary is met by words alone
        loss = F.cross_entropy(model.logits(states), batch["target_out_BT"][words], label_smoothing=label_smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimiser.step()
        return loss.detach()

    return step
