"""NumPy's arrays and scalars in programs: what capture takes a value for is what NumPy computes, or unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.capture.facts import facts_of

SCALARS = """
    a = np.array([1.0, 2.0, 3.0])
    total = np.sum(a); before = total; total += 1
    top = a.max(); twice = top; twice *= 2
    first = a[0]; more = first; more += 5
    dot = np.dot(a, a); other = dot; other -= 1
    array = np.array(3.0); alias = array; alias += 1
    kept = np.sum(a, keepdims=True); kept_too = kept; kept_too += 1
    single = np.float32(2.5); rebound = single; rebound += 1
    both = np.sum(a) + a.min(); again = both; again += 1
    plus = np.array(3.0) + 1; plus_too = plus; plus_too += 1
    kinds = [isinstance(np.sum(a), kind) for kind in (np.ndarray, np.floating, float, np.generic)]
    of_array = [isinstance(np.array(3.0), kind) for kind in (np.ndarray, np.floating, float, list)]
    whole = [isinstance(a.argmax(), kind) for kind in (np.integer, int)]
    is_tensor = isinstance(a, torch.Tensor), torch.is_tensor(a), type(a) is np.ndarray
    numbers = [np.sum(a).item(), a[1].item(), float(a.sum()), int(a.argmax())]
    lists = a.tolist(), a.sum().tolist()
    try:
        np.sum(a)[0] = 1
        outcome = 0
    except TypeError:
        outcome = 1
    try:
        a[7]
        outside = 0
    except IndexError:
        outside = 1
    try:
        ones = np.arange(3)
        ones += 0.5
        cast = 0
    except TypeError:
        cast = 1
    try:
        np.ones(3) + np.ones(2)
        shapes = 0
    except ValueError:
        shapes = 1
    root = np.sqrt(16) * np.ones(2, dtype=np.float32)
    text = f"{np.float32(2.5):.2f} {np.float64(1)} {np.int64(4)!r} {a.dtype} {a.dtype.name}"
    truths = [1 if v else 0 for v in (np.array(0.0), np.sum(a), np.float64(0), np.bool_(True))]
    positions = [0, 1, 2][np.int64(1)], [0] * np.int64(3), list(range(np.int64(2)))
"""

DTYPES = """
    s = np.zeros(3, dtype='float32'); short = np.zeros((2, 2), dtype='f4')
    made = np.ones(2, dtype=np.dtype('float32'))
    by_place = np.zeros(2, 'float32'); listed = np.array([1, 2], dtype='int64'); code = np.array([1, 2], 'i4')
    python = np.zeros(2, dtype=int), np.zeros(2, dtype=float), np.ones(2, dtype=bool)
    ranges = np.arange(3, dtype=np.float32); lines = np.linspace(0, 1, 3, dtype='float32')
    unit = np.eye(2, dtype='f8')
    filled = np.full((2,), 3); likes = np.zeros_like(s); ones_like = np.ones_like(s, dtype='int64')
    cast = np.array([1.7, -1.7]).astype('int32')
    same = [s.dtype == np.float32, s.dtype == 'float32', s.dtype == float, s.dtype is None]
    sizes = s.size, s.ndim, s.itemsize, s.nbytes, s.shape
"""

PROMOTION = """
    f32 = np.ones(3, dtype=np.float32); f64 = np.ones(3); i32 = np.ones(3, dtype=np.int32); i64 = np.arange(3)
    u8 = np.ones(3, dtype=np.uint8); b = np.array([True, False, True])
    a1 = f32 + 1; a2 = f32 + 1.5; a3 = f32 + np.float64(1.5); a4 = f32 + np.int64(1); a5 = i32 + 1; a6 = i32 + 1.5
    a7 = i32 + i64; a8 = u8 + i32; a9 = u8 + f32; b1 = i64 / i64.sum(); b2 = i32 / 2; b3 = i64 // 2
    b4 = -7 % (i64 + 1)
    b5 = i64 ** 2; b6 = 2.0 ** i64; b7 = i64 ** 0.5; b8 = [1, 2, 3] + i64; b9 = i64 + f32; c1 = ~b; c2 = b | False
    c3 = i64 & 1; c4 = -i64; c5 = abs(-f64); c6 = f32.mean() * 2; c7 = np.float32(3) * 2; c8 = f32 == 1
    c9 = i64 > f32
    d1 = b.mean(); d2 = b.sum(); d3 = np.exp(i64); d4 = np.sqrt(i32); d5 = i64.mean(); d6 = i64.std()
    d7 = f64.var(ddof=1)
    d8 = np.where(i64 > 1, 1.0, 0); d9 = np.where(i64 > 1, f32, 0.0); e1 = np.concatenate([i64, f32])
    e2 = np.stack([i32, f32])
    e3 = np.maximum(i64, 1.5); e4 = np.floor(i64); e5 = np.prod((2, 3)); e6 = np.power(2.0, [1, 2]); e7 = sum(i64)
    t = torch.ones(3); n = torch.ones(3, dtype=torch.int64)
    g1 = t * f64.sum(); g2 = f64.sum() * t; g3 = n * f64.mean(); g4 = n * np.int64(2); g5 = t > i64.mean()
    g6 = t / np.sqrt(2)
    g7 = torch.tensor(f64); g8 = torch.tensor(np.float32(2)); g9 = torch.tensor([f64.sum(), f64[0]])
    h1 = torch.Tensor(f64)
    h2 = t[np.array([0, 2])]; h3 = t[np.array([True, False, True])]; h4 = torch.zeros(np.int64(2), 3)
    h5 = t.numpy() * i64
