//! What tests share: servers that they start, answers that they prepare.

pub(crate) mod account;
pub(crate) mod customer;
pub(crate) mod engines;
pub(crate) mod log;
pub(crate) mod nats;
pub(crate) mod own_postgres;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod servers;
pub(crate) mod stub;
pub(crate) mod vaults;
pub(crate) mod writer;
