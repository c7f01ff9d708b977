//! The server is killed with `kill -9` at random moments, again and again: nothing may be lost, doubled or stuck, and
//! in the end everything is as if nothing had happened.
//!
//! The moments come from a seed that is printed; `TELECINE_KILL_SEED` plays them again (as far as the machine's own
//! timing allows), `TELECINE_KILLS` sets how many there are.

mod backup;
mod bucket;
mod chunks;
mod crowd;
mod crowd_outcome;
mod database;
mod database_probe;
mod installation;
mod kills;
mod monitoring;
mod nats;
mod outcome;
mod poison;
pub(crate) mod seed;
mod sim;
mod sim_answers;
mod store;
mod traces;
mod webhooks;
