"""`sklearn.preprocessing`: the scalers that scripts bring their columns to one size with."""

import torch

from torchlean.capture.intrinsics import data


class _Scaler:
    lower = float("-inf")
    upper = float("inf")

    def __init__(self, *args, **kwargs):
        self.arguments = args

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return data(tuple(X.shape), torch.float64, self.lower, self.upper)

    def fit_transform(self, X, y=None):
        return self.transform(X)

    def inverse_transform(self, X):
        return data(tuple(X.shape), torch.float64)


class StandardScaler(_Scaler):
    pass


class MinMaxScaler(_Scaler):
    """Columns that were not fitted may leave the range that the others are brought to."""

    def fit_transform(self, X, y=None):
        return (
            data(tuple(X.shape), torch.float64, -1e-9, 1 + 1e-9) if not self.arguments else self.transform(X)
        )


class RobustScaler(_Scaler):
    pass
