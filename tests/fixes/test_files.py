"""Edits keep the rest of a file byte for byte, whatever its line ends and letters, and bring the imports they need."""

from __future__ import annotations

import pytest
from tests.fixes.proposing import fixed, proposals

from torchlean.edits import Edit, applied
from torchlean.source import Span

LOG = "«torch.log(torch.sigmoid(z))»"


def test_a_missing_import_is_added_behind_the_one_of_torch() -> None:
    text = f'"""Doc."""\nimport math\nimport torch\nimport os\n\nloss = {LOG}\n'
    assert fixed(text, "TL212", "Use logsigmoid") == (
        '"""Doc."""\nimport math\nimport torch\nimport torch.nn.functional as F\nimport os\n\nloss = F.logsigmoid(z)\n'
    )


@pytest.mark.parametrize(
    ("imports", "spelled"),
    [
        ("import torch\nimport torch.nn.functional as F", "F.logsigmoid(z)"),
        ("import torch\nfrom torch.nn import functional as F", "F.logsigmoid(z)"),
        ("import torch\nfrom torch.nn import functional", "functional.logsigmoid(z)"),
        ("import torch\nF = 3", "torch.nn.functional.logsigmoid(z)"),
        ("import torch\nimport fractions as F", "torch.nn.functional.logsigmoid(z)"),
    ],
)
def test_the_functional_module_is_spelled_as_the_file_does_where_it_does(imports: str, spelled: str) -> None:
    assert (
        fixed(f"{imports}\n\nloss = {LOG}\n", "TL212", "Use logsigmoid") == f"{imports}\n\nloss = {spelled}\n"
    )


def test_a_method_needs_torch_imported_for_its_function() -> None:
    text = "from torch import nn\n\ndef f(x):\n    return «(1 + x).log()»\n"
    assert fixed(text, "TL206", "Use log1p") == (
        "from torch import nn\nimport torch\n\ndef f(x):\n    return torch.log1p(x)\n"
    )


def test_an_import_is_added_behind_the_comment_of_the_line_before() -> None:
    assert fixed(f"import torch  # tensors\nx = {LOG}\n", "TL212", "Use logsigmoid") == (
        "import torch  # tensors\nimport torch.nn.functional as F\nx = F.logsigmoid(z)\n"
    )


def test_an_import_is_not_added_into_a_line_with_other_statements() -> None:
    assert fixed(f"import torch; y = (1,\n2)\nx = {LOG}\n", "TL212", "Use logsigmoid") == (
        "import torch.nn.functional as F\nimport torch; y = (1,\n2)\nx = F.logsigmoid(z)\n"
    )


def test_torch_under_another_name_keeps_it() -> None:
    assert fixed("import torch as th\nx = «th.log(1 + y)»\n", "TL206", "Use log1p") == (
        "import torch as th\nx = th.log1p(y)\n"
    )


def test_a_file_with_carriage_returns_keeps_them_and_gets_one_more() -> None:
    text = f"import torch\r\n\r\nloss = {LOG}  # end\r\n"
    assert fixed(text, "TL212", "Use logsigmoid") == (
        "import torch\r\nimport torch.nn.functional as F\r\n\r\nloss = F.logsigmoid(z)  # end\r\n"
    )


def test_columns_behind_wide_characters_are_right() -> None:
    text = "import torch\nκ = '😀'; 値 = «torch.log(1 + κ値)»; β = '😀'\n"
    assert fixed(text, "TL206", "Use log1p") == "import torch\nκ = '😀'; 値 = torch.log1p(κ値); β = '😀'\n"


def test_an_expression_over_several_lines_keeps_the_text_of_its_operand() -> None:
    text = "import torch\nx = «torch.log(\n    1 + g(a,  # first\n          b)\n)» * 2\n"
    assert fixed(text, "TL206", "Use log1p") == (
        "import torch\nx = torch.log1p(g(a,  # first\n          b)) * 2\n"
    )


def test_logarithms_of_other_modules_are_left_alone() -> None:
    for module in ("math", "numpy"):
        assert proposals(f"import {module}\nx = «{module}.log(1 + y)»\n", "TL206")[1] == []


def test_nothing_is_proposed_inside_a_formatted_string() -> None:
    assert proposals("import torch\nx = f'{«torch.log(1 + y)»}'\n", "TL206")[1] == []


def test_edits_that_overlap_are_refused() -> None:
    edits = [Edit(Span("m.py", 0, 0, 0, 3), "x"), Edit(Span("m.py", 0, 2, 0, 4), "y")]
    with pytest.raises(ValueError, match="overlap at offset 2"):
        applied("abcdef", edits)
