// What shows things: failures, waiting, emptiness, states, numbers, code to copy, tables and pages of lists.
import { type ReactNode, useEffect, useState } from "react";
import { ApiFailure } from "../api/client";
import { Button, IconButton } from "./controls";
import { formatAge, formatMoment, formatNumber } from "./format";
import { Icon, type IconName } from "./icons";

export type Tone = "good" | "warn" | "bad" | "info" | "accent" | "soft";

/** Why something failed: what happened, what was given, the rule, what to do next, the reference id, and another try. */
export function Failure({ error, onRetry, title }: { error: unknown; onRetry?: () => void; title?: string }) {
  const refusal = error instanceof ApiFailure ? error.refusal : undefined;
  const message = refusal?.message ?? (error instanceof Error ? error.message : String(error));
  return (
    <div className="failure" role="alert">
      <p>
        <strong>
          {title ? `${title} ` : ""}
          {message}
        </strong>
      </p>
      {refusal?.value && (
        <p className="breakable">
          Found: <code>{refusal.value}</code>
        </p>
      )}
      {refusal?.rule && <p>Allowed: {refusal.rule}</p>}
      <p>
        {refusal?.remedy
          ? `Next: ${refusal.remedy}`
          : refusal
            ? "Next: try again; if it stays, ask whoever runs this server, with the reference."
            : "Next: reload the page. If it happens again, tell us what you did: it is a mistake in the dashboard."}
      </p>
      {refusal && (
        <p className="reference">
          {refusal.code} · reference <code>{refusal.request_id}</code>
        </p>
      )}
      {onRetry && (
        <Button icon="sync" onPress={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Waiting, always with words. */
export function Busy({ children }: { children: ReactNode }) {
  return (
    <span className="busy" role="status">
      <span className="wheel" aria-hidden="true" />
      <span>{children}</span>
    </span>
  );
}

/** Nothing is there: says what would be, and how it comes to be. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="card empty">
      <h2>{title}</h2>
      {children}
      {action}
    </div>
  );
}

interface Waiting<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** What a query found; until then words, and the failure when it failed. Data that is there stays while it is asked anew. */
export function Loaded<T>({
  query,
  what,
  children,
}: {
  query: Waiting<T>;
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) {
    return (
      <>
        {query.error ? (
          <Failure error={query.error} title="This may be out of date." onRetry={() => query.refetch()} />
        ) : null}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <Failure error={query.error} onRetry={() => query.refetch()} />;
  return <Busy>Loading {what}…</Busy>;
}

const TONE_ICONS: Record<Tone, IconName> = {
  good: "check",
  warn: "warn",
  bad: "cross",
  info: "clock",
  accent: "dot",
  soft: "dot",
};

/** A state in words, with a colour and an icon of its own. */
export function Badge({ tone, children, icon }: { tone: Tone; children: ReactNode; icon?: IconName }) {
  return (
    <span className={`badge ${tone}`}>
      <Icon name={icon ?? TONE_ICONS[tone]} />
      {children}
    </span>
  );
}

/** A moment: how long ago, exact on hover and to screen readers, in the reader's zone. */
export function Moment({ value, isExact = false }: { value: string | null | undefined; isExact?: boolean }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!value) return <span className="soft">never</span>;
  return (
    <time dateTime={value} title={`${formatMoment(value)} (${value})`}>
      {isExact ? formatMoment(value) : formatAge(value)}
    </time>
  );
}

/** Copies a text and says so. */
export function CopyButton({ text, label = "Copy", isIcon }: { text: string; label?: string; isIcon?: boolean }) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("refused");
    }
    setTimeout(() => setState("idle"), 2500);
  }
  const said = { idle: label, copied: "Copied", refused: "Select it and press Ctrl+C" }[state];
  return (
    <>
      {isIcon ? (
        <IconButton icon={state === "copied" ? "check" : "copy"} label={said} onPress={copy} />
      ) : (
        <Button icon={state === "copied" ? "check" : "copy"} onPress={copy}>
          {said}
        </Button>
      )}
      <span className="visually-hidden" aria-live="polite">
        {state === "idle" ? "" : said}
      </span>
    </>
  );
}

/** Text for machines, with a button that copies it. Long lines scroll, unless they may be wrapped. */
export function Code({ text, label, isWrapped }: { text: string; label: string; isWrapped?: boolean }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className={isWrapped ? "code wrapped" : "code"} role="group" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <span className="copy">
        <CopyButton text={text} />
      </span>
    </div>
  );
}

export interface Share {
  label: string;
  count: number;
  tone: Tone;
}

/** Parts of a whole as a bar; the numbers stand beside it in words, so it is hidden from screen readers. */
export function StageBar({ shares, total }: { shares: readonly Share[]; total: number }) {
  return (
    <div className="meter" aria-hidden="true">
      {shares.map((share) => (
        <span
          key={share.label}
          className={`tone-${share.tone}`}
          style={{ width: `${total > 0 ? (share.count / total) * 100 : 0}%` }}
        />
      ))}
    </div>
  );
}

/** Parts of a whole as a ring with a word in its middle; told to screen readers as a sentence. */
export function Donut({ shares, middle, size = 132 }: { shares: readonly Share[]; middle: string; size?: number }) {
  const total = shares.reduce((sum, share) => sum + share.count, 0);
  const told = shares.map((share) => `${share.label}: ${formatNumber(share.count)}`).join(", ");
  let before = 0;
  return (
    <svg
      className="donut"
      width={size}
      height={size}
      viewBox="0 0 100 100"
      role="img"
      aria-label={`${middle}. ${told}`}
    >
      <circle cx="50" cy="50" r="42" stroke="var(--sunken)" />
      {shares
        .filter((share) => share.count > 0)
        .map((share) => {
          const part = (share.count / total) * 100;
          const offset = -before;
          before += part;
          return (
            <circle
              key={share.label}
              className={`stroke-${share.tone}`}
              cx="50"
              cy="50"
              r="42"
              pathLength="100"
              strokeDasharray={`${part} ${100 - part}`}
              strokeDashoffset={offset}
              transform="rotate(-90 50 50)"
            />
          );
        })}
      <text x="50" y="56" textAnchor="middle" fill="currentColor" fontSize="17" fontWeight="600">
        {middle}
      </text>
    </svg>
  );
}

export interface Column<Row> {
  id: string;
  label: ReactNode;
  /** The label where the row is a card; needed when `label` is not a text. */
  cardLabel?: string;
  cell: (row: Row) => ReactNode;
  isNumber?: boolean;
  /** Names the row for screen readers. */
  isRowHeader?: boolean;
}

/** A list in columns; cards on narrow screens. `after` adds a row below one, e.g. its details. */
export function Table<Row>({
  caption,
  columns,
  rows,
  rowKey,
  after,
}: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  after?: (row: Row) => ReactNode;
}) {
  return (
    <div className="table-frame">
      <table className="table cards">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={column.isNumber ? "end" : undefined}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        {rows.map((row) => {
          const more = after?.(row);
          return (
            <tbody key={rowKey(row)}>
              <tr>
                {columns.map((column) => {
                  const label = column.cardLabel ?? (typeof column.label === "string" ? column.label : "");
                  const className = column.isNumber ? "end numeric" : undefined;
                  return column.isRowHeader ? (
                    <th key={column.id} scope="row" data-label={label} className={className}>
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.id} data-label={label} className={className}>
                      {column.cell(row)}
                    </td>
                  );
                })}
              </tr>
              {more && (
                <tr>
                  <td colSpan={columns.length} data-label="">
                    {more}
                  </td>
                </tr>
              )}
            </tbody>
          );
        })}
      </table>
    </div>
  );
}

/** Steps through the pages of a list. Pages begin at 1. When there may be more than `total`, nobody knows the last. */
export function Pager({
  page,
  pages,
  total,
  isAtLeast = false,
  what,
  onPage,
}: {
  page: number;
  pages: number;
  total: number;
  isAtLeast?: boolean;
  what: string;
  onPage: (page: number) => void;
}) {
  return (
    <nav className="pager" aria-label={`Pages of ${what}`}>
      <span className="soft numeric" aria-live="polite">
        {isAtLeast ? "at least " : ""}
        {formatNumber(total)} {what}
        {pages > 1 ? ` · page ${formatNumber(page)}` : ""}
        {pages > 1 && !isAtLeast ? ` of ${formatNumber(pages)}` : ""}
      </span>
      {pages > 1 && (
        <span className="row">
          <Button icon="left" isDisabled={page <= 1} onPress={() => onPage(page - 1)}>
            Previous
          </Button>
          <Button isDisabled={page >= pages} onPress={() => onPage(page + 1)}>
            Next <Icon name="right" />
          </Button>
        </span>
      )}
    </nav>
  );
}
