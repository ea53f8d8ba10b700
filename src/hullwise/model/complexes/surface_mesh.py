"""Polygons in space, and the files that other programs read them from."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from ..._core.results import RecordResult
from ..._core.types import Floats, Ints
from ...errors import DataError
from ...io.atomic_write import whole_file
from ._face_lattice import FaceIds, FaceLists
from ._polygon_loops import fan_corners

GLB_HEADER, GLB_CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
GLTF_FLOAT, GLTF_UINT, GLTF_ARRAY, GLTF_ELEMENTS = 5126, 5125, 34962, 34963  # its own numbers


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceMesh(RecordResult):
    """Convex polygons in space that share their vertices.

    Attributes
    ----------
    vertices : ndarray (V, 3)
    ids, ends : ndarray (n,), (F,)
        The corners of all polygons one after another, each counter-clockwise seen from the side
        that it faces, and where each ends.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> mesh = hw.model.cell_complex(net, 1.0).boundary().mesh()
    >>> len(mesh.ends), mesh.triangles.shape
    (8, (8, 3))
    """

    vertices: Floats
    ids: FaceIds
    ends: Ints

    @property
    def polygons(self) -> FaceLists:
        """The corners of each polygon."""
        return FaceLists(self.ids, self.ends)

    @property
    def triangles(self) -> FaceIds:
        """(T, 3) the polygons as fans of triangles."""
        return np.asarray(fan_corners(self.polygons)[0].ids.reshape(-1, 3))

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write a file of the kind that its name ends in.

        ``.ply``: polygons, in float64. ``.glb`` and ``.gltf``: triangles, in float32. ``.obj``:
        polygons, as text.

        Raises
        ------
        DataError
            The name ends in none of these.
        FileError
            The file cannot be written, or exists and `force` is false.
        """
        suffix = os.path.splitext(os.fsdecode(path))[1].lower()
        writers = {".ply": ply_bytes, ".glb": glb_bytes, ".gltf": gltf_bytes, ".obj": obj_bytes}
        if suffix not in writers:
            raise DataError(
                f"{os.fsdecode(path)}: a mesh is written as {', '.join(writers)}; the name has to "
                "end in one of these."
            )
        content = writers[suffix](self)
        with whole_file(path, force=force) as stream:
            stream.write(content)

    def __repr__(self) -> str:
        return f"SurfaceMesh({len(self.ends):,} polygons, {len(self.vertices):,} vertices)"


def ply_bytes(mesh: SurfaceMesh) -> bytes:
    """PLY, binary: vertices in float64, polygons as lists of vertices."""
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\n"
        "property double x\nproperty double y\nproperty double z\n"
        f"element face {len(mesh.ends)}\nproperty list int int vertex_indices\nend_header\n"
    )
    lengths = mesh.polygons.lengths
    words = np.empty(len(mesh.ids) + len(lengths), "<i4")
    heads = mesh.polygons.begins + np.arange(len(lengths))
    is_corner = np.ones(len(words), bool)
    is_corner[heads] = False
    words[heads], words[is_corner] = lengths, mesh.ids
    return header.encode() + mesh.vertices.astype("<f8").tobytes() + words.tobytes()


def obj_bytes(mesh: SurfaceMesh) -> bytes:
    """Wavefront OBJ: text, vertices counted from 1."""
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in mesh.vertices.tolist()]
    lines += ["f " + " ".join(map(str, one)) for one in _lists(mesh, 1)]
    return ("\n".join(lines) + "\n").encode()


def _lists(mesh: SurfaceMesh, first: int) -> list[list[int]]:
    return [(one + first).tolist() for one in mesh.polygons.as_list()]


def glb_bytes(mesh: SurfaceMesh) -> bytes:
    """Binary glTF 2.0."""
    header, numbers = _gltf(mesh)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = GLB_CHUNK.pack(len(text), b"JSON") + text
    if numbers:
        chunks += GLB_CHUNK.pack(len(numbers), b"BIN\0") + numbers
    return GLB_HEADER.pack(b"glTF", 2, GLB_HEADER.size + len(chunks)) + chunks


def gltf_bytes(mesh: SurfaceMesh) -> bytes:
    """glTF 2.0 as JSON, its numbers within."""
    from base64 import b64encode

    header, numbers = _gltf(mesh)
    for buffer in header.get("buffers", ()):
        code = b64encode(numbers).decode("ascii")
        buffer["uri"] = f"data:application/octet-stream;base64,{code}"
    return json.dumps(header).encode()


def _gltf(mesh: SurfaceMesh) -> tuple[dict[str, Any], bytes]:
    """The header, and the numbers: triangles with corners of their own, so that edges are sharp."""
    header: dict[str, Any] = {"asset": {"version": "2.0", "generator": "hullwise"}}
    triangles = mesh.triangles
    if not len(triangles):
        return header | {"scenes": [{"nodes": []}], "scene": 0}, b""
    points = mesh.vertices.astype("<f4")
    numbers = points.tobytes() + triangles.astype("<u4").tobytes()
    material = {
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.16, 0.42, 0.68, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.8,
        },
        "doubleSided": True,
    }
    return header | {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [material],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": GLTF_FLOAT,
                "count": len(points),
                "type": "VEC3",
                "min": points.min(axis=0).tolist(),
                "max": points.max(axis=0).tolist(),
            },
            {
                "bufferView": 1,
                "componentType": GLTF_UINT,
                "count": int(triangles.size),
                "type": "SCALAR",
            },
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": points.nbytes, "target": GLTF_ARRAY},
            {
                "buffer": 0,
                "byteOffset": points.nbytes,
                "byteLength": 4 * triangles.size,
                "target": GLTF_ELEMENTS,
            },
        ],
        "buffers": [{"byteLength": len(numbers)}],
    }, numbers
