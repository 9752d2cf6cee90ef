"""Choosing how to train within a time: looks at many networks, short trainings of the best, one whole training of the winner.

It is successive halving over networks (Jamieson and Talwalkar 2016): each stage leaves out most of what is left, and gives more
time to the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...catalog.candidates import candidates
from ...catalog.models import find_model
from ...data.cache import Tick
from ...experiment import Experiment
from ...training.progress import Say
from ...training.session import Display
from . import ensembles, reasons
from .attempts import ENDINGS, Attempts
from .budget import Budget
from .result import Choice, with_reasons
from .setup import MIRRORED, NONE, OWN, TURNED, Setup, is_varied
from .speed import Speed
from .tried import CHOSEN, LOOK, SECOND, TRY, Tried

# epochs of a look, whose frozen part is computed in the first, and of a short training of all layers
LOOK_EPOCHS, TRY_EPOCHS = 8, 3
# of the whole time, that may be spent when a stage ends; the rest after the last is for writing and for wrong estimates
LOOKS_END, TRIES_END, TRAINING_END = 0.35, 0.6, 0.95
# networks that must fit into the time for looks; if not, looks are at a share of the images, but at no fewer than these
FEWEST_LOOKS, FEWEST_IMAGES = 5, 200
# networks that are trained whole, after the looks
KEPT = 2
# other input sizes of the best network, as multiples, rounded to multiples of 32 px
SIZES, ROUNDED = (0.58, 1.43), 32
# multiples of the usual learning rate
RATES = (3.0, 1 / 3)
# the more images, the fewer epochs it takes until nothing more is learnt: up to so many images, so many epochs
EPOCHS = ((500, 20), (5000, 12), (float("inf"), 6))
HEAD_EPOCHS = 30
# of a second training: with fewer it would say no more than the short one
LEAST_EPOCHS = 6
# epochs without improvement after which the training ends
PATIENCE = 5


@dataclass(frozen=True)
class Wish:
    """What the user gives. `seconds`: for everything. `networks`: to choose from; None: those of the table. `pretrained`: they
    start from weights trained on ImageNet. `train`: train the chosen one too. `rates`: multiples of the usual learning rate that
    are tried. `sizes`: of the images, px, at the first of which networks are looked at, and the best one at the others too; None:
    the network's own, and a smaller and a larger one."""

    seconds: float
    networks: Sequence[str] | None = None
    pretrained: bool = True
    train: bool = True
    rates: Sequence[float] = RATES
    sizes: Sequence[int] | None = None


def choose(base: Experiment, wish: Wish, say: Say, display: Display, tick: Tick | None = None) -> Choice:
    """Choose, and train what was chosen.

    A call that is repeated, with more time or after it was stopped, trains only what is not finished.

    Args:
        base: the user's experiment, of which the images, their division and augmentation, the loss and the seed are taken.

    Raises:
        PretrainedUnavailable: no weights could be had. TrainingFailed: no network could be trained. MonkliteError: the images
            cannot be used, or nothing can be written.
    """
    began = time.monotonic()
    base.check_alone("a network is chosen")
    available = candidates(base.requested.backend, wish.networks)
    data = base.refresh_data(tick)
    state = base.run.state()
    folder = base.workspace.experiment(state.project, f"{state.experiment}-{ENDINGS[LOOK]}")
    # with other settings, images or networks it is another choice, which has its own time
    wishes = f"{wish.networks} {wish.pretrained} {wish.rates} {wish.sizes}"
    key = f"{base.requested.model_dump_json()} {wishes} {data.record.content or data.record.fingerprint}"
    budget = Budget(wish.seconds, folder, key, began)
    n_images = data.train.n_images + data.val.n_images
    attempts = Attempts(base, budget, Speed(base.requested.backend, n_images), say, display)
    setups = [
        Setup(
            c,
            wish.sizes[0] if wish.sizes else find_model(c.name, base.requested.backend).input_size,
            not wish.pretrained,
            wish.pretrained,
        )
        for c in available
    ]
    best = _look(attempts, setups, wish.sizes)
    best = _try(attempts, best, wish.rates)
    return _finish(attempts, best, wish, n_images)


