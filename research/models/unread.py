"""Fields of config.model that a model does not read, so that a setting without effect is refused, not ignored."""

from collections.abc import Callable, Iterable

from ml_collections import ConfigDict

from research.models import attends


def refuse_unread(model: ConfigDict, fields: Iterable[str]) -> None:
    """Refuse fields that somebody set and that change nothing in this model.

    Args:
        model: config.model, as it will be built.
        fields: names below it that were set, such as "score".

    Raises:
        ValueError: naming the first of them, and the field that keeps it from being read.
    """
    for field in fields:
        if field in READ_WHEN:
            is_read, reason = READ_WHEN[field]
            if not is_read(model):
                found = ", ".join(f"model.{name}={model[name]!r}" for name in reason if name in model)
                raise ValueError(
                    f"model.{field}={model[field]!r} changes nothing with {found}: change that, or leave "
                    f"model.{field} out"
                )


def _has_positions(kind: str) -> Callable[[ConfigDict], bool]:
    return lambda model: any(model[field] == kind for field in _POSITIONS if field in model)


def _has_learned_positions(model: ConfigDict) -> bool:
    cross = attends(model) and model.score == "location"
    own = "self_score" in model and model.self_score == "location"
    return cross or own or _has_positions("learned")(model)


def _is_deep_recurrent(model: ConfigDict) -> bool:
    return any(model[side] == "recurrent" and model[f"{side}_layers"] > 1 for side in ("encoder", "decoder"))


_POSITIONS = ("encoder_positions", "decoder_positions")
_READER = (attends, ("decoder", "reader"))
READ_WHEN: dict[str, tuple[Callable[[ConfigDict], bool], tuple[str, ...]]] = {
    "score": _READER,
    "normaliser": _READER,
    "window": _READER,
    "window_radius": (lambda model: attends(model) and model.window != "global", ("reader", "window")),
    "coverage_width": (lambda model: attends(model) and model.coverage != "none", ("reader", "coverage")),
    "learned_positions": (_has_learned_positions, ("reader", "score", "self_score", *_POSITIONS)),
    "relative_reach": (_has_positions("relative"), _POSITIONS),
    "residual": (_is_deep_recurrent, ("encoder", "encoder_layers", "decoder", "decoder_layers")),
}
"""Field -> when it is read, and the fields that decide."""
