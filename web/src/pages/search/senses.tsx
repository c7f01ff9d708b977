// How a moment matched, in words and as an icon.
import type { Schema } from "../../api/client";
import { Badge, type Tone } from "../../ui/display";
import type { IconName } from "../../ui/icons";
import type { Clip } from "./data";
import { marked, termsOf } from "./marks";
import { senseOf } from "./request";
import type { SearchState, Sense } from "./state";

export const SENSE_WORDS: Record<Sense, { label: string; hint: string; icon: IconName }> = {
  seen: { label: "Seen", hint: "what the pictures show", icon: "eye" },
  said: { label: "Said", hint: "what is spoken", icon: "speech" },
  written: { label: "Written", hint: "text in the picture", icon: "letters" },
};

const SURENESS: Record<string, Tone> = { high: "good", medium: "info", low: "soft", "extremely low": "soft" };

/** How sure a match is: a word, and the server's number. */
export function Sureness({ of: { confidence, score } }: { of: Pick<Schema<"SearchModule">, "confidence" | "score"> }) {
  return (
    <Badge tone={SURENESS[confidence] ?? "soft"} icon="gauge">
      {confidence} · {score.toFixed(0)}
      <span className="visually-hidden"> of 100</span>
    </Badge>
  );
}

export interface Why {
  sense: Sense;
  text: string | null;
  confidence: string;
  score: number;
}

/** Why a clip was found, best first. */
export function whyOf(clip: Clip): Why[] {
  return (clip.modules ?? []).flatMap((module, place) => {
    const sense = senseOf(module.type);
    if (!sense) return [];
    const text = clip.metadata?.[place]?.text ?? null;
    return [{ sense, text, confidence: module.confidence, score: module.score }];
  });
}

/** The words that a match of a sense holds. */
export type Terms = Readonly<Record<Sense, string[][]>>;

/** Only what is said can be asked for by its very words. */
export function termsBySense({ text, isExact }: SearchState): Terms {
  const words = termsOf(text, false);
  return { seen: words, written: words, said: isExact ? termsOf(text, true) : words };
}

/** The ways in which a clip matched, with the words that are there, those that match marked. */
export function Reasons({ clip, terms }: { clip: Clip; terms: Terms }) {
  const why = whyOf(clip);
  return (
    <>
      <div className="row">
        {why.map(({ sense }) => (
          <Badge key={sense} tone="accent" icon={SENSE_WORDS[sense].icon}>
            {SENSE_WORDS[sense].label}
          </Badge>
        ))}
        <Sureness of={clip} />
      </div>
      {why.map(({ sense, text }) =>
        text ? (
          <blockquote key={sense} className="search-words">
            <span className="visually-hidden">{SENSE_WORDS[sense].label}: </span>
            {marked(text, terms[sense])}
          </blockquote>
        ) : null,
      )}
    </>
  );
}
