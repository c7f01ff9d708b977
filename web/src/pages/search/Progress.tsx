// How far a search is: how much was found, what more there is, and what cannot be found yet.
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { Button } from "../../ui/controls";
import { Busy } from "../../ui/display";
import { counted, formatNumber } from "../../ui/format";
import { clipsOf, useOnTheirWay, type useSearch } from "./data";

type Search = ReturnType<typeof useSearch>;

/** How much was found; told politely when it changes. */
export function Found({ found, isByVideo }: { found: Search; isByVideo: boolean }) {
  const page = found.data?.pages[0];
  const isSearching = found.isFetching && !found.isFetchingNextPage;
  let words = "";
  if (!isSearching && page && !found.isPlaceholderData) {
    const { total_results, total_inner_matches } = page.page_info;
    words = isByVideo
      ? `${counted(total_inner_matches ?? 0, "moment")} in ${counted(total_results, "video")} found`
      : `${counted(total_results, "moment")} found`;
    words += `; ${counted(page.search_pool.total_count, "video was", "videos were")} searched`;
  }
  return (
    <h2 className="search-found">
      <span role="status">{isSearching ? "Searching…" : words}</span>
    </h2>
  );
}

/** The next page of results. The focus goes to the first that is new, for the button moves or goes. */
export function More({ found }: { found: Search }) {
  const pages = found.data?.pages.length ?? 0;
  const asked = useRef<number>(undefined);
  useEffect(() => {
    if (asked.current === undefined || found.isFetchingNextPage) return;
    const first = asked.current;
    asked.current = undefined;
    document.querySelectorAll<HTMLElement>(".search-hit-link")[first]?.focus();
  }, [found.isFetchingNextPage]);
  if (!found.hasNextPage || found.isPlaceholderData) return null;
  const shown = (found.data?.pages ?? []).reduce((sum, page) => sum + page.data.length, 0);
  const total = found.data?.pages[0]?.page_info.total_results ?? shown;
  return (
    <div className="row">
      <Button
        icon="down"
        isPending={found.isFetchingNextPage}
        onPress={() => {
          asked.current = (found.data?.pages ?? []).flatMap(clipsOf).length;
          void found.fetchNextPage();
        }}
      >
        More results
      </Button>
      <span className="soft small numeric">
        {found.isFetchingNextPage ? (
          <Busy>Fetching page {pages + 1}…</Busy>
        ) : (
          `${formatNumber(shown)} of ${formatNumber(total)} are shown`
        )}
      </span>
    </div>
  );
}

/** Videos become findable when all of them is indexed. */
export function OnTheirWay({ index }: { index: string | null }) {
  const count = useOnTheirWay(index).data ?? 0;
  if (count === 0) return null;
  return (
    <div className="note" role="status">
      {counted(count, "video")} of this index {count === 1 ? "is" : "are"} still being indexed, and cannot be found yet.{" "}
      <Link to={`/indexes/${index}`}>See the index</Link>, or search again later.
    </div>
  );
}
