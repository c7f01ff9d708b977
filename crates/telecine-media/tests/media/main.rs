//! What the crate does to real files: a zoo of good, odd and hostile media, made by ffmpeg as the tests run, and
//! children that try to break out.

mod hostile;
mod limits;
mod picture;
mod sandbox;
mod sandbox_bounds;
mod stream;
mod timing;
mod zoo;