def _look(attempts: Attempts, setups: Sequence[Setup], sizes: Sequence[int] | None) -> list[Tried]:
    """Look at every network that fits, then at the best one at other input sizes; returns the looks, the best first."""
    epochs = TRY_EPOCHS if setups[0].whole else LOOK_EPOCHS
    attempts.measure(setups[0], epochs)
    attempts.take_share(_share(attempts, setups, epochs))
    looks: list[Tried] = []
    for setup in setups:
        # the cheapest one that can be had is looked at in any case
        allowed = attempts.budget.left(LOOKS_END) if looks else float("inf")
        looks += _successful(attempts.attempt(LOOK, setup, epochs, allowed))
    attempts.raise_if_nothing()
    for setup in _other_sizes(attempts, _best(looks).setup, sizes):
        looks += _successful(attempts.attempt(LOOK, setup, epochs, attempts.budget.left(LOOKS_END)))
    return sorted(looks, key=lambda look: look.rank, reverse=True)


def _share(attempts: Attempts, setups: Sequence[Setup], epochs: int) -> float:
    """The share of the images for looks, so that some networks fit into their time."""
    if attempts.budget.progress.share is not None:
        return attempts.budget.progress.share
    expected = sum(attempts.speed.training(setup, epochs) for setup in setups[:FEWEST_LOOKS])
    allowed = max(0.0, attempts.budget.left(LOOKS_END))
    n_images = attempts.speed.n_images
    return min(1.0, max(FEWEST_IMAGES / n_images, allowed / expected if expected else 1.0))


def _successful(tried: Tried) -> list[Tried]:
    return [tried] if tried.figure else []


def _best(tried: Sequence[Tried]) -> Tried:
    return max(tried, key=lambda t: t.rank)


def _other_sizes(attempts: Attempts, setup: Setup, wanted: Sequence[int] | None) -> list[Setup]:
    row = find_model(setup.network, attempts.base.requested.backend)
    if row.size_argument or attempts.base.requested.backend in row.fixed_size:
        return []
    multiples = {max(ROUNDED, round(setup.size * factor / ROUNDED) * ROUNDED) for factor in SIZES}
    sizes = multiples if wanted is None else {*wanted}
    return [replace(setup, size=size) for size in sorted(sizes - {setup.size}) if size >= row.min_size]


def _try(attempts: Attempts, looks: Sequence[Tried], rates: Sequence[float]) -> list[Tried]:
    """Train the best networks whole for a few epochs, then the best of them in other ways; returns all, the best first."""
    own = is_varied(attempts.base.requested)
    varied = OWN if own else TURNED
    networks: dict[str, Setup] = {}
    for look in looks:
        networks.setdefault(look.setup.network, replace(look.setup, whole=True, varied=varied))
    first = list(networks.values())[:KEPT]
    attempts.measure(first[0], TRY_EPOCHS)
    tries = _all(attempts, first)
    if tries:
        tries += _all(attempts, [replace(_best(tries).setup, rate=rate) for rate in rates])
    if tries and not own:
        tries += _all(attempts, [replace(_best(tries).setup, varied=other) for other in (NONE, MIRRORED)])
    # where both are as good, all layers are trained, which have learnt for a few epochs only
    return sorted([*tries, *looks], key=lambda t: (t.rank[0], t.setup.whole, t.rank[1]), reverse=True)


def _all(attempts: Attempts, setups: Sequence[Setup]) -> list[Tried]:
    found: list[Tried] = []
    for setup in setups:
        found += _successful(attempts.attempt(TRY, setup, TRY_EPOCHS, attempts.budget.left(TRIES_END)))
    return found


