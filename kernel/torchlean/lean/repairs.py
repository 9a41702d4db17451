"""The repairs of the JavaScript around the embedded Lean: pure functions from text to text.

As shipped, `lean --version` takes 17 s and a one-line theorem 3 min 42 s; almost all of it is spent in this file and
not in Lean. Each repair replaces a passage that must be there exactly as often as stated, so that another version of
the file is refused and never half repaired. None touches `lean.wasm`: the kernel that checks is the one of the package.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from torchlean.lean.errors import RepairError

MOUNTS_VARIABLE = "TORCHLEAN_LEAN_MOUNTS"
"""Names the folders that the embedded Lean may see, as a JSON list of absolute real paths."""

WORKER_STACK = 200
"""MiB of stack for each thread of Lean. Deep terms overflow the 4 MiB that Node.js gives by default; the memory is
reserved and only taken when used."""

POLL = 5
"""Milliseconds between two looks at a standard input that has nothing yet, where it cannot be waited for."""


def repaired(glue: str) -> str:
    """The text with all repairs.

    Raises:
        RepairError: a passage to be replaced is not there, or more than once.
    """
    for repair in REPAIRS:
        glue = repair(glue)
    return glue


def _replaced(glue: str, what: str, old: str, new: str) -> str:
    count = glue.count(old)
    if count != 1:
        raise RepairError(
            f"the repair of {what} does not apply: its passage occurs {count} times instead of once. This TorchLean "
            "was written for another version of the package"
        )
    return glue.replace(old, new)


def look_exports_up(glue: str) -> str:
    """As shipped, each of five threads copies 200,000 exports one by one. Let lookups fall through to the exports.

    What the copying did besides stays: placeholders give way to exports of their name, and `main` has two names.
    """
    old = "var mergeLibSymbols=(exports,libName)=>{"
    new = (
        old + 'if(libName=="main"){for(var name of Object.keys(wasmImports)){'
        "if(wasmImports[name]?.stub&&name in exports){wasmImports[name]=exports[name]}}"
        "Object.setPrototypeOf(wasmImports,exports);"
        'for(var [one,other] of [["main","__main_argc_argv"],["__main_argc_argv","main"]]){'
        "if(one in exports&&!(other in exports)){wasmImports[other]??=exports[one]}}return}"
    )
    return _replaced(glue, "the merging of exports", old, new)


def tabulate_functions(glue: str) -> str:
    """As shipped, each thread gives each exported function an address by one growth of the table, one entry in a weak
    map and one global variable; that is most of the time to start. Give all of them addresses by one growth, in the
    order of the exports and so alike in all threads. Only what the program imports by address (269 names) goes the old
    way.
    """
    table = (
        "var tabulated=new Map,tableBase;var tabulate=exports=>{var functions=[];for(var name in exports){"
        'var value=exports[name];if(typeof value=="function"){tabulated.set(name,functions.length);'
        "functions.push(value)}}tableBase=wasmTable.grow(functions.length);"
        "for(var i=0;i<functions.length;i++){wasmTable.set(tableBase+i,functions[i])}};"
        "var imported=exports=>Object.fromEntries(Object.keys(GOT).filter(name=>name in exports)"
        ".map(name=>[name,exports[name]]));"
    )
    old = "var updateGOT=(exports,replace)=>{"
    glue = _replaced(glue, "the table of functions", old, table + old)
    old = "assignWasmExports(wasmExports);updateGOT(origExports);"
    new = "assignWasmExports(wasmExports);tabulate(origExports);updateGOT(imported(origExports));"
    glue = _replaced(glue, "the addresses of exports", old, new)
    old = "functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)"
    new = "functionsInTableMap=new WeakMap;updateTableMap(0,tableBase??wasmTable.length)"
    return _replaced(glue, "the search in the table", old, new)


def find_symbols_by_name(glue: str) -> str:
    """`dlsym` searches 200,000 names one by one, 100 ms each and thousands of times: ask the table of functions.

    The names of the program's own imports, the few that remain, are searched in a map built once; what is neither (an
    address of data) needs no number.
    """
    old = "newSymIndex=Object.keys(lib.exports).indexOf(symbol);"
    new = (
        "if(lib.exports===wasmImports&&tabulated.has(symbol)&&!Object.hasOwn(wasmImports,symbol))"
        "{return tableBase+tabulated.get(symbol)}"
        "lib.symbolIndex??=new Map(Object.keys(lib.exports).map((name,index)=>[name,index]));"
        "newSymIndex=lib.symbolIndex.get(symbol)??(symbol in lib.exports?0:-1);"
    )
    return _replaced(glue, "the search for symbols", old, new)


def keep_a_thread_less(glue: str) -> str:
    """Threads that are ready from the start. Lean uses three when it is told to use two (`--threads=2`, in
    `toolchain.py`); each costs a second and 100 MB."""
    return _replaced(glue, "the number of threads", "var pthreadPoolSize=4;", "var pthreadPoolSize=3;")


_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_ASSIGN = "function assignWasmExports(wasmExports){"


def keep_used_exports(glue: str) -> str:
    """97 % of the text gives each of 200,000 exports a variable. Keep those that the rest of the text mentions, and
    the addresses of data (`.value`), which are read by name."""
    start = glue.find(_ASSIGN)
    declarations = glue.rfind("var ", 0, start) if start >= 0 else -1
    end = glue.find("}", start)
    names = glue[declarations + len("var ") : start]
    if start < 0 or declarations < 0 or end < 0 or not re.fullmatch(r"[\w$,]+;", names):
        raise RepairError(
            "the repair of the list of exports does not apply: the list is not where it was. This TorchLean was "
            "written for another version of the package"
        )
    used = set(_IDENTIFIER.findall(glue[:declarations])) | set(_IDENTIFIER.findall(glue[end:]))
    assignments = [text for text in glue[start + len(_ASSIGN) : end].split(";") if text]
    kept = [text for text in assignments if text.endswith(".value") or text.split("=", 1)[0].strip() in used]
    assigned = {text.split("=", 1)[0].strip() for text in kept}
    declared = [name for name in names[:-1].split(",") if name in used or name in assigned]
    return f"{glue[:declarations]}var {','.join(declared)};{_ASSIGN}{';'.join(kept)}{glue[end:]}"


def give_workers_a_stack(glue: str) -> str:
    """Threads of Lean run in workers, whose stack is too small for deep terms."""
    old = 'worker=new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})'
    options = f'{{workerData:"em-pthread",name:"em-pthread",resourceLimits:{{stackSizeMb:{WORKER_STACK}}}}}'
    return _replaced(glue, "the workers' stack", old, f"worker=new Worker(pthreadMainJs,{options})")


def read_input_as_bytes(glue: str) -> str:
    """Standard input: wait where there is nothing yet (as shipped: "hardware fault (error code: 29)"), and pass bytes
    on as they are. As shipped, each 256 bytes are decoded by themselves, which destroys a character that spans two."""
    start = "var FS_stdin_getChar=()=>{"
    end = "return FS_stdin_getChar_buffer.shift()};"
    old = glue[glue.find(start) : glue.find(end) + len(end)] if start in glue and end in glue else start + end
    new = (
        "var FS_stdin_bytes=null,FS_stdin_next=0,FS_stdin_count=0;"
        "var FS_stdin_getChar=()=>{if(FS_stdin_next>=FS_stdin_count){FS_stdin_bytes??=Buffer.alloc(65536);for(;;){try{"
        "FS_stdin_count=fs.readSync(0,FS_stdin_bytes,0,65536);break}catch(e){"
        'if(e.code==="EAGAIN"){Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,'
        + str(POLL)
        + ");continue}"
        'if(e.code==="EOF"){FS_stdin_count=0;break}throw e}}'
        "FS_stdin_next=0;if(!FS_stdin_count)return null}return FS_stdin_bytes[FS_stdin_next++]};"
    )
    return _replaced(glue, "standard input", old, new)


def mount_named_folders(glue: str) -> str:
    """As shipped, Lean sees /home, /tmp and nothing else. Show it the folders that the caller names."""
    old = 'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");'
    new = (
        f'for(var folder of JSON.parse(process.env["{MOUNTS_VARIABLE}"]||"[\\"/home\\",\\"/tmp\\"]")){{'
        "FS.mkdirTree(folder);FS.mount(NODEFS,{root:folder},folder)}"
    )
    return _replaced(glue, "the mounted folders", old, new)


REPAIRS: tuple[Callable[[str], str], ...] = (
    look_exports_up,
    tabulate_functions,
    find_symbols_by_name,
    keep_a_thread_less,
    keep_used_exports,
    give_workers_a_stack,
    read_input_as_bytes,
    mount_named_folders,
)
