"""Objects of the API, as attributes (`order.status`) or by name (`order["status"]`)."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, FrozenSet, Iterator, Mapping


class Unset:
    """Stands for an argument that was not given; None is sent as null."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


def given(arguments: Mapping[str, Any]) -> Dict[str, Any]:
    """The arguments that were given."""
    return {name: value for name, value in arguments.items() if not isinstance(value, Unset)}


class Resource:
    """An object of the API. Fields that this version of the library does not know are there too."""

    _parts: ClassVar[Dict[str, Any]] = {}
    """What objects are in its fields: a class, [of a list], {"*": of a map}, (one, of, several)."""
    _required: ClassVar[FrozenSet[str]] = frozenset()

    def __init__(self, /, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"

    def to_dict(self) -> Dict[str, Any]:
        """As plain dictionaries and lists, for json.dumps."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return plain


def to_plain(value: Any) -> Any:
    """What json.dumps writes for it."""
    if isinstance(value, Resource):
        return {name: to_plain(field) for name, field in value.__dict__.items()}
    if isinstance(value, Mapping):
        return {str(name): to_plain(field) for name, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def decode(part: Any, value: Any) -> Any:
    """Makes objects of what JSON holds. Objects that nothing is known of become plain `Resource`s."""
    if isinstance(value, list):
        item = part[0] if isinstance(part, list) else part if isinstance(part, tuple) else None
        return [decode(item, each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(part, dict):
        return {name: decode(part["*"], field) for name, field in value.items()}
    kind = _kind_of(part, value)
    if kind is None and isinstance(part, tuple) and {"*": None} in part:
        return decode({"*": None}, value)
    if kind is None:
        return Resource(**{name: decode(None, field) for name, field in value.items()})
    return kind(**{name: decode(kind._parts.get(name), field) for name, field in value.items()})


def _kind_of(part: Any, value: Dict[str, Any]) -> Any:
    """Of several kinds the one whose required fields are there; the one with the most of them, if there are more."""
    if not isinstance(part, tuple):
        return part if isinstance(part, type) else None
    fitting = [kind for kind in part if isinstance(kind, type) and issubclass(kind, Resource) and kind._required <= value.keys()]
    return max(fitting, key=lambda kind: len(kind._required), default=None)
