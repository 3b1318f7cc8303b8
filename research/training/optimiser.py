"""The optimisers and learning-rate schedules of optax, by name."""

from collections.abc import Callable

import jax.numpy as jnp
import optax

OPTIMISERS = ("adam", "adamw")


def inverse_sqrt(peak: float, warmup_steps: int, steps: int, decay: int) -> optax.Schedule:
    """Return the schedule peak · min(n / w, √(w / n)) for update n and w warmup steps.

    Reference:
        Vaswani et al. 2017, equation 3, which derives the peak from the width.
    """
    del steps, decay
    warmup_steps = max(warmup_steps, 1)

    def schedule(count):
        n = jnp.asarray(count, jnp.float32) + 1  # the first update is number 1
        return peak * (n / warmup_steps).clip(max=1.0) * (warmup_steps / n).clip(max=1.0) ** 0.5

    return schedule


def cosine(peak: float, warmup_steps: int, steps: int, decay: int) -> optax.Schedule:
    """Return the schedule that rises linearly to `peak` at update w, then falls as half a cosine to 0 after `steps`.

    Reference:
        Loshchilov & Hutter 2017.
    """
    del decay
    w = max(warmup_steps, 1)  # the first update has the rate peak / w, since a rate of 0 would waste it
    return optax.warmup_cosine_decay_schedule(peak / w, peak, w - 1, max(steps, w))


def constant(peak: float, warmup_steps: int, steps: int, decay: int) -> optax.Schedule:
    """Return the schedule that rises linearly to `peak` at update w and stays there."""
    del steps, decay
    w = max(warmup_steps, 1)
    return optax.warmup_constant_schedule(peak / w, peak, w - 1)


def wsd(peak: float, warmup_steps: int, steps: int, decay: int) -> optax.Schedule:
    """Return warm-up, stable, decay: `constant`, then a straight line to 0 in the last `decay` of `steps`.

    Until the decay a run does not depend on how long it will be, so that runs of several lengths can share a trunk.

    Reference:
        Hägele et al. 2024, section 3.
    """
    rising = constant(peak, warmup_steps, steps, 0)
    falling = optax.linear_schedule(peak, 0.0, decay, steps - decay)
    return lambda count: jnp.minimum(rising(count), falling(count))


SCHEDULES: dict[str, Callable[[float, int, int, int], optax.Schedule]] = {
    "inverse_sqrt": inverse_sqrt,
    "cosine": cosine,
    "wsd": wsd,
    "constant": constant,
}


def make_schedule(name: str, *, peak: float, warmup_steps: int, steps: int, decay_share: float) -> optax.Schedule:
    """Return the learning rate as a function of the updates done.

    Args:
        name: a name of `SCHEDULES`.
        peak: the highest learning rate.
        warmup_steps: updates until the peak; 0 starts at it.
        steps: updates of the whole training, at which cosine and wsd end.
        decay_share: share of `steps` in which wsd falls.
    """
    if name not in SCHEDULES:
        raise ValueError(f"training.schedule={name!r} is unknown; choose one of {', '.join(SCHEDULES)}")
    if not 0 < decay_share <= 1:
        raise ValueError(f"training.decay_share={decay_share} must be above 0 and at most 1")
    return SCHEDULES[name](peak, warmup_steps, steps, decay_steps(steps, decay_share))


def decay_steps(steps: int, decay_share: float) -> int:
    """Return the updates at the end in which wsd falls."""
    return max(round(decay_share * steps), 1)


def make_optimiser(
    name: str,
    schedule: optax.Schedule,
    *,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
    clip_norm: float,
) -> optax.GradientTransformation:
    """Return Adam or AdamW, after clipping of the gradient.

    Args:
        name: a name of `OPTIMISERS`.
        schedule: the learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        epsilon: added to the root of the latter.
        weight_decay: the decoupled weight decay of AdamW.
        clip_norm: the largest global norm of a gradient; 0 does not clip.

    Reference:
        Kingma & Ba 2015; Loshchilov & Hutter 2019.
    """
    if name not in OPTIMISERS:
        raise ValueError(f"training.optimizer={name!r} is unknown; choose one of {', '.join(OPTIMISERS)}")
    if name == "adam" and weight_decay:
        raise ValueError(f"training.weight_decay={weight_decay} needs optimizer='adamw', not 'adam'")
    clip = optax.clip_by_global_norm(clip_norm) if clip_norm else optax.identity()
    if name == "adam":
        return optax.chain(clip, optax.adam(schedule, beta1, beta2, epsilon))
    return optax.chain(clip, optax.adamw(schedule, beta1, beta2, epsilon, weight_decay=weight_decay))
