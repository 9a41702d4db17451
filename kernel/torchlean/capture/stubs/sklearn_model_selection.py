"""`sklearn.model_selection`: splitting arrays, which keeps the range of their numbers."""

from torchlean.capture.intrinsics import rows_of


def train_test_split(*arrays, test_size=None, train_size=None, **options):
    parts = []
    for array in arrays:
        count = len(array)
        if test_size is None:
            held = -(-count // 4) if train_size is None else count - _share(train_size, count)
        else:
            held = _share(test_size, count)
        parts.append(rows_of(array, count - held))
        parts.append(rows_of(array, held))
    return parts


def _share(size, count):
    if isinstance(size, int):
        return size
    whole = int(size * count)
    return whole if whole == size * count else whole + 1
