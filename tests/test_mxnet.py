"""The MXNet backend keeps the contract, and broken learners do not."""

from __future__ import annotations

import numpy as np

from monklite.backends.mxnet import BACKEND
from monklite.backends.mxnet.learner import GluonLearner
from monklite.testing.contract import LearnerContract


def arrays(learner: GluonLearner) -> dict[str, np.ndarray]:
    return {n: p.data().asnumpy() for n, p in learner.network.collect_params().items()}


class TestMXNet(LearnerContract):
    backend = BACKEND
    arrays = staticmethod(arrays)
