// "New transfer": from a manifest, or all of a bucket that an index does not have yet.
import { useSearchParams } from "react-router";
import { Tabs } from "../../../ui/controls";
import { Page } from "../../../ui/Page";
import { FromIntegration } from "./FromIntegration";
import { FromManifest } from "./FromManifest";

export function NewTransfer() {
  const [search, setSearch] = useSearchParams();
  // Who comes from an index wants to fill it.
  const from = search.get("from") ?? (search.has("index") ? "integration" : "manifest");
  return (
    <Page title="New transfer" lead="Nothing is moved before you start it: what would be done is shown first.">
      <Tabs
        label="Where the videos are named"
        selected={from}
        onSelect={(tab) => setSearch({ from: tab }, { replace: true })}
        tabs={[
          { id: "manifest", label: "From a manifest", content: <FromManifest /> },
          { id: "integration", label: "From an integration", content: <FromIntegration /> },
        ]}
      />
    </Page>
  );
}
