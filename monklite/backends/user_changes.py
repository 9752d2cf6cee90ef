"""Changes that users make in the live objects of a learner: replaced layers, and learning rates of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Shapes = Mapping[str, tuple[int, ...]]
# relative difference of two rates that counts as none
SAME_RATE = 1e-9


def replaced_layers(before: Shapes, now: Shapes) -> Iterator[str]:
    """Yield a note if the arrays of a network are not those that it was built with.

    Args:
        before, now: the name and shape of each array of the network.
    """
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        name = changed[0]
        yield (
            f"the network has been changed ({name}: {_size(before, name)} -> {_size(now, name)}, {len(changed)} of {len(now)} "
            "arrays differ) and is trained as it is; but opening this run again (to evaluate, resume or copy it) builds the "
            "original network, which cannot read these weights: evaluate in this session, or save `model` yourself"
        )


def _size(shapes: Shapes, name: str) -> str:
    return " x ".join(map(str, shapes[name])) or "one number" if name in shapes else "none"


def own_rates(factors: Sequence[float], asked: Sequence[float] = (1.0,)) -> Iterator[str]:
    """Yield a note if the user has set rates of the optimizer's groups.

    Args:
        factors: the rate of each group as a multiple of the schedule's. asked: those that the settings ask for.
    """
    if listed := _other_rates(factors, asked):
        yield f"the optimizer has learning rates of its own, which are kept: {listed} times the rate of the schedule"
    if len(factors) != len(asked):
        yield "the optimizer has groups of its own: this training cannot be resumed, because a new session does not know them"


def rates_of_the_head(factors: Sequence[float], asked: Sequence[float] = (1.0,)) -> Iterator[str]:
    """Yield a note if such rates, which were kept while the head alone was trained, end as all layers are. Arguments as above."""
    if listed := _other_rates(factors, asked):
        yield (
            f"the learning rates that you set in the optimizer ({listed} times the rate of the schedule) were those of the head "
            "alone: from here on the rates are those of the settings, see update_layer_rates"
        )


def _other_rates(factors: Sequence[float], asked: Sequence[float]) -> str:
    """The factors as text if they are not those that the settings ask for; else empty."""
    expected = asked if len(factors) == len(asked) else [1.0] * len(factors)
    differ = any(abs(factor / own - 1) > SAME_RATE for factor, own in zip(factors, expected, strict=True))
    return ", ".join(f"{factor:g}" for factor in factors) if differ else ""
