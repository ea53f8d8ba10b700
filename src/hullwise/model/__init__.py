"""Networks as piecewise affine functions: read, region, partition, boundary, tree, guard."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The same names once more, for type checkers and editors: a test compares the two.
if TYPE_CHECKING:
    from ._decision_boundary import DecisionDistance as DecisionDistance
    from .arrays import from_arrays as from_arrays
    from .complexes._complex_checker import ComplexCheck as ComplexCheck
    from .complexes.boundary_complex import BoundaryComplex as BoundaryComplex
    from .complexes.build import cell_complex as cell_complex
    from .complexes.cell_complex import CellComplex as CellComplex
    from .complexes.cell_parts import CellPart as CellPart
    from .complexes.cell_parts import cell_parts as cell_parts
    from .complexes.surface_mesh import SurfaceMesh as SurfaceMesh
    from .complexity import LocalComplexity as LocalComplexity
    from .complexity import VQDistance as VQDistance
    from .complexity import local_complexity as local_complexity
    from .complexity import vq_distance as vq_distance
    from .curved_inputs import CurvedInputs as CurvedInputs
    from .dissect import PowerCell as PowerCell
    from .guard import Guard as Guard
    from .guard import GuardReport as GuardReport
    from .line import Line as Line
    from .live_slice import LiveSlice as LiveSlice
    from .network import Network as Network
    from .occupancy import ClassSplit as ClassSplit
    from .occupancy import RegionOccupancy as RegionOccupancy
    from .occupancy import RowOccupancy as RowOccupancy
    from .occupancy import region_occupancy as region_occupancy
    from .output_activations import OutputActivation as OutputActivation
    from .properties._property_checker import PropertyCheck as PropertyCheck
    from .properties.output_property import OutputProperty as OutputProperty
    from .properties.output_property import UnsafeCase as UnsafeCase
    from .properties.property_text import output_property as output_property
    from .properties.verify_property import PropertyResult as PropertyResult
    from .properties.verify_property import check_certificate as check_certificate
    from .properties.verify_property import verify_property as verify_property
    from .properties.vnnlib import read_vnnlib as read_vnnlib
    from .readers.read import read as read
    from .region_counts import RegionBounds as RegionBounds
    from .region_counts import region_bounds as region_bounds
    from .region_counts import zaslavsky as zaslavsky
    from .region_walls import Facets as Facets
    from .region_walls import walls as walls
    from .regions import Regions as Regions
    from .slice_file import SliceFile as SliceFile
    from .slice_parts import SlicePart as SlicePart
    from .slice_parts import SliceParts as SliceParts
    from .slice_readings import PlaneDistance as PlaneDistance
    from .slices import Slice as Slice
    from .slices import StopFlag as StopFlag
    from .taylor.linearize import Linearization as Linearization
    from .taylor.linearize import linearize as linearize
    from .trees.ndt import NeuralDecisionTree as NeuralDecisionTree
    from .trees.ndt import NeuralDecisionTreeClassifier as NeuralDecisionTreeClassifier
    from .trees.to_tree import to_tree as to_tree
    from .trees.tree import NetworkTree as NetworkTree

# Names are imported when first used: reading a table then loads nothing of networks.
_HOMES = {
    "read": "readers.read",
    "from_arrays": "arrays",
    "Network": "network",
    "OutputActivation": "output_activations",
    "DecisionDistance": "_decision_boundary",
    "Regions": "regions",
    "Slice": "slices",
    "SliceFile": "slice_file",
    "SlicePart": "slice_parts",
    "SliceParts": "slice_parts",
    "LiveSlice": "live_slice",
    "Line": "line",
    "StopFlag": "slices",
    "PlaneDistance": "slice_readings",
    "Facets": "region_walls",
    "PowerCell": "dissect",
    "walls": "region_walls",
    "linearize": "taylor.linearize",
    "Linearization": "taylor.linearize",
    "NetworkTree": "trees.tree",
    "NeuralDecisionTree": "trees.ndt",
    "NeuralDecisionTreeClassifier": "trees.ndt",
    "to_tree": "trees.to_tree",
    "Guard": "guard",
    "GuardReport": "guard",
    "zaslavsky": "region_counts",
    "region_bounds": "region_counts",
    "RegionBounds": "region_counts",
    "local_complexity": "complexity",
    "LocalComplexity": "complexity",
    "region_occupancy": "occupancy",
    "RegionOccupancy": "occupancy",
    "RowOccupancy": "occupancy",
    "ClassSplit": "occupancy",
    "vq_distance": "complexity",
    "VQDistance": "complexity",
    "CurvedInputs": "curved_inputs",
    "cell_complex": "complexes.build",
    "CellComplex": "complexes.cell_complex",
    "BoundaryComplex": "complexes.boundary_complex",
    "CellPart": "complexes.cell_parts",
    "cell_parts": "complexes.cell_parts",
    "SurfaceMesh": "complexes.surface_mesh",
    "ComplexCheck": "complexes._complex_checker",
    "OutputProperty": "properties.output_property",
    "UnsafeCase": "properties.output_property",
    "output_property": "properties.property_text",
    "read_vnnlib": "properties.vnnlib",
    "verify_property": "properties.verify_property",
    "PropertyResult": "properties.verify_property",
    "PropertyCheck": "properties._property_checker",
    "check_certificate": "properties.verify_property",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.model' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.model.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
