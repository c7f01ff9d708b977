//! Writers behind their seam: an endpoint of the OpenAI kind (a stub says what real ones say), and the whole way from
//! settings to text with a real model.

mod endpoint;
mod local;
