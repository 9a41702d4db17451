"""Every operator with its interesting attributes and versions: one table for all tests of single operators."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tests.capture.onnx.building import Case, Free, floats, ints, positive, scalar, w, x

UNARY = ["Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "HardSwish", "Mish", "Neg", "Relu", "Round"]
UNARY += [
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Tan",
    "Tanh",
    "Identity",
    "Atan",
    "Asinh",
]
UNARY += ["HardSigmoid", "Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu", "Dropout"]

ELEMENTWISE = [
    *(Case(op, 20 if op in ("Mish",) else 14, [x(2, 3)]) for op in UNARY),
    *(Case(op, 13, [positive(2, 3)]) for op in ("Sqrt", "Log", "Reciprocal")),
    Case("Acosh", 13, [Free((2, 3), 1.2, 3.0)]),
    *(Case(op, 13, [Free((2, 3), -0.9, 0.9)]) for op in ("Asin", "Acos", "Atanh")),
    *(Case(op, 7, [x(2, 3)]) for op in ("Exp", "Relu")),
    *(Case(op, 7, [x(2, 3), w(3)]) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case(op, 14, [x(2, 1, 3), x(4, 1)]) for op in ("Add", "Sub", "Mul")),
    *(Case(op, 13, [w(4, 3), x(3)]) for op in ("Add", "Sub", "Mul")),
    Case("Div", 13, [w(3), positive(2, 3)]),
    Case("Div", 13, [x(2, 3), positive(3)]),
    Case("Sum", 13, [x(2, 3), x(3), w(2, 1)]),
    Case("Mean", 13, [x(2, 3), x(3), w(2, 1)]),
    Case("Max", 8, [x(2, 3), x(3), w(2, 1)]),
    Case("Min", 13, [x(2, 3), x(3), w(2, 1)]),
    Case("Max", 13, [x(2, 3)]),
    Case("Pow", 7, [x(2, 3), scalar(2.0)]),
    Case("Pow", 12, [x(2, 3), np.array(3, np.int64)]),
    Case("Pow", 13, [positive(2, 3), scalar(0.5)]),
    Case("Pow", 13, [positive(2, 3), floats(-1.5)]),
    Case("Pow", 13, [positive(3), w(2, 3)]),
    Case("Pow", 13, [positive(2), np.full((1, 1), 2.0, np.float32)]),
    Case("Mod", 13, [positive(2, 3), floats(0.7)], {"fmod": 1}),
    Case("LeakyRelu", 6 + 1, [x(2, 3)], {"alpha": 0.3}),
    Case("Elu", 9, [x(2, 3)], {"alpha": 0.7}),
    Case("Celu", 12, [x(2, 3)], {"alpha": 0.7}),
    Case("Selu", 9, [x(2, 3)], {"alpha": 1.5, "gamma": 0.9}),
    Case("HardSigmoid", 9, [x(2, 3)], {"alpha": 0.4, "beta": 0.3}),
    Case("ThresholdedRelu", 10, [x(2, 3)], {"alpha": 0.25}),
    Case("PRelu", 9, [x(2, 3, 4), w(3, 1)]),
    Case("PRelu", 16, [x(2, 3, 4), w(1)]),
    Case("PRelu", 16, [x(2, 3, 4), w(4)]),
    Case("PRelu", 9, [x(2, 3), w(3)]),
    Case("Gelu", 20, [x(2, 3)]),
    Case("Gelu", 20, [x(2, 3)], {"approximate": "tanh"}),
    Case("Clip", 7, [x(2, 3)], {"min": -0.5, "max": 1.0}),
    Case("Clip", 9, [x(2, 3)], {"max": 1.0}),
    Case("Clip", 11, [x(2, 3), scalar(-0.5), scalar(1.0)]),
    Case("Clip", 12, [x(2, 3), None, scalar(1.0)]),
    Case("Clip", 13, [x(2, 3), scalar(0.0)]),
    Case("Clip", 13, [x(2, 3), x(), scalar(1.0)]),
    Case("Clip", 13, [x(2, 3)]),
    *(Case("Softmax", opset, [x(2, 3, 4)], {"axis": axis}) for opset in (9, 11, 13) for axis in (1, 2)),
    Case("Softmax", 11, [x(2, 3)]),
    Case("Softmax", 11, [x(2, 3, 2)], {"axis": 0}),
    Case("Softmax", 13, [x(2, 3)]),
    Case("Softmax", 13, [x(2, 3, 4)], {"axis": -2}),
    Case("LogSoftmax", 9, [x(2, 3, 2)]),
    Case("LogSoftmax", 13, [x(2, 3, 4)], {"axis": 1}),
    Case("Cast", 13, [x(2, 3)], {"to": TensorProto.DOUBLE}),
    Case("Cast", 9, [x(2, 3)], {"to": TensorProto.BOOL}),
    Case("CastLike", 15, [x(2, 3), np.zeros(1, np.float64)]),
]

CHOICES = [
    *(Case(op, 13, [x(2, 3), w(3)]) for op in ("Equal", "Less", "Greater")),
    *(Case(op, 16, [x(2, 3), x(3)]) for op in ("LessOrEqual", "GreaterOrEqual")),
    Case("Less", 9, [x(2, 3), scalar(0.0)]),
    Case("Where", 9, [np.array([True, False, True]), x(2, 3), w(3)]),
]

PRODUCTS = [
    Case("Gemm", 7, [x(2, 3), w(3, 4), w(4)]),
    Case("Gemm", 9, [x(2, 3), w(4, 3), w(4)], {"transB": 1}),
    Case("Gemm", 11, [x(2, 3), w(3, 4)]),
    Case("Gemm", 13, [x(3, 2), w(3, 4), w(1, 4)], {"transA": 1}),
    Case("Gemm", 13, [x(2, 3), w(4, 3), w(2, 1)], {"alpha": 0.5, "beta": 2.0, "transB": 1}),
    Case("Gemm", 13, [x(2, 3), w(3, 4), w(2, 4)]),
    Case("Gemm", 13, [x(2, 3), w(3, 4), scalar(0.5)]),
    Case("Gemm", 13, [x(2, 3), w(3, 4), x(4)]),
    Case("Gemm", 13, [w(2, 3), x(3, 4), w(4)]),
    Case("Gemm", 13, [x(2, 3), x(4, 3), w(4)], {"transB": 1, "alpha": 0.5}),
    Case("MatMul", 9, [x(2, 3), w(3, 4)]),
    Case("MatMul", 13, [x(5, 2, 3), w(3, 4)]),
    Case("MatMul", 13, [x(3), w(3, 4)]),
    Case("MatMul", 13, [x(2, 3), w(3)]),
    Case("MatMul", 13, [w(2, 3), x(3, 2)]),
    Case("MatMul", 13, [x(2, 2, 3), w(2, 3, 4)]),
    Case("MatMul", 13, [x(2, 3), x(3, 2)]),
    Case("MatMul", 13, [x(2, 1, 2, 3), x(2, 3, 2)]),
    Case("Einsum", 12, [x(2, 3), w(3, 4)], {"equation": "ij,jk->ik"}),
    Case("Einsum", 12, [x(2, 3), x(2, 3)], {"equation": "bi, bi -> b"}),
    Case("Einsum", 12, [x(2, 3)], {"equation": "ij->ji"}),
]

IMAGE = x(1, 2, 6, 5)
CONVOLUTIONS = [
    Case("Conv", 7, [IMAGE, w(3, 2, 3, 2)]),
    Case("Conv", 11, [IMAGE, w(3, 2, 3, 3), w(3)], {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
    Case("Conv", 11, [IMAGE, w(3, 2, 3, 3), w(3)], {"pads": [0, 1, 2, 0], "kernel_shape": [3, 3]}),
    Case("Conv", 11, [IMAGE, w(4, 1, 2, 2)], {"group": 2, "dilations": [2, 1]}),
    *(
        Case("Conv", 11, [IMAGE, w(3, 2, 3, 2)], {"auto_pad": mode, "strides": [2, 2]})
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    Case("Conv", 11, [x(2, 2, 6), w(3, 2, 3), w(3)], {"pads": [1, 0]}),
    Case("Conv", 11, [x(1, 1, 3, 4, 3), w(2, 1, 2, 2, 2), w(2)], {"pads": [1, 0, 1, 0, 0, 1]}),
    Case("Conv", 11, [x(1, 1, 3, 3), x(2, 1, 2, 2)]),
    Case("ConvTranspose", 7, [IMAGE, w(2, 3, 3, 2)]),
    Case("ConvTranspose", 11, [IMAGE, w(2, 3, 3, 3), w(3)], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    Case("ConvTranspose", 11, [IMAGE, w(2, 3, 3, 3), w(3)], {"pads": [0, 1, 1, 0], "strides": [2, 2]}),
    Case("ConvTranspose", 11, [IMAGE, w(2, 2, 2, 2)], {"group": 2, "dilations": [2, 1]}),
    Case("ConvTranspose", 11, [IMAGE, w(2, 3, 3, 3)], {"strides": [2, 2], "output_padding": [1, 1]}),
    Case(
        "ConvTranspose",
        11,
        [IMAGE, w(2, 3, 3, 3), w(3)],
        {"strides": [2, 2], "output_padding": [1, 1], "pads": [1, 0, 0, 0]},
    ),
    Case("ConvTranspose", 11, [IMAGE, w(2, 3, 3, 3)], {"strides": [2, 2], "output_shape": [12, 10]}),
    *(
        Case("ConvTranspose", 11, [IMAGE, w(2, 3, 3, 3)], {"strides": [2, 2], "auto_pad": mode})
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    Case("ConvTranspose", 11, [x(2, 2, 4), w(2, 3, 3)], {"strides": [3]}),
]

POOLING = [
    *(
        Case(op, 12, [IMAGE], {"kernel_shape": kernel, "strides": strides, "pads": pads, "ceil_mode": ceil})
        for op in ("MaxPool", "AveragePool")
        for kernel, strides, pads in (
            ([2, 2], [2, 2], [0, 0, 0, 0]),
            ([3, 3], [2, 2], [1, 1, 1, 1]),
            ([3, 2], [2, 3], [0, 1, 1, 0]),
            ([3, 3], [1, 2], [2, 2, 2, 2]),
            ([3, 3], [3, 3], [0, 0, 0, 0]),
        )
        for ceil in (0, 1)
    ),
    *(
        Case("AveragePool", 11, [IMAGE], {"kernel_shape": [3, 3], "pads": pads, "count_include_pad": 1})
        for pads in ([1, 1, 1, 1], [1, 0, 2, 1])
    ),
    *(
        Case(op, 11, [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": mode})
        for op in ("MaxPool", "AveragePool")
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    # The last window reaches beyond the padding: what is there is not counted.
    *(
        Case(
            "AveragePool",
            19,
            [x(1, 2, size, 5)],
            {
                "kernel_shape": [kernel, 2],
                "strides": [stride, 2],
                "pads": [1, 1, 0, 0],
                "ceil_mode": 1,
                "count_include_pad": 1,
            },
        )
        for size, kernel, stride in ((4, 2, 2), (4, 3, 3), (7, 3, 2))
    ),
    Case("MaxPool", 8, [x(2, 2, 7)], {"kernel_shape": [3]}),
    Case("MaxPool", 12, [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 1], "pads": [1, 0, 1, 0]}),
    Case("MaxPool", 12, [x(1, 1, 3, 4, 3)], {"kernel_shape": [2, 2, 2]}),
    Case("AveragePool", 7, [x(2, 2, 7)], {"kernel_shape": [3], "strides": [2]}),
    Case("AveragePool", 19, [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 1]}),
    Case("AveragePool", 11, [x(1, 1, 3, 4, 3)], {"kernel_shape": [2, 2, 2], "pads": [1, 0, 0, 0, 0, 0]}),
    Case("GlobalAveragePool", 9, [IMAGE]),
    Case("GlobalAveragePool", 9, [x(2, 2, 3)]),
    Case("GlobalMaxPool", 9, [IMAGE]),
]

VARIANCE = np.array([0.5, 1.5], np.float32)
NORMALIZATIONS = [
    *(Case("BatchNormalization", o, [IMAGE, w(2), w(2, seed=1), w(2, seed=2), VARIANCE]) for o in (7, 9, 15)),
    Case("BatchNormalization", 14, [x(3, 2), w(2), w(2, seed=1), w(2, seed=2), VARIANCE], {"epsilon": 0.1}),
    Case("LayerNormalization", 17, [x(2, 3, 4), w(4), w(4, seed=1)]),
    Case("LayerNormalization", 17, [x(2, 3, 4), w(3, 4)], {"axis": 1, "epsilon": 1e-3}),
    Case("LayerNormalization", 17, [x(2, 3, 4), w(4), w(4, seed=1)], {"axis": 1}),
    Case("InstanceNormalization", 9, [IMAGE, w(2), w(2, seed=1)]),
]

LAYOUT = [
    *(Case("Flatten", 9 if axis >= 0 else 11, [x(2, 3, 4)], {"axis": axis}) for axis in (0, 1, 2, 3, -1)),
    Case("Flatten", 13, [x(3)], {"axis": 0}),
    Case("Reshape", 9, [x(2, 3, 4), ints(0, -1)]),
    Case("Reshape", 13, [x(2, 3, 4), ints(4, 0, 2)]),
    Case("Reshape", 14, [x(2, 3, 4), ints(-1)]),
    Case("Reshape", 14, [x(2, 3), ints(3, 2)], {"allowzero": 1}),
    Case("Reshape", 14, [x(1, 1), np.zeros(0, np.int64)]),
    Case("Transpose", 13, [x(2, 3, 4)]),
    Case("Transpose", 13, [x(2, 3, 4)], {"perm": [1, 0, 2]}),
    Case("Squeeze", 11, [x(1, 3, 1)], {"axes": [0]}),
    Case("Squeeze", 11, [x(1, 3, 1)]),
    Case("Squeeze", 13, [x(1, 3, 1), ints(-1)]),
    Case("Unsqueeze", 11, [x(2, 3)], {"axes": [0, 3]}),
    Case("Unsqueeze", 13, [x(2, 3), ints(-1, 1)]),
    Case("Expand", 13, [x(3, 1), ints(2, 1, 4)]),
    Case("Expand", 13, [x(3, 4), ints(1)]),
    Case("Tile", 13, [x(2, 3), ints(2, 1)]),
    Case("Concat", 11, [x(2, 3), w(2, 1), x(2, 2)], {"axis": -1}),
    Case("Concat", 13, [x(2, 3)], {"axis": 0}),
    Case("Split", 11, [x(2, 6)], {"axis": 1, "split": [1, 3, 2]}, outputs=3),
    Case("Split", 13, [x(4, 3)], outputs=2),
    Case("Split", 13, [x(2, 6), ints(4, 2)], {"axis": -1}, outputs=2),
    Case("Split", 18, [x(7, 2)], {"num_outputs": 3}, outputs=3),
    Case("Slice", 9, [x(4, 5)], {"starts": [1], "ends": [-1], "axes": [1]}),
    Case("Slice", 9, [x(4, 5)], {"starts": [0, 1], "ends": [3, 100]}),
    Case("Slice", 10, [x(4, 5), ints(1, 4), ints(3, -100), ints(0, 1), ints(1, -2)]),
    Case("Slice", 13, [x(4, 5), ints(-100), ints(100), ints(-1), ints(3)]),
    Case("Slice", 13, [x(4, 5), ints(-1), ints(-(2**63)), ints(0), ints(-1)]),
    Case("Slice", 13, [x(4, 5), ints(0, 2), ints(4, 3)]),
    Case("Gather", 11, [x(4, 5), np.array(2, np.int64)], {"axis": 1}),
    Case("Gather", 13, [x(4, 5), ints(3, -4, 0)]),
    Case("Gather", 13, [x(4, 5), np.array([[0, 1], [4, 1]], np.int32)], {"axis": 1}),
    Case("Gather", 13, [w(4, 5), ints(1)], {"axis": -1}),
    Case("GatherElements", 13, [x(2, 3), np.array([[0, -1, 1]], np.int64)], {"axis": 0}),
    Case("Trilu", 14, [x(3, 4)]),
    Case("Trilu", 14, [x(3, 4), np.array(-1, np.int64)], {"upper": 0}),
    Case("Pad", 9, [x(2, 3)], {"pads": [1, 0, 0, 2], "value": 0.5}),
    Case("Pad", 9, [x(2, 4)], {"pads": [0, 2, 1, 3], "mode": "reflect"}),
    Case("Pad", 11, [x(2, 3), ints(1, -1, 0, 2), scalar(0.25)]),
    Case("Pad", 13, [x(2, 3), ints(0, 1, 2, 0)], {"mode": "edge"}),
    Case("Pad", 18, [x(2, 3), ints(1, 2), scalar(1.0), ints(1)]),
    Case("Pad", 19, [x(2, 3), ints(0, 2, 0, 1)], {"mode": "wrap"}),
    Case("DepthToSpace", 11, [x(1, 8, 2, 3)], {"blocksize": 2}),
    Case("DepthToSpace", 13, [x(1, 8, 2, 3)], {"blocksize": 2, "mode": "CRD"}),
    Case("SpaceToDepth", 13, [x(1, 2, 4, 6)], {"blocksize": 2}),
]

REDUCED = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"]
REDUCED += ["ReduceSumSquare", "ReduceLogSumExp"]
REDUCTIONS = [
    *(Case(op, 11, [x(2, 3, 4)], {"axes": [0, -1], "keepdims": 0}) for op in REDUCED),
    *(Case(op, 11, [x(2, 3)]) for op in REDUCED),
    *(Case(op, 18, [x(2, 3, 4), ints(1)]) for op in REDUCED),
    Case("ReduceSum", 13, [x(2, 3, 4), ints(-1)], {"keepdims": 0}),
    Case("ReduceSum", 13, [x(2, 3)], {"noop_with_empty_axes": 1}),
    Case("ReduceMean", 18, [x(2, 3), np.zeros(0, np.int64)], {"noop_with_empty_axes": 0}),
    Case("ReduceL1", 18, [x()], {"keepdims": 0}),
    Case("ReduceLogSum", 13, [positive(2, 3)], {"axes": [1]}),
    Case("ArgMax", 11, [x(2, 3)]),
    Case("ArgMax", 13, [x(2, 3)], {"axis": -1, "keepdims": 0}),
    Case("ArgMin", 13, [x(2, 3)], {"axis": 1, "select_last_index": 1}),
    Case("CumSum", 11, [x(2, 4), np.array(1, np.int64)]),
    Case("CumSum", 14, [x(2, 4), np.array(-1, np.int64)], {"exclusive": 1, "reverse": 1}),
    Case("CumSum", 14, [x(2, 4), np.array(0, np.int64)], {"exclusive": 1}),
]

RESIZED = x(1, 1, 3, 4)
UP, DOWN = floats(1, 1, 2, 2), floats(1, 1, 0.6, 0.5)
RESIZING = [
    Case("Upsample", 7, [RESIZED], {"scales": [1.0, 1.0, 2.0, 3.0]}),
    Case("Upsample", 9, [RESIZED, UP], {"mode": "linear"}),
    Case("Resize", 10, [RESIZED, UP]),
    *(
        Case(
            "Resize",
            13,
            [RESIZED, None, scales],
            {"coordinate_transformation_mode": mode, "nearest_mode": nearest},
        )
        for mode in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        for scales in (UP, DOWN)
    ),
    # Between aligned corners a product of whole numbers is divided: no scale is rounded.
    *(
        Case(
            "Resize",
            13,
            [RESIZED, None, None, ints(1, 1, *sizes)],
            {"coordinate_transformation_mode": "align_corners", "nearest_mode": nearest},
        )
        for nearest in ("floor", "ceil")
        for sizes in ((7, 7), (2, 5), (1, 10))
    ),
    Case(
        "Resize",
        13,
        [Free((1, 2, 3, 2)), None, None, ints(1, 2, 5, 2)],
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"},
    ),
    # Weights such as a third, which no type holds.
    *(
        Case(
            "Resize",
            13,
            [Free(shape), None, None, ints(*shape[:2], *sizes)],
            {"mode": "linear", "coordinate_transformation_mode": mode},
        )
        for mode in ("half_pixel", "pytorch_half_pixel", "align_corners")
        for shape, sizes in (((1, 2, 5), (7,)), ((1, 1, 4, 3), (3, 7)), ((1, 1, 3, 3, 3), (5, 2, 3)))
    ),
    *(
        Case(
            "Resize",
            13,
            [Free((1, 1, 4, 3)), None, floats(1, 1, 1.3, 2.7)],
            {"mode": "linear", "coordinate_transformation_mode": mode},
        )
        for mode in ("half_pixel", "pytorch_half_pixel", "align_corners")
    ),
    *(
        Case("Resize", 13, [RESIZED, None, UP], {"mode": "linear", "coordinate_transformation_mode": mode})
        for mode in ("half_pixel", "pytorch_half_pixel", "asymmetric")
    ),
    Case("Resize", 13, [RESIZED, None, None, ints(1, 1, 6, 8)], {"mode": "linear"}),
    Case("Resize", 13, [RESIZED, None, None, ints(1, 1, 6, 2)]),
    Case("Resize", 18, [RESIZED, None, floats(2, 2)], {"axes": [2, 3]}),
]

CONSTANTS = [
    Case("Constant", 9, [], {"value": numpy_helper.from_array(w(2, 3))}),
    Case("Constant", 12, [], {"value_floats": [0.5, 1.5]}),
    Case("Constant", 12, [], {"value_ints": [1, 2]}),
    Case("Constant", 12, [], {"value_float": 0.5}),
    Case("ConstantOfShape", 9, [ints(2, 3)]),
    Case("ConstantOfShape", 9, [ints()], {"value": helper.make_tensor("v", TensorProto.INT64, [1], [7])}),
    Case("Shape", 13, [x(2, 3, 4)]),
    Case("Shape", 15, [x(2, 3, 4)], {"start": -2, "end": 100}),
    Case("Size", 13, [x(2, 3)]),
    Case("Range", 11, [np.array(1, np.int64), np.array(8, np.int64), np.array(3, np.int64)]),
    Case("Range", 11, [scalar(3.0), scalar(-1.0), scalar(-1.0)]),
]

CASES = [
    *ELEMENTWISE,
    *CHOICES,
    *PRODUCTS,
    *CONVOLUTIONS,
    *POOLING,
    *NORMALIZATIONS,
    *LAYOUT,
    *REDUCTIONS,
    *RESIZING,
    *CONSTANTS,
]
