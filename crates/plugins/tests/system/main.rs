//! The modules about the system against real systems: throwaway copies of this machine.

#![cfg(test)]

mod accounts;
mod attempts;
mod checkout;
mod files;
mod managers;
mod odd;
mod packages;
mod puppet;
mod puppet_server;
mod services;
mod throwaway;
mod waiting;

use attempts::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, text, would};
