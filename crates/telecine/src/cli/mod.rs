//! The command line: one clap enum, one file per command. Talks to a server over HTTP, except where it starts one.
