// The page "API keys".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="API keys">{null}</Page>;
}
