// What comes of "Get JSON": how many videos, how the list begins, and the download.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { noteCall } from "../../api/calls";
import { API_BASE, type Schema, send } from "../../api/client";
import { Button } from "../../ui/controls";
import { Busy, Failure } from "../../ui/display";
import { counted, formatBytes, formatNumber } from "../../ui/format";
import { toast } from "../../ui/overlays";
import type { Integration } from "./data";
import { type Choices, firstLines, manifestPath, manifestQuery } from "./manifest";

/** Lines of the list that are shown before it is downloaded. */
const PREVIEWED = 8;

/** The text as it is when it was left alone for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 350);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

interface OutcomeProps {
  integration: Integration;
  choices: Choices;
  isReady: boolean;
  onClose: () => void;
}

export function Outcome({ integration, choices, isReady, onClose }: OutcomeProps) {
  const format = choices.format ?? "json";
  const query = useSettled(manifestQuery(choices).toString());
  const path = `${API_BASE}/integrations/${integration._id}/manifest?${query}`;
  const list = useQuery({
    queryKey: ["integrations", integration._id, "manifest", query, format],
    queryFn: async ({ signal }) => {
      const count = (await (await send(`${path}&count=true`, { signal })).json()) as Schema<"ManifestCount">;
      const { body } = await send(`${path}&format=${format}`, { signal });
      return { count, preview: body ? await firstLines(body, PREVIEWED) : [] };
    },
    enabled: isReady && Boolean(choices.index_id),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const count = list.data?.count.count ?? 0;
  const canDownload = isReady && Boolean(choices.index_id) && count > 0 && !list.error;
  return (
    <div className="stack">
      {!choices.index_id && <p className="soft">Choose an index to see the list.</p>}
      {choices.index_id && !isReady && <p className="soft">The list is made when the bucket is synchronized.</p>}
      {choices.index_id && isReady && (
        <section className="stack" aria-label="The list">
          <p role="status" className="int-count">
            {list.data ? (
              <>
                <strong>{counted(count, "video")}</strong>
                {count > 0 && (
                  <>
                    , {formatBytes(list.data.count.bytes)}, {formatNumber(list.data.count.with_transcription)} with
                    captions
                  </>
                )}
                {count === 0 &&
                  (choices.only_not_indexed ? ": all that match are in the index." : ": none match the filters.")}
              </>
            ) : (
              !list.error && <Busy>Counting…</Busy>
            )}
          </p>
          {list.error ? <Failure error={list.error} onRetry={() => list.refetch()} /> : null}
          {count > 0 && list.data && (
            <Preview of={counted(count, "video")} lines={list.data.preview} isCut={count >= PREVIEWED - 1} />
          )}
        </section>
      )}
      <div className="row int-form-end">
        <Button onPress={onClose}>Close</Button>
        {canDownload ? (
          <a
            className="button primary"
            href={manifestPath(integration._id, manifestQuery(choices, { format }))}
            download=""
            onClick={(event) => {
              void noteCall(new Request(event.currentTarget.href));
              toast(`The list of ${counted(count, "video")} is being downloaded.`);
            }}
          >
            Download
          </a>
        ) : (
          <Button kind="primary" icon="download" isDisabled>
            Download
          </Button>
        )}
      </div>
    </div>
  );
}

/** How the list begins. It is not there to be copied: the file has all of it. */
function Preview({ of, lines, isCut }: { of: string; lines: readonly string[]; isCut: boolean }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="code" role="group" aria-label={`The first lines of the list of ${of}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>
        <code>
          {lines.join("\n")}
          {isCut && "\n…"}
        </code>
      </pre>
    </div>
  );
}
