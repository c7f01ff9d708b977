//! Still pictures: what is decoded, and what is refused before it costs anything.

use telecine_media::{Limits, MediaConfig, MediaError, MediaTools};

use crate::zoo::Zoo;

async fn tools() -> MediaTools {
    MediaTools::discover(MediaConfig::default()).await.unwrap()
}

#[tokio::test]
async fn jpeg_and_png_are_decoded_and_scaled_down_but_never_up() {
    let zoo = Zoo::new();
    let red = "-f lavfi -i color=c=red:s=640x320 -frames:v 1";
    for name in ["red.jpg", "red.png"] {
        let still = tools().await.decode_picture(&zoo.make(name, red), 64).await.unwrap();
        assert_eq!((still.width, still.height), (640, 320), "{name}");
        assert_eq!((still.frame.width, still.frame.height), (64, 32), "{name}");
        let [r, g, b] = still.frame.pixel(30, 15);
        assert!(r > 200 && g < 40 && b < 40, "{name}: {r} {g} {b}");
    }
    let small = zoo.make("small.png", "-f lavfi -i color=c=red:s=70x80 -frames:v 1");
    let still = tools().await.decode_picture(&small, 480).await.unwrap();
    assert_eq!((still.frame.width, still.frame.height), (70, 80));
}

#[tokio::test]
async fn what_is_no_picture_or_too_large_or_broken_is_refused() {
    let zoo = Zoo::new();
    let tools = tools().await;
    let gif = zoo.make("a.gif", "-f lavfi -i color=c=red:s=64x64 -frames:v 1");
    assert!(matches!(tools.decode_picture(&gif, 64).await, Err(MediaError::NotMedia { .. })));
    let film = zoo.make("a.mp4", "-f lavfi -i color=c=red:s=64x64 -frames:v 1");
    let disguised = zoo.path("film.png");
    std::fs::copy(&film, &disguised).unwrap();
    assert!(matches!(tools.decode_picture(&disguised, 64).await, Err(MediaError::NotMedia { .. })));
    let cut = zoo.path("cut.png");
    let whole = zoo.make("whole.png", "-f lavfi -i testsrc2=s=640x360 -frames:v 1");
    std::fs::write(&cut, &std::fs::read(whole).unwrap()[..40]).unwrap();
    let error = tools.decode_picture(&cut, 64).await.unwrap_err();
    assert!(matches!(error, MediaError::Broken { .. }), "{error}");
    let limits = Limits { max_pixels: 1_000, ..Limits::default() };
    let strict = MediaTools::discover(MediaConfig { limits, ..MediaConfig::default() }).await.unwrap();
    let large = zoo.make("large.png", "-f lavfi -i color=c=red:s=64x64 -frames:v 1");
    let error = strict.decode_picture(&large, 64).await.unwrap_err();
    assert!(matches!(error, MediaError::TooLarge { value: 4_096, limit: 1_000, .. }), "{error}");
    assert!(matches!(tools.decode_picture(&zoo.path("none.png"), 64).await, Err(MediaError::Io { .. })));
}
