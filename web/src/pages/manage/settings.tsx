// The page "Settings".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Settings">{null}</Page>;
}
