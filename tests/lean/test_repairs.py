"""Each repair applies to the passage it was written for and to nothing else."""

from __future__ import annotations

import pytest

from torchlean.lean import RepairError
from torchlean.lean.repairs import REPAIRS, keep_used_exports, repaired

PASSAGES = {
    "the merging of exports": "var mergeLibSymbols=(exports,libName)=>{}",
    "the table of functions": "var updateGOT=(exports,replace)=>{}",
    "the addresses of exports": "assignWasmExports(wasmExports);updateGOT(origExports);",
    "the search in the table": "functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)",
    "the search for symbols": "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
    "the number of threads": "var pthreadPoolSize=4;",
    "the workers' stack": 'worker=new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})',
    "standard input": "var FS_stdin_getChar=()=>{old();return FS_stdin_getChar_buffer.shift()};",
    "the mounted folders": 'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");',
}
LIST = (
    "var _a,_b,_c,d;function assignWasmExports(wasmExports){"
    '_a=wasmExports["a"];_b=wasmExports["b"];d=wasmExports["d"].value}'
)
GLUE = "\n".join([*PASSAGES.values(), LIST, "use(_b)"])


def test_all_repairs_apply_to_a_text_with_all_passages() -> None:
    text = repaired(GLUE)
    assert text != GLUE
    for old in ("indexOf(symbol)", "pthreadPoolSize=4", "updateGOT(origExports)", 'root:"/home"}', "shift()"):
        assert old not in text


@pytest.mark.parametrize("what", PASSAGES)
def test_a_missing_passage_is_named_and_nothing_is_repaired(what: str) -> None:
    with pytest.raises(RepairError, match=f"{what} does not apply.*0 times"):
        repaired(GLUE.replace(PASSAGES[what], ""))


@pytest.mark.parametrize("what", PASSAGES)
def test_a_passage_that_occurs_twice_is_refused(what: str) -> None:
    with pytest.raises(RepairError, match="does not apply"):
        repaired(GLUE + PASSAGES[what])


def test_a_repaired_text_is_not_repaired_again() -> None:
    with pytest.raises(RepairError):
        repaired(repaired(GLUE))


def test_exports_are_kept_where_the_text_uses_them_and_where_they_are_addresses_of_data() -> None:
    text = keep_used_exports(LIST + "use(_b)")
    assert text == (
        'var _b,d;function assignWasmExports(wasmExports){_b=wasmExports["b"];d=wasmExports["d"].value}use(_b)'
    )


def test_a_list_of_exports_in_another_form_is_refused() -> None:
    with pytest.raises(RepairError, match="list of exports"):
        keep_used_exports(LIST.replace("var _a,", "let [x]=0;var _a=1,"))


def test_every_repair_says_why_it_is_made() -> None:
    assert all(repair.__doc__ for repair in REPAIRS)
