// Brings a video's stream (HLS: ranges of one fragmented MP4) into a <video>: by the browser itself where that is known to
// work, else by hls.js, which is loaded when it is first needed; codecs that it cannot feed to the browser, as the file itself.

/** Why it does not play, for the person. */
export interface PlaybackFault {
  message: string;
  next: string;
  /** Whether another link may help. */
  isLink: boolean;
}

const NETWORK: PlaybackFault = {
  message: "The stream could not be loaded.",
  next: "See that the server is running, then try again. Its log tells why it refused.",
  isLink: true,
};
const CODEC: PlaybackFault = {
  message: "This browser does not play the codec of this video.",
  next: "Open the page in another browser (HEVC and AC-3 play on Apple's), or have the server set streaming.reencode and index the video anew.",
  isLink: false,
};
const MEDIA: PlaybackFault = {
  message: "The video stopped: the browser could not decode it.",
  next: "Try again, or open the page in another browser; if it stays, index the video anew.",
  isLink: false,
};

/** Where the browser's own HLS is the proven way; Chromium's is young, so it takes hls.js. */
function isNative(element: HTMLVideoElement): boolean {
  const isApples = "ManagedMediaSource" in window || !("MediaSource" in window);
  return isApples && element.canPlayType("application/vnd.apple.mpegurl") !== "";
}

export interface AttachOptions {
  /** Where to begin loading. */
  startAt?: number;
  /** How far to load ahead. */
  ahead_s?: number;
  onFault: (fault: PlaybackFault) => void;
}

/** Begins; what it answers ends it. */
export function attach(element: HTMLVideoElement, url: string, options: AttachOptions): () => void {
  if (isNative(element)) return attachNative(element, url, options);
  let isOver = false;
  let end: (() => void) | undefined;
  import("hls.js/light").then(
    ({ default: Hls }) => {
      if (isOver) return;
      if (!Hls.isSupported()) return options.onFault(CODEC);
      const hls = new Hls({
        // The page's policy allows no workers.
        enableWorker: false,
        startPosition: options.startAt ?? -1,
        maxBufferLength: options.ahead_s ?? 30,
        maxMaxBufferLength: options.ahead_s ?? 120,
      });
      let recovered = 0;
      hls.on(Hls.Events.ERROR, (_, { fatal, type, details }) => {
        if (!fatal) return;
        const isCodec = details.toLowerCase().includes("codec");
        if (type === Hls.ErrorTypes.MEDIA_ERROR && !isCodec && recovered < 1) {
          recovered += 1;
          hls.recoverMediaError();
          return;
        }
        const file = hls.levels[0]?.details?.fragments[0]?.url;
        hls.destroy();
        // Browsers play more in a file than in a stream, such as MP3 beside pictures. The stream is a file.
        if (isCodec && file && element.canPlayType("video/mp4")) end = attachNative(element, file, options);
        else options.onFault(isCodec ? CODEC : type === Hls.ErrorTypes.NETWORK_ERROR ? NETWORK : MEDIA);
      });
      hls.loadSource(url);
      hls.attachMedia(element);
      end = () => hls.destroy();
    },
    () => isOver || options.onFault({ ...NETWORK, message: "The player could not be loaded." }),
  );
  return () => {
    isOver = true;
    end?.();
  };
}

function attachNative(element: HTMLVideoElement, url: string, { startAt, onFault }: AttachOptions): () => void {
  const failed = () => {
    const code = element.error?.code;
    onFault(code === MediaError.MEDIA_ERR_NETWORK ? NETWORK : code === MediaError.MEDIA_ERR_DECODE ? MEDIA : CODEC);
  };
  element.addEventListener("error", failed);
  element.src = url;
  if (startAt) element.currentTime = startAt;
  return () => {
    element.removeEventListener("error", failed);
    element.removeAttribute("src");
    element.load();
  };
}
