"""croissant.json: the dataset's tables in the words of MLCommons' Croissant 1.0, for its loaders.

One record set a CSV file, one field a column. Texts load as they are in loaders that do not take
`NA` for a missing value.
"""

import json
from collections.abc import Sequence
from typing import Any

from exports.columns import ALL_FILES
from exports.manifest import WrittenFile
from exports.readme import About, table_name

CROISSANT = "croissant.json"
_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "float32": "sc:Float",
    "float64": "sc:Float",
    "timestamp": "sc:Text",  # empty cells are no date
}
_JSON_TERMS = ("data", "examples")  # terms of the vocabulary whose values are JSON themselves
_TERMS = (
    "citeAs column conformsTo data dataType equivalentProperty examples extract field fileProperty "
    "fileObject fileSet format includes isLiveDataset jsonPath key md5 parentField path recordSet "
    "references regex repeated replace samplingRate separator source subField transform"
).split()


def render_croissant(about: About, files: Sequence[WrittenFile]) -> bytes:
    """The description of those of `files` that are canonical tables."""
    tables = [file for file in files if file.name in ALL_FILES]
    described = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.title,
        "description": about.description,
        "citeAs": about.citation,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "description": f"A row is {ALL_FILES[file.name].row}.",
                "contentUrl": file.name,
                "encodingFormat": "text/csv",
                "sha256": file.sha256,
            }
            for file in tables
        ],
        "recordSet": [_record_set(file.name) for file in tables],
    }
    return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _record_set(file: str) -> dict[str, Any]:
    name = table_name(file)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"A record is {ALL_FILES[file].row}.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column.name}",
                "name": column.name,
                "description": column.meaning,
                "dataType": _TYPES[column.type],
                "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
            }
            for column in ALL_FILES[file].columns
        ],
    }


def _context() -> dict[str, Any]:
    """The names that Croissant's specification gives to its terms."""
    terms: dict[str, Any] = {term: f"cr:{term}" for term in _TERMS}
    terms["conformsTo"] = "dct:conformsTo"
    terms["dataType"] = {"@id": "cr:dataType", "@type": "@vocab"}
    for term in _JSON_TERMS:
        terms[term] = {"@id": f"cr:{term}", "@type": "@json"}
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        **terms,
    }
