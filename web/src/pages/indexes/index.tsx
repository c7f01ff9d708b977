// The page "Indexes".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Indexes">{null}</Page>;
}
