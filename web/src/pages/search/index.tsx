// The page "Search". Its whole state is in the address; only a picture of the reader's own cannot be.
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { Button, ButtonLink, Checkbox } from "../../ui/controls";
import { CopyButton, Empty, Failure, Loaded } from "../../ui/display";
import { Page } from "../../ui/Page";
import { CodeDialog } from "./CodeDialog";
import { LANGUAGES, type Language } from "./code";
import { type Clip, clipsOf, fileOf, useIndex, useIndexes, useNames, useSearch } from "./data";
import { useFocusOfHit } from "./focus";
import { HitView } from "./HitView";
import { useSingleKeys } from "./keys";
import { NothingFound } from "./NothingFound";
import { Found, More, OnTheirWay } from "./Progress";
import { Results } from "./Results";
import { requestOf, sensesOf } from "./request";
import { SearchForm } from "./SearchForm";
import "./search.css";
import { termsBySense } from "./senses";
import { isAsked, readState, type SearchState, withoutView, writeState } from "./state";
import { summaryOf } from "./summary";

export default function Area() {
  const indexes = useIndexes();
  return (
    <Page title="Search">
      <Loaded query={indexes} what="the indexes">
        {(all) =>
          all.length > 0 ? (
            <Search indexes={all} />
          ) : (
            <Empty
              title="There is nothing to search yet"
              action={
                <ButtonLink to="/indexes" kind="primary">
                  To the indexes
                </ButtonLink>
              }
            >
              <p>Make an index and bring videos into it. What is seen, said and written in them can be found here.</p>
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}

function Search({ indexes }: { indexes: NonNullable<ReturnType<typeof useIndexes>["data"]> }) {
  const [params, setParams] = useSearchParams();
  const query = params.toString();
  const state = useMemo(() => readState(new URLSearchParams(query)), [query]);
  const [hasKeys, setKeys] = useSingleKeys();
  const index = state.index ?? (indexes.find(({ video_count }) => video_count > 0) ?? indexes[0])?._id ?? null;
  const known = useIndex(index);
  const has = known.data?.has;
  const request = useMemo(
    () => (isAsked(state) && index && has && has.length > 0 ? requestOf(state, index, has) : null),
    [state, index, has],
  );
  const found = useSearch(request, state.picture);
  const pages = request ? (found.data?.pages ?? []) : [];
  const video = params.get("video");
  const senses = useMemo(() => sensesOf(state, has ?? []), [state, has]);
  const terms = useMemo(() => termsBySense(state), [state]);
  const nameOf = useNames(index, [
    ...(video ? [video] : []),
    ...pages.flatMap(clipsOf).map((clip) => clip.video_id),
    ...(state.picture?.kind === "moment" ? [state.picture.video] : []),
    ...(Array.isArray(state.filter.id) ? state.filter.id : []),
  ]);
  useFocusOfHit(video, Number(params.get("t")));

  function search(change: Partial<SearchState>, isAgain = false) {
    const next = writeState({ ...state, index, ...change });
    if (next.toString() !== withoutView(params).toString()) setParams(next);
    else if (isAgain) void found.refetch();
  }
  function set(change: Record<string, string | null>, replace = true) {
    const next = new URLSearchParams(params);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    setParams(next, { replace });
  }
  function linkTo(clip: Clip): string {
    const to = writeState({ ...state, index });
    to.set("video", clip.video_id);
    to.set("t", String(clip.start));
    return `/search?${to}`;
  }
  const like = (clip: Clip) =>
    search({
      picture: { kind: "moment", video: clip.video_id, at: Math.round((clip.start + clip.end) * 500) / 1000 },
      text: "",
    });

  const language = LANGUAGES.find(({ id }) => id === params.get("code"))?.id ?? null;
  const isLost = state.picture?.kind === "file" && !fileOf(state.picture);
  const view = video && index && request && !isLost;
  return (
    <>
      {view ? (
        <HitView
          key={video}
          index={index}
          video={video}
          at={Number(params.get("t")) || 0}
          request={request}
          picture={state.picture}
          senses={senses}
          terms={terms}
          summary={summaryOf(state, senses, nameOf)}
          back={`/search?${withoutView(params)}`}
          hasKeys={hasKeys}
          onMoment={(seconds) => set({ t: String(seconds) })}
        />
      ) : (
        <SearchForm
          state={state}
          index={index}
          indexes={indexes}
          has={has ?? []}
          nameOf={nameOf}
          hasKeys={hasKeys}
          onSearch={search}
        />
      )}
      {known.error ? <Failure error={known.error} onRetry={() => known.refetch()} /> : null}
      {has?.length === 0 && (
        <div className="note warn">
          <p>This index cannot be searched: none of its engines searches.</p>
          <p>Next: choose another index, or make one with a marengo engine.</p>
        </div>
      )}
      {isLost && state.picture?.kind === "file" && (
        <div className="note warn">
          The picture “{state.picture.name}” came from a computer, and an address cannot hold it. Remove it and choose
          it again, or search by the URL of a picture: that can be shared.
        </div>
      )}
      <OnTheirWay index={index} />
      {request && !isLost && !view && (
        <section className="stack" aria-label="Results" aria-busy={found.isFetching}>
          <div className="row spread">
            <Found found={found} isByVideo={state.isByVideo} />
            <div className="row">
              <CopyButton label="Link to this search" text={window.location.href} />
              <Button icon="code" onPress={() => set({ code: "curl" })}>
                Copy as code
              </Button>
            </div>
          </div>
          {found.error ? <Failure error={found.error} onRetry={() => found.refetch()} /> : null}
          {pages[0] && index && (
            <div className={found.isPlaceholderData ? "stack search-outdated" : "stack"}>
              {pages[0].data.length === 0 ? (
                <NothingFound
                  state={state}
                  has={has ?? []}
                  videos={pages[0].search_pool.total_count}
                  onRelax={search}
                />
              ) : (
                <Results
                  pages={pages}
                  isByVideo={state.isByVideo}
                  {...{ index, terms, nameOf, linkTo }}
                  onLike={like}
                />
              )}
            </div>
          )}
          <More found={found} />
        </section>
      )}
      {request && (
        <CodeDialog
          request={request}
          picture={state.picture}
          language={language}
          onLanguage={(id: Language) => set({ code: id })}
          onClose={() => set({ code: null })}
        />
      )}
      <Checkbox isSelected={hasKeys} onChange={setKeys}>
        <span className="small soft">
          Single keys: <kbd>/</kbd> goes to the words, <kbd>n</kbd> and <kbd>p</kbd> step between hits
        </span>
      </Checkbox>
    </>
  );
}
