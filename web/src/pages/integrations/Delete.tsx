// Parting from integrations: what stays and what goes, told before; undone by a message, and for a while by a list.
import { Button } from "../../ui/controls";
import { Busy, Failure, Loaded, Moment } from "../../ui/display";
import { counted, formatMoment, formatNumber } from "../../ui/format";
import { Dialog, toast } from "../../ui/overlays";
import { type Deletion, useDelete, useDeleted, useDeletionPlan, useRestore } from "./data";
import { address } from "./words";

/** The parts of a deletion that the document does not describe field by field. */
interface Plan {
  stays: {
    videos: number;
    indexes: { index_id: string; index_name: string; videos: number }[];
    tasks: number;
    imports: number;
  };
  goes_on: { tasks: number };
  ends: { imports: number; tasks: number; synchronizations: number; schedule: boolean };
  goes: { secret: boolean; inventory_files: number };
}

interface DeleteProps {
  ids: readonly string[];
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteIntegrations({ ids, onClose, onDeleted }: DeleteProps) {
  const plan = useDeletionPlan(ids);
  const remove = useDelete();
  const restore = useRestore();
  const what = counted(ids.length, "integration");
  function undo(deleted: readonly Deletion[]) {
    const ids = deleted.map((deletion) => deletion._id);
    // The dialog is gone by then: what belongs to it is no longer called back.
    restore.mutateAsync(ids).then(
      (restored) => toast(`${counted(restored.length, "integration")} restored.`),
      (error) => toast(`Not restored: ${error.message} Try it below the list, under “Recently deleted”.`),
    );
  }
  function confirm() {
    remove.mutate(ids, {
      onSuccess: (deleted) => {
        onDeleted();
        toast(`${counted(deleted.length, "integration")} deleted.`, { label: "Undo", onPress: () => undo(deleted) });
      },
    });
  }
  return (
    <Dialog
      title={`Delete ${what}?`}
      role="alertdialog"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button kind="danger" icon="trash" onPress={confirm} isDisabled={!plan.data} isPending={remove.isPending}>
            Delete {what}
          </Button>
        </>
      }
    >
      <Loaded query={plan} what="what stays and what goes">
        {(deletions) => deletions.map((deletion) => <Consequences key={deletion._id} deletion={deletion} />)}
      </Loaded>
      {remove.isPending && <Busy>Deleting…</Busy>}
      {remove.error ? <Failure error={remove.error} /> : null}
    </Dialog>
  );
}

function Consequences({ deletion }: { deletion: Deletion }) {
  const { stays, goes_on, ends, goes } = deletion as unknown as Plan;
  const named = stays.indexes.map((index) => `${formatNumber(index.videos)} in ${index.index_name}`).join(", ");
  const ending = [
    ends.imports > 0 && counted(ends.imports, "import"),
    ends.tasks > 0 && `${counted(ends.tasks, "task")} whose files are not here yet`,
    ends.synchronizations > 0 && "the synchronization that goes on",
    ends.schedule && "the schedule",
  ].filter(Boolean);
  return (
    <section>
      <h3 className="breakable">{address(deletion)}</h3>
      <ul className="int-consequences">
        <li>
          <strong>Stays:</strong> {counted(stays.videos, "indexed video")}
          {named && ` (${named})`}, {counted(stays.tasks, "finished task")}, the log of{" "}
          {counted(stays.imports, "import")}; and everything in the bucket.
        </li>
        {goes_on.tasks > 0 && (
          <li>
            <strong>Goes on:</strong> {counted(goes_on.tasks, "task")} whose files are here already.
          </li>
        )}
        {ending.length > 0 && (
          <li>
            <strong>Ends:</strong> {ending.join(", ")}.
          </li>
        )}
        <li>
          <strong>Goes:</strong> the access to the bucket
          {goes.secret && ", its secret (at once and for good)"}, and the inventory of{" "}
          {counted(goes.inventory_files, "file")}
          {deletion.restorable_until &&
            ` after ${formatMoment(deletion.restorable_until)}; until then it can be undone`}
          .
        </li>
      </ul>
    </section>
  );
}

/** What was deleted and can still be brought back. */
export function Deleted() {
  const deleted = useDeleted();
  const restore = useRestore();
  if (!deleted.data?.length) return null;
  return (
    <details className="card int-more">
      <summary>Recently deleted ({formatNumber(deleted.data.length)})</summary>
      <ul className="int-deleted">
        {deleted.data.map((integration) => (
          <li key={integration._id} className="row spread">
            <span className="breakable">
              {address(integration)}{" "}
              <span className="soft small">
                deleted <Moment value={integration.deleted_at} />, can be restored until{" "}
                <Moment value={integration.restorable_until} isExact />
              </span>
            </span>
            <Button
              icon="sync"
              aria-label={`Restore ${integration.bucket}`}
              isPending={restore.isPending && restore.variables.includes(integration._id)}
              onPress={() =>
                restore.mutate([integration._id], { onSuccess: () => toast(`${integration.bucket} is restored.`) })
              }
            >
              Restore
            </Button>
          </li>
        ))}
      </ul>
      {restore.isPending && <Busy>Restoring, and verifying the access…</Busy>}
      {restore.error ? <Failure error={restore.error} /> : null}
    </details>
  );
}
