"""The models that an integration declares: pydantic's, dataclasses, named tuples, typed dicts."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from cli.reading.integration_folder import IntegrationFolder
from cli.reading.source_file import SourceFile

_SHOWN_BASES = ("pydantic.BaseModel", "typing.TypedDict", "typing_extensions.TypedDict")
_INNER_BASES = ("typing.NamedTuple",)
_DATACLASS = ("dataclasses.dataclass", "pydantic.dataclasses.dataclass")
_HOME = "models"
_FIELD = ("pydantic.Field", "dataclasses.field")


@dataclass(frozen=True)
class ModelField:
    """One field of a model."""

    name: str
    kind: str
    default: str  # '' where it has to be given
    description: str


@dataclass(frozen=True)
class Model:
    """A class of fields, with its docstring."""

    name: str
    path: str
    description: str
    fields: tuple[ModelField, ...]


def models_of(folder: IntegrationFolder) -> tuple[Model, ...]:
    """Return the public models of a folder, in the order of its files.

    Dataclasses and named tuples mostly hold what stays inside; they count in `models.py` alone.
    """
    return tuple(
        Model(node.name, file.path, _sentence(node), tuple(_fields(file, node)))
        for file in folder.code
        for node in file.nodes_of(ast.ClassDef)
        if not node.name.startswith("_") and _is_model(file, node)
    )


def _is_model(file: SourceFile, node: ast.ClassDef) -> bool:
    bases = {file.name_of(base) for base in node.bases}
    if bases.intersection(_SHOWN_BASES):
        return True
    decorators = [it.func if isinstance(it, ast.Call) else it for it in node.decorator_list]
    is_inner = any(file.name_of(decorator) in _DATACLASS for decorator in decorators)
    is_home = _HOME in file.path.removesuffix(".py").split("/")
    return is_home and (is_inner or bool(bases.intersection(_INNER_BASES)))


def _fields(file: SourceFile, node: ast.ClassDef) -> Iterator[ModelField]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if name.startswith("_") or name == "model_config":
                continue
            default, description = _default(file, statement.value)
            yield ModelField(name, ast.unparse(statement.annotation), default, description)


def _default(file: SourceFile, value: ast.expr | None) -> tuple[str, str]:
    if value is None:
        return "", ""
    if not (isinstance(value, ast.Call) and file.name_of(value.func) in _FIELD):
        return ast.unparse(value), ""
    keywords = {keyword.arg: keyword.value for keyword in value.keywords}
    given = keywords.get("default") or keywords.get("default_factory")
    if given is None and value.args:
        given = value.args[0]
    description = keywords.get("description")
    said = description.value if isinstance(description, ast.Constant) else ""
    default = "" if given is None or ast.unparse(given) == "..." else ast.unparse(given)
    return default, str(said)


def _sentence(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
