// The page "Tasks".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Tasks">{null}</Page>;
}
