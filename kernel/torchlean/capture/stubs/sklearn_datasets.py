"""`sklearn.datasets`: the documented sizes of the collections that come with it, with ranges where those are fixed."""

import math

import torch

from torchlean.capture.intrinsics import data, unknown


class _Bunch:
    def __init__(self, features, targets):
        self.data = features
        self.target = targets
        self.feature_names = [str(index) for index in range(features.shape[1])]
        self.target_names = unknown("names of classes")
        self.DESCR = ""

    def __getitem__(self, key):
        return getattr(self, key)


def _collection(samples, features, classes, lower, upper, return_X_y):
    numbers = data((samples, features), torch.float64, lower, upper)
    if classes is None:
        targets = data((samples,), torch.float64)
    else:
        targets = data((samples,), torch.int64, 0, classes - 1, "labels")
    return (numbers, targets) if return_X_y else _Bunch(numbers, targets)


def load_iris(*, return_X_y=False, as_frame=False):
    return _collection(150, 4, 3, 0.1, 7.9, return_X_y)


def load_digits(*, n_class=10, return_X_y=False, as_frame=False):
    return _collection(1797, 64, 10, 0.0, 16.0, return_X_y)


def load_wine(*, return_X_y=False, as_frame=False):
    return _collection(178, 13, 3, 0.13, 1680.0, return_X_y)


def load_breast_cancer(*, return_X_y=False, as_frame=False):
    return _collection(569, 30, 2, 0.0, 4254.0, return_X_y)


def load_diabetes(*, return_X_y=False, as_frame=False, scaled=True):
    return _collection(442, 10, None, -math.inf, math.inf, return_X_y)


def load_boston(return_X_y=False):
    return _collection(506, 13, None, -math.inf, math.inf, return_X_y)


def fetch_california_housing(*args, return_X_y=False, **kwargs):
    return _collection(20640, 8, None, -math.inf, math.inf, return_X_y)


def _made(samples, features, classes):
    numbers = data((samples, features), torch.float64)
    if classes is None:
        return numbers, data((samples,), torch.float64)
    return numbers, data((samples,), torch.int64, 0, classes - 1, "labels")


def make_moons(n_samples=100, *, shuffle=True, noise=None, random_state=None):
    return _made(n_samples, 2, 2)


def make_circles(n_samples=100, *, shuffle=True, noise=None, random_state=None, factor=0.8):
    return _made(n_samples, 2, 2)


def make_blobs(n_samples=100, n_features=2, *, centers=None, **kwargs):
    return _made(n_samples, n_features, centers if isinstance(centers, int) else 3)


def make_classification(n_samples=100, n_features=20, *, n_classes=2, **kwargs):
    return _made(n_samples, n_features, n_classes)


def make_regression(n_samples=100, n_features=100, **kwargs):
    return _made(n_samples, n_features, None)


def make_swiss_roll(n_samples=100, **kwargs):
    return _made(n_samples, 3, None)
