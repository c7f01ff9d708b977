// A fault that the server stored with something (a synchronization, an integration): what happened, and what to do next.
import type { Schema } from "../../api/client";
import { Button } from "../../ui/controls";

type Told = Pick<Schema<"Fault">, "code" | "message"> & Partial<Schema<"Fault">>;

export function FaultNote({ fault, title, onRetry }: { fault: Told; title?: string; onRetry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>
        <strong>
          {title && `${title} `}
          {fault.message}
        </strong>
      </p>
      {fault.value && (
        <p className="breakable">
          Found: <code>{fault.value}</code>
        </p>
      )}
      {fault.rule && <p>Allowed: {fault.rule}</p>}
      {fault.remedy && <p>Next: {fault.remedy}</p>}
      <p className="reference">{fault.code}</p>
      {onRetry && (
        <Button icon="sync" onPress={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
