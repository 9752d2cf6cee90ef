"""An experiment: rebuilding what is stale, trying out its network, and its training."""

from __future__ import annotations

from collections.abc import Sequence

from . import backends
from .backends import Learner
from .data.cache import Tick
from .data.prepare import TrainingData
from .errors import MonkliteError, NotReady
from .experiment_setup import ExperimentSetup
from .rules import AUTO
from .runs.file_names import FINAL
from .runs.state import RunState
from .trackers.table import switched_on
from .training import estimate, rate_test, resuming
from .training.estimate import Estimate
from .training.loss_task import fits
from .training.session import SHOW_ALL, Display, Session
from .training.staleness import NETWORK_FIELDS, is_stale


class Experiment(ExperimentSetup):
    """An experiment, of which a run is the record."""

    def refresh(self, tick: Tick | None = None) -> tuple[TrainingData, Learner]:
        """Prepare or build again what a change of the settings has made stale, and only that."""
        data = self.refresh_data(tick)
        learner, spec = self.learner, self.resolved()
        unmeasured = self.asked.data.batch_size == AUTO and self._auto_batch_size is None and not self.resuming
        is_of_other_labels = learner is not None and not fits(learner.task, data.record)
        if learner is None or unmeasured or is_of_other_labels or is_stale(self._network_spec, spec, NETWORK_FIELDS):
            learner = self.build()
            return self.data or data, learner
        if self._network_spec is not None and self._network_spec.training != spec.training:
            learner.task = self._task(spec, data)
            learner.configure(spec)
            self._network_spec = spec
        return data, learner

    def estimate(self, tick: Tick | None = None) -> Estimate:
        """How long `train` will take. Raises NotReady in several processes, and as `estimate.estimate`."""
        self.check_alone("the time is estimated")
        # after a training this begins no new version
        data = self.current_data(tick) if self.learner is not None else self.refresh(tick)[0]
        spec = self._without_head_epochs()
        return estimate.estimate(spec, self._task(spec, data), data)

    def check_alone(self, what: str) -> None:
        """Refuse what one process does for itself, which would wait for the others at different steps.

        Raises:
            NotReady: several processes train together.
        """
        if backends.world(self.asked.backend).size > 1:
            raise NotReady(f"{what} in one process, before torchrun starts several")

    def test_learning_rates(self, rates: Sequence[float], tick: Tick | None = None) -> rate_test.RateTest:
        """Take a step at each learning rate with the network as it is; it stays so. Table and chart go into the run's logs.

        Raises:
            NotReady: a resumed run, or several processes. The other errors of `rate_test.run`.
        """
        if self.resuming:
            raise NotReady("a resumed run goes on with its learning rate: look for one in a new version or a copy")
        self.check_alone("learning rates are tried")
        data, learner = self.refresh(tick)
        spec = self.resolved()
        for note in learner.refresh(spec):
            self._note(note)
        usual = spec.training.optimizer.params["learning_rate"]
        found = rate_test.run(learner, data.train, self.workspace.cache, spec.data.input_size, rates, usual)
        rate_test.write(found, self.run.logs)
        return found

    def take_over_script(self) -> bool:
        """Compare the settings of a script that is run again with the run's own, and take over those that may change.

        Returns:
            Whether anything is left to train; if not, a network that was built gets the last weights.

        Raises:
            NotReady: a setting differs that the weights depend on.
        """
        if self.script is None:
            return True
        script, changes = self.script, self.script.changes(self.run, self.asked)
        for note in script.kept(self.asked):
            self._note(note)
        if resuming.is_over(self.run, self._resolve(self.asked.replace(changes)).training):
            if changes:
                self._note(
                    f"the training is done, so these settings of this script change nothing: {', '.join(changes)}"
                )
            if self.learner is not None and self.run.has_weights(FINAL):
                self.learner.load_weights(self.run.models / FINAL)
            return False
        self.script = None
        try:
            self.change(changes)
        except MonkliteError:
            self.script = script
            raise
        return True

    def train(
        self, display: Display = SHOW_ALL, tick: Tick | None = None, callbacks: Sequence[object] = ()
    ) -> RunState:
        """Train to the last epoch, from the start or from the saved state of a resumed run.

        Args:
            callbacks: the user's own, see `training.callbacks`.

        Raises:
            NotReady: another process trains the run. The other errors of `Session.train`.
        """
        # a network that was built before a fork would train without an end
        backends.check_process(self.asked.backend)
        data, learner = self.refresh(tick)
        # the lock was released if an earlier attempt failed, and another process may have it now
        if not self.run.acquire():
            raise NotReady(self.run.busy_message())
        spec = self.resolved()
        for note in learner.refresh(spec):
            self._note(note)
        start = resuming.restore(self.run, learner, spec, data.train, self.say) if self.resuming else None
        session = Session(
            self.workspace,
            self.run,
            self.asked,
            spec,
            data,
            learner,
            self.say,
            display,
            start,
            callbacks,
            switched_on(self.trackers, self.run.folder),
        )
        try:
            signals = session.train()
        except BaseException:
            # a training that began again may have saved nothing, and the next attempt begins with a new network
            if self.resuming and start is None:
                self.learner = None
            raise
        # what is set up next in this session is a new experiment, with the recipe for what it leaves open
        self.resuming, self._stored_spec = False, None
        signals.act()
        return self.run.state()
