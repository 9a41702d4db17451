"""`re`: patterns on text that is known, as models take names and descriptions of their blocks apart."""

from torchlean.capture.intrinsics import unknown
from torchlean.capture.regular_expressions import compiled, escaped, match_spans, split_text, substituted

NOFLAG = 0
TEMPLATE = T = 1
IGNORECASE = I = 2
LOCALE = L = 4
MULTILINE = M = 8
DOTALL = S = 16
UNICODE = U = 32
VERBOSE = X = 64
DEBUG = 128
ASCII = A = 256


class Match:
    def __init__(self, pattern, text, spans):
        self.re = pattern
        self.string = text
        self._spans = spans

    def _place(self, group):
        if isinstance(group, str) and group not in self.re.groupindex:
            raise IndexError("no such group")
        return self.re.groupindex[group] if isinstance(group, str) else group

    def span(self, group=0):
        return self._spans[self._place(group)]

    def start(self, group=0):
        return self.span(group)[0]

    def end(self, group=0):
        return self.span(group)[1]

    def __getitem__(self, group):
        first, last = self.span(group)
        return None if first < 0 else self.string[first:last]

    def group(self, *groups):
        if len(groups) < 2:
            return self[groups[0] if groups else 0]
        return tuple(self[group] for group in groups)

    def groups(self, default=None):
        found = [self[place] for place in range(1, len(self._spans))]
        return tuple(default if part is None else part for part in found)

    @property
    def lastindex(self):
        return unknown("the last group that matched is not followed")

    lastgroup = lastindex

    def expand(self, template):
        return unknown("`expand` of a match is not followed")

    def groupdict(self, default=None):
        found = {name: self[name] for name in self.re.groupindex}
        return {name: default if part is None else part for name, part in found.items()}


class Pattern:
    def __init__(self, pattern, flags):
        self.pattern = pattern
        self.flags = flags
        self.groups, self.groupindex = compiled(pattern, flags)

    def _first(self, how, text, pos, endpos):
        if pos or endpos is not None:
            return unknown("matching a part of a text is not followed")
        found = match_spans(how, self.pattern, self.flags, text)
        return Match(self, text, found[0]) if found else None

    def match(self, string, pos=0, endpos=None):
        return self._first("match", string, pos, endpos)

    def fullmatch(self, string, pos=0, endpos=None):
        return self._first("fullmatch", string, pos, endpos)

    def search(self, string, pos=0, endpos=None):
        return self._first("search", string, pos, endpos)

    def _all(self, text, pos, endpos):
        if pos or endpos is not None:
            return unknown("matching a part of a text is not followed")
        return [Match(self, text, spans) for spans in match_spans("finditer", self.pattern, self.flags, text)]

    def finditer(self, string, pos=0, endpos=None):
        return iter(self._all(string, pos, endpos))

    def findall(self, string, pos=0, endpos=None):
        found = self._all(string, pos, endpos)
        if self.groups > 1:
            return [match.groups("") for match in found]
        return [match.groups("")[0] if self.groups else match[0] for match in found]

    def split(self, string, maxsplit=0):
        return split_text(self.pattern, self.flags, string, maxsplit)

    def subn(self, repl, string, count=0):
        return unknown("how often a pattern was replaced is not followed")

    def sub(self, repl, string, count=0):
        if isinstance(repl, str):
            return substituted(self.pattern, self.flags, repl, string, count)
        parts, place = [], 0
        found = self._all(string, 0, None)
        for match in found[:count] if count else found:
            parts += [string[place : match.start()], repl(match)]
            place = match.end()
        return "".join([*parts, string[place:]])


def compile(pattern, flags=0):
    return pattern if isinstance(pattern, Pattern) else Pattern(pattern, flags)


def match(pattern, string, flags=0):
    return compile(pattern, flags).match(string)


def fullmatch(pattern, string, flags=0):
    return compile(pattern, flags).fullmatch(string)


def search(pattern, string, flags=0):
    return compile(pattern, flags).search(string)


def finditer(pattern, string, flags=0):
    return compile(pattern, flags).finditer(string)


def findall(pattern, string, flags=0):
    return compile(pattern, flags).findall(string)


def split(pattern, string, maxsplit=0, flags=0):
    return compile(pattern, flags).split(string, maxsplit)


def sub(pattern, repl, string, count=0, flags=0):
    return compile(pattern, flags).sub(repl, string, count)


def escape(pattern):
    return escaped(pattern)
