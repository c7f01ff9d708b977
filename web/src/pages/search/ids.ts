// Ids of elements that get the focus.
export const HIT_TITLE = "hit-title";
export const hitId = (video: string, start: number) => `hit-${video}-${start}`;
