// One transfer, live: where its videos stand, how fast it goes, what failed and why; pause, resume, cancel, try again.
import { useEffect, useRef, useState } from "react";
import { useParams } from "react-router";
import type { Schema } from "../../../api/client";
import { type Connection, useLive } from "../../../api/events";
import { ButtonLink } from "../../../ui/controls";
import { Badge, Busy, Empty, Failure, Moment } from "../../../ui/display";
import { formatMoment, formatNumber } from "../../../ui/format";
import { Page } from "../../../ui/Page";
import { finished, TransferState } from "../state";
import { Actions } from "./Actions";
import { Faults } from "./Faults";
import { InHand } from "./InHand";
import { Numbers } from "./Numbers";
import { Reports } from "./Reports";
import { paceOf, type Sample, withSample } from "./rate";
import { Stages } from "./Stages";

export type TransferNow = Schema<"TransferStatus">;

const isOver = (transfer: TransferNow) => transfer.is_finished;

export function TransferPage() {
  const { id = "" } = useParams();
  const { data, error, connection, source } = useLive<TransferNow>({
    path: `/transfers/${id}`,
    event: "transfer",
    isOver,
  });
  const pace = usePace(data);
  if (!data) {
    return (
      <Page title="Transfer">
        {error ? <Failure error={error} onRetry={() => source.start()} /> : <Busy>Loading the transfer…</Busy>}
      </Page>
    );
  }
  const title = `Transfer of ${formatMoment(data.created_at)}`;
  return (
    <Page
      title={title}
      lead={
        <div className="row">
          <TransferState transfer={data} /> <ConnectionState connection={connection} />
          <span>
            begun <Moment value={data.created_at} />
            {data.ended_at && (
              <>
                , ended <Moment value={data.ended_at} />
              </>
            )}
          </span>
        </div>
      }
      actions={
        <Actions
          transfer={data}
          onChanged={(now) => (now ? source.take(now) : undefined)}
          onMore={() => source.start()}
        />
      }
    >
      <Spoken transfer={data} connection={connection} />
      {error !== undefined && <Failure error={error} title="This may be out of date." onRetry={() => source.start()} />}
      {data.total === 0 ? (
        <Empty title="There was nothing to transfer" action={<ButtonLink to="/transfers/new">New transfer</ButtonLink>}>
          <p>The index has all of it, or is getting it.</p>
        </Empty>
      ) : (
        <>
          <Numbers transfer={data} pace={pace} />
          {!data.is_finished && <Stages transfer={data} />}
          {!data.is_finished && <InHand transfer={data} />}
          <Faults transfer={data} onMore={() => source.start()} />
          <Reports id={data._id} total={data.total} />
        </>
      )}
    </Page>
  );
}

function usePace(data: TransferNow | undefined) {
  const samples = useRef<Sample[]>([]);
  const [pace, setPace] = useState<ReturnType<typeof paceOf>>();
  useEffect(() => {
    if (!data) return;
    samples.current = withSample(samples.current, { at: Date.now(), finished: finished(data.counts) });
    setPace(paceOf(samples.current));
  }, [data]);
  return data?.is_finished ? undefined : pace;
}

/** Whether what is seen is told as it happens. */
function ConnectionState({ connection }: { connection: Connection }) {
  if (connection === "live") {
    return (
      <Badge tone="good" icon="dot">
        Live
      </Badge>
    );
  }
  if (connection === "asking") return <Badge tone="warn">Not live: asked every 3 seconds</Badge>;
  if (connection === "connecting") return <Badge tone="soft">Connecting…</Badge>;
  return null;
}

const SPEAK_EVERY_MS = 15_000;

/** Tells screen readers how it goes, now and then, and at once when it is over or no longer live. */
function Spoken({ transfer, connection }: { transfer: TransferNow; connection: Connection }) {
  const [said, setSaid] = useState("");
  const last = useRef({ at: 0, moment: "" });
  const { counts, total, is_finished, paused_at } = transfer;
  const moment = `${is_finished} ${Boolean(paused_at)} ${connection === "asking"}`;
  const state = is_finished ? "The transfer has ended. " : paused_at ? "The transfer is paused. " : "";
  const link = connection === "asking" ? "Not live: asked every 3 seconds. " : "";
  const failed = counts.failed > 0 ? `, ${formatNumber(counts.failed)} of them failed` : "";
  const text = `${state}${link}${formatNumber(finished(counts))} of ${formatNumber(total)} done${failed}.`;
  useEffect(() => {
    const isNew = last.current.moment !== moment;
    if (!isNew && Date.now() - last.current.at < SPEAK_EVERY_MS) return;
    last.current = { at: Date.now(), moment };
    setSaid(text);
  }, [text, moment]);
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
