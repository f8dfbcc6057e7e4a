"""A table whose rows have names and whose one wide column takes what room is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.binding import Binding
from textual.content import Content
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey

from wizard.ui.widgets.saying import same


class Rows(DataTable[Content]):
    """A `DataTable` that is brought to what it shall show, touching only what differs.

    `columns` are (label, width in columns); a width of 0 takes what the others leave.
    """

    BINDINGS = [
        Binding("home", "scroll_top", "Top", show=False),
        Binding("end", "scroll_bottom", "Bottom", show=False),
    ]

    def __init__(self, columns: Sequence[tuple[str, int]], *, id: str, header: bool = False) -> None:
        super().__init__(id=id, cursor_type="row", show_header=header, cell_padding=0)
        self.layout_of = tuple(columns)
        self.wanted: Mapping[str, tuple[Content, ...]] = {}

    def on_mount(self) -> None:
        """Add the columns."""
        for label, width in self.layout_of:
            self.add_column(label, width=width or 20, key=label)

    def on_resize(self) -> None:
        """Give the wide column what room is left."""
        fixed = sum(width for _, width in self.layout_of)
        room = max(10, self.size.width - fixed - self.scrollbar_size_vertical)
        for label, width in self.layout_of:
            column = self.columns.get(ColumnKey(label))
            if column is not None and width == 0 and column.width != room:
                column.width = room
                self.refresh_columns()
                self.fill(self.wanted)

    def fitted(self, label: str, width: int, cell: Content) -> Content:
        """Return a cell as it fits into the wide column, with an ellipsis for what is left out; others as they are."""
        column = self.columns.get(ColumnKey(label))
        if width or column is None or cell.cell_length <= column.width:
            return cell
        return cell.truncate(column.width, ellipsis=True)

    def widen(self, label: str, width: int) -> None:
        """Give a column another width."""
        self.layout_of = tuple((name, width if name == label else old) for name, old in self.layout_of)
        column = self.columns[ColumnKey(label)]
        if column.width != width:
            column.width = width
            self.on_resize()
            self.refresh_columns()

    def refresh_columns(self) -> None:
        """Lay the table out anew."""
        self._clear_caches()
        self._require_update_dimensions = True
        self.refresh(layout=True)

    @property
    def chosen(self) -> str:
        """Return the name of the row under the cursor, or nothing."""
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)

    def fill(self, rows: Mapping[str, tuple[Content, ...]]) -> None:
        """Bring the table to `rows`."""
        self.wanted = rows
        rows = {
            name: tuple(self.fitted(*column, cell) for column, cell in zip(self.layout_of, cells, strict=True))
            for name, cells in rows.items()
        }
        present = [str(key.value) for key in self.rows]
        if present != list(rows):
            row = self.cursor_row
            self.clear()
            for name, cells in rows.items():
                self.add_row(*cells, key=name)
            self.move_cursor(row=min(row, max(0, len(rows) - 1)))
            return
        for name, cells in rows.items():
            for (label, _), cell in zip(self.layout_of, cells, strict=True):
                if not same(self.get_cell(name, label), cell):
                    self.update_cell(name, label, cell)
