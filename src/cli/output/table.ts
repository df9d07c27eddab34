/** Aligned columns. Own code: what libraries add (borders, wrapping, cells that span) is what a terminal table should not have. */
import { stripVTControlCharacters } from 'node:util'

export interface Column<Row> {
  title: string
  /** May hold colour. */
  cell: (row: Row) => string
  isRight?: boolean
}

/** Width in terminal columns, colour aside; combining marks and wide letters count as one. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** @returns lines with a newline each; a header, then a row a line, two spaces between columns. Columns without content are left out. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  header: (title: string) => string = (title) => title,
): string {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => rows.length === 0 || cells.some((cell) => cell !== ''))
  const widths = filled.map(({ title, cells }) => Math.max(widthOf(title), ...cells.map(widthOf)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - widthOf(cell))
        return filled[i]!.isRight ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  const head = line(filled.map(({ title }) => header(title)))
  const body = rows.map((_, i) => line(filled.map(({ cells }) => cells[i]!)))
  return `${[head, ...body].join('\n')}\n`
}
