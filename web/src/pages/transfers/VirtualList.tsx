// A list of any length in a frame that scrolls: only the rows in sight are there.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useRef } from "react";

export function VirtualList<Row>({
  label,
  rows,
  rowKey,
  estimate = 64,
  children,
}: {
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  /** The height of most rows, in pixels. */
  estimate?: number;
  children: (row: Row) => ReactNode;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => estimate,
    getItemKey: (at) => (rows[at] === undefined ? at : rowKey(rows[at])),
    overscan: 8,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a section would become a landmark
    <div className="tr-long-list" ref={frame} tabIndex={0} role="group" aria-label={label}>
      <ul style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return (
            <li
              key={item.key}
              data-index={item.index}
              ref={list.measureElement}
              aria-setsize={rows.length}
              aria-posinset={item.index + 1}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {row !== undefined && children(row)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
