"""`tqdm`: a progress bar gives the items of what it is put around."""


class tqdm:
    def __init__(self, iterable=None, *args, **kwargs):
        self.iterable = iterable
        self.n = 0

    def __iter__(self):
        return iter(self.iterable)

    def __len__(self):
        return len(self.iterable)

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        return False

    def update(self, n=1):
        return None

    def close(self):
        return None

    def refresh(self):
        return None

    def set_description(self, *args, **kwargs):
        return None

    def set_postfix(self, *args, **kwargs):
        return None

    set_description_str = set_description
    set_postfix_str = set_postfix

    @staticmethod
    def write(*args, **kwargs):
        return None


def trange(*bounds, **kwargs):
    return tqdm(range(*bounds))


tqdm_notebook = tqdm
