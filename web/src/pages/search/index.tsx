// The page "Search".
import { Page } from "../../ui/Page";

export default function Area() {
  return <Page title="Search">{null}</Page>;
}
