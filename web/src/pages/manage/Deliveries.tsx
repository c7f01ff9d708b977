// The log of a webhook: every event with its state, attempts and the receiver's answer; each can be sent again.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { api, type Schema, unwrap } from "../../api/client";
import { Button, IconButton, Select } from "../../ui/controls";
import { Badge, Code, type Column, Empty, Failure, Loaded, Moment, Pager, Table } from "../../ui/display";
import { counted, formatNumber } from "../../ui/format";
import { toast } from "../../ui/overlays";

type Delivery = Schema<"WebhookDelivery">;
type State = Schema<"DeliveryState">;

const STATES: readonly { id: State | "all"; label: string }[] = [
  { id: "all", label: "All" },
  { id: "pending", label: "On their way" },
  { id: "delivered", label: "Delivered" },
  { id: "dead", label: "Given up" },
];
const ON_A_PAGE = 20;

export function Deliveries({ webhook }: { webhook: string }) {
  const [params, setParams] = useSearchParams();
  const state = STATES.find((each) => each.id === params.get("state"))?.id ?? "all";
  const page = Math.max(1, Number(params.get("page")) || 1);
  const open = params.get("open");
  const list = useQuery({
    queryKey: ["deliveries", webhook, state, page],
    queryFn: () =>
      unwrap(
        api.GET("/webhooks/{webhook_id}/deliveries", {
          params: {
            path: { webhook_id: webhook },
            query: { page, page_limit: ON_A_PAGE, ...(state === "all" ? {} : { state: [state] }) },
          },
        }),
      ),
    placeholderData: keepPreviousData,
    // Events come and go by themselves.
    refetchInterval: 5_000,
  });
  function change(changed: Record<string, string | null>) {
    const next = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(changed)) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    setParams(next, { replace: true });
  }
  return (
    <section className="stack" aria-labelledby="deliveries">
      <h2 id="deliveries">Deliveries</h2>
      <div className="filters">
        <Select
          label="State"
          choices={STATES}
          value={state}
          onChange={(id) => change({ state: id === "all" ? null : id, page: null, open: null })}
        />
      </div>
      <Loaded query={list} what="the deliveries">
        {({ data, page_info }) =>
          data.length > 0 ? (
            <>
              <Table
                caption="Deliveries"
                columns={columns(open, (id) => change({ open: id }))}
                rows={data}
                rowKey={(delivery) => delivery._id}
                after={(delivery) => delivery._id === open && <Details delivery={delivery} />}
              />
              <Pager
                page={page}
                pages={page_info.total_page}
                total={page_info.total_results}
                what="deliveries"
                onPage={(to) => change({ page: to === 1 ? null : String(to), open: null })}
              />
            </>
          ) : (
            <Empty title="Nothing here">
              <p>
                {state === "all"
                  ? "Nothing was sent yet. Send a test, or wait for something to happen."
                  : "No delivery is in this state."}
              </p>
            </Empty>
          )
        }
      </Loaded>
    </section>
  );
}

function columns(open: string | null, setOpen: (id: string | null) => void): readonly Column<Delivery>[] {
  return [
    {
      id: "open",
      label: <span className="visually-hidden">Details</span>,
      cardLabel: "Details",
      cell: ({ _id, event }) => (
        <IconButton
          icon={_id === open ? "up" : "down"}
          label={`${_id === open ? "Hide" : "Show"} details of ${event}`}
          aria-expanded={_id === open}
          onPress={() => setOpen(_id === open ? null : _id)}
        />
      ),
    },
    { id: "event", label: "Event", isRowHeader: true, cell: (delivery) => <code>{delivery.event}</code> },
    { id: "state", label: "State", cell: (delivery) => <StateOf delivery={delivery} /> },
    { id: "attempts", label: "Attempts", isNumber: true, cell: ({ attempts }) => formatNumber(attempts) },
    { id: "answer", label: "Last answer", cell: (delivery) => answered(delivery) },
    { id: "created", label: "Happened", cell: (delivery) => <Moment value={delivery.created_at} /> },
    { id: "again", label: <span className="visually-hidden">Actions</span>, cardLabel: "Actions", cell: Replay },
  ];
}

function StateOf({ delivery: { state, next_attempt_at } }: { delivery: Delivery }) {
  if (state === "delivered") return <Badge tone="good">Delivered</Badge>;
  if (state === "dead") return <Badge tone="bad">Given up</Badge>;
  return (
    <span>
      <Badge tone="info">On its way</Badge>
      {next_attempt_at && (
        <span className="soft small">
          {" "}
          next <Moment value={next_attempt_at} />
        </span>
      )}
    </span>
  );
}

function answered({ response_status, error, took_ms, attempts }: Delivery) {
  if (attempts === 0) return <span className="soft">not sent yet</span>;
  const took = typeof took_ms === "number" ? `, ${formatNumber(took_ms)} ms` : "";
  return response_status ? `${response_status}${took}` : (error ?? "");
}

function Replay(delivery: Delivery) {
  return <Again delivery={delivery} />;
}

function Again({ delivery }: { delivery: Delivery }) {
  const client = useQueryClient();
  const replay = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", {
          params: { path: { webhook_id: delivery.webhook_id, delivery_id: delivery._id } },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["deliveries", delivery.webhook_id] });
      toast(`${delivery.event} is sent again, with the same id.`);
    },
  });
  return (
    <>
      <Button icon="sync" isPending={replay.isPending} onPress={() => replay.mutate()}>
        {replay.isPending ? "Sending…" : "Send again"}
      </Button>
      {replay.error ? <Failure error={replay.error} /> : null}
    </>
  );
}

/** How a delivery was answered, in words. */
export function Told({ delivery }: { delivery: Delivery }) {
  return (
    <>
      <p>
        <StateOf delivery={delivery} />{" "}
        {delivery.response_status
          ? `The receiver answered with status ${delivery.response_status}.`
          : delivery.attempts > 0
            ? "No answer came."
            : "It was not sent yet."}{" "}
        {counted(delivery.attempts, "attempt")}
        {typeof delivery.took_ms === "number" && `, the last one took ${formatNumber(delivery.took_ms)} ms`}.
      </p>
      {delivery.error && (
        <p>
          Why it failed: {delivery.error}. Next: see that the receiver runs, answers within 15 seconds and with 2xx;
          then send it again.
        </p>
      )}
      {delivery.response && <Code label="The beginning of the answer" text={delivery.response} isWrapped />}
    </>
  );
}

function Details({ delivery }: { delivery: Delivery }) {
  return (
    <div className="stack manage-details">
      <Told delivery={delivery} />
      <p className="small soft breakable">
        Id of the event: <code>{delivery.event_id}</code>, the same in every attempt. Last change{" "}
        <Moment value={delivery.updated_at} />.
      </p>
      <h3>What is sent</h3>
      <Code label="What is sent" text={JSON.stringify(delivery.payload, null, 2)} />
    </div>
  );
}
