"""The scalar reference: every operation on bit patterns, as Python integers, under the standard's names.

Nothing here uses the machine's floating point. It is written to be read next to IEEE 754-2019 and to be
obviously right, not fast (a few microseconds an operation); the vector form is fast, and is tested against
this one.

=================================================  =====================================================================
IEEE 754-2019                                      here
=================================================  =====================================================================
5.3.1 roundToIntegral{direction}, ...Exact         `round_to_integral` (direction in the environment; `exact=True`)
5.3.1 nextUp, nextDown, remainder                  `next_up`, `next_down`, `remainder`; also C's `next_after`, and `ulp`
5.3.3 scaleB, logB                                 `scale_b`, `log_b`
5.4.1 addition ... squareRoot                      `add`, `subtract`, `multiply`, `divide`, `square_root`
5.4.1 fusedMultiplyAdd                             `fused_multiply_add`
5.4.1 convertFromInt, convertToInteger{direction}  `convert_from_integer`, `convert_to_integer`
5.4.2 convertFormat                                `convert_format`; from rationals `from_quotient`
5.5.1 copy, negate, abs, copySign                  the integer itself, `negate`, `absolute`, `copy_sign`
5.6.1 compareQuietEqual ... (tables 5.1 to 5.3)    `compare(name, a, b)` with `PREDICATES`; `relation`
5.7.2 class, isSignMinus ... isCanonical           `class_of`, `is_sign_minus`, `is_normal`, ...
5.10  totalOrder, totalOrderMag                    `total_order`, `total_order_magnitude`
5.12  convertFrom/ToDecimalCharacter, ...Hex...    `convert_from_decimal`, `shortest_decimal`, ...
9.6   minimum, maximum, minimumNumber, ...         `minimum`, `maximum`, `minimum_number`, `maximum_number`
9.7   getPayload, setPayload(Signaling)            `payload`, `nan_with_payload`
2008  minNum, maxNum                               `min_num_2008`, `max_num_2008`
=================================================  =====================================================================

Operations that may raise exceptions take an `Environment` and return a `Result` (bits, flags); all take a
`Format`.
"""

from __future__ import annotations

from torchlean.float32.exact.arithmetic import add, fused_multiply_add, multiply, subtract
from torchlean.float32.exact.classification import (
    NumberClass,
    absolute,
    class_of,
    copy_sign,
    is_canonical,
    is_normal,
    is_sign_minus,
    is_subnormal,
    nan_with_payload,
    negate,
    payload,
)
from torchlean.float32.exact.comparison import (
    PREDICATES,
    Comparison,
    Relation,
    compare,
    relation,
    total_order,
    total_order_magnitude,
)
from torchlean.float32.exact.conversion import convert_format, from_quotient
from torchlean.float32.exact.datum import (
    Datum,
    decode,
    encode,
    is_finite,
    is_infinite,
    is_nan,
    is_signaling,
    is_zero,
    to_fraction,
)
from torchlean.float32.exact.division import divide, remainder, square_root
from torchlean.float32.exact.integral import (
    INT32,
    INT64,
    UINT8,
    UINT32,
    IntegerType,
    OutOfRange,
    convert_from_integer,
    convert_to_integer,
    round_to_integral,
)
from torchlean.float32.exact.neighbours import log_b, next_after, next_down, next_up, scale_b, ulp
from torchlean.float32.exact.rounding import round_exact
from torchlean.float32.exact.selection import (
    max_num_2008,
    maximum,
    maximum_number,
    min_num_2008,
    minimum,
    minimum_number,
)
from torchlean.float32.exact.text import (
    convert_from_decimal,
    convert_from_hexadecimal,
    convert_to_decimal,
    convert_to_hexadecimal,
    shortest_decimal,
)

__all__ = [
    "INT32",
    "INT64",
    "PREDICATES",
    "UINT8",
    "UINT32",
    "Comparison",
    "Datum",
    "IntegerType",
    "NumberClass",
    "OutOfRange",
    "Relation",
    "absolute",
    "add",
    "class_of",
    "compare",
    "convert_format",
    "convert_from_decimal",
    "convert_from_hexadecimal",
    "convert_from_integer",
    "convert_to_decimal",
    "convert_to_hexadecimal",
    "convert_to_integer",
    "copy_sign",
    "decode",
    "divide",
    "encode",
    "from_quotient",
    "fused_multiply_add",
    "is_canonical",
    "is_finite",
    "is_infinite",
    "is_nan",
    "is_normal",
    "is_sign_minus",
    "is_signaling",
    "is_subnormal",
    "is_zero",
    "log_b",
    "max_num_2008",
    "maximum",
    "maximum_number",
    "min_num_2008",
    "minimum",
    "minimum_number",
    "multiply",
    "nan_with_payload",
    "negate",
    "next_after",
    "next_down",
    "next_up",
    "payload",
    "relation",
    "remainder",
    "round_exact",
    "round_to_integral",
    "scale_b",
    "shortest_decimal",
    "square_root",
    "subtract",
    "to_fraction",
    "total_order",
    "total_order_magnitude",
    "ulp",
]
