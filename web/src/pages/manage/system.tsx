// The page "System".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="System">{null}</Page>;
}
