"""`sklearn.preprocessing`: the scalers that bring columns to one size.

A scaler that the program fits has statistics of data that is not read: what it gives is known by its range. One that
was saved has its statistics, and what it gives is computed, column by column.
"""

import torch

from torchlean.capture.intrinsics import data, fail, unsupported


class _Scaler:
    lower = float("-inf")
    upper = float("inf")
    fitted = False

    def __init__(self, *args, **kwargs):
        self.arguments = args

    def fit(self, X, y=None):
        self.fitted = False
        return self

    def transform(self, X):
        if self.fitted:
            return self._scaled(self._checked(X))
        return data(tuple(X.shape), torch.float64, self.lower, self.upper)

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def inverse_transform(self, X):
        if self.fitted:
            return self._unscaled(self._checked(X))
        return data(tuple(X.shape), torch.float64)

    def _checked(self, X):
        """Whole numbers become float64, as in scikit-learn."""
        if X.dim() != 2:
            fail(
                "TL103", ValueError, f"Expected 2D array, got {X.dim()}D array instead: use x.reshape(1, -1)"
            )
        if X.shape[1] != self.n_features_in_:
            name, got, want = type(self).__name__, X.shape[1], self.n_features_in_
            fail(
                "TL103", ValueError, f"X has {got} features, but {name} is expecting {want} features as input"
            )
        if X.dtype.is_floating_point and X.dtype != torch.float64:
            return unsupported(
                f"scikit-learn's versions round differently where {X.dtype} is scaled by float64: "
                "pass `x.double()`, or compute in torch with `torch.tensor(scaler.scale_)`"
            )
        return X.to(torch.float64)


class StandardScaler(_Scaler):
    def _scaled(self, X):
        X = X - self.mean_ if self.with_mean else X
        return X / self.scale_ if self.with_std else X

    def _unscaled(self, X):
        X = X * self.scale_ if self.with_std else X
        return X + self.mean_ if self.with_mean else X


class MinMaxScaler(_Scaler):
    """Columns that were not fitted may leave the range that the others are brought to."""

    def fit_transform(self, X, y=None):
        self.fitted = False
        return (
            data(tuple(X.shape), torch.float64, -1e-9, 1 + 1e-9) if not self.arguments else self.transform(X)
        )

    def _scaled(self, X):
        X = X * self.scale_ + self.min_
        return X.clamp(self.feature_range[0], self.feature_range[1]) if self.clip else X

    def _unscaled(self, X):
        return (X - self.min_) / self.scale_


class MaxAbsScaler(_Scaler):
    def _scaled(self, X):
        X = X / self.scale_
        return X.clamp(-1.0, 1.0) if getattr(self, "clip", False) else X

    def _unscaled(self, X):
        return X * self.scale_


class RobustScaler(_Scaler):
    def _scaled(self, X):
        X = X - self.center_ if self.with_centering else X
        return X / self.scale_ if self.with_scaling else X

    def _unscaled(self, X):
        X = X * self.scale_ if self.with_scaling else X
        return X + self.center_ if self.with_centering else X
