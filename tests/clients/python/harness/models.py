"""Checks an answer against the types that the SDK's own models declare."""

import sys
import typing

from darabonba.model import DaraModel


def check(model, where=""):
    """Every field of a typed answer holds what its model says, all the way down."""
    kind = type(model)
    where = where or kind.__name__
    hints = typing.get_type_hints(kind.__init__, vars(sys.modules[kind.__module__]))
    for name, hint in hints.items():
        if name != "return":
            _check_value(getattr(model, name), hint, f"{where}.{name}")


def _check_value(value, hint, where):
    if value is None:
        return
    origin = typing.get_origin(hint)
    if origin is list:
        assert isinstance(value, list), f"{where} should be a list, is {value!r}"
        (item,) = typing.get_args(hint)
        for index, element in enumerate(value):
            _check_value(element, item, f"{where}[{index}]")
    elif origin is dict or hint is typing.Any:
        assert origin is not dict or isinstance(value, dict), f"{where} should be a map, is {value!r}"
    elif isinstance(hint, type) and issubclass(hint, DaraModel):
        assert isinstance(value, hint), f"{where} should be a {hint.__name__}, is {value!r}"
        check(value, where)
    else:
        # bool is an int to Python, but not to a model.
        assert type(value) is hint, f"{where} should be {hint.__name__}, is {value!r}"