def _finish(attempts: Attempts, best: Sequence[Tried], wish: Wish, n_images: int) -> Choice:
    """Train the best, and a second one if there is time, and see whether they are better together."""
    winner, told = best[0], list(reasons.of_looks(attempts, best))
    epochs = _epochs(attempts, CHOSEN, winner, n_images)
    if not wish.train:
        told += reasons.of_plan(attempts, winner, max(epochs, 1))
        return _choice(attempts, winner, max(epochs, 1), told)
    trained = _train(attempts, best, epochs, n_images)
    chosen = max(trained, key=lambda t: t.rank, default=winner)
    told += reasons.of_training(attempts, chosen, trained, PATIENCE)
    judged = ensembles.judge(attempts.rows, chosen)
    paying = max((e for e in judged if e.pays), key=lambda e: e.low, default=None)
    corrected, n_runs = ensembles.corrected(attempts.rows, chosen)
    told += [*reasons.of_ensembles(judged, paying), *reasons.of_luck(chosen, corrected, n_runs)]
    members = tuple(m.run for m in paying.members if m.run) if paying else ()
    return replace(
        _choice(attempts, chosen, chosen.epochs, told), run=chosen.run, ensemble=members, corrected=corrected
    )


def _choice(attempts: Attempts, chosen: Tried, epochs: int, told: Sequence[str]) -> Choice:
    attempts.budget.save()
    return Choice(
        chosen.setup,
        epochs,
        _patience(epochs),
        with_reasons(attempts.rows, chosen),
        tuple(told),
        attempts.budget.spent,
        attempts.budget.total,
    )


def _train(attempts: Attempts, best: Sequence[Tried], epochs: int, n_images: int) -> list[Tried]:
    """The long trainings: of the best, and of a second one; empty if no time was left."""
    winner, trained = best[0], []
    attempts.budget.save(epochs={**attempts.budget.progress.epochs, CHOSEN: epochs})
    # one that is no longer, and of no more images, is there already
    if epochs > 0 and (attempts.share < 1 or epochs > winner.epochs):
        trained += _successful(attempts.attempt(CHOSEN, winner.setup, epochs, float("inf"), _patience(epochs)))
    other = _second(best)
    if other is not None:
        epochs = _epochs(attempts, SECOND, other, n_images)
        if epochs >= LEAST_EPOCHS:
            attempts.budget.save(epochs={**attempts.budget.progress.epochs, SECOND: epochs})
            trained += _successful(attempts.attempt(SECOND, other.setup, epochs, float("inf"), _patience(epochs)))
    return trained


def _second(best: Sequence[Tried]) -> Tried | None:
    """What is trained in the time that is left: all layers, if the best trains its head alone; else the best other network, if it
    may be as good."""
    winner = best[0]
    if not winner.setup.whole:
        return next((t for t in best if t.setup.whole), None)
    other = next((t for t in best if t.setup.network != winner.setup.network), None)
    return other if other and other.figure and other.figure.high >= winner.rank[0] else None


def _patience(epochs: int) -> int:
    return PATIENCE if epochs > PATIENCE else 0


def _epochs(attempts: Attempts, stage: str, tried: Tried, n_images: int) -> int:
    """The epochs of a training of a setup that fit into the time, at most as many as make sense; 0: none fits."""
    decided = attempts.budget.progress.epochs
    if stage in decided:
        return decided[stage]
    setup = tried.setup
    wanted = next(epochs for most, epochs in EPOCHS if n_images <= most) if setup.whole else HEAD_EPOCHS
    left = attempts.budget.left(TRAINING_END)
    fits: Callable[[int], bool] = lambda epochs: attempts.speed.training(setup, epochs) <= left  # noqa: E731
    epochs = next((n for n in range(wanted, 0, -1) if fits(n)), 0)
    return epochs if setup.whole or attempts.share < 1 else wanted
