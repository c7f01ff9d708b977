// Lines with their times. A click on a line's time or on a word jumps there; the line of now is marked and kept in view.
// By keyboard the list is one stop: up and down choose a line, left and right a word in it, Enter jumps.
import { type KeyboardEvent, type MouseEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { formatClock } from "../ui/format";
import type { Line } from "./source";
import "./video.css";
import { lineAt, piecesOf } from "./words";

export interface TranscriptProps {
  lines: readonly Line[];
  /** Now, in seconds. */
  time: number;
  onSeek: (seconds: number) => void;
  /** What the list is, for screen readers. */
  label: string;
  /** Words to mark (`termsOf` makes them of a query). */
  marks?: readonly string[];
}

const NO_MARKS: readonly string[] = [];

export function Transcript({ lines, time, onSeek, label, marks = NO_MARKS }: TranscriptProps) {
  const list = useRef<HTMLOListElement>(null);
  const current = lineAt(lines, time);
  const [chosen, setChosen] = useState(0);
  // The number of the chosen word in the chosen line; -1 for the whole line.
  const [word, setWord] = useState(-1);
  const jump = useRef(onSeek);
  jump.current = onSeek;

  // Keeps the line of now in view, within the list only, and not while it is being read by pointer or keyboard.
  useEffect(() => {
    const frame = list.current;
    const line = frame?.children[current];
    if (!frame || !(line instanceof HTMLElement) || frame.matches(":hover, :focus-within")) return;
    const [top, bottom] = [line.offsetTop - frame.offsetTop, line.offsetTop - frame.offsetTop + line.offsetHeight];
    if (top < frame.scrollTop || bottom > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = top - frame.clientHeight / 3;
    }
  }, [current]);

  function choose(line: number) {
    const next = Math.min(lines.length - 1, Math.max(0, line));
    setChosen(next);
    setWord(-1);
    list.current?.children[next]?.querySelector<HTMLButtonElement>("button")?.focus();
  }
  function keys(event: KeyboardEvent) {
    const line = lines[chosen];
    if (!line) return;
    const words = piecesOf(line).filter((piece) => piece.at !== undefined);
    const acts: Record<string, () => void> = {
      ArrowDown: () => choose(chosen + 1),
      ArrowUp: () => choose(chosen - 1),
      Home: () => choose(0),
      End: () => choose(lines.length - 1),
      ArrowRight: () => setWord(Math.min(word + 1, words.length - 1)),
      ArrowLeft: () => setWord(Math.max(word - 1, -1)),
      Enter: () => jump.current(words[word]?.at ?? line.start),
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
  function clicked(event: MouseEvent) {
    const target = event.target as HTMLElement;
    const at = target.closest<HTMLElement>("[data-at]")?.dataset.at;
    // Who marks words to copy them does not want to jump.
    if (at !== undefined && !getSelection()?.toString()) jump.current(Number(at));
  }

  const chosenWords = lines[chosen] ? piecesOf(lines[chosen]).filter((piece) => piece.at !== undefined) : [];
  return (
    <>
      <ol className="transcript" ref={list} aria-label={label} onKeyDown={keys} onClick={clicked}>
        {lines.map((line, number) => (
          <LineRow
            key={`${line.start} ${line.value}`}
            line={line}
            marks={marks}
            isCurrent={number === current}
            isStop={number === Math.min(chosen, lines.length - 1)}
            word={number === chosen ? word : -1}
            onFocus={() => {
              if (number === chosen) return;
              setChosen(number);
              setWord(-1);
            }}
          />
        ))}
      </ol>
      <span className="visually-hidden" aria-live="polite">
        {word >= 0 ? chosenWords[word]?.text : ""}
      </span>
    </>
  );
}

const LineRow = memo(
  function LineRow({
    line,
    marks,
    isCurrent,
    isStop,
    word,
    onFocus,
  }: {
    line: Line;
    marks: readonly string[];
    isCurrent: boolean;
    isStop: boolean;
    word: number;
    onFocus: () => void;
  }) {
    const pieces = useMemo(() => piecesOf(line, marks), [line, marks]);
    let count = -1;
    return (
      <li className={isCurrent ? "current" : undefined} aria-current={isCurrent || undefined}>
        <button
          type="button"
          className="time numeric"
          tabIndex={isStop ? 0 : -1}
          data-at={line.start}
          onFocus={onFocus}
          aria-label={`Jump to ${formatClock(line.start)}: ${line.value}`}
        >
          {formatClock(line.start)}
        </button>
        <p>
          {pieces.map((piece, place) => {
            if (piece.at === undefined) return <span key={place}>{piece.text}</span>;
            count += 1;
            const className = count === word ? "word chosen" : "word";
            const Tag = piece.isMarked ? "mark" : "span";
            return (
              <Tag key={place} className={className} data-at={piece.at.toFixed(2)}>
                {piece.text}
              </Tag>
            );
          })}
        </p>
      </li>
    );
  },
  (before, after) =>
    before.line === after.line &&
    before.marks === after.marks &&
    before.isCurrent === after.isCurrent &&
    before.isStop === after.isStop &&
    before.word === after.word,
);