"""

VIEWS = """
    a = np.arange(6.0); b = a.reshape(2, 3); b[0, 0] = 10; c = a[1:]; c += 1; d = a.reshape(-1); d[5] = 50
    e = b.T; e[2, 1] = 70; f = b.ravel(); f[0] = -1; g = b.flatten(); g[0] = 1000; h = a[::2]; h *= 2
    i = a[[0, 1]]; i[0] = 99; j = b[:, 0]; j[...] = 3; k = b.T.ravel(); k[0] = 1234
    w = np.arange(5); x = w[::-1]; x[0] = 50; y = w[::-2]; y[1] = 20; z = np.flip(w); w[2] = 77
    copied = w.copy(); copied[0] = 9; cast = w.astype(np.int64); cast[1] = 9; made = np.array(w); made[2] = 9
    shared = np.asarray(w); shared[3] = 44; m = np.arange(9).reshape(3, 3); diagonal = np.diag(m); m[1, 1] = 99
    row = m[1]; row += 5; chosen = m[m > 5]; m[m > 90] = 0; left, right = np.split(np.arange(4), 2); left[0] = 9
    whole = np.arange(7); parts = np.array_split(whole, 3); parts[0][:] = -1
    flat = np.squeeze(np.zeros((1, 3))); flat += 1
    tall = flat[:, np.newaxis]; tall[2] = 6; wide = np.expand_dims(flat, 0); wide[0, 0] = 4; q = np.zeros(3)
    q[0] += 2
    ordered = np.array([3, 1, 2]); ordered.sort(); filled = np.ones(3); filled.fill(4)
    ints = np.zeros(2, dtype=int); ints[0] = 2.7
    t = torch.from_numpy(a); t[3] = -3; u = torch.tensor(a); u[4] = -4; v = torch.zeros(2, 2).numpy(); v[0] = 1
    rows = [r for r in m]; rows[2][0] = 31; numbers = [n for n in a]; numbers[0] += 1
"""

SHAPES = """
    a = np.arange(24).reshape(2, 3, 4); r1 = a.sum(axis=0); r2 = a.sum(axis=(0, 2))
    r3 = a.sum(axis=-1, keepdims=True)
    r4 = a.max(axis=1); r5 = a.min(); r6 = a.mean(axis=1); r7 = a.std(axis=0); r8 = a.var(axis=0, ddof=1)
    r9 = a.prod(axis=2)
    p1 = a.argmax(); p2 = a.argmin(axis=1); p3 = np.cumsum(a); p4 = np.cumsum(a, axis=1); p5 = a[0].dot(a[0].T)
    p6 = np.dot(a[0], np.ones(4)); p7 = a[0] @ a[0].T; p8 = np.matmul(np.ones(4), np.ones(4))
    p9 = np.outer([1, 2], [3, 4])
    s1 = a.T; s2 = a.transpose(1, 0, 2); s3 = np.transpose(a, (2, 0, 1)); s4 = a.swapaxes(0, 2)
    s5 = np.tile([1, 2], (2, 2))
    s6 = np.hstack([[1, 2], [3]]); s7 = np.vstack([[1, 2], [3, 4]]); s8 = np.clip([1.5, -2, 7], 0, 5)
    s9 = np.round([0.5, 1.5])
    t1 = np.tril(np.ones((2, 2))); t2 = np.triu(np.ones((3, 3)), 1); t3 = np.isnan([1.0, np.nan])
    t4 = a[..., 0]; t5 = a[1, 2, 3]
    t6 = np.any(a > 22); t7 = np.all(a > 22, axis=0); t8 = len(a); t9 = np.sort([[3, 1], [2, 0]])
"""

PROGRAMS = {
    "scalars are immutable": SCALARS,
    "dtypes by name": DTYPES,
    "promotion": PROMOTION,
    "views and copies": VIEWS,
    "shapes and reductions": SHAPES,
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.filterwarnings("ignore")
def test_arrays_are_what_numpy_computes(name: str, tmp_path: Path) -> None:
    facts = facts_of(PROGRAMS[name], tmp_path)
    assert not facts.wrong
    assert not facts.unknown
    assert not facts.said


UNKNOWN = """
    a = np.arange(3); f = np.arange(3.0)
    u1 = a // a; u3 = np.array([True]) - 0.5 * f; u4 = np.median(f)
    u5 = np.round(f, 1); u6 = np.ones(2, dtype=bool) + np.ones(2, dtype=bool); u7 = torch.ones(3) + f
"""


@pytest.mark.filterwarnings("ignore")
def test_what_numpy_does_in_its_own_way_is_unknown(tmp_path: Path) -> None:
    facts = facts_of(UNKNOWN, tmp_path)
    assert not facts.wrong
    assert [name for name in facts.unknown if name.startswith("u")] == ["u1", "u4", "u5", "u6", "u7"]
    assert all(said.startswith("TL102") for said in facts.said)


def test_an_array_stays_one_where_a_condition_is_not_known(tmp_path: Path) -> None:
    facts = facts_of(
        """
        maybe = torch.rand(1).item() > 2
        a = np.zeros(3)
        if maybe:
            a = np.ones(3)
        s = np.sum(np.zeros(3))
        if maybe:
            s = np.sum(np.ones(3))
        kinds = [isinstance(v, kind) for v in (a, s) for kind in (np.ndarray, float, torch.Tensor)]
        """,
        tmp_path,
    )
    assert not facts.wrong
    assert "kinds" not in facts.unknown
