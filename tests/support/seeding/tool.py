"""A tool that seeds one fault into the product: a module's source is changed in one place, and what
it defines runs as the changed source says, wherever it was imported to. Nothing is written.
"""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

PLAIN = (str, int, float, bytes, tuple, frozenset, dict)


@dataclass(frozen=True)
class Fault:
    """`old` stands once in the source of `module`; `new` is the fault. `presale`, `request`: what
    the presale has to have for the fault to decide about anybody.
    """

    says: str
    module: str
    old: str
    new: str
    presale: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.says


@contextmanager
def seeded(fault: Fault) -> Iterator[None]:
    """While this runs, the product has the fault. Raises LookupError where `old` does not stand in
    the source exactly once, or where the change changes nothing that can be put in its place.
    """
    module = importlib.import_module(fault.module)
    source = inspect.getsource(module)
    if source.count(fault.old) != 1:
        raise LookupError(f"{fault.module} has {source.count(fault.old)} times: {fault.old}")
    changed = types.ModuleType(module.__name__)
    changed.__file__ = module.__file__
    code = compile(source.replace(fault.old, fault.new), f"faulty {fault.module}", "exec")
    exec(code, changed.__dict__)  # noqa: S102 -- our own source
    undo: list[Callable[[], object]] = []
    _swap(module, changed, module.__name__, undo)
    if not undo:
        raise LookupError(f"{fault.says}: nothing in {fault.module} is changed by it")
    try:
        yield
    finally:
        for step in undo:
            step()


def _swap(kept: Any, changed: Any, module: str, undo: list[Callable[[], object]]) -> None:
    """Functions and plain constants of a module or class become those of its changed copy."""
    for name, new in list(vars(changed).items()):
        old = vars(kept).get(name)
        if name.startswith("__") or old is None:
            continue
        if isinstance(old, type) and old.__module__ == module:
            _swap(old, new, module, undo)
        elif (function := _function_of(old)) is not None:
            _swap_code(function, _function_of(new), module, undo)
        elif isinstance(old, PLAIN) and repr(old) != repr(new) and _is_module(kept):
            undo.append(lambda name=name, old=old: setattr(kept, name, old))
            setattr(kept, name, new)


def _function_of(value: Any) -> types.FunctionType | None:
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, cached_property):
        value = value.func
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    unwrapped = inspect.unwrap(value) if callable(value) else value
    return unwrapped if isinstance(unwrapped, types.FunctionType) else None


def _swap_code(
    old: types.FunctionType,
    new: types.FunctionType | None,
    module: str,
    undo: list[Callable[[], object]],
) -> None:
    if new is None or old.__module__ != module or _same(old.__code__, new.__code__):
        return
    before = old.__code__
    undo.append(lambda: setattr(old, "__code__", before))
    old.__code__ = new.__code__


def _same(one: types.CodeType, other: types.CodeType) -> bool:
    """Whether two codes do the same, whatever file and line they come from."""
    if (one.co_code, one.co_names, one.co_varnames) != (
        other.co_code,
        other.co_names,
        other.co_varnames,
    ) or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _same(mine, theirs)
        if isinstance(mine, types.CodeType) and isinstance(theirs, types.CodeType)
        else mine == theirs and type(mine) is type(theirs)
        for mine, theirs in zip(one.co_consts, other.co_consts, strict=True)
    )


def _is_module(owner: object) -> bool:
    return isinstance(owner, types.ModuleType)
