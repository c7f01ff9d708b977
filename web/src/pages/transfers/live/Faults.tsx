// Why videos failed, by reason: how many, the cause, the remedy, another try for these, and their list.
import { useMutation } from "@tanstack/react-query";
import { api, unwrap } from "../../../api/client";
import { Button, ButtonLink } from "../../../ui/controls";
import { Failure } from "../../../ui/display";
import { counted, formatNumber } from "../../../ui/format";
import { toast } from "../../../ui/overlays";
import { focusNumbers } from "./Numbers";
import type { TransferNow } from "./TransferPage";

export function Faults({ transfer, onMore }: { transfer: TransferNow; onMore: () => void }) {
  const { faults, counts, _id } = transfer;
  const retry = useRetry(_id, onMore);
  if (faults.length === 0) return null;
  return (
    <section className="card" aria-labelledby="faults">
      <h2 id="faults" tabIndex={-1}>
        {counted(counts.failed, "video")} failed, for {counted(faults.length, "reason")}
      </h2>
      <ul className="tr-reasons">
        {faults.map((fault) => (
          <li key={fault.code}>
            <p>
              <strong>
                {formatNumber(fault.count)} × {fault.message || fault.code}
              </strong>
            </p>
            {fault.remedy && <p>Next: {fault.remedy}</p>}
            <p className="small soft">{fault.code}</p>
            <div className="row">
              <Button
                icon="sync"
                isPending={retry.isPending && retry.variables === fault.code}
                aria-label={`${fault.count === 1 ? "Retry this one" : `Retry these ${fault.count}`}: ${fault.message || fault.code}`}
                onPress={() => retry.mutate(fault.code)}
              >
                {fault.count === 1 ? "Retry this one" : `Retry these ${formatNumber(fault.count)}`}
              </Button>
              <ButtonLink to={`/tasks?transfer_id=${_id}&state=failed&code=${fault.code}`} icon="list">
                {fault.count === 1 ? "Show it" : "Show these"}
                <span className="visually-hidden">: {fault.message || fault.code}</span>
              </ButtonLink>
            </div>
          </li>
        ))}
      </ul>
      {retry.error && <Failure error={retry.error} title="They were not tried again." />}
    </section>
  );
}

/** Another try for all failed videos of a transfer, or those with one code. */
export function useRetry(id: string, onMore: () => void) {
  return useMutation({
    mutationFn: (code: string | undefined) =>
      unwrap(
        api.POST("/transfers/{transfer_id}/retry", {
          params: { path: { transfer_id: id } },
          body: code ? { code } : {},
        }),
      ),
    onSuccess: ({ retried }) => {
      // The button may go with its reason: the focus goes to what stays.
      focusNumbers();
      toast(`${counted(retried, "video")} will be tried again.`);
      onMore();
    },
  });
}
