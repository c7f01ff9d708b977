// The page "Webhooks".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Webhooks">{null}</Page>;
}
