//! HTTP: the contract and our own API over it. The only module that knows a status; no SQL, no rules.
