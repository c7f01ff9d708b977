// The page "Transfers".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Transfers">{null}</Page>;
}
