// The page "Integrations".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Integrations">{null}</Page>;
}
