"""Domain: a table fitted once, kept in a safe file, and asked for new rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from .._core.foreign import own_errors
from .._core.options import check_int, check_nonnegative
from .._core.types import Mask, Progress
from .._core.wording import counted
from ..errors import DataError
from ..io.mixed_table import MixedTable, RecordTable, read_as, read_mixed
from ..io.numeric_table import BadRows
from ..table.spec import ColumnSpec, read_spec, write_spec
from ._fitting import Gaps, fit_table
from .coordinate_metric import check_domain_metric
from .domain_location import DomainLocation
from .encoded_tables import encode_table, locate_encoded
from .fitted_table import FittedTable
from .proofs import Proofs, load_proofs, verify_proofs

if TYPE_CHECKING:
    from .half_spaces import HalfSpaces


class Domain:
    """The data a model has seen, as one fitted thing: columns, cloud, metric and reference.

    Parameters
    ----------
    numbers, categories, log : sequence of str
        Columns that are these; what is not declared is inferred, and said (``print(domain)``).
    ordered : dict of str to sequence of str
        Levels, lowest first.
    periodic : dict of str to float or (float, float)
        Period, and how much counts like one standard deviation.
    dates : dict of str to sequence of str
        Parts that are used: since, year, month, weekday, hour.
    drop : sequence of str
        Columns left out.
    gaps : sequence of str
        Texts that stand for a gap.
    gaps_are_levels : sequence of str
        Categories in which a gap is a level.
    columns_from : path, optional
        A file of columns (TOML), as `write_spec` writes it; arguments go before it.
    transformer : object with transform, optional
        A fitted ColumnTransformer, Pipeline or the like, whose outputs are the coordinates (up to
        the last step where that predicts); answers are told in the columns that it takes. Columns
        are then not declared.
    groups : str, optional
        Column that says which rows belong together (a patient's recordings): whole groups are left
        out, and new groups are compared with them (`DomainLocation.groups`).
    by : str, optional
        Column that parts the rows (a site, a material): rows are located among the training rows of
        their own segment, in its units. Segments of fewer than 20 rows are pooled.
    time : str, optional
        Column of dates or numbers: training rows of later blocks are compared with the rows before
        them, and new rows with those distances. A replay: no theorem, and no `chance`.
    missing : {"each", "columns", "rows"}
        Locate each row in the columns that it has; or leave out columns with gaps in training
        rows; or training rows with gaps.
    metric : {"std", "range", "agop", "curvature", "rfm"}, None, MetricLearner, (D,) or (D, D)
        In which units numbers count; or what matters to the target, learnt from complete rows that
        are not left out (`hullwise.metrics.learn_metric`); or weights or a matrix over the
        coordinates (or over `coordinates.indicators`, one for each level). In a row with gaps it is
        the least over all fillings: the Schur complement of a matrix.
    n_neighbors : int
        Nearest training rows listed.
    reference : int
        Training rows left out in turn, for each pattern of gaps.

    Attributes
    ----------
    fitted_ : FittedTable
        The training rows as coordinates: ``coordinates.columns`` says what columns became,
        ``unused`` which give none and why, ``notes`` what may surprise.

    Notes
    -----
    `fit` costs O(n D) and the reference of complete rows, O(reference n D) for each pass; the
    reference of another pattern of gaps is measured when a row first has it, and kept.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> domain = hw.Domain().fit(rows)
    >>> domain
    Domain(80 rows, 2 columns in 2 coordinates)
    >>> loc = domain.locate([{"job": "nurse", "age": 41}, {"job": "smith", "age": 30}])
    >>> loc.band
    array(['core', 'far'], dtype=object)
    >>> print(loc.status[1])
    far: job 'smith' was never seen in 80 training rows (2 levels); otherwise inside: ...
    """

    fitted_: FittedTable

    def __init__(
        self,
        *,
        numbers: Sequence[str] = (),
        categories: Sequence[str] = (),
        log: Sequence[str] = (),
        ordered: Mapping[str, Sequence[str]] | None = None,
        periodic: Mapping[str, float | Sequence[float]] | None = None,
        dates: Mapping[str, Sequence[str]] | None = None,
        drop: Sequence[str] = (),
        gaps: Sequence[str] = (),
        gaps_are_levels: Sequence[str] = (),
        columns_from: str | PathLike[str] | None = None,
        transformer: Any = None,
        groups: str | None = None,
        by: str | None = None,
        time: str | None = None,
        missing: Gaps = "each",
        metric: Any = "std",
        n_neighbors: int = 5,
        reference: int = 500,
    ) -> None:
        declared = ColumnSpec.declare(
            numbers=numbers,
            categories=categories,
            log=log,
            ordered=ordered,
            periodic=periodic,
            dates=dates,
            drop=drop,
            gaps=gaps,
            gaps_are_levels=gaps_are_levels,
            group=groups,
            segment=by,
            time=time,
        )
        check_domain_metric(metric)
        if missing not in ("each", "columns", "rows"):
            raise DataError(f"missing={missing!r}: expected 'each', 'columns' or 'rows'.")
        self.spec = declared if columns_from is None else declared.merged(read_spec(columns_from))
        if (
            transformer is not None
            and self.spec.without("group", "segment", "time") != ColumnSpec()
        ):
            raise DataError(
                "transformer= says itself what becomes of every column: declare none beside it."
            )
        self.transformer = transformer
        self.missing: Gaps = missing
        self.metric = metric
        self.n_neighbors = check_int("n_neighbors", n_neighbors, 1)
        self.reference = check_int("reference", reference, 0)

    @own_errors("fitting a domain")
    def fit(
        self,
        table: Any,
        *,
        target: str | Sequence[str] | None = None,
        id: str | None = None,
        progress: Progress | None = None,
    ) -> Domain:
        """Learn what a table of training rows holds.

        Parameters
        ----------
        table : path, data frame, pyarrow.Table, array, list of dictionaries or dictionary of lists
            The training rows.
        target, id : str, optional
            Columns that are no features.

        Raises
        ------
        DataError, FileError
            The table cannot be read, or a column is not what it was declared.
        """
        mixed = read_mixed(table, gaps=self.spec.gaps)
        spec = self.spec.merged(ColumnSpec.declare(target=target, id=id))
        self.fitted_ = fit_table(
            mixed,
            spec,
            missing=self.missing,
            metric=self.metric,
            n_neighbors=self.n_neighbors,
            reference=self.reference,
            transformer=self.transformer,
        )
        for subset in self.fitted_.subsets:
            self.fitted_.pattern(self.fitted_.every_column, progress, subset.segment)
        return self

    def measure_gaps(self, progress: Progress | None = None) -> Domain:
        """Measure the references of the most frequent gaps now, so that `save` keeps them.

        Those of the 20 patterns of gaps that most training rows have, with 20 rows at least; others
        are measured when a new row first has them. O(reference n D) for each and pass.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"a": i * i % 17, "b": None if i % 3 else i % 5} for i in range(90)]
        >>> domain = hw.Domain().fit(rows).measure_gaps()
        >>> len(domain.fitted_.measured())
        2
        """
        self._fitted().measure_frequent(progress)
        return self

    def unfitted(self) -> Domain:
        """A domain with the same settings, to be fitted on other rows."""
        other = copy(self)
        other.__dict__.pop("fitted_", None)
        return other

    def __sklearn_clone__(self) -> Domain:
        return self.unfitted()

    def __repr__(self) -> str:
        if not hasattr(self, "fitted_"):
            return "Domain(not fitted)"
        n_columns, width = (
            len(self.fitted_.coordinates.columns),
            len(self.fitted_.coordinates.owner),
        )
        columns, coordinates = counted(n_columns, "column"), counted(width, "coordinate")
        return f"Domain({counted(len(self.fitted_), 'row')}, {columns} in {coordinates})"

    def _repr_html_(self) -> str:
        from ..report.domain_view import domain_view

        return domain_view(self)

    def __str__(self) -> str:
        if not hasattr(self, "fitted_"):
            return repr(self)
        used = [(c.name, c.role, c.describe(), c.reason) for c in self.fitted_.coordinates.columns]
        rest = [(c.name, c.role, c.describe(), "") for c in self.fitted_.unused]
        width = max(len(name) for name, *_ in (*used, *rest))
        lines = [repr(self)]
        for name, role, text, reason in (*used, *rest):
            because = f" ({reason})" if reason and reason not in text else ""
            lines.append(f"  {name:<{width}}  {role:<9} {text}{because}")
        lines += [f"  note: {note}" for note in self.fitted_.notes]
        return "\n".join(lines)

    @own_errors("locating")
    def locate(
        self,
        table: Any,
        *,
        bad_rows: BadRows = "refuse",
        strict: bool = False,
        max_seconds: float | None = None,
        progress: Progress | None = None,
    ) -> DomainLocation:
        """Say for every row of a table where it stands, in the table's own words.

        Parameters
        ----------
        table : path, data frame, pyarrow.Table, array or list of dictionaries
            The new rows. Columns are found by name, in any order.
        bad_rows : {"refuse", "keep"}, default="refuse"
            Rows with a cell that is not what its column is, such as text among numbers: an error,
            or rows that are not located, whose status says why.
        strict : bool, default=False
            Refuse columns that the domain does not know, which are ignored otherwise.
        max_seconds : float, optional
            For the search.
        progress : callable, optional

        Raises
        ------
        DataError, FileError
            A column is missing, or a cell is not what its column is.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"age": 2 * i, "job": "ab"[i % 2]} for i in range(40)]
        >>> new = [{"job": "a", "age": "12"}, {"job": "b", "age": "1x"}, {"job": "a", "age": "7"}]
        >>> loc = hw.Domain().fit(rows).locate(new, bad_rows="keep")
        >>> loc.band.tolist(), loc.status[1]
        (['core', 'unknown', 'core'], "not located: column 'age' holds '1x', which is no number.")
        """
        fitted = self._fitted()
        mixed = self.read_table(table)
        if bad_rows == "keep":
            mixed = mixed.tolerant()
        encoded = encode_table(fitted, mixed, strict=strict)
        return locate_encoded(fitted, [encoded], max_seconds=max_seconds, progress=progress)[0]

    def read_table(self, table: Any, *, name: str = "the table") -> MixedTable:
        """A table, read as the training table was: its gaps, its separator and decimal mark.

        Parameters
        ----------
        table : path, data frame, pyarrow.Table, array or list of dictionaries
        name : str
            What messages call a table that is no file.
        """
        return read_as(table, self.spec.gaps, self._fitted().csv_marks, name=name)

    def locate_one(self, row: Mapping[str, Any]) -> DomainLocation:
        """Where one row, a dictionary of cells, stands.

        ``row[name]`` of a gap may be None; a column that the dictionary lacks is a gap too, and
        one that training rows have not is ignored.
        """
        if not isinstance(row, Mapping):
            raise DataError(
                f"expected one row as a dictionary of column names and cells, got a "
                f"{type(row).__name__}; locate takes tables."
            )
        record = dict.fromkeys(self._fitted().coordinates.sources) | dict(row)
        return self.locate(RecordTable(record, self.spec.gaps))

    def _fitted(self) -> FittedTable:
        if not hasattr(self, "fitted_"):
            raise DataError("this Domain is not fitted: call fit(table) first.")
        return self.fitted_

    def verify(
        self, proofs: Any, table: Any = None, *, new: Any = None, exact: bool = False
    ) -> Mask:
        """Check proofs of where rows stand, such as a file that was written long ago.

        Parameters
        ----------
        proofs : path or Proofs
            What `DomainLocation.save_proofs` wrote.
        table : path, data frame, pyarrow.Table, array or list of dictionaries, optional
            The training table. Without it the rows that the domain keeps are trusted to be those of
            the table.
        new : the same, optional
            The rows that the proofs are about, in their order: proofs of other rows do not hold.
        exact : bool
            Judge everything in whole numbers; otherwise only what float64 with its rounding bound
            leaves open.

        Returns
        -------
        (m,) bool
            Which rows' claims all hold; `DomainLocation.verify` says what they are.

        Raises
        ------
        DataError, FileError
            The proofs are of another domain, or the table is not the one it was fitted on.

        Notes
        -----
        O(m n D). References of patterns of gaps that the domain has not met are measured.

        Examples
        --------
        >>> import tempfile, hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> domain, new = hw.Domain().fit(rows), [{"job": "nurse", "age": 80}]
        >>> path = tempfile.mkdtemp() + "/where.npz"
        >>> domain.locate(new).save_proofs(path)
        >>> domain.verify(path, rows, new=new), domain.verify(path, new=[{**new[0], "age": 81}])
        (array([ True]), array([False]))
        """
        loaded = proofs if isinstance(proofs, Proofs) else load_proofs(proofs)
        fitted = self._fitted()
        training = None if table is None else self.read_table(table)
        rows = None if new is None else self.read_table(new, name="new")
        return verify_proofs(fitted, loaded, training, new=rows, exact=exact)

    def write_spec(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write what every column was taken for as a file of columns, to be edited."""
        declarations: dict[str, Any] = {}
        for column in self.fitted_.coordinates.columns:
            if column.role == "constant":
                continue
            if column.name == column.source:
                declarations[column.source] = column.declaration()
            else:  # a part of a date
                part = column.name.rpartition(" (")[2].rstrip(")")
                entry = declarations.setdefault(column.source, {"role": "date", "parts": []})
                entry["parts"].append(part)
        for unused in self.fitted_.unused:
            declarations[unused.name] = unused.declaration()
        write_spec(path, declarations, self.spec, force=force)

    def half_spaces(
        self,
        *,
        n_directions: int = 500,
        offset_rounding: float = 0.0,
        progress: Progress | None = None,
    ) -> HalfSpaces:
        """Rules that every training row keeps, and no training row itself.

        Parameters
        ----------
        n_directions : int
            Half-spaces at most, chosen by what they prove of rows moved out of the data.
        offset_rounding : float
            Round every limit outward to a multiple of this, in units of the metric: a limit then
            says less exactly what the outermost rows hold.

        Notes
        -----
        Locates 4 n_directions rows: O(4 n_directions n D) for each pass.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": "ab"[i % 2], "age": i % 60} for i in range(80)]
        >>> rules = hw.Domain().fit(rows).half_spaces()
        >>> rules.locate([{"job": "a", "age": 41}, {"job": "a", "age": 95}]).proved_outside
        array([False,  True])
        """
        from ._half_space_fit import fit_half_spaces

        return fit_half_spaces(
            self._fitted(),
            tuple(self.spec.gaps),
            n_directions=check_int("n_directions", n_directions, 0),
            offset_rounding=check_nonnegative("offset_rounding", offset_rounding),
            progress=progress,
        )

    def save(
        self,
        path: str | PathLike[str],
        *,
        keep: Literal["rows", "half-spaces"] = "rows",
        force: bool = False,
    ) -> None:
        """Write the domain to a file that holds no code; `hullwise.load` reads it.

        Parameters
        ----------
        keep : {"rows", "half-spaces"}
            The training rows as coordinates, with the references that were measured; or only
            `half_spaces`, for those who may not hand over training rows.

        Raises
        ------
        DataError
            The domain is not fitted.
        FileError
            The file cannot be written, or exists and `force` is false.
        """
        if keep not in ("rows", "half-spaces"):
            raise DataError(f"keep={keep!r}: expected 'rows' or 'half-spaces'.")
        self._fitted()
        if keep == "half-spaces":
            self.half_spaces().save(path, force=force)
            return
        from .domain_file import save

        save(self, path, force=force)
