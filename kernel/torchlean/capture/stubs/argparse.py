"""`argparse`: what a program gets where nothing is written on its command line, the defaults."""

from torchlean.capture.intrinsics import unknown


class Namespace:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other):
        return isinstance(other, Namespace) and vars(self) == vars(other)

    def __getattr__(self, name):
        return unknown("an argument of the command line that is not declared here", True)


def _name(flags):
    long = [flag for flag in flags if flag.startswith("--")]
    return (long[0] if long else flags[0]).lstrip("-").replace("-", "_")


class ArgumentParser:
    def __init__(self, *args, **kwargs):
        self._values = {}

    def add_argument(self, *flags, **options):
        name = options.get("dest") or _name(flags)
        action = options.get("action")
        if action == "store_true":
            value = options.get("default", False)
        elif action == "store_false":
            value = options.get("default", True)
        elif "default" in options:
            value = options["default"]
            kind = options.get("type")
            if isinstance(value, str) and kind is not None:
                value = kind(value)
        elif not flags[0].startswith("-") or options.get("required"):
            value = unknown("an argument of the command line")
        else:
            value = None
        if action not in ("help", "version"):
            self._values[name] = value

    def add_argument_group(self, *args, **kwargs):
        return self

    def add_mutually_exclusive_group(self, *args, **kwargs):
        return self

    def add_subparsers(self, *args, **kwargs):
        return unknown("commands of the command line")

    def set_defaults(self, **values):
        self._values.update(values)

    def parse_args(self, args=None, namespace=None):
        if args:
            # Written in the program, and not on the command line: what it sets is not followed.
            return Namespace(
                **{name: unknown("an argument that is given to `parse_args`") for name in self._values}
            )
        return Namespace(**self._values)

    def parse_known_args(self, args=None, namespace=None):
        if args:
            return self.parse_args(args), unknown("arguments that are given to `parse_known_args`")
        return Namespace(**self._values), []

    def print_help(self, file=None):
        return None

    def error(self, message):
        raise SystemExit(message)


def _no_formatter(*args, **kwargs):
    return None


ArgumentDefaultsHelpFormatter = _no_formatter
RawTextHelpFormatter = _no_formatter
RawDescriptionHelpFormatter = _no_formatter
HelpFormatter = _no_formatter
BooleanOptionalAction = "boolean"
SUPPRESS = "==SUPPRESS=="


class ArgumentTypeError(Exception):
    pass
